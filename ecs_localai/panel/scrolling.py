"""How far the page is scrolled, and its gliding to where the wheel or a key wants it."""

from __future__ import annotations

import math

_TIME_CONSTANT = 0.055  # seconds in which the remaining way shrinks to 37 %
_ARRIVED = 0.5  # surface pixels
_LONGEST_STEP = 0.1  # seconds; after a pause the glide goes on, it doesn't jump


class Scroller:
    """A position between 0 and ``maximum``, in surface pixels.

    Args:
        still: whether it jumps instead of gliding (reduced motion).
    """

    __slots__ = ("_last", "_position", "_target", "maximum", "still")

    def __init__(self, *, still: bool = False) -> None:
        self._position = 0.0
        self._target = 0.0
        self._last: float | None = None
        self.maximum = 0
        self.still = still

    @property
    def offset(self) -> int:
        """How far the page is scrolled now, in whole pixels."""
        return round(self._position)

    @property
    def target(self) -> float:
        """Where it is going."""
        return self._target

    @property
    def moving(self) -> bool:
        """Whether it hasn't arrived yet."""
        return self._position != self._target

    def limit(self, maximum: int) -> None:
        """Take over how far one can scroll; what is further comes back at once."""
        self.maximum = max(0, maximum)
        self._target = min(max(self._target, 0.0), float(self.maximum))
        self._position = min(max(self._position, 0.0), float(self.maximum))

    def rescale(self, factor: float) -> None:
        """The page is drawn so much larger from now on: keep what is at the top there."""
        self.maximum = round(self.maximum * factor)
        self.jump_to(self._target * factor)

    def glide_to(self, position: float) -> None:
        """Go there smoothly."""
        self._target = min(max(position, 0.0), float(self.maximum))
        if self.still:
            self._position = self._target

    def glide_by(self, distance: float) -> None:
        """Go further from where it is going already."""
        self.glide_to(self._target + distance)

    def jump_to(self, position: float) -> None:
        """Be there at once: while the scroll bar is dragged."""
        self._target = min(max(position, 0.0), float(self.maximum))
        self._position = self._target

    def advance(self, now: float) -> None:
        """Move on to ``now`` (seconds)."""
        if not self.moving:
            self._last = None
            return
        elapsed = 1 / 60 if self._last is None else min(max(now - self._last, 0.0), _LONGEST_STEP)
        self._last = now
        rest = self._target - self._position
        self._position += rest * (1 - math.exp(-elapsed / _TIME_CONSTANT))
        if abs(self._target - self._position) < _ARRIVED:
            self._position = self._target
