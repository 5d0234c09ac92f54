"""Reads the file as its first version kept it, and says what its rows are today.

Schema 1 had a shape for each of its four tables and no checksums: ``flags`` (feature_id, enabled), ``settings`` (key,
value), ``history`` (seq, installation_id, finished_at, data) and ``model_usage`` (name, data).
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeAlias

import msgspec

from ecs_localai.store.damage import is_damage, primary_code
from ecs_localai.store.tables import Table

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ALSO_DAMAGE = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG)  # no such table or column; a size that cannot be
_REFUSALS = (TypeError, ValueError, OverflowError, RecursionError)  # msgspec's and Unicode's errors are ValueErrors

_Stored: TypeAlias = str | int | float | bytes | None  # what SQLite can hold in any column, whatever its type says

_raw_decoder = msgspec.json.Decoder(msgspec.Raw)  # checks the grammar, builds nothing
_items_decoder = msgspec.json.Decoder(list[msgspec.Raw] | None)
_object_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])


class FormerRow(NamedTuple):
    """A row of schema 1 in today's shape; its checksum is `tables.row_sum` of the four."""

    table: Table
    key: str
    at: int
    value: str


def read_schema_1(connection: sqlite3.Connection) -> tuple[list[FormerRow], list[str]]:
    """All rows of a file of schema 1 in the order to insert them, and a sentence for what could not be read.

    A damaged table is read from its front and from its back, each as far as it goes. What cannot be understood is left
    out: a key that is no text, a value that is no JSON. No key comes twice in a table: the later row counts. It only
    reads; inside a transaction it sees one state.

    Raises `sqlite3.Error` for what is no fault of the content (a held lock, a failing disk): trying again may help,
    and taking the rest for all there is would lose rows.
    """
    reader = _Reader(connection)
    with _spoiled_text_readable(connection):
        reader.read("flags", "SELECT feature_id, enabled FROM flags", "feature_id")
        reader.read("settings", "SELECT key, value FROM settings", "key")
        reader.read("history", "SELECT seq, installation_id, finished_at, data FROM history", "seq")
        reader.read("model_usage", "SELECT name, data FROM model_usage", "name")
    return list(reader.rows.values()), reader.problems


class _Reader:
    """Gathers rows and sentences, table by table."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.rows: dict[tuple[Table, str], FormerRow] = {}
        self.problems: list[str] = []
        self._connection = connection

    def read(self, table: str, query: str, order: str) -> None:
        """Reads one table in the order of a column that tells its rows apart."""
        front: list[tuple[_Stored, ...]] = []
        back: list[tuple[_Stored, ...]] = []
        problem = self._read_until_damage(f"{query} ORDER BY {order}", front)
        if problem is not None:
            self.problems.append(f"The saved data's table {table} is damaged ({problem}): some of it may be lost.")
            self._read_until_damage(f"{query} ORDER BY {order} DESC", back)
            known = {row[0] for row in front}  # both ways get to all rows where only an index is broken
            back = [row for row in reversed(back) if row[0] not in known]
        for row in (*front, *back):
            try:
                self._convert(table, row)
            except _REFUSALS as error:
                key = row[1] if table == "history" else row[0]
                self.problems.append(f"Saved data holds something unreadable: {table} {key!r} was left out ({error}).")

    def _read_until_damage(self, query: str, into: list[tuple[_Stored, ...]]) -> str | None:
        """Appends the rows that come before the first error, and returns that; `None` if there was none."""
        try:
            for row in self._connection.execute(query):
                into.append(row)  # noqa: PERF402 - extend() would lose what it read before the error
        except sqlite3.Error as error:
            if is_damage(error) or primary_code(error) in _ALSO_DAMAGE:
                return str(error)
            raise
        except UnicodeDecodeError:  # SQLite's own message quotes the damaged schema, and Python cannot read that
            return "its description is unreadable"
        return None

    def _convert(self, table: str, row: tuple[_Stored, ...]) -> None:
        match table, row:
            case "flags", (key, enabled):
                if not isinstance(enabled, int):
                    raise TypeError("it is neither on nor off")
                self._add(FormerRow(Table.FLAGS, _text(key), 0, "true" if enabled else "false"))
            case "settings", ("hosts", value):
                self._convert_hosts(_text(value))
            case "settings", (key, value):
                self._add(FormerRow(Table.SETTINGS, _text(key), 0, _json(value)))
            case "history", (_, key, finished_at, data):
                self._add(FormerRow(Table.HISTORY, _text(key), _microseconds(_text(finished_at)), _json(data)))
            case "model_usage", (key, data):
                self._add(FormerRow(Table.MODEL_USAGE, _text(key), 0, _json(data)))

    def _add(self, row: FormerRow) -> None:
        self.rows.pop((row.table, row.key), None)  # a later row is a newer one: it goes to the end
        self.rows[row.table, row.key] = row

    def _convert_hosts(self, value: str) -> None:
        """The list of hosts, then one setting, is a row for each host now. A second host of a name gets another."""
        self.rows.pop((Table.SETTINGS, "host"), None)  # the only one of before there was a list, which counts no more
        taken: set[str] = set()
        for position, item in enumerate(_items_decoder.decode(value) or ()):
            try:
                fields = _object_decoder.decode(item)
                if "name" not in fields:
                    raise ValueError("it has no name")
                name = msgspec.json.decode(fields["name"], type=str)
            except _REFUSALS as error:
                self.problems.append(f"A saved host is unreadable, so it was left out ({error}). Add the host again.")
                continue
            text = bytes(item).decode()
            if name in taken:
                name = _another(name, taken)
                text = msgspec.json.encode(fields | {"name": name}).decode()
            taken.add(name)
            self._add(FormerRow(Table.HOSTS, name, position, text))


def _another(name: str, taken: set[str]) -> str:
    number = 2
    while f"{name} {number}" in taken:
        number += 1
    return f"{name} {number}"


def _text(value: _Stored) -> str:
    if not isinstance(value, str):
        raise TypeError("it is no text")
    value.encode()  # raises for what was no UTF-8
    return value


def _json(value: _Stored) -> str:
    text = _text(value)
    _raw_decoder.decode(text)
    return text


def _microseconds(moment: str) -> int:
    """Since 1970. Schema 1 wrote UTC with its offset; a moment that says none is taken for UTC."""
    at = datetime.fromisoformat(moment)
    return ((at if at.tzinfo is not None else at.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND


@contextmanager
def _spoiled_text_readable(connection: sqlite3.Connection) -> Iterator[None]:
    """Text that is no UTF-8 comes as text that cannot be encoded: Python's own reading would end at the first one."""
    former = connection.text_factory
    connection.text_factory = lambda text: text.decode(errors="surrogateescape")
    try:
        yield
    finally:
        connection.text_factory = former
