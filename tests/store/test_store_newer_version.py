"""A file from a newer version is shown and left as it is; the schema's own steps are taken whole or not at all."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ecs_localai.store import ModelUsage, Store, StoredState, Table
from ecs_localai.store.changes import put_row
from ecs_localai.store.migrations import SCHEMA_VERSION, STEPS, NewerSchemaError, migrate, schema_version
from ecs_localai.store.opening import FILE_NAME
from tests.store.store_parts import execute, rows

STATE = StoredState(flags={"auto_models": True}, settings={"theme": "dark"}, model_usage={"m": ModelUsage(3)})


def written(folder: Path) -> None:
    with Store.open(folder) as store:
        store.set_flag("auto_models", True)
        store.set_setting("theme", "dark")
        store.set_model_usage("m", ModelUsage(3))


def changes_are_refused(store: Store) -> None:
    store.set_setting("theme", "light")
    assert not store.flush()
    assert store.notice is not None
    assert "newer version" in store.notice
    assert list(store.failures) == [store.notice]
    store.set_flag("auto_models", False)
    assert not store.flush()
    assert not store.close()


def test_a_newer_file_is_read_and_not_changed_by_a_byte(tmp_path: Path) -> None:
    written(tmp_path)
    execute(tmp_path, "PRAGMA user_version = 99")
    before = (tmp_path / FILE_NAME).read_bytes()
    store = Store.open(tmp_path)
    assert store.initial == STATE
    changes_are_refused(store)
    assert (tmp_path / FILE_NAME).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME], "as if a program had it open"


def test_the_log_of_a_newer_file_is_read_and_not_changed_by_a_byte(tmp_path: Path) -> None:
    """The newer version was killed: what it saved last, its version too, is in the log only."""
    written(tmp_path / "running")
    left = tmp_path / "left"
    with closing(sqlite3.connect(tmp_path / "running" / FILE_NAME, isolation_level=None)) as newer:
        put_row(newer, Table.SETTINGS, "theme", 0, '"light"')
        newer.execute("PRAGMA user_version = 99")
        shutil.copytree(tmp_path / "running", left)
    names = (FILE_NAME, f"{FILE_NAME}-wal")
    before = [(left / name).read_bytes() for name in names]
    store = Store.open(left)
    assert store.initial.settings == {"theme": "light"}
    changes_are_refused(store)
    assert [(left / name).read_bytes() for name in names] == before


def test_a_newer_file_that_keeps_things_elsewhere_is_left_alone(tmp_path: Path) -> None:
    written(tmp_path)
    execute(tmp_path, "ALTER TABLE flags RENAME TO switches")
    execute(tmp_path, "PRAGMA user_version = 99")
    before = (tmp_path / FILE_NAME).read_bytes()
    store = Store.open(tmp_path)
    assert store.initial == StoredState()
    assert store.notice is not None
    assert "cannot read it" in store.notice
    store.close()
    assert (tmp_path / FILE_NAME).read_bytes() == before


def test_a_newer_version_that_takes_the_file_over_while_it_is_open_is_respected(tmp_path: Path) -> None:
    written(tmp_path)
    store = Store.open(tmp_path)
    assert store.notice is None
    execute(tmp_path, "PRAGMA user_version = 99")
    changes_are_refused(store)
    assert rows(tmp_path, "SELECT value FROM settings") == [('"dark"',)]


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "file", isolation_level=None)) as opened:
        yield opened


def add_column(connection: sqlite3.Connection) -> list[str]:
    connection.execute("ALTER TABLE settings ADD COLUMN changed_at TEXT")
    connection.execute("UPDATE settings SET changed_at = 'then'")
    return []


def break_off(connection: sqlite3.Connection) -> list[str]:
    connection.execute("CREATE TABLE more (a)")
    connection.execute("INSERT INTO nowhere VALUES (1)")
    return []


def test_missing_steps_are_taken_and_data_is_kept(connection: sqlite3.Connection) -> None:
    migrate(connection)
    put_row(connection, Table.SETTINGS, "theme", 0, "1")
    for _ in range(2):
        migrate(connection, (*STEPS, add_column))
        assert schema_version(connection) == SCHEMA_VERSION + 1
        assert connection.execute("SELECT key, value, changed_at FROM settings").fetchall() == [("theme", "1", "then")]


def test_a_step_that_fails_leaves_the_file_as_it_was(connection: sqlite3.Connection) -> None:
    migrate(connection)
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        migrate(connection, (*STEPS, break_off))
    assert schema_version(connection) == SCHEMA_VERSION
    assert not connection.in_transaction
    assert connection.execute("SELECT name FROM sqlite_master WHERE name = 'more'").fetchall() == []


def test_a_newer_schema_is_not_migrated(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA user_version = 99")
    with pytest.raises(NewerSchemaError):
        migrate(connection)
    assert schema_version(connection) == 99
    assert not connection.in_transaction
