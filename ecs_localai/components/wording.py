"""What people read: sizes, rates, durations, counts, lists. Pure functions, no locale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

__all__ = [
    "format_ago",
    "format_bytes",
    "format_count",
    "format_day",
    "format_duration",
    "format_list",
    "format_rate",
    "format_time_left",
]


def format_bytes(count: float) -> str:
    """A size in decimal units, as ``ollama list`` shows it (0.9.3, ``format/bytes.go``): ``5.2 GB``.

    From ten of a unit on it has no decimals, and is cut, not rounded. Not finite: ``unknown``.
    """
    if not math.isfinite(count):
        return "unknown"
    sign, size = ("-", -count) if count < 0 else ("", count)
    for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "KB")):
        if size >= unit:
            value = size / unit
            whole = value >= 10 or value == int(value)
            return f"{sign}{int(value)} {name}" if whole else f"{sign}{value:.1f} {name}"
    return f"{sign}{int(size)} B"


def format_share(done: int, total: int) -> str:
    """How much of a size there is: ``44 MB of 98 MB``, ``98 MB`` where that is all of it, and ``97 % of 1.1 GB`` where
    both would read the same. A total of zero is not known; empty where there is nothing to say."""
    if total <= 0:
        return format_bytes(done) if done else ""
    some, whole = format_bytes(done), format_bytes(total)
    if done >= total:
        return whole
    return f"{100 * done // total} % of {whole}" if some == whole else f"{some} of {whole}"


def format_rate(bytes_per_second: float) -> str:
    """A speed: ``48 MB/s``."""
    size = format_bytes(bytes_per_second)
    return size if size == "unknown" else f"{size}/s"


def format_duration(seconds: float) -> str:
    """How long something takes or took: ``0.4 s``, ``45 s``, ``2 min``, ``1 h 5 min``, ``2 d 3 h``.

    Coarse on purpose: two units at most, and seconds only below a minute. Not finite: ``unknown``.
    """
    if not math.isfinite(seconds):
        return "unknown"
    seconds = max(seconds, 0.0)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes = max(1, math.floor(seconds / 60 + 0.5))
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def format_time_left(seconds: float | None) -> str:
    """What remains: ``2 min left``, ``a few seconds left``; empty while nobody can know."""
    if seconds is None or not math.isfinite(seconds):
        return ""
    if seconds < 5:
        return "a few seconds left"
    return f"{format_duration(math.ceil(seconds / 5) * 5 if seconds < 55 else seconds)} left"


def format_count(count: float) -> str:
    """A number of things, such as weights: ``999``, ``12K``, ``135M``, ``1.2B``.

    Not finite: ``unknown``.
    """
    if not math.isfinite(count):
        return "unknown"
    sign, size = ("-", -count) if count < 0 else ("", count)
    for unit, name in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")):
        # 999.96 K would read "1000K": that is the next unit's business
        if size >= unit * 0.9995 and size >= 999.5:
            value = size / unit
            text = f"{value:.1f}" if value < 9.95 else f"{value:.0f}"
            return f"{sign}{text.removesuffix('.0')}{name}"
    return f"{sign}{size:.0f}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def format_day(moment: datetime) -> str:
    """The day of a moment, where this computer is: ``7 Nov 2026``."""
    here = moment.astimezone()
    return f"{here.day} {_MONTHS[here.month - 1]} {here.year}"


def format_ago(moment: datetime, now: datetime) -> str:
    """How long before `now` a moment was: ``3 min ago``; within a minute ``a moment ago``."""
    seconds = (now - moment).total_seconds()
    return f"{format_duration(seconds)} ago" if seconds >= 60 else "a moment ago"


def format_list(parts: Sequence[str]) -> str:
    """``A``, ``A and B`` or ``A, B and C``."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))
