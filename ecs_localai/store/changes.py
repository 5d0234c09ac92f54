"""What waits for the writer: checked and encoded when posted, so that the writer can't choke on it.

Encoding at once also takes a snapshot: what the caller changes afterwards does not reach the file.
"""

import sqlite3
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import msgspec

from ecs_localai.store.measurements import add as add_measurements
from ecs_localai.store.measurements import measured_values
from ecs_localai.store.retention import empty, mark_for_wiping, retain
from ecs_localai.store.tables import Table, row_sum

REFUSALS = (TypeError, AttributeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError)
"""What the functions here raise for a value that cannot be kept."""

_encoder = msgspec.json.Encoder()
_raw_decoder = msgspec.json.Decoder(msgspec.Raw)  # checks the grammar, builds nothing
_LARGEST = 2**63


class Change(Protocol):
    """Something to do to the file, inside a transaction."""

    @property
    def place(self) -> tuple[str, str] | None:
        """What it changes: a later change of the same place replaces this one. None: none ever does."""

    @property
    def deletes(self) -> bool:
        """Whether bytes may have to go from the file for good: what was deleted is to be found nowhere.

        `apply` marks the file if they have to (`retention.mark_for_wiping`).
        """

    def apply(self, connection: sqlite3.Connection) -> None:
        """Do it. Raises `sqlite3.Error`."""


class Put(NamedTuple):
    """A row to write, over the one with its key. In the history it comes again as the newest."""

    table: Table
    key: str
    at: int
    value: str

    @property
    def deletes(self) -> bool:
        """It does not."""
        return False

    @property
    def place(self) -> tuple[str, str]:
        """Its row."""
        return self.table, self.key

    def apply(self, connection: sqlite3.Connection) -> None:
        """Write it. Text from a browser that is replaced is deleted as much as any other."""
        if self.table is Table.CONTEXT and _is_another(connection, self):
            mark_for_wiping(connection)
        put_row(connection, self.table, self.key, self.at, self.value)


class Swap:
    """A row to write over one that says what is expected, and not if another process was quicker."""

    __slots__ = ("_former", "_key", "_value", "done", "table")

    def __init__(self, table: Table, key: str, former: object, value: object) -> None:
        self.table = table
        self._key = key
        self._former: object = msgspec.json.decode(_encoder.encode(former))
        self._value = _encoder.encode(value).decode()
        self.done = False
        """Whether it was written. Counts once it is committed."""

    @property
    def deletes(self) -> bool:
        """It does not."""
        return False

    @property
    def place(self) -> None:
        """Each counts."""
        return None

    def apply(self, connection: sqlite3.Connection) -> None:
        """Look and write. Raises `sqlite3.Error`."""
        self.done = False
        row = connection.execute(f"SELECT at, value FROM {self.table} WHERE key = ?", (self._key,)).fetchone()
        try:
            is_expected = row is not None and msgspec.json.decode(row[1]) == self._former
        except (msgspec.MsgspecError, UnicodeError, TypeError):  # it is spoiled
            is_expected = False
        if is_expected:
            put_row(connection, self.table, self._key, row[0], self._value)
            self.done = True


class Amend:
    """Some fields of a row that is an object, written over what they say; all others stay as another process has them.

    A row that is gone stays gone, and one that is no object stays as it is.
    """

    __slots__ = ("_at", "_fields", "_key", "_unless", "refused", "table")

    def __init__(
        self,
        table: Table,
        key: str,
        fields: Mapping[str, object],
        at: int | None,
        unless: Callable[[Mapping[str, object]], bool] | None = None,
    ) -> None:
        self.table = table
        self._key = key
        self._fields: dict[str, object] = msgspec.json.decode(_encoder.encode(fields), type=dict[str, object])
        self._at = at
        self._unless = unless
        self.refused = False
        """Whether `unless` was true of what the table said. Counts once it is committed."""

    @property
    def deletes(self) -> bool:
        """It does not."""
        return False

    @property
    def place(self) -> None:
        """Each counts."""
        return None

    def apply(self, connection: sqlite3.Connection) -> None:
        """Look and write. Raises `sqlite3.Error`."""
        self.refused = False
        row = connection.execute(f"SELECT at, value FROM {self.table} WHERE key = ?", (self._key,)).fetchone()
        value = None if row is None else _object_of(row[1])
        if value is None:
            return
        if self._unless is not None and self._unless(self._others(connection)):
            self.refused = True
            return
        value |= self._fields
        at = row[0] if self._at is None else self._at
        put_row(connection, self.table, self._key, at, _encoder.encode(value).decode())

    def _others(self, connection: sqlite3.Connection) -> dict[str, object]:
        """The other rows of the table, those left out that make no sense."""
        rows = connection.execute(f"SELECT key, value FROM {self.table} WHERE key <> ?", (self._key,))
        return {key: value for key, text in rows if (value := _object_of(text)) is not None}


def _object_of(text: object) -> dict[str, object] | None:
    """The object that a row's value is; None where it is none, or spoiled."""
    try:
        return msgspec.json.decode(text, type=dict[str, object]) if isinstance(text, str) else None
    except (msgspec.MsgspecError, UnicodeError):
        return None


class Remove(NamedTuple):
    """A row to take out."""

    table: Table
    key: str

    @property
    def deletes(self) -> bool:
        """Whether its bytes matter: what was read from a browser is a person's own."""
        return self.table is Table.CONTEXT

    @property
    def place(self) -> tuple[str, str]:
        """Its row."""
        return self.table, self.key

    def apply(self, connection: sqlite3.Connection) -> None:
        """Delete it."""
        gone = connection.execute(f"DELETE FROM {self.table} WHERE key = ?", (self.key,)).rowcount
        if gone and self.deletes:
            mark_for_wiping(connection)


class AddMeasurements(NamedTuple):
    """What was measured at one moment, in microseconds since 1970."""

    at: int
    values: dict[str, float]

    @property
    def deletes(self) -> bool:
        """Whether bytes have to go."""
        return False

    @property
    def place(self) -> None:
        """Each counts."""
        return None

    def apply(self, connection: sqlite3.Connection) -> None:
        """Add it to the rings."""
        add_measurements(connection, self.at, self.values)


class Retain(NamedTuple):
    """What was read from browsers is to live no longer than this, in microseconds; None: until a person forgets it."""

    lifetime: int | None

    @property
    def deletes(self) -> bool:
        """Whether bytes have to go."""
        return True

    @property
    def place(self) -> None:
        """Each counts."""
        return None

    def apply(self, connection: sqlite3.Connection) -> None:
        """Shorten the lives of what is there."""
        retain(connection, self.lifetime)


class Forget(NamedTuple):
    """Whole tables to empty."""

    tables: tuple[Table, ...]
    copies: bool
    """Whether the copies that lie beside the file go as well: those kept before a migration, and damaged files."""

    @property
    def deletes(self) -> bool:
        """Whether bytes have to go."""
        return True

    @property
    def place(self) -> None:
        """Each counts."""
        return None

    def apply(self, connection: sqlite3.Connection) -> None:
        """Empty them. The file is wiped even if they are empty already: of what was in them before, bytes are left."""
        for table in self.tables:
            empty(connection, table)
        mark_for_wiping(connection, copies=self.copies)


def _is_another(connection: sqlite3.Connection, put: Put) -> bool:
    """Whether there is a row with its key that says something else. As bytes: one of the two may be spoiled."""
    row = connection.execute(f"SELECT CAST(value AS BLOB) FROM {put.table} WHERE key = ?", (put.key,)).fetchone()
    return row is not None and row[0] != put.value.encode()


def put_row(connection: sqlite3.Connection, table: Table, key: str, at: int, value: str) -> None:
    """Write a row with its checksum. Raises `sqlite3.Error`."""
    if table is Table.HISTORY:  # REPLACE gives a record that comes again a new place in the order, as the newest
        statement = "INSERT OR REPLACE INTO history (key, at, value, sum) VALUES (?, ?, ?, ?)"
    else:
        statement = (
            f"INSERT INTO {table} (key, at, value, sum) VALUES (?, ?, ?, ?) ON CONFLICT (key)"
            " DO UPDATE SET at = excluded.at, value = excluded.value, sum = excluded.sum"
        )
    connection.execute(statement, (key, at, value, row_sum(table, key, at, value)))


def put(table: Table, key: str, value: object, at: int = 0) -> Put:
    """A row whose value is anything that JSON (through msgspec) can say. Raises one of `REFUSALS`."""
    key.encode()  # lone surrogates cannot be stored as text: SQLite's is UTF-8
    return Put(table, key, _checked(at), _encoder.encode(value).decode())


def put_json(table: Table, key: str, data: bytes, at: int = 0) -> Put:
    """A row whose value is JSON already. Raises one of `REFUSALS`."""
    key.encode()
    checked_json(data)
    return Put(table, key, _checked(at), data.decode())


def checked_json(data: bytes) -> msgspec.Raw:
    """The same, to be put into other JSON as it is. Raises one of `REFUSALS` for what is no JSON."""
    return _raw_decoder.decode(data)


def remove(table: Table, key: str) -> Remove:
    """A row to take out. Raises one of `REFUSALS`."""
    key.encode()
    return Remove(table, key)


def amend(
    table: Table,
    key: str,
    fields: Mapping[str, object],
    at: int | None = None,
    unless: Callable[[Mapping[str, object]], bool] | None = None,
) -> Amend:
    """Fields of a row to write anew. Raises one of `REFUSALS`."""
    key.encode()
    return Amend(table, key, fields, None if at is None else _checked(at), unless)


def measured(at: int, values: Mapping[str, float]) -> AddMeasurements:
    """Numbers by series; those that are none are left out. Raises one of `REFUSALS`."""
    return AddMeasurements(_checked(at), measured_values(values))


def _checked(at: int) -> int:
    if not -_LARGEST <= at < _LARGEST:
        raise OverflowError(f"{at} is no moment")
    return at
