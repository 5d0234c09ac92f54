"""What the sparklines showed when the last program ended: read from the data folder, in the background."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from ecs_localai.components.time_values import utc_now

Values: TypeAlias = Mapping[str, float]
"""What was measured at one moment, by the names under which it is kept."""


def read_past(file: Path, interval: float, length: int) -> list[Values | None]:
    """The newest measurements in the file, one for each of the last `length` intervals of so many seconds.

    The oldest is first; None where nothing was measured. Empty where there are none, or the file cannot be read: the
    store says so itself. Takes milliseconds: for a background thread.
    """
    import sqlite3  # with the store; who keeps nothing needs none

    from ecs_localai.store.measurements import Resolution
    from ecs_localai.store.measurements_reading import read_measurements

    now = utc_now()
    try:
        measured = read_measurements(file, now - timedelta(seconds=interval * length), now, Resolution.SECOND)
    except (sqlite3.Error, OSError):
        return []
    moments = [(one.at, {name: sums.mean for name, sums in one.series.items()}) for one in measured]
    return at_intervals(moments, now, interval, length)


def at_intervals(
    moments: Sequence[tuple[datetime, Values]], now: datetime, interval: float, length: int
) -> list[Values | None]:
    """One value for each interval until `now`, the last `length` of them, beginning with one that was measured.

    What several programs measured within one interval is told once; a moment that is a little late leaves no gap.
    """
    steps: list[Values | None] = []
    last: datetime | None = None
    for at, values in moments:
        if last is not None:
            passed = round((at - last).total_seconds() / interval)
            if passed < 1:
                continue
            steps += [None] * min(passed - 1, length)
        steps.append(values)
        last = at
    if last is not None:
        steps += [None] * min(max(round((now - last).total_seconds() / interval) - 1, 0), length)
    newest = steps[-length:]
    while newest and newest[0] is None:
        del newest[0]
    return newest
