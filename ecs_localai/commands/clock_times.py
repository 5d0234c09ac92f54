"""Times of day as people type them, ``--at 23:15``, and how such a moment is told."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta

_CLOCK = re.compile(r"([01]?[0-9]|2[0-3])[:.]([0-5][0-9])")


def next_moment(text: str, now: datetime) -> datetime:
    """The next moment after `now` at which the clocks of this computer show this time, with its zone.

    A time that is left out when the clocks are put forward is taken as so much later.

    Raises:
        ValueError: the text is no time of day; with a sentence.
    """
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no time of day. Write hours and minutes, like 23:15.")
    wanted = time(int(match[1]), int(match[2]))
    today = now.astimezone().date()
    days = (_moments(datetime.combine(today + timedelta(days=number), wanted)) for number in (0, 1))
    return next(moment for day in days for moment in day if moment > now)


def _moments(local: datetime) -> list[datetime]:
    """When the clocks show this: once, twice where they are put back, and later where they are put forward over it."""
    first, second = (local.replace(fold=fold).astimezone() for fold in (0, 1))
    return [first, second] if first.replace(tzinfo=None) == local else [max(first, second)]


def when_text(moment: datetime, now: datetime) -> str:
    """``today at 23:15``, ``tomorrow at 01:00`` or ``on 2026-12-24 at 18:00``, by this computer's clocks."""
    here = moment.astimezone()
    days = (here.date() - now.astimezone().date()).days
    day = {0: "today", 1: "tomorrow"}.get(days, f"on {here:%Y-%m-%d}")
    return f"{day} at {here:%H:%M}"
