"""Reading measurements from the file, by a connection of its own that creates nothing."""

import sqlite3
from datetime import datetime
from pathlib import Path

from ecs_localai.store.looking import look
from ecs_localai.store.measurements import Measured, Resolution, finest, read
from ecs_localai.store.moments import to_microseconds


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
    return look(file, lambda connection: _read(connection, begin, end, resolution))


def _read(connection: sqlite3.Connection, begin: int, end: int, resolution: Resolution) -> list[Measured]:
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not all(one.table in there for one in Resolution):
        return []
    return read(connection, begin, end, resolution)
