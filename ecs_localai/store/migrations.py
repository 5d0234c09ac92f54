"""The schema: how a new file begins, and the steps that lead to it from older ones.

`PRAGMA user_version` says which schema a file has. A released step is never changed; new ones are appended.
"""

import sqlite3
from collections.abc import Callable, Sequence

from ecs_localai.store.changes import put_row
from ecs_localai.store.schema_1 import read_schema_1
from ecs_localai.store.tables import Table, create_statement

APPLICATION_ID = 0x45434C41
"""ASCII "ECLA": lets tools such as file(1) tell our file from others."""

Step = Callable[[sqlite3.Connection], list[str]]


class NewerSchemaError(Exception):
    """The file was written by a newer version of the program than this one."""


def _from_1_to_2(connection: sqlite3.Connection) -> list[str]:
    """All tables of one shape, with checksums; each host is a row, where the list of them was one setting."""
    rows, unreadable = read_schema_1(connection)
    for name in ("flags", "settings", "history", "model_usage"):
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    _create(connection)
    for row in rows:
        put_row(connection, row.table, row.key, row.at, row.value)
    return unreadable


STEPS: tuple[Step, ...] = (_from_1_to_2,)
"""Step n leads from schema n + 1 to n + 2."""

SCHEMA_VERSION = len(STEPS) + 1


def schema_version(connection: sqlite3.Connection) -> int:
    """Which schema the file has; 0 for a new file. Raises `sqlite3.Error`."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def migrate(connection: sqlite3.Connection, steps: Sequence[Step] = STEPS) -> list[str]:
    """Begins a new file, or takes the steps that are missing, all in one transaction: a crash leaves the old file or
    the new. Returns a sentence for each row that made no sense and was left behind.

    The version is read inside the transaction: another process may be migrating at the same moment.
    It always takes the write lock, so it also proves that the file can be written.
    Raises `NewerSchemaError`, `sqlite3.Error`; nothing is changed then.
    """
    sentences: list[str] = []
    newest = len(steps) + 1
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = schema_version(connection)
        if version > newest:
            raise NewerSchemaError
        if version == 0:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            _create(connection)
            version = SCHEMA_VERSION
        for step in steps[version - 1 :]:
            sentences += step(connection)
        connection.execute(f"PRAGMA user_version = {newest}")
        connection.execute("COMMIT")
    finally:
        roll_back(connection)
    return sentences


def roll_back(connection: sqlite3.Connection) -> None:
    """Ends a transaction that is still open. Never raises: whoever calls this is handling the real error."""
    if connection.in_transaction:
        try:
            connection.execute("ROLLBACK")
        except sqlite3.Error:
            return  # SQLite has rolled back by itself, or the next use of the connection fails and says why


def _create(connection: sqlite3.Connection) -> None:
    for table in Table:
        connection.execute(create_statement(table))
