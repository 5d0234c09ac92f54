"""Measurements in three rings of slots: each second for an hour, each minute for a day, each hour for a year.

A sample is written into the row of its second, and nowhere else. When a later second wants a slot, the minute of the
one that is in it is first put together from all its seconds, and likewise the hour of a minute: what was measured is
rolled up before any of it is overwritten. Nothing else has to be remembered from one sample to the next, so that it
does not matter which process adds, whether one of them was killed, or whether a transaction was taken back. Between
two roll-ups these hold:

- a minute's row, where there is one, says what all samples of the minute say; else its seconds are all there;
- an hour's row, where there is one, says what all samples of the hour say; else its minutes or their seconds do.

Two programs on one machine measure the same machine: a row counts the samples of both, and its mean is the mean of
all of them; nothing is added up. In a minute in which one of them measured more often, it weighs more.

A clock that is wrong does harm only where it points: a sample takes the slot of its own second, and through it at
most one minute's slot and one hour's. A sample in a minute or an hour that has a row already is added to that row.
"""

import math
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from enum import Enum
from typing import NamedTuple, TypeAlias

import msgspec

from ecs_localai.store.moments import from_microseconds
from ecs_localai.store.tables import COLUMNS, Table, row_sum

Sums: TypeAlias = tuple[int, float, float, float]
"""How many samples, their sum, the smallest and the largest: what a row has of each series."""

_LOOKED_UP = 400
"""So many slots are looked up one by one; for more of them the whole ring is walked through."""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(dict[str, Sums])


class Resolution(Enum):
    """How finely measurements are kept, and for how long: `slots` times `bucket_us`."""

    SECOND = (Table.MEASUREMENTS, 1, 3_600)
    MINUTE = (Table.MEASUREMENT_MINUTES, 60, 1_440)
    HOUR = (Table.MEASUREMENT_HOURS, 3_600, 8_784)

    def __init__(self, table: Table, seconds: int, slots: int) -> None:
        self.table = table
        self.seconds = seconds
        """How long a bucket is."""
        self.bucket_us = seconds * 1_000_000
        """The same in microseconds."""
        self.slots = slots
        """How many buckets are kept."""

    @property
    def reach_us(self) -> int:
        """How far back it reaches, in microseconds."""
        return self.slots * self.bucket_us

    def begin(self, at_us: int) -> int:
        """The first moment of the bucket that holds this one."""
        return at_us - at_us % self.bucket_us

    def key(self, at_us: int) -> str:
        """The key of the row for this moment: its slot."""
        return str(at_us // self.bucket_us % self.slots)


class Aggregate(msgspec.Struct, frozen=True):
    """What the samples of one series in one bucket say together."""

    count: int
    mean: float
    minimum: float
    maximum: float


class Measured(msgspec.Struct, frozen=True):
    """One bucket: when it begins (UTC), and what was measured in it, by the series' names."""

    at: datetime
    series: dict[str, Aggregate]


class _Row(NamedTuple):
    at: int
    series: dict[str, Sums]


def measured_values(values: Mapping[str, float]) -> dict[str, float]:
    """A copy of what can be kept: without numbers that are not finite.

    Raises:
        TypeError, ValueError: a value is no number, or a name no text that UTF-8 can say.
    """
    kept = {}
    for name, value in values.items():
        name.encode()
        try:
            number = float(value)
        except OverflowError:  # a whole number that no float reaches
            continue
        if math.isfinite(number):
            kept[name] = number
    return kept


def add(connection: sqlite3.Connection, at_us: int, values: Mapping[str, float]) -> None:
    """Keep a sample that was taken `at_us` microseconds since 1970, UTC.

    Call it in a transaction of the connection that writes. It writes one row, and once a minute one more; once an hour
    a third. Where the sum of a series leaves what a float can say, it stays at the largest one.

    Raises:
        sqlite3.Error: the file cannot be read or written.
        OverflowError: `at_us` has more than 64 bits.
        TypeError, ValueError: as `measured_values`.
    """
    sample: dict[str, Sums] = {name: (1, value, value, value) for name, value in measured_values(values).items()}
    if not sample:
        return
    held = _row(connection, Resolution.SECOND, at_us)
    if held is not None and held.at != Resolution.SECOND.begin(at_us):
        _settle_minute(connection, held.at, at_us)
        held = None
    _put(connection, Resolution.SECOND, at_us, sample if held is None else _together([held.series, sample]))
    for coarse in (Resolution.MINUTE, Resolution.HOUR):
        row = _row(connection, coarse, at_us)
        if row is not None and row.at == coarse.begin(at_us):
            _put(connection, coarse, at_us, _together([row.series, sample]))


def read(
    connection: sqlite3.Connection,
    since_us: int,
    until_us: int,
    resolution: Resolution | None = None,
) -> list[Measured]:
    """What was measured in every bucket that reaches into the time from `since_us` to before `until_us`, in order.

    Buckets are whole, also where the time begins or ends within one, and where nothing was measured there is none.
    The one that is not over yet says what was measured so far. A row that is not what was written is passed over.

    Without a `resolution` it is the finest one that reaches back from `until_us` to `since_us`: right where
    `until_us` is the present. A finer one than that finds only what has not been overwritten.

    Raises:
        sqlite3.Error: the file cannot be read, or has no such tables.
    """
    if resolution is None:
        resolution = finest(until_us - since_us)
    begin, end = resolution.begin(since_us), -resolution.begin(-until_us)  # the latter rounds up
    with _one_view(connection):
        rows = _read(connection, resolution, begin, end)
    return [
        Measured(from_microseconds(at), {name: _aggregate(sums) for name, sums in sorted(rows[at].items())})
        for at in sorted(rows)
    ]


def finest(age_us: int) -> Resolution:
    """The finest resolution that reaches back so many microseconds; hours where none does."""
    return next((one for one in Resolution if age_us <= one.reach_us), Resolution.HOUR)


def _read(connection: sqlite3.Connection, resolution: Resolution, begin: int, end: int) -> dict[int, dict[str, Sums]]:
    """What all samples of each bucket say, from its row or else from what is finer."""
    found = {row.at: row.series for row in _rows(connection, resolution, begin, end)}
    if resolution is Resolution.SECOND:
        return found
    finer = Resolution.SECOND if resolution is Resolution.MINUTE else Resolution.MINUTE
    parts: dict[int, list[dict[str, Sums]]] = {}
    for at, series in _read(connection, finer, begin, end).items():
        if (whole := resolution.begin(at)) not in found:
            parts.setdefault(whole, []).append(series)
    return found | {at: _together(several) for at, several in parts.items()}


def _settle_minute(connection: sqlite3.Connection, at: int, now: int) -> None:
    """Put the minute of `at` together, as one of its seconds is about to be overwritten `now`."""
    minute = Resolution.MINUTE
    begin = minute.begin(at)
    held = _row(connection, minute, begin)
    if held is not None:
        if held.at == begin:
            return
        # What is about to lose its place counts in its hour: a minute that is older than a day, or the one that
        # holds the slot. One from the future is what a wrong clock has left, and gives way.
        older = begin if begin < held.at <= now else held.at
        _settle_hour(connection, older, now)
        if older == begin:
            return
    _settle(connection, minute, begin)


def _settle_hour(connection: sqlite3.Connection, at: int, now: int) -> None:
    """Put the hour of `at` together, as one of its minutes is about to be lost `now`."""
    begin = Resolution.HOUR.begin(at)
    held = _row(connection, Resolution.HOUR, begin)
    if held is None or held.at < begin or held.at > max(begin, now):
        _settle(connection, Resolution.HOUR, begin)


def _settle(connection: sqlite3.Connection, resolution: Resolution, begin: int) -> None:
    made = _read(connection, resolution, begin, begin + resolution.bucket_us)
    if begin in made:
        _put(connection, resolution, begin, made[begin])


def _together(parts: Iterable[Mapping[str, Sums]]) -> dict[str, Sums]:
    """One row of several."""
    made: dict[str, Sums] = {}
    for part in parts:
        for name, (count, total, low, high) in part.items():
            if (old := made.get(name)) is None:
                made[name] = (count, total, low, high)
            else:
                made[name] = (old[0] + count, _sum(old[1], total), min(old[2], low), max(old[3], high))
    return made


def _sum(one: float, other: float) -> float:
    total = one + other
    return total if math.isfinite(total) else math.copysign(sys.float_info.max, total)


def _aggregate(sums: Sums) -> Aggregate:
    count, total, low, high = sums
    # Rounding may put the mean of equal numbers next to them.
    return Aggregate(count, min(max(total / count, low), high), low, high)


def _put(connection: sqlite3.Connection, resolution: Resolution, at: int, series: dict[str, Sums]) -> None:
    table, key, begin = resolution.table, resolution.key(at), resolution.begin(at)
    value = _encoder.encode(series).decode()
    # An update in place leaves the index of the keys alone: one page is written, not two.
    connection.execute(
        f"INSERT INTO {table} ({COLUMNS}) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (key) DO UPDATE SET at = excluded.at, value = excluded.value, sum = excluded.sum",
        (key, begin, value, row_sum(table, key, begin, value)),
    )


# As bytes: a spoiled text would make Python's sqlite3 raise, or be given in a form that depends on the connection.
_SELECT = "SELECT CAST(key AS BLOB), at, CAST(value AS BLOB), sum FROM"


def _row(connection: sqlite3.Connection, resolution: Resolution, at: int) -> _Row | None:
    """What is in the slot for this moment, if that can be believed."""
    table = resolution.table
    found = connection.execute(f"{_SELECT} {table} WHERE key = ?", (resolution.key(at),)).fetchone()
    return None if found is None else _sound(table, *found)


def _rows(connection: sqlite3.Connection, resolution: Resolution, begin: int, end: int) -> Iterator[_Row]:
    """The sound rows from `begin` to before `end`, in no order."""
    table = resolution.table
    query, values = f"{_SELECT} {table} WHERE at >= ? AND at < ?", [begin, end]
    moments = range(begin, end, resolution.bucket_us)
    if len(moments) <= _LOOKED_UP:
        slots = ", ".join("?" * len(moments))
        found = connection.execute(f"{query} AND key IN ({slots})", [*values, *map(resolution.key, moments)])
    else:
        found = connection.execute(query, values)
    for one in found:
        if (row := _sound(table, *one)) is not None:
            yield row


def _sound(table: Table, key: object, at: object, value: object, check: object) -> _Row | None:
    if not (isinstance(key, bytes) and isinstance(at, int) and isinstance(value, bytes)):
        return None
    try:
        if row_sum(table, key.decode(), at, value.decode()) != check:
            return None
        return _Row(at, _decoder.decode(value))
    except (UnicodeDecodeError, msgspec.MsgspecError):
        return None


@contextmanager
def _one_view(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is read in here is of one moment, while others write."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")
