"""The power goes at any moment: nothing that was acknowledged is lost, and the file still opens as if nothing were.

A real program's system calls are recorded while it uses a real store; a model of a disk that keeps nothing which was
not synced (``tests/rig/power_cut.py`` says what may be left, and why) makes from them folders as a power cut may leave
them; each is opened by the real store. What the program says on its standard output is in the same record, so it is
certain what had been acknowledged when the power went. A measurement that came last, alone, may be lost all the same:
the store does not wake the disk for that.

About 100 cuts; 2,000 with ``ECS_LOCALAI_FUZZ`` set.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from ecs_localai.store import Store, StoredState
from ecs_localai.store.opening import FILE_NAME
from tests.conftest import _or_skip
from tests.rig.parts import ROOT
from tests.rig.power_cut import Disk, lay_out
from tests.rig.write_log import Event, Said, Written, record
from tests.store.store_parts import rows
from tests.store.storm import certain_without_power, found_again, survived

ALL = "ECS_LOCALAI_FUZZ" in os.environ
CUTS = 2000 if ALL else 100

pytestmark = pytest.mark.timeout(0 if ALL else 120)


class Recorded(NamedTuple):
    """What the folder held before, and what happened to it."""

    before: Path
    events: list[Event]


def recorded(before: Path, work: Path, command: str, *arguments: str, inside: str = ".") -> Recorded:
    """What a child did that went on in such a folder, or in one inside of it."""
    folder = work / "data"
    shutil.copytree(before, folder)
    child = [sys.executable, "-W", "error", "-m", "tests.store.storm_child", command, str(folder / inside), *arguments]
    path = os.pathsep.join(path for path in (str(ROOT), *sys.path) if path)
    events = _or_skip(lambda: record(child, folder, os.environ | {"PYTHONPATH": path}))
    shutil.rmtree(folder)
    return Recorded(before, events)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """A story that begins in an empty folder."""
    work = tmp_path_factory.mktemp("first")
    (work / "before").mkdir()
    return recorded(work / "before", work, "story", "0")


def moments(events: list[Event], count: int, chance: random.Random) -> list[int]:
    """After how many events the power goes: half of the cuts lie beside what is rarer than a write."""
    rare = [index for index, event in enumerate(events) if not isinstance(event, Written)]
    return sorted(
        chance.randint(0, len(events)) if chance.random() < 0.5 else chance.choice(rare) + chance.choice((0, 1))
        for _ in range(count)
    )


def cuts(
    story: Recorded, count: int, chance: random.Random, work: Path, *, journal: bool = False
) -> Iterator[tuple[Path, str]]:
    """A folder for each cut, and the last thing that the program had said."""
    disk = Disk(story.before, journal=journal)
    events = iter(enumerate(story.events))
    happened, said = 0, ""
    for moment in moments(story.events, count, chance):
        while happened < moment:
            _, event = next(events)
            disk.apply(event)
            said = event.text if isinstance(event, Said) else said
            happened += 1
        folder = work / "cut"
        shutil.rmtree(folder, ignore_errors=True)
        lay_out(disk.after_power_cut(chance), folder)
        yield folder, said


def acknowledged(said: str) -> int:
    """The number in the child's "saved 12"."""
    return int(said.split()[1]) if said else 0


def check(story: Recorded, count: int, chance: random.Random, work: Path, least: int = 0) -> None:
    """Every promise after every cut."""
    for folder, said in cuts(story, count, chance, work):
        saved = acknowledged(said)
        assert not found_again(folder, saved)
        assert survived(folder) >= max(certain_without_power(saved), least)


def test_what_was_acknowledged_before_the_power_went_is_there(first: Recorded, tmp_path: Path) -> None:
    check(first, CUTS // 2, random.Random(1), tmp_path)


def test_the_power_may_go_again_after_it_came_back(first: Recorded, tmp_path: Path) -> None:
    """The second story goes on in what the first cut has left: it begins with a recovery."""
    chance = random.Random(2)
    for number in range(10 if ALL else 1):
        work = tmp_path / str(number)
        work.mkdir()
        (folder, _), *_ = cuts(first, 1, chance, work)
        before = folder.rename(work / "before")
        there = survived(shutil.copytree(before, work / "copy"))
        check(recorded(before, work, "story", str(there)), CUTS // 5 // (10 if ALL else 1), chance, work, there)


def test_the_power_may_go_while_everything_begins(tmp_path: Path) -> None:
    """The folder is made by the program as well. POSIX leaves open whether that outlives a power cut; journals do."""
    (tmp_path / "before").mkdir()
    story = recorded(tmp_path / "before", tmp_path, "visit", inside="new/data")
    for folder, said in cuts(story, CUTS // 5, random.Random(3), tmp_path, journal=True):
        settings = opened(folder / "new" / "data").settings
        assert settings == {"visited": True} or (settings == {} and said != "saved\n")


@pytest.mark.parametrize("name", ["schema-1-closed", "schema-1-killed"])
def test_the_power_may_go_during_a_migration(name: str, tmp_path: Path) -> None:
    """The file is as it was, or migrated with the copy of what it was beside it; nothing of it is missing."""
    before = Path(__file__).with_name("released") / name
    story = recorded(before, tmp_path, "visit")
    right = opened(shutil.copytree(before, tmp_path / "right"))
    for folder, said in cuts(story, CUTS // 10, random.Random(name), tmp_path):
        looked_at = shutil.copytree(folder, tmp_path / "looked at")
        if rows(looked_at, "PRAGMA user_version") != [(1,)]:
            copy = folder / "ecs-localai.schema-1.sqlite3"
            assert contents(copy) == contents(tmp_path / "right" / copy.name)
        shutil.rmtree(looked_at)
        found = opened(folder)
        visited = found.settings.pop("visited", False)
        assert found == right
        assert visited or said != "saved\n"


def test_the_power_may_go_while_a_damaged_file_is_set_aside(tmp_path: Path) -> None:
    """The damaged bytes are still there, under one name or the other; what can be read out of them is as well."""
    before = damaged(tmp_path)
    spoilt = (before / FILE_NAME).read_bytes()
    story = recorded(before, tmp_path, "visit")
    with Store.open(shutil.copytree(before, tmp_path / "right")) as store:
        right = store.initial.flags
    assert right
    for folder, said in cuts(story, CUTS // 10, random.Random(4), tmp_path):
        assert spoilt in [file.read_bytes() for file in folder.iterdir()]
        with Store.open(folder) as store:
            assert store.initial.flags == right
            assert store.initial.settings.get("visited", False) or said != "saved\n"
            assert not list(store.failures)


def damaged(work: Path) -> Path:
    """A folder whose file has lost a page of its settings, but not its flags."""
    folder = work / "before"
    with Store.open(folder) as store:
        for number in range(50):
            store.set_flag(f"flag-{number}", True)
            store.set_setting(f"spoilt-{number}", "x" * 200)
    content = bytearray((folder / FILE_NAME).read_bytes())
    page = content.index(b"x" * 200) // 4096 * 4096
    content[page : page + 4096] = random.Random(5).randbytes(4096)
    (folder / FILE_NAME).write_bytes(content)
    return folder


def opened(folder: Path) -> StoredState:
    """What the program finds there; fails the test if it has anything to say about it."""
    with Store.open(folder) as store:
        assert (store.notice, list(store.failures)) == (None, [])
    return store.initial


def contents(file: Path) -> list[str]:
    """Everything that a database holds, as SQL."""
    assert file.exists()
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        return list(connection.iterdump())
