"""Reading measurements from the file, by a connection of its own that creates nothing."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from ecs_localai.store.damage import beside, primary_code
from ecs_localai.store.measurements import Measured, Resolution, finest, read
from ecs_localai.store.moments import to_microseconds

_BUSY_SECONDS = 5.0


def read_measurements(
    file: Path, since: datetime, until: datetime, resolution: Resolution | None = None
) -> list[Measured]:
    """What the store's file says was measured from `since` to before `until`; see `measurements.read`.

    Empty where there is no file, or one from before measurements were kept. Takes up to 50 ms: not for a frame.

    Raises:
        sqlite3.Error: the file cannot be read.
    """
    if not file.exists():
        return []
    begin, end = to_microseconds(since), to_microseconds(until)
    if resolution is None:
        resolution = finest(end - begin)
    try:
        with _read_only(file, at_rest=_is_at_rest(file)) as connection:
            return _read(connection, begin, end, resolution)
    except sqlite3.DatabaseError as error:
        if primary_code(error) not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or _is_at_rest(file):
            raise
    # A program began to write while we read the file as one that nobody writes.
    with _read_only(file, at_rest=False) as connection:
        return _read(connection, begin, end, resolution)


def _read(connection: sqlite3.Connection, begin: int, end: int, resolution: Resolution) -> list[Measured]:
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not all(one.table in there for one in Resolution):
        return []
    return read(connection, begin, end, resolution)


def _is_at_rest(file: Path) -> bool:
    """True where no log lies beside the file: then nobody writes it, and it says everything."""
    log = beside(file, "-wal")
    return not log.exists() or log.stat().st_size == 0


@contextmanager
def _read_only(file: Path, *, at_rest: bool) -> Iterator[sqlite3.Connection]:
    # SQLite makes a log and its index beside a file in WAL mode even for one who only reads, and leaves them there;
    # not if it is told that nobody writes (https://sqlite.org/uri.html#uriimmutable).
    options = "mode=ro&immutable=1" if at_rest else "mode=ro"
    uri = f"{file.absolute().as_uri()}?{options}"
    with closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
        yield connection
