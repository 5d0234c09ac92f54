"""A damaged file is set aside, never deleted; a fresh one is begun and the person is told where the old one lies."""

import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ecs_localai.store import HISTORY_READ, Store, StoredState, Table, damage
from ecs_localai.store.changes import put_row
from ecs_localai.store.opening import FILE_NAME
from tests.store.store_parts import answer, ask, execute, random_bytes, rows, start_child, wait_until

NOW = datetime(2025, 6, 1, tzinfo=UTC)


def written(folder: Path) -> Path:
    """A store with enough in it to have many pages; its file."""
    with Store.open(folder) as store:
        for number in range(300):
            store.add_history(f"id-{number}", NOW, b'"' + b"x" * 300 + b'"')
        store.set_setting("theme", "dark")
    return folder / FILE_NAME


def garbage(file: Path) -> None:
    file.write_bytes(random_bytes(1, 20_000))


def little_garbage(file: Path) -> None:
    file.write_bytes(random_bytes(2, 7))


def cut_in_the_header(file: Path) -> None:
    os.truncate(file, 50)


def cut_in_the_middle(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 8192 * 4096)


def spoilt_header(file: Path) -> None:
    file.write_bytes(random_bytes(3, 100) + file.read_bytes()[100:])


def spoilt_pages(file: Path) -> None:
    content = bytearray(file.read_bytes())
    middle = len(content) // 8192 * 4096
    content[middle : middle + 8192] = random_bytes(4, 8192)
    file.write_bytes(content)


def spoilt_old_rows(file: Path) -> None:
    """A page of history so old that a start doesn't read it."""
    content = bytearray(file.read_bytes())
    page = content.index(b"x" * 300) // 4096 * 4096
    content[page : page + 4096] = random_bytes(5, 4096)
    file.write_bytes(content)


def text_file(file: Path) -> None:
    file.write_text("This is no database.\n" * 100)


WHOLE = [garbage, little_garbage, cut_in_the_header, text_file]
"""After these nothing is left to be read."""
PARTIAL = [cut_in_the_middle, spoilt_header, spoilt_pages, spoilt_old_rows]


def set_aside(folder: Path) -> list[Path]:
    return sorted(folder.glob("ecs-localai.damaged-*.sqlite3"))


@pytest.mark.parametrize("spoil", [*WHOLE, *PARTIAL], ids=lambda spoil: spoil.__name__)
def test_a_damaged_file_is_set_aside(spoil: Callable[[Path], None], tmp_path: Path) -> None:
    file = written(tmp_path)
    spoil(file)
    damaged = file.read_bytes()
    with Store.open(tmp_path) as store:
        (old,) = set_aside(tmp_path)
        assert old.read_bytes() == damaged
        assert store.notice is not None
        assert str(old) in store.notice
        store.set_setting("theme", "light")
        assert store.flush()
    with Store.open(tmp_path) as store:
        assert store.notice is None
        assert store.initial.settings == {"theme": "light"}
    assert old.read_bytes() == damaged
    others = {path.name for path in tmp_path.iterdir() if not path.name.startswith(old.name)}
    assert others <= {FILE_NAME, "ecs-localai.lock"}


@pytest.mark.parametrize("spoil", WHOLE, ids=lambda spoil: spoil.__name__)
def test_where_nothing_can_be_read_a_fresh_file_is_begun(spoil: Callable[[Path], None], tmp_path: Path) -> None:
    spoil(written(tmp_path))
    with Store.open(tmp_path) as store:
        assert store.initial == StoredState()
        assert store.notice is not None
        assert "Nothing could be read out of it" in store.notice


@pytest.mark.parametrize("spoil", PARTIAL, ids=lambda spoil: spoil.__name__)
def test_what_is_not_damaged_itself_is_kept(spoil: Callable[[Path], None], tmp_path: Path) -> None:
    file = written(tmp_path)
    before = rows(tmp_path, "SELECT key, at, value FROM history ORDER BY rowid")
    pages = file.stat().st_size // 4096
    spoil(file)
    with Store.open(tmp_path) as store:
        assert store.notice is not None
        assert "could be read out of it" in store.notice
        assert store.initial.settings == {"theme": "dark"}
    kept = rows(tmp_path, "SELECT key, at, value FROM history ORDER BY rowid")
    assert [row for row in before if row in kept] == kept
    spoilt: dict[Callable[[Path], None], int] = {
        cut_in_the_middle: pages // 2 + 2,
        spoilt_header: 0,
        spoilt_pages: 2,
        spoilt_old_rows: 1,
    }
    assert len(kept) >= len(before) - spoilt[spoil] * 12  # at most so many rows lie in a page


def test_two_damaged_files_in_one_second_both_stay(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / FILE_NAME).write_bytes(random_bytes(number, 5000))
        Store.open(tmp_path).close()
    assert {old.read_bytes() for old in set_aside(tmp_path)} == {random_bytes(n, 5000) for n in range(3)}


@pytest.mark.parametrize("empty_file", [True, False])
def test_a_log_whose_file_is_gone_is_set_aside(empty_file: bool, tmp_path: Path) -> None:
    """SQLite would delete such a log when it begins the new file."""
    with Store.open(tmp_path / "full") as store:
        store.set_setting("theme", "dark")
        assert store.flush()
        log = (tmp_path / "full" / f"{FILE_NAME}-wal").read_bytes()
    folder = tmp_path / "log-only"
    folder.mkdir()
    (folder / f"{FILE_NAME}-wal").write_bytes(log)
    if empty_file:
        (folder / FILE_NAME).touch()
    with Store.open(folder) as store:
        assert store.notice is not None
        (old,) = folder.glob("ecs-localai.damaged-*.sqlite3-wal")
        assert str(old if not empty_file else old.with_suffix(".sqlite3")) in store.notice
        assert old.read_bytes() == log
        store.set_setting("theme", "light")
        assert store.flush()


def test_a_log_left_by_a_crash_is_no_damage(tmp_path: Path) -> None:
    with Store.open(tmp_path / "crashed") as store:
        store.set_setting("theme", "dark")
        assert store.flush()
        shutil.copytree(tmp_path / "crashed", tmp_path / "left")
    assert (tmp_path / "left" / f"{FILE_NAME}-wal").stat().st_size > 0
    with Store.open(tmp_path / "left") as store:
        assert store.notice is None
        assert store.initial.settings == {"theme": "dark"}


def test_what_is_set_while_the_file_is_damaged_under_us_is_saved(tmp_path: Path) -> None:
    """SQLite has read its pages already, so that the damage may be found only by the next start."""
    file = written(tmp_path)
    with Store.open(tmp_path) as store:
        garbage(file)
        store.set_setting("theme", "light")
        store.set_flag("auto_models", True)
        store.flush()
        assert store.flush()
    with Store.open(tmp_path) as store:
        assert store.notice is not None
        assert str(set_aside(tmp_path)[0]) in store.notice
        assert store.initial.flags == {"auto_models": True}
        assert store.initial.settings == {"theme": "light"}


def test_an_index_that_does_not_match_its_table_is_found_when_it_is_in_the_way(tmp_path: Path) -> None:
    written(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as other:
        other.execute("PRAGMA writable_schema = ON")
        (root,) = other.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_settings_1'"
        ).fetchone()
        (flags,) = other.execute("SELECT rootpage FROM sqlite_master WHERE name = 'flags'").fetchone()
    content = bytearray((tmp_path / FILE_NAME).read_bytes())
    content[(root - 1) * 4096 : root * 4096] = content[(flags - 1) * 4096 : flags * 4096]
    (tmp_path / FILE_NAME).write_bytes(content)
    with Store.open(tmp_path) as store:
        store.set_setting("theme", "light")
        store.flush()
        store.flush()
    with Store.open(tmp_path) as store:
        assert store.initial.settings == {"theme": "light"}
        assert len(store.initial.history) == HISTORY_READ


def test_damage_where_no_start_looks_is_found_a_moment_later(tmp_path: Path) -> None:
    file = written(tmp_path)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN")
        for number in range(3_000):
            put_row(other, Table.MEASUREMENTS, str(number), number * 1_000_000, '{"cpu_percent": [1, 2.0, 2.0, 2.0]}')
        other.execute("COMMIT")
    content = bytearray(file.read_bytes())
    page = content.index(b"cpu_percent") // 4096 * 4096
    content[page : page + 4096] = random_bytes(6, 4096)
    file.write_bytes(content)
    with Store.open(tmp_path) as store:
        assert store.initial.settings == {"theme": "dark"}
        wait_until(lambda: store.notice is not None, "the damage is found")
        assert str(set_aside(tmp_path)[0]) in (store.notice or "")
        store.set_setting("theme", "light")
        assert store.flush()
    with Store.open(tmp_path) as store:
        assert store.initial.settings == {"theme": "light"}
        assert len(store.initial.history) == HISTORY_READ
    (kept,) = rows(tmp_path, "SELECT count(*) FROM measurements")
    assert isinstance(kept[0], int)
    assert 2_800 < kept[0] < 3_000


def test_processes_that_find_the_same_damage_set_it_aside_once(tmp_path: Path) -> None:
    garbage(tmp_path / FILE_NAME)
    names = ["first", "second", "third"]
    children = [start_child("share", str(tmp_path), name, "5") for name in names]
    assert [answer(child) for child in children] == ["ready"] * len(names)
    for child in children:
        ask(child, "go")
    for child in children:
        out, _ = child.communicate(timeout=60)
        assert out == "True []\n"
    assert len(set_aside(tmp_path)) == 1
    assert rows(tmp_path, "SELECT count(*) FROM flags") == [(15,)]


def test_damage_that_another_process_is_repairing_is_left_to_it(tmp_path: Path) -> None:
    file = tmp_path / FILE_NAME
    garbage(file)
    opened: list[Store] = []
    opener = threading.Thread(target=lambda: opened.append(Store.open(tmp_path)))
    with damage.repairing(file):
        opener.start()
        opener.join(0.3)  # long enough to do harm
        assert opener.is_alive()
        assert not set_aside(tmp_path)
        damage.set_aside(file)
        execute(tmp_path, "PRAGMA journal_mode = WAL")
    opener.join()
    with opened[0] as store:
        assert store.notice is None
    assert len(set_aside(tmp_path)) == 1


def test_where_an_old_file_lies_stays_said_when_the_fresh_one_is_opened_again(tmp_path: Path) -> None:
    garbage(tmp_path / FILE_NAME)
    with Store.open(tmp_path) as store:
        first = store.notice
        assert first is not None
        for part in tmp_path.glob(f"{FILE_NAME}*"):
            part.unlink()
        store.set_setting("theme", "light")
        assert store.flush()
        assert store.notice == first
        store.set_setting("scale", 2)
        assert store.flush()
        (tmp_path / FILE_NAME).unlink()  # its log stays, and is set aside too
        store.set_setting("theme", "dark")
        assert store.flush()
        assert store.notice.startswith(first)
        assert store.notice.endswith(".sqlite3-wal.")
