"""What the tests of measurements share: a real file, samples as a clock gives them, and the same in plain Python."""

import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from hypothesis import strategies as st

from ecs_localai.store.measurements import Measured, Resolution, add
from ecs_localai.store.moments import to_microseconds
from ecs_localai.store.tables import create_statement

SECOND, MINUTE, HOUR = 1_000_000, 60_000_000, 3_600_000_000
DAY = 24 * HOUR
START = to_microseconds(datetime(2026, 3, 1, 9, 30, tzinfo=UTC))

Sample: TypeAlias = tuple[int, Mapping[str, float]]


@contextmanager
def opened(file: Path | str = ":memory:") -> Iterator[sqlite3.Connection]:
    """A file as the store has it, with the tables that are about measurements."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA synchronous = OFF")  # no power is cut here
        if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            for resolution in Resolution:
                connection.execute(create_statement(resolution.table))
        yield connection


def add_all(connection: sqlite3.Connection, samples: Iterable[Sample]) -> None:
    """Add samples as the writer does, some in a transaction."""
    connection.execute("BEGIN IMMEDIATE")
    for at, values in samples:
        add(connection, at, values)
    connection.execute("COMMIT")


def in_plain_python(samples: Iterable[Sample], bucket: int) -> dict[int, dict[str, list[float]]]:
    """All values of each bucket and series."""
    found: dict[int, dict[str, list[float]]] = {}
    for at, values in samples:
        for name, value in values.items():
            if math.isfinite(value):
                found.setdefault(at // bucket * bucket, {}).setdefault(name, []).append(value)
    return found


def same(measured: list[Measured], expected: Mapping[int, Mapping[str, list[float]]]) -> None:
    """Fails unless these are the aggregates of those values, in order."""
    assert [to_microseconds(one.at) for one in measured] == sorted(expected)
    for one in measured:
        values = expected[to_microseconds(one.at)]
        assert one.series.keys() == values.keys()
        for name, aggregate in one.series.items():
            raw = values[name]
            assert (aggregate.count, aggregate.minimum, aggregate.maximum) == (len(raw), min(raw), max(raw))
            largest = max(map(abs, raw))
            assert math.isclose(aggregate.mean, math.fsum(raw) / len(raw), rel_tol=1e-9, abs_tol=1e-9 * largest)
            assert aggregate.minimum <= aggregate.mean <= aggregate.maximum


def number_of_rows(connection: sqlite3.Connection, resolution: Resolution) -> int:
    (count,) = connection.execute(f"SELECT count(*) FROM {resolution.table}").fetchone()
    return int(count)


def pages(connection: sqlite3.Connection) -> int:
    (count,) = connection.execute("PRAGMA page_count").fetchone()
    return int(count)


steps = st.one_of(
    st.integers(0, 3 * SECOND),  # several a second
    st.integers(2_900_000, 3_100_000),
    st.integers(0, 5 * MINUTE),
    st.integers(0, 3 * HOUR),
    st.integers(0, 3 * DAY),
    st.sampled_from([SECOND, MINUTE, HOUR, DAY, HOUR - 1, DAY - MINUTE]),  # the same slots again, exactly
)
"""From one sample to the next."""
