"""Moments in time, as every data type here keeps them: timezone-aware, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec

Timestamp = Annotated[datetime, msgspec.Meta(tz=True)]
"""A moment with its timezone, UTC by convention. Saved data without a timezone is refused when read."""


def utc_now() -> datetime:
    """The present moment, timezone-aware, in UTC."""
    return datetime.now(UTC)
