"""How long text that a browser sent is kept, and that what was deleted is in no byte of the file."""

import secrets
import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from ecs_localai.store.tables import WIPE_MARK, Table, row_sum

FOREVER = 0
"""The ``at`` of text that only a person deletes."""


class KeptContext(msgspec.Struct, frozen=True):
    """The value of a row of `Table.CONTEXT`."""

    read_at: int
    """When it was read, in microseconds since 1970."""
    lifetime: int | None
    """How long it is kept from then on, in microseconds; None: until a person forgets it."""
    context: msgspec.Raw
    """The text and what belongs to it, as JSON."""

    @property
    def ends_at(self) -> int:
        """When it is to be deleted, in microseconds since 1970; `FOREVER` for not by itself."""
        return FOREVER if self.lifetime is None else max(1, self.read_at + self.lifetime)


class _Mark(msgspec.Struct, frozen=True):
    id: str
    copies: bool = False


class WipeMark(NamedTuple):
    """What was deleted of which bytes may be left."""

    value: bytes
    """Another one for each deletion: who has wiped takes away no mark of what was deleted meanwhile."""
    copies: bool
    """Whether the copies that lie beside the file go as well."""


_decoder = msgspec.json.Decoder(KeptContext)
_encoder = msgspec.json.Encoder()
_mark_decoder = msgspec.json.Decoder(_Mark)


def is_due(connection: sqlite3.Connection, now: int, *, thorough: bool) -> bool:
    """Whether `expire` would change anything, so that it need not take the lock to find out. Raises `sqlite3.Error`."""
    (some,) = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM browser_context WHERE at <> ? AND at <= ?)", (FOREVER, now)
    ).fetchone()
    return bool(some) or (thorough and any(kept is None or kept.read_at > now for _, kept in _rows(connection)))


def expire(connection: sqlite3.Connection, now: int, *, thorough: bool) -> int:
    """Delete what has lived as long as it may; returns how many. `now` is in microseconds since 1970.

    If `thorough`, which reads all of the texts: what was read in the future was read before somebody set the clock
    back. Its life begins again now, so that setting the clock back lengthens a life by no more than it had lasted
    till then. What cannot be read is deleted: nobody can tell how long it may be kept. Raises `sqlite3.Error`.
    """
    gone = connection.execute("DELETE FROM browser_context WHERE at <> ? AND at <= ?", (FOREVER, now)).rowcount
    if thorough:
        wrong = [(row, kept) for row, kept in _rows(connection) if kept is None or kept.read_at > now]
        for row, kept in wrong:
            if kept is None:
                _delete(connection, row)
                gone += 1
            else:
                _write(connection, row, msgspec.structs.replace(kept, read_at=now))
    if gone:
        mark_for_wiping(connection)
    return gone


def retain(connection: sqlite3.Connection, lifetime: int | None) -> int:
    """Shorten what is kept to this many microseconds from its reading; 0 deletes all, None lengthens nothing.

    A person who chooses to keep things longer does not mean those that were read under another promise. Returns how
    many are deleted. What ends by it in the past is for `expire` to delete. Raises `sqlite3.Error`.
    """
    if lifetime is None:
        return 0
    gone = empty(connection, Table.CONTEXT) if lifetime <= 0 else 0
    longer = [
        (row, kept)
        for row, kept in _rows(connection)
        if kept is None or kept.lifetime is None or kept.lifetime > lifetime
    ]
    for row, kept in longer:
        if kept is None:
            _delete(connection, row)
            gone += 1
        else:
            _write(connection, row, msgspec.structs.replace(kept, lifetime=lifetime))
    if gone:
        mark_for_wiping(connection)
    return gone


def empty(connection: sqlite3.Connection, table: Table) -> int:
    """Delete all rows of a table but the mark; returns how many it were. Marking is the caller's.

    Raises `sqlite3.Error`.
    """
    return connection.execute(f"DELETE FROM {table} WHERE key <> ?", (WIPE_MARK,)).rowcount


def next_end(connection: sqlite3.Connection) -> int | None:
    """When the next text is to be deleted; None where none is. Raises `sqlite3.Error`."""
    (at,) = connection.execute("SELECT min(at) FROM browser_context WHERE at <> ?", (FOREVER,)).fetchone()
    return None if at is None else int(at)


def mark_for_wiping(connection: sqlite3.Connection, *, copies: bool = False) -> None:
    """Remember, in the transaction that deletes, that bytes have to go. Raises `sqlite3.Error`."""
    former = wipe_mark(connection)
    value = _encoder.encode(_Mark(secrets.token_hex(8), copies or (former is not None and former.copies))).decode()
    check = row_sum(Table.SETTINGS, WIPE_MARK, 0, value)
    connection.execute("INSERT OR REPLACE INTO settings VALUES (?, 0, ?, ?)", (WIPE_MARK, value, check))


def wipe_mark(connection: sqlite3.Connection) -> WipeMark | None:
    """What has to be wiped; None for nothing. Raises `sqlite3.Error`."""
    row = connection.execute("SELECT CAST(value AS BLOB) FROM settings WHERE key = ?", (WIPE_MARK,)).fetchone()
    if row is None:
        return None
    try:
        return WipeMark(row[0], _mark_decoder.decode(row[0]).copies)
    except msgspec.MsgspecError:
        return WipeMark(row[0], copies=False)  # it is there, whatever it says; but copies are gone for good


def is_marked_for_wiping(connection: sqlite3.Connection) -> bool:
    """Whether something was deleted of which bytes may be left. Raises `sqlite3.Error`."""
    return wipe_mark(connection) is not None


def take_mark_away(connection: sqlite3.Connection, mark: WipeMark) -> None:
    """What it stands for is wiped. Another one, which came meanwhile, stays. Raises `sqlite3.Error`."""
    connection.execute("DELETE FROM settings WHERE key = ? AND CAST(value AS BLOB) = ?", (WIPE_MARK, mark.value))


def rewrite(connection: sqlite3.Connection) -> None:
    """Write the file anew, the first part of wiping. Not inside a transaction. Raises `sqlite3.Error`.

    ``secure_delete`` zeroes a row where it lay last. When pages were balanced before, a copy of it may have been left
    in the gap of a page: ``VACUUM`` takes over what counts and nothing else. It keeps the numbers of the rows, and so
    the history's order: SQLite promises that only for an ``INTEGER PRIMARY KEY``, but renumbers no table that has an
    index (``xferOptimization`` in its ``insert.c``), and each of ours has one.
    """
    connection.execute("VACUUM")


def empty_log(connection: sqlite3.Connection) -> bool:
    """Empty the write-ahead log, which has older pages; the other part of wiping. Not inside a transaction.

    False where somebody is reading an older state, for which the log is needed. Raises `sqlite3.Error`.
    """
    (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def _rows(connection: sqlite3.Connection) -> Iterator[tuple[int, KeptContext | None]]:
    """Each row's number and what it says; None where that is not what was written."""
    # As bytes: spoiled text would be given in a form that depends on the connection, and could not be encoded.
    query = "SELECT rowid, CAST(key AS BLOB), at, CAST(value AS BLOB), sum FROM browser_context"
    for row, key, at, value, check in connection.execute(query):
        yield row, _kept(key, at, value, check)


def _kept(key: object, at: object, value: object, check: object) -> KeptContext | None:
    if not (isinstance(key, bytes) and isinstance(at, int) and isinstance(value, bytes)):
        return None
    try:
        if row_sum(Table.CONTEXT, key.decode(), at, value.decode()) != check:
            return None
        return _decoder.decode(value)
    except (UnicodeDecodeError, msgspec.MsgspecError):
        return None


def _delete(connection: sqlite3.Connection, row: int) -> None:
    connection.execute("DELETE FROM browser_context WHERE rowid = ?", (row,))


def _write(connection: sqlite3.Connection, row: int, kept: KeptContext) -> None:
    (key,) = connection.execute("SELECT key FROM browser_context WHERE rowid = ?", (row,)).fetchone()
    value = _encoder.encode(kept).decode()
    at = kept.ends_at
    check = row_sum(Table.CONTEXT, key, at, value)
    connection.execute("UPDATE browser_context SET at = ?, value = ?, sum = ? WHERE rowid = ?", (at, value, check, row))
