"""``ecs-localai data measurements``: what this machine did while the program ran."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.terminal import say, say_json
from ecs_localai.components.time_values import utc_now
from ecs_localai.components.wording import format_bytes, format_duration
from ecs_localai.store.measurements import Aggregate, Measured, Resolution, finest
from ecs_localai.store.measurements_reading import read_measurements
from ecs_localai.store.opening import FILE_NAME

MOST_LINES = 200
"""A table is in seconds, minutes or hours: the finest that makes no more lines than this of the time asked for."""


class MeasurementLine(msgspec.Struct, frozen=True):
    """What was measured in one second, minute or hour, as ``data measurements --json`` tells it."""

    at: datetime
    """When it began, in UTC."""
    seconds: int
    """How long it was: 1, 60 or 3600."""
    series: dict[str, Aggregate]
    """How often each was measured, and the mean, the lowest and the highest."""


def show_measurements(folder: Path, since: timedelta, series: str | None, as_json: bool) -> int:
    """Print what was measured in the last time, of all series or of one.

    As JSON it is as fine as it was kept; as a table, fine enough for a person to read.

    Raises:
        CommandFailed: the file cannot be read, or there is no series of this name.
    """
    if since <= timedelta(0):
        raise CommandFailed("The time to look back must be longer than nothing: write --since 1h, for example.")
    resolution = finest(since // timedelta(microseconds=1))
    if not as_json:
        resolution = max(resolution, _readable(since), key=lambda one: one.seconds)
    measured = _read(folder, since, resolution)
    if series is not None:
        measured = _only(series, measured)
    if as_json:
        for one in measured:
            say_json(MeasurementLine(one.at, resolution.seconds, one.series))
        return 0
    if not measured:
        say(
            f"Nothing was measured in the last {format_duration(since.total_seconds())}. "
            "Measurements are kept while the panel is open: ecs-localai run"
        )
        return 0
    from ecs_localai.commands.tables import draw, table

    heads, rows = _of_all(measured, resolution) if series is None else _of_one(series, measured, resolution)
    draw(table(heads, rows, right=heads[1:]))
    return 0


def _read(folder: Path, since: timedelta, resolution: Resolution) -> list[Measured]:
    file = folder / FILE_NAME
    now = utc_now()
    try:
        begin = now - since
    except OverflowError:
        begin = datetime.min.replace(tzinfo=now.tzinfo)
    try:
        return read_measurements(file, begin, now, resolution)
    except (sqlite3.Error, OSError) as error:
        raise CommandFailed(
            f"The measurements in {file} cannot be read ({error}). Start the panel once with ecs-localai run: it "
            "mends what can be mended."
        ) from error


def _readable(since: timedelta) -> Resolution:
    fits = (one for one in Resolution if since.total_seconds() <= MOST_LINES * one.seconds)
    return next(fits, Resolution.HOUR)


def _only(series: str, measured: Sequence[Measured]) -> list[Measured]:
    names = sorted({name for one in measured for name in one.series})
    if names and series not in names:
        raise CommandFailed(f"No {series} was measured in that time. There are: {', '.join(names)}.")
    return [Measured(one.at, {series: one.series[series]}) for one in measured if series in one.series]


def _of_all(measured: Sequence[Measured], resolution: Resolution) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The mean of each series."""
    names = sorted({name for one in measured for name in one.series})
    rows = [
        (
            _moment(one.at, resolution),
            *(_format(name)(one.series[name].mean) if name in one.series else "-" for name in names),
        )
        for one in measured
    ]
    return ("time", *(name.replace("_", " ") for name in names)), rows


def _of_one(
    series: str, measured: Sequence[Measured], resolution: Resolution
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """All that is known of one series."""
    shown = _format(series)
    rows: list[tuple[str, ...]] = []
    for one in measured:
        said = one.series[series]
        rows.append(
            (
                _moment(one.at, resolution),
                shown(said.mean),
                shown(said.minimum),
                shown(said.maximum),
                f"{said.count:,}",
            )
        )
    return ("time", "mean", "lowest", "highest", "samples"), rows


def _moment(at: datetime, resolution: Resolution) -> str:
    """In this machine's time zone."""
    return f"{at.astimezone():{'%Y-%m-%d %H:%M:%S' if resolution is Resolution.SECOND else '%Y-%m-%d %H:%M'}}"


def _format(series: str) -> Callable[[float], str]:
    """How a person reads its values: by the unit at the end of its name."""
    if series.endswith("_bytes"):
        return format_bytes
    if series.endswith("_percent"):
        return lambda value: f"{value:.1f}%"
    return lambda value: f"{value:.6g}"
