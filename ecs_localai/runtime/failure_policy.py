"""What to do with a system that fails again and again. Bevy has no counterpart: there it fails in every frame."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True)
class FailurePolicy:
    """After how many failing runs in a row a system rests, and for how long: ``app.set_failure_policy(…)``.

    A system that rests is passed over. When the rest is over it is tried again: if it fails, the next rest is twice as
    long; if it does not, all is forgotten. Rests are counted in real time (`Time.real_elapsed_seconds`), so that a
    paused world's systems come back too.

    Raises:
        ValueError: there would be no failure before the first rest, or the rests are not above 0 or not in order.
    """

    failures: int | None = 10
    """How many failing runs in a row lead to a rest; None: a failing system is tried in every frame."""
    rest_seconds: float = 1.0
    """The first rest; infinity: until `App.resume_system`."""
    longest_rest_seconds: float = 60.0
    """What the doubling ends at."""

    def __post_init__(self) -> None:
        if self.failures is not None and self.failures < 1:
            raise ValueError(
                f"failures is {self.failures}: give the number of failing runs in a row after which a system rests, "
                f"1 or more, or None for systems that never rest."
            )
        if not self.rest_seconds > 0:
            raise ValueError(
                f"rest_seconds is {self.rest_seconds}: give a number of seconds above 0, infinity for a system that "
                f"is suspended, or FailurePolicy.never_rests()."
            )
        if not self.longest_rest_seconds >= self.rest_seconds:
            raise ValueError(
                f"longest_rest_seconds is {self.longest_rest_seconds}, which is shorter than the first rest of "
                f"{self.rest_seconds} s: give at least that, or a shorter rest_seconds."
            )

    @classmethod
    def never_rests(cls) -> FailurePolicy:
        """A failing system is tried in every frame, as in Bevy."""
        return cls(failures=None)

    @classmethod
    def suspends(cls, failures: int = 10) -> FailurePolicy:
        """A system that failed so often in a row does not run any more until `App.resume_system`."""
        return cls(failures=failures, rest_seconds=inf, longest_rest_seconds=inf)

    def rest_after(self, failures_in_a_row: int, last_rest: float) -> float:
        """How long to rest now, in seconds; 0 for not at all. `last_rest` is the rest before, 0 if there was none."""
        if self.failures is None or failures_in_a_row < self.failures:
            return 0.0
        return min(2.0 * last_rest, self.longest_rest_seconds) if last_rest else self.rest_seconds
