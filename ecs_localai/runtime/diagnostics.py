"""Histories of measurements (Bevy: ``Diagnostic``, which keeps 120 values too), without allocating."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

HISTORY_LENGTH: Final = 120


class SampleRing:
    """The newest `capacity` values of one measurement, oldest first, always contiguous.

    Every value is stored twice, half the buffer apart, so that each window of the last `capacity` values is a
    plain slice; the slices are made once. A push is two stores and makes no new object.
    """

    __slots__ = ("_buffer", "_capacity", "_next", "_windows", "count")

    def __init__(self, capacity: int = HISTORY_LENGTH) -> None:
        if capacity < 1:
            raise ValueError(f"A ring keeps at least one value, not {capacity}.")
        self._capacity = capacity
        self._buffer = np.full(2 * capacity, np.nan)
        self._windows: tuple[NDArray[np.float64], ...] = tuple(
            self._buffer[start : start + capacity] for start in range(capacity)
        )
        self._next = 0
        self.count = 0
        """How many values were ever pushed."""

    def push(self, value: float | None) -> None:
        """Add a value; None, for "could not be measured", is kept as NaN."""
        number = np.nan if value is None else value
        position = self._next
        self._buffer[position] = number
        self._buffer[position + self._capacity] = number
        position += 1
        self._next = 0 if position == self._capacity else position
        self.count += 1

    @property
    def window(self) -> NDArray[np.float64]:
        """The last values, oldest first, shape ``(capacity,)``; NaN where there is none.

        A view of the ring: it is right until the next push.
        """
        return self._windows[self._next]

    @property
    def newest(self) -> float | None:
        """The last value pushed; None when there is none or it could not be measured."""
        value = float(self._buffer[self._next - 1 if self._next else self._capacity - 1])
        return None if np.isnan(value) else value
