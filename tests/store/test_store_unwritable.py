"""Where nothing can be written the program goes on, says so, and saves as soon as it can."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from ecs_localai.store import Store, StoredState
from ecs_localai.store.opening import FILE_NAME
from tests.store.store_parts import fill, remount, rows, small_disk, wait_until

LONG = "x" * 200_000


def all_is_well(store: Store) -> bool:
    return store.notice is None


def test_a_folder_below_a_file_cannot_be_used_until_it_can(tmp_path: Path) -> None:
    obstacle = tmp_path / "file"
    obstacle.write_text("in the way")
    with Store.open(obstacle / "data") as store:
        assert store.initial == StoredState()
        assert store.notice is not None
        assert str(obstacle / "data") in store.notice
        store.set_setting("theme", "dark")
        assert not store.flush()
        assert list(store.failures) == [store.notice]
        obstacle.unlink()
        assert store.flush()
        assert all_is_well(store)
    assert rows(obstacle / "data", "SELECT key, value FROM settings") == [("theme", '"dark"')]


def test_what_could_not_be_saved_is_named_at_the_end(tmp_path: Path) -> None:
    obstacle = tmp_path / "file"
    obstacle.write_text("in the way")
    store = Store.open(obstacle / "data")
    store.set_setting("theme", "dark")
    store.set_setting("scale", 2)
    assert not store.close()
    assert "2 changes could not be saved before closing" in store.failures[-1]
    assert obstacle.read_text() == "in the way"


def test_a_read_only_disk_is_read_and_written_once_it_can_be(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        with Store.open(disk / "data") as store:
            store.set_setting("theme", "dark")
        remount(disk, "ro")
        with Store.open(disk / "data") as store:
            assert store.initial.settings == {"theme": "dark"}
            assert store.notice is not None
            assert "Nothing can be saved" in store.notice
            store.set_setting("theme", "light")
            assert not store.flush()
            remount(disk, "rw")
            # Nobody asks: the writer tries again by itself.
            wait_until(lambda: all_is_well(store), "the writer's own retry")
            assert store.flush()
        with Store.open(disk / "data") as store:
            assert store.notice is None
            assert store.initial.settings == {"theme": "light"}


def test_an_empty_read_only_disk_is_no_obstacle(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        remount(disk, "ro")
        with Store.open(disk / "data") as store:
            assert store.initial == StoredState()
            assert store.notice is not None
            assert "Nothing can be saved" in store.notice


def test_a_disk_that_fills_up_loses_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        with Store.open(disk / "data") as store:
            store.set_setting("theme", "dark")
            assert store.flush()
            filler = fill(disk)
            store.set_setting("long", LONG)
            assert not store.flush()
            assert "full" in store.failures[0]
            store.set_flag("auto_models", True)
            assert not store.flush()
            filler.unlink()
            assert store.flush()
            assert all_is_well(store)
        with Store.open(disk / "data") as store:
            assert store.notice is None
            assert store.initial == StoredState(flags={"auto_models": True}, settings={"theme": "dark", "long": LONG})


def test_a_full_disk_is_read_at_the_start_and_written_once_there_is_space(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        with Store.open(disk / "data") as store:
            store.set_setting("theme", "dark")
        filler = fill(disk)
        with Store.open(disk / "data") as store:
            assert store.initial.settings == {"theme": "dark"}
            assert store.notice is not None
            assert "(the disk is full)" in store.notice
            store.set_setting("theme", "light")
            assert not store.flush()
            filler.unlink()
            assert store.flush()
            assert all_is_well(store)
        with Store.open(disk / "data") as store:
            assert store.initial.settings == {"theme": "light"}


def test_a_store_begun_on_a_full_disk_is_saved_once_there_is_space(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        filler = fill(disk)
        with Store.open(disk / "data") as store:
            assert store.initial == StoredState()
            assert store.notice is not None
            assert "(the disk is full)" in store.notice
            store.set_setting("theme", "light")
            assert not store.flush()
            filler.unlink()
            assert store.flush()
        with Store.open(disk / "data") as store:
            assert store.notice is None
            assert store.initial.settings == {"theme": "light"}


def test_changes_wait_while_another_program_holds_the_lock(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            store.set_setting("theme", "dark")  # comes back at once, or this test would never end
            assert not store.flush(timeout=0.3)
            assert rows(tmp_path, "SELECT * FROM settings") == []
            other.execute("ROLLBACK")
        assert store.flush()
        assert not store.failures
    assert rows(tmp_path, "SELECT value FROM settings") == [('"dark"',)]


def test_a_folder_deleted_while_open_is_begun_again(tmp_path: Path) -> None:
    """SQLite alone would go on writing into a file that has no name any more."""
    folder = tmp_path / "data"
    with Store.open(folder) as store:
        store.set_setting("old", 1)
        assert store.flush()
        shutil.rmtree(folder)
        store.set_setting("new", 2)
        assert store.flush()
    assert rows(folder, "SELECT key FROM settings") == [("new",)]
