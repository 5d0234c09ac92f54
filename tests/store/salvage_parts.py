"""Real files of today's tables, and of the first version's, with all that there is in them; and ways to damage them."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from ecs_localai.store.salvage import SalvagedRow
from ecs_localai.store.tables import Table, create_statement, row_sum

FACTOR: Final = max(1, int(os.environ.get("ECS_LOCALAI_FUZZ", "1")))
"""How many times as many damages as usual are tried."""

PAGE: Final = 4096
FRAME: Final = PAGE + 24
LOG_HEADER: Final = 32


class Written(NamedTuple):
    """A file, what it holds by its own account, and what it has ever held."""

    file: Path
    rows: list[SalvagedRow]
    ever: set[SalvagedContent]


class SalvagedContent(NamedTuple):
    """A row without its number."""

    table: str
    key: str
    at: int
    value: str


def content(row: SalvagedRow) -> SalvagedContent:
    """The row without its number."""
    return SalvagedContent(row.table, row.key, row.at, row.value)


class Author:
    """Writes rows as the store does: in the log, with a checksum each, and what is deleted overwritten."""

    def __init__(self, file: Path, seed: int) -> None:
        self.random = Random(seed)
        self.ever: set[SalvagedContent] = set()
        self._keys: dict[Table, list[str]] = {table: [] for table in Table}
        self.connection = sqlite3.connect(file, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA secure_delete = ON")
        self.connection.execute("BEGIN")
        for table in Table:
            self.connection.execute(create_statement(table))
        self.connection.execute("COMMIT")

    def write(self, transactions: int, changes: int = 20) -> None:
        """Adds, changes, replaces and deletes rows; one in thirty is longer than a page."""
        for _ in range(transactions):
            self.connection.execute("BEGIN IMMEDIATE")
            for _ in range(changes):
                self._change(self.random.choice(list(Table)))
            self.connection.execute("COMMIT")

    def _change(self, table: Table) -> None:
        keys = self._keys[table]
        chance = self.random.random()
        if keys and chance < 0.1:
            key = keys.pop(self.random.randrange(len(keys)))
            self.connection.execute(f"DELETE FROM {table} WHERE key = ?", (key,))
            return
        if keys and chance < 0.3:
            key = self.random.choice(keys)
        else:
            key = f"{table[:6]}-{len(self.ever):06}"
            keys.append(key)
        at = self.random.choice((0, 1, 7, -5, 300, 70_000, 10**12, 2**62, self.random.getrandbits(40)))
        # The key is said again and again: so a search for it finds each page that has a part of the row.
        length = self.random.randrange(3000, 20_000) if self.random.random() < 0.03 else self.random.randrange(400)
        value = json.dumps("é" + f"{key}." * (length // len(key)) + key, ensure_ascii=False)
        self.ever.add(SalvagedContent(table, key, at, value))
        verb = "INSERT OR REPLACE" if table is Table.HISTORY else "INSERT"
        update = (
            ""
            if table is Table.HISTORY
            else (" ON CONFLICT (key) DO UPDATE SET at = excluded.at, value = excluded.value, sum = excluded.sum")
        )
        self.connection.execute(
            f"{verb} INTO {table} (key, at, value, sum) VALUES (?, ?, ?, ?){update}",
            (key, at, value, row_sum(table, key, at, value)),
        )


def rows_by_sqlite(connection: sqlite3.Connection) -> list[SalvagedRow]:
    """All rows as SQLite reads them, in the order in which they are to be saved."""
    return [
        SalvagedRow(table, *row)
        for table in Table
        for row in connection.execute(f"SELECT rowid, key, at, value FROM {table} ORDER BY rowid")
    ]


def write_closed(file: Path, seed: int = 1, transactions: int = 120) -> Written:
    """A file whose log is folded in, as after a proper end."""
    author = Author(file, seed)
    with closing(author.connection) as connection:
        author.write(transactions)
        rows = rows_by_sqlite(connection)
    return Written(file, rows, author.ever)


def write_open(file: Path, seed: int = 2, folded: int = 40, in_log: int = 40, changes: int = 20) -> Written:
    """Copies of a file and its log, as a crash leaves them: the latest transactions are in the log alone."""
    original = file.with_name("original")
    author = Author(original, seed)
    with closing(author.connection) as connection:
        author.write(folded)
        connection.execute("PRAGMA wal_checkpoint(RESTART)")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        author.write(in_log, changes)
        rows = rows_by_sqlite(connection)
        shutil.copy(original, file)
        shutil.copy(f"{original}-wal", log_of(file))
    original.unlink()
    return Written(file, rows, author.ever)


def log_of(file: Path) -> Path:
    """The write-ahead log of a file."""
    return file.with_name(f"{file.name}-wal")


def keys_in(data: bytes) -> set[str]:
    """The keys of the rows of which some part lies in these bytes."""
    return {key.decode() for key in re.findall(rb"[a-z_]{4,6}-\d{6}", data)}


def page_of(data: bytes | bytearray, position: int) -> bytes:
    """The page of a file in which this byte lies."""
    start = position // PAGE * PAGE
    return bytes(data[start : start + PAGE])


FORMER_TABLES = (
    "PRAGMA application_id = 0x45434c41",
    "CREATE TABLE flags (feature_id TEXT PRIMARY KEY, enabled INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE history (seq INTEGER PRIMARY KEY AUTOINCREMENT, installation_id TEXT NOT NULL UNIQUE,"
    " finished_at TEXT NOT NULL, data TEXT NOT NULL)",
    "CREATE TABLE model_usage (name TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID",
    "PRAGMA user_version = 1",
)
"""The schema of the first version, which never changes any more."""


def new_former_file(file: Path) -> sqlite3.Connection:
    """A file of schema 1 without rows, open."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    for statement in FORMER_TABLES:
        connection.execute(statement)
    return connection
