"""The model of a disk that loses what was not synced: it loses that, and nothing else. A real program is recorded."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path, PurePosixPath

from tests.conftest import _or_skip
from tests.rig.power_cut import Disk
from tests.rig.write_log import Event, Said, record

PROGRAM = """
import os, sys
folder = sys.argv[1]
file = os.open(folder + "/kept", os.O_CREAT | os.O_RDWR)
os.write(file, b"a" * 3000)
os.fsync(file)
names = os.open(folder, os.O_RDONLY)
os.fsync(names)
os.write(1, b"synced")
os.pwrite(file, b"b" * 3000, 1000)
os.rename(folder + "/kept", folder + "/renamed")
open(folder + "/new", "wb").write(b"c" * 10)
os.write(1, b"written")
os.fsync(file)
os.fsync(names)
os.write(1, b"synced again")
"""


def test_what_was_not_synced_may_be_lost_in_every_way_and_the_rest_never(tmp_path: Path) -> None:
    (tmp_path / "before").mkdir()
    (tmp_path / "data").mkdir()
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "data")]
    events: list[Event] = _or_skip(lambda: record(command, tmp_path / "data", os.environ))
    assert [event.text for event in events if isinstance(event, Said)] == ["synced", "written", "synced again"]
    disk = Disk(tmp_path / "before")
    chance = random.Random(1)
    found: dict[str, set[tuple[tuple[str, bytes | None], ...]]] = {}
    for event in events:
        disk.apply(event)
        if isinstance(event, Said):
            found[event.text] = {after(disk, chance) for _ in range(3000)}

    assert found["synced"] == {(("kept", b"a" * 3000),)}
    names = {tuple(name for name, _ in files) for files in found["written"]}
    assert names == {("kept",), ("renamed",), ("new", "renamed")}
    contents = {content for files in found["written"] for name, content in files if name != "new"}
    whole = b"a" * 1000 + b"b" * 3000
    assert {b"a" * 3000, whole, whole[:3584]} <= contents
    assert b"a" * 1536 + b"b" * 1464 in {
        (content or b"")[:3000] for content in contents
    }  # the first sector did not come
    assert all((content or b"").startswith(b"a" * 1000) for content in contents)
    kept = {content for files in found["synced again"] for name, content in files if name == "renamed"}
    assert kept == {whole}
    assert {b"", b"c" * 10} <= {content for files in found["synced again"] for name, content in files if name == "new"}


def after(disk: Disk, chance: random.Random) -> tuple[tuple[str, bytes | None], ...]:
    """One folder that a power cut may leave now."""
    names: dict[PurePosixPath, bytes | None] = disk.after_power_cut(chance)
    return tuple(sorted((str(path), content) for path, content in names.items()))
