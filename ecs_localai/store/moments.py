"""Moments as the file has them: whole microseconds since 1970, UTC."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_microseconds(moment: datetime) -> int:
    """A moment as a number. One without a time zone is taken as local time."""
    return (moment.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)


def from_microseconds(at: int) -> datetime:
    """The opposite. Raises `OverflowError` beyond the years that datetime knows."""
    return _EPOCH + timedelta(microseconds=at)


def duration_in_microseconds(duration: timedelta) -> int:
    """A span of time as a number."""
    return duration // timedelta(microseconds=1)
