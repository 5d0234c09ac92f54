"""What the lines of all streams have in common: an error, and whether they bring anything new."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from msgspec import UnsetType

__all__ = ["Line", "Step"]


class Step(Enum):
    """What a line of a stream has brought."""

    STILL = "still"  # nothing new: the stall clock goes on
    MOVED = "moved"
    DONE = "done"  # it was the last one


class Line(Protocol):
    """What the lines of all streams have in common."""

    @property
    def error(self) -> str | UnsetType:
        """Why the server gives up, where it does."""
