"""Looking into the file beside the store: what it says, that it is sound, and that nothing is changed by looking."""

from __future__ import annotations

import os
import random
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ecs_localai.store import Store
from ecs_localai.store.migrations import SCHEMA_VERSION
from ecs_localai.store.opening import FILE_NAME
from ecs_localai.store.reading import (
    ReadingError,
    check_file,
    copies_beside,
    is_open,
    read_history,
    read_summary,
)
from ecs_localai.store.tables import Table
from tests.store.store_parts import execute, rows, write_row

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


def filled(folder: Path) -> Path:
    """A file with something of everything that says when it was; returns where it lies."""
    with Store.open(folder) as store:
        store.set_flag("auto_models", True)
        store.set_setting("panel", {"theme": "dark"})
        for number in range(5):
            store.add_history(f"i{number}", NOW + timedelta(minutes=number), b'{"n":%d}' % number)
        store.put_context("page", b'{"text":"hello"}', NOW, timedelta(days=36_000))
        store.add_measurements(NOW, {"cpu_percent": 5.0})
        store.add_measurements(NOW + timedelta(seconds=30), {"cpu_percent": 7.0})
        assert store.flush()
    return folder / FILE_NAME


def beside(folder: Path) -> dict[str, bytes]:
    """All files there with their content."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_summary_counts_what_is_there_and_says_when_it_was(tmp_path: Path) -> None:
    summary = read_summary(filled(tmp_path))
    assert summary.schema == SCHEMA_VERSION
    assert {table: one.entries for table, one in summary.tables.items() if one.entries} == {
        Table.FLAGS: 1,
        Table.SETTINGS: 1,
        Table.HISTORY: 5,
        Table.CONTEXT: 1,
        Table.MEASUREMENTS: 2,
    }
    history = summary.tables[Table.HISTORY]
    assert (history.oldest, history.newest) == (NOW, NOW + timedelta(minutes=4))
    assert history.size == 5 * len('i0{"n":0}')
    assert summary.tables[Table.CONTEXT].oldest == NOW  # not when it ends
    assert summary.tables[Table.MEASUREMENTS].newest == NOW + timedelta(seconds=30)
    assert summary.tables[Table.FLAGS].oldest is None


def test_looking_creates_and_changes_nothing(tmp_path: Path) -> None:
    file = filled(tmp_path)
    before = beside(tmp_path)
    assert list(before) == [FILE_NAME]
    read_summary(file)
    assert check_file(file).problems == []
    read_history(file, 3)
    copies_beside(file)
    assert beside(tmp_path) == before


def test_where_there_is_no_file_none_is_made(tmp_path: Path) -> None:
    file = tmp_path / "nowhere" / FILE_NAME
    for look in (read_summary, check_file):
        with pytest.raises(ReadingError, match="nothing has been kept yet"):
            look(file)
    assert read_history(file, 3) == []
    assert copies_beside(file) == []
    assert not is_open(file)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_told_as_such(tmp_path: Path) -> None:
    file = tmp_path / FILE_NAME
    file.touch()
    with pytest.raises(ReadingError, match="is empty"):
        read_summary(file)
    assert (check_file(file).schema, check_file(file).problems) == (0, [])


def test_what_lies_in_the_log_of_an_open_store_is_seen(tmp_path: Path) -> None:
    file = tmp_path / FILE_NAME
    with Store.open(tmp_path) as store:
        store.set_flag("fresh", True)
        assert store.flush()
        assert is_open(file)
        assert file.with_name(f"{FILE_NAME}-wal").stat().st_size > 0
        assert read_summary(file).tables[Table.FLAGS].entries == 1
        assert (check_file(file).entries, check_file(file).problems) == (1, [])
        store.set_flag("fresher", True)  # our connections kept nobody from writing
        assert store.flush()
    assert not is_open(file)
    assert read_summary(file).tables[Table.FLAGS].entries == 2


def test_history_is_read_page_by_page_the_newest_first(tmp_path: Path) -> None:
    file = filled(tmp_path)
    first = read_history(file, 2)
    assert [one.installation_id for one in first] == ["i4", "i3"]
    assert (first[0].finished_at, first[0].data) == (NOW + timedelta(minutes=4), b'{"n":4}')
    second = read_history(file, 9, before="i3")
    assert [one.installation_id for one in second] == ["i2", "i1", "i0"]
    assert read_history(file, 9, before="i0") == []
    assert read_history(file, 9, before="no such") == []


def test_a_row_that_was_changed_is_found_and_left_out(tmp_path: Path) -> None:
    file = filled(tmp_path)
    execute(tmp_path, "UPDATE history SET value = ? WHERE key = ?", '{"n":9}', "i2")
    checked = check_file(file)
    assert checked.is_usable
    assert checked.entries == 10
    assert checked.problems == [
        "Saved data holds something unreadable: the installation 'i2' was skipped (it is not what was written)."
    ]
    assert [one.installation_id for one in read_history(file, 9)] == ["i4", "i3", "i1", "i0"]


def test_of_many_problems_the_first_are_told_and_the_rest_counted(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        for number in range(50):
            store.set_flag(f"f{number}", True)
    execute(tmp_path, "UPDATE flags SET value = 'false'")
    problems = check_file(tmp_path / FILE_NAME).problems
    assert len(problems) == 21
    assert problems[-1] == "There are 30 more."


def test_damage_to_the_structure_is_a_problem_and_no_exception(tmp_path: Path) -> None:
    file = filled(tmp_path)
    data = bytearray(file.read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)
    file.write_bytes(data)
    checked = check_file(file)
    assert checked.problems
    assert not checked.is_usable
    file.write_bytes(b"this is no database, whatever its name says; it is long enough to be one" * 9)
    checked = check_file(file)
    assert (checked.schema, checked.is_usable) == (None, False)
    assert "file is not a database" in checked.problems[0]
    with pytest.raises(ReadingError, match="data check"):
        read_summary(file)


def test_bits_that_flip_are_found_or_harm_nothing(tmp_path: Path) -> None:
    file = filled(tmp_path)
    sound = file.read_bytes()
    history = [(one.installation_id, one.data) for one in read_history(file, 99)]
    chance = random.Random(20261123)
    for _ in range(1000):
        damaged = bytearray(sound)
        place = chance.randrange(len(damaged))
        damaged[place] ^= 1 << chance.randrange(8)
        file.write_bytes(damaged)
        for look in (read_summary, check_file):
            try:
                look(file)
            except ReadingError:
                continue
        try:
            rows_now = [(one.installation_id, one.data) for one in read_history(file, 99)]
        except ReadingError:
            continue
        assert set(rows_now) <= set(history), place  # what is believed is what was written
    file.write_bytes(sound)
    assert check_file(file).problems == []


def test_a_log_without_its_file_is_damage(tmp_path: Path) -> None:
    (tmp_path / f"{FILE_NAME}-wal").write_bytes(b"x" * 99)
    checked = check_file(tmp_path / FILE_NAME)
    assert (checked.is_usable, checked.problems) == (
        False,
        ["The file is empty or missing, but its write-ahead log is not."],
    )


def test_a_missing_table_is_told(tmp_path: Path) -> None:
    file = filled(tmp_path)
    execute(tmp_path, "DROP TABLE flags")
    checked = check_file(file)
    assert (checked.problems, checked.is_usable) == (["The table flags is missing."], False)


@pytest.mark.parametrize(("version", "said"), [(1, "older version"), (SCHEMA_VERSION + 1, "newer version")])
def test_a_file_of_another_version_is_checked_and_not_looked_into(tmp_path: Path, version: int, said: str) -> None:
    file = filled(tmp_path)
    execute(tmp_path, f"PRAGMA user_version = {version}")
    before = beside(tmp_path)
    for look in (read_summary, lambda path: read_history(path, 1)):
        with pytest.raises(ReadingError, match=said):
            look(file)
    checked = check_file(file)
    assert (checked.schema, checked.entries, checked.problems) == (version, 0, [])
    assert beside(tmp_path) == before


def test_a_folder_that_cannot_be_written_is_read_all_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    file = filled(folder)
    folder.chmod(0o500)
    try:
        assert read_summary(file).tables[Table.HISTORY].entries == 5
    finally:
        folder.chmod(0o700)


def test_copies_that_lie_beside_are_named_with_what_they_are(tmp_path: Path) -> None:
    file = filled(tmp_path)
    shutil.copy(file, tmp_path / "ecs-localai.schema-1.sqlite3")
    (tmp_path / "ecs-localai.damaged-20261123T120000Z.sqlite3").write_bytes(b"x" * 7)
    (tmp_path / "ecs-localai.damaged-20261123T120000Z.sqlite3-wal").write_bytes(b"y")
    (tmp_path / "another file").touch()
    assert [(Path(one.file).name, one.what) for one in copies_beside(file)] == [
        ("ecs-localai.damaged-20261123T120000Z.sqlite3", "a damaged file that was set aside"),
        ("ecs-localai.damaged-20261123T120000Z.sqlite3-wal", "a damaged file that was set aside"),
        ("ecs-localai.schema-1.sqlite3", "as it was before a newer version took it over"),
    ]
    assert [one.size for one in copies_beside(file)][:2] == [7, 1]


def test_the_mark_of_a_deletion_is_nothing_that_is_kept(tmp_path: Path) -> None:
    file = filled(tmp_path)
    write_row(tmp_path, Table.SETTINGS, "store.wipe", "true")
    assert len(rows(tmp_path, "SELECT key FROM settings")) == 2
    assert read_summary(file).tables[Table.SETTINGS].entries == 1
