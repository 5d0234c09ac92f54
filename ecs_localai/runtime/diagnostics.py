"""Measurements of a running app, by path (Bevy: ``bevy_diagnostic/src/diagnostic.rs``), without allocating."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from math import isfinite, isnan, nan
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ecs_localai.runtime.time import Time

HISTORY_LENGTH: Final = 120
"""How many values a diagnostic keeps (Bevy: ``DEFAULT_MAX_HISTORY_LENGTH``)."""
SMOOTHING_SECONDS: Final = 2.0 / 21.0
"""As in Bevy: a change shows in `Diagnostic.smoothed`, to five sixths, after about this long."""


class SampleRing:
    """The newest `capacity` values of one measurement, oldest first, always contiguous.

    Every value is stored twice, half the buffer apart, so that each window of the last `capacity` values is a
    plain slice; the slices are made once. A push is two stores and makes no new object.

    Raises:
        ValueError: `capacity` is below 1.
    """

    __slots__ = ("_buffer", "_capacity", "_next", "_samples", "_windows", "count")

    def __init__(self, capacity: int = HISTORY_LENGTH) -> None:
        if capacity < 1:
            raise ValueError(f"A ring keeps at least one value, not {capacity}.")
        self._capacity = capacity
        self._buffer = array("d", [nan]) * (2 * capacity)
        self._windows: tuple[NDArray[np.float64], ...] = ()
        self._samples: tuple[memoryview, ...] = ()
        self._next = 0
        self.count = 0
        """How many values were ever pushed."""

    def push(self, value: float | None) -> None:
        """Add a value; None, for "could not be measured", is kept as NaN."""
        number = nan if value is None else value
        position = self._next
        self._buffer[position] = number
        self._buffer[position + self._capacity] = number
        position += 1
        self._next = 0 if position == self._capacity else position
        self.count += 1

    @property
    def capacity(self) -> int:
        """How many values are kept."""
        return self._capacity

    @property
    def window(self) -> NDArray[np.float64]:
        """The last values, oldest first, shape ``(capacity,)``; NaN where there is none.

        A view of the ring: it is right until the next push. The first one imports numpy.
        """
        if not self._windows:
            import numpy as np

            whole = np.frombuffer(self._buffer)
            self._windows = tuple(whole[start : start + self._capacity] for start in range(self._capacity))
        return self._windows[self._next]

    @property
    def samples(self) -> memoryview:
        """As `window`, without numpy: a memory view of floats."""
        if not self._samples:
            whole = memoryview(self._buffer)
            self._samples = tuple(whole[start : start + self._capacity] for start in range(self._capacity))
        return self._samples[self._next]

    @property
    def newest(self) -> float | None:
        """The last value pushed; None when there is none or it could not be measured."""
        value = self._buffer[self._next - 1 if self._next else self._capacity - 1]
        return None if isnan(value) else value

    @property
    def oldest(self) -> float | None:
        """The value that the next push replaces; None when there is none or it could not be measured."""
        value = self._buffer[self._next]
        return None if isnan(value) else value

    def measured(self) -> Iterator[float]:
        """The values that could be measured, in no order."""
        return (value for value in self._buffer[: self._capacity] if not isnan(value))


class DiagnosticPath(str):
    """The name of a diagnostic: parts with ``/`` between them, as in ``process/cpu_usage`` (Bevy: the same).

    It is a string and equal to the plain one, which may be used in its place.

    Raises:
        ValueError: it is empty, or one of its parts is.
    """

    __slots__ = ()

    def __new__(cls, path: str) -> DiagnosticPath:
        if not path or not all(path.split("/")):
            raise ValueError(
                f"{path!r} is not a diagnostic's path: write one or more names with a single / between them, "
                f"as in process/cpu_usage."
            )
        return super().__new__(cls, path)

    @property
    def parts(self) -> list[str]:
        """What stands between the slashes."""
        return self.split("/")


class UnknownDiagnosticError(LookupError):
    """A diagnostic was asked for that nobody has added."""


class Diagnostic:
    """What was measured of one thing: ``Diagnostic("process/cpu_usage", "%")`` (Bevy: ``Diagnostic``).

    A value that could not be measured, or is not finite, stands in the history as NaN and counts in no average; Bevy's
    average divides by it too.

    Args:
        path: a name such as ``fps``.
        unit: what the values are in, for people, such as ``ms`` or ``%`` (Bevy: ``suffix``).
        history: where to keep the values, which only this diagnostic pushes into; without it 120 of them are kept.
        smoothing_seconds: what `smoothed` goes by; 0 smooths nothing.

    Raises:
        ValueError: the path is empty or has an empty part, or `smoothing_seconds` is below 0 or not finite.
    """

    __slots__ = (
        "_added",
        "_measured",
        "_smoothed",
        "_sum",
        "history",
        "is_enabled",
        "measured_at",
        "path",
        "reason",
        "smoothing_seconds",
        "unit",
    )

    def __init__(
        self,
        path: str,
        unit: str = "",
        history: SampleRing | None = None,
        *,
        smoothing_seconds: float = SMOOTHING_SECONDS,
    ) -> None:
        if not (isfinite(smoothing_seconds) and smoothing_seconds >= 0):
            raise ValueError(
                f"smoothing_seconds is {smoothing_seconds}: give a finite number of seconds, or 0 for none."
            )
        self.path = DiagnosticPath(path)
        self.unit = unit
        self.history = SampleRing() if history is None else history
        self.smoothing_seconds = smoothing_seconds
        self.is_enabled = True
        """Whether new measurements are taken in; `DiagnosticsStore.add_measurement` passes over one that is not."""
        self.measured_at: float | None = None
        """When there was a value last, in `Time.real_elapsed_seconds`; None before the first."""
        self.reason: str | None = None
        """Why the last one could not be measured, where somebody said so."""
        self._sum = sum(self.history.measured())
        self._measured = sum(1 for _ in self.history.measured())  # how many of its values are in the sum
        self._added = 0
        self._smoothed = 0.0

    @property
    def value(self) -> float | None:
        """The last measurement; None before the first, and where it could not be measured."""
        return self.history.newest

    @property
    def average(self) -> float | None:
        """The mean of the history's values (the sum is kept up to date, so this is cheap); None without any."""
        return self._sum / self._measured if self._measured else None

    @property
    def smoothed(self) -> float | None:
        """The exponential moving average of all values so far; None without any."""
        return None if self.measured_at is None else self._smoothed

    def __str__(self) -> str:
        """A line for people: ``frame_time: 16.67 ms (average 16.71 ms)``."""
        return f"{self.path}: {measurement_text(self.value, self.average, self.unit, self.reason)}"

    def add_measurement(self, value: float | None, at: float, reason: str | None = None) -> None:
        """Take in a value that was measured `at` this time, in `Time.real_elapsed_seconds`.

        None says that it could not be measured, and `reason` why.
        """
        if value is not None and not isfinite(value):
            value = None
        history = self.history
        replaced = history.oldest
        if replaced is not None:
            self._sum -= replaced
            self._measured -= 1
        history.push(value)
        if value is None:
            self.reason = reason
        else:
            self.reason = None
            self._sum += value
            self._measured += 1
            self._smooth(value, at)
        self._added += 1
        if self._added == history.capacity:  # once a round, so that rounding errors do not add up
            self._added = 0
            self._sum = sum(history.measured())

    def _smooth(self, value: float, at: float) -> None:
        """As Bevy's ``add_measurement`` does, except that the first value is the beginning wherever it comes."""
        last = self.measured_at
        self.measured_at = at
        passed = self.smoothing_seconds if last is None else at - last
        if passed >= self.smoothing_seconds:
            self._smoothed = value
        elif passed > 0:
            self._smoothed += passed / self.smoothing_seconds * (value - self._smoothed)


def measurement_text(value: float | None, average: float | None, unit: str, reason: str | None) -> str:
    """A measurement and its average for people."""
    behind = unit if unit in ("", "%") else f" {unit}"
    missing = f"not measured: {reason}" if reason else "not measured"
    shown = missing if value is None else f"{value:.6g}{behind}"
    return shown if average is None else f"{shown} (average {average:.6g}{behind})"


class DiagnosticsStore:
    """All diagnostics of an app, a resource: ``diagnostics: Res[DiagnosticsStore]`` (Bevy: the same).

    Bevy's systems take ``Diagnostics``, which queues measurements so that systems can run at the same time; ours run
    one after the other.
    """

    def __init__(self, time: Time) -> None:
        self._time = time
        self._by_path: dict[str, Diagnostic] = {}

    def add(self, *diagnostics: Diagnostic) -> None:
        """Add diagnostics, replacing those with the same path (Bevy: ``App::register_diagnostic``)."""
        for one in diagnostics:
            self._by_path[one.path] = one

    def get(self, path: str) -> Diagnostic | None:
        """The diagnostic with this path, or None."""
        return self._by_path.get(path)

    def remove(self, path: str) -> Diagnostic | None:
        """Take a diagnostic out and return it; None where there was none."""
        return self._by_path.pop(path, None)

    def __getitem__(self, path: str) -> Diagnostic:
        """The diagnostic with this path.

        Raises:
            UnknownDiagnosticError: nobody has added it.
        """
        found = self._by_path.get(path)
        if found is None:
            there = f"There are {', '.join(self._by_path)}." if self._by_path else "There are none at all."
            raise UnknownDiagnosticError(
                f"There is no diagnostic {path!r}: add it with diagnostics.add(Diagnostic({path!r})). {there}"
            )
        return found

    def __iter__(self) -> Iterator[Diagnostic]:
        """All of them, in the order in which they were added."""
        return iter(list(self._by_path.values()))

    def __len__(self) -> int:
        return len(self._by_path)

    def __contains__(self, path: object) -> bool:
        return path in self._by_path

    def add_measurement(self, path: str, value: float | None, reason: str | None = None) -> None:
        """Take in a value that was measured now; None: it could not be measured, and `reason` says why.

        Raises:
            UnknownDiagnosticError: nobody has added the diagnostic. Bevy passes over the value silently.
        """
        diagnostic = self[path]
        if diagnostic.is_enabled:
            diagnostic.add_measurement(value, self._time.real_elapsed_seconds, reason)
