"""The schema, as the ordered list of steps that lead to it. `PRAGMA user_version` counts the steps taken."""

import sqlite3
from collections.abc import Sequence

_FIRST = (
    "PRAGMA application_id = 0x45434c41",  # "ECLA": lets tools such as file(1) tell our file from others
    "CREATE TABLE flags (feature_id TEXT PRIMARY KEY, enabled INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",  # value: JSON
    "CREATE TABLE history ("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT,"  # the order of posting
    " installation_id TEXT NOT NULL UNIQUE,"
    " finished_at TEXT NOT NULL,"  # ISO 8601, UTC
    " data TEXT NOT NULL)",  # JSON
    "CREATE TABLE model_usage (name TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID",  # data: JSON
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST,)
"""Step n leads from version n to n + 1. A released step is never changed; new ones are appended."""

SCHEMA_VERSION = len(MIGRATIONS)


class NewerSchemaError(Exception):
    """The file was written by a newer version of the program than this one."""


def schema_version(connection: sqlite3.Connection) -> int:
    """How many steps the file has taken; 0 is a new file. Raises `sqlite3.Error`."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def migrate(connection: sqlite3.Connection, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> None:
    """Takes the steps that are missing, all in one transaction: a crash leaves the old file or the new.

    The version is read inside the transaction: another process may be migrating at the same moment.
    It always takes the write lock, so it also proves that the file can be written.
    Raises `NewerSchemaError`, `sqlite3.Error`; nothing is changed then.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = schema_version(connection)
        if version > len(migrations):
            raise NewerSchemaError
        for step in migrations[version:]:
            for statement in step:
                connection.execute(statement)
        if version < len(migrations):
            connection.execute(f"PRAGMA user_version = {len(migrations)}")
        connection.execute("COMMIT")
    finally:
        roll_back(connection)


def roll_back(connection: sqlite3.Connection) -> None:
    """Ends a transaction that is still open. Never raises: whoever calls this is handling the real error."""
    if connection.in_transaction:
        try:
            connection.execute("ROLLBACK")
        except sqlite3.Error:
            return  # SQLite has rolled back by itself, or the next use of the connection fails and says why
