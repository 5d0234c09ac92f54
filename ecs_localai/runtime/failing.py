"""Systems and conditions that fail: how often in a row, and which of them rest.

A step that works costs nothing for all this. When one fails, whoever holds it gets a `FailingStep` in its place,
which counts, rests and, when the step works, hands the original back.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from ecs_localai.runtime.failure_policy import FailurePolicy
from ecs_localai.runtime.failures import describe_failure, times_in_a_row
from ecs_localai.runtime.step import PASSED_OVER, Step, StepHolder, system_behind
from ecs_localai.runtime.time import Time, Timer, Wakeups

if TYPE_CHECKING:
    from ecs_localai.runtime.app import App

logger = logging.getLogger("ecs_localai")


@dataclass(frozen=True, slots=True)
class SystemRecovered:
    """A system that had rested, or a condition, works again. An event. Bevy has no counterpart: there none rests."""

    system: str
    """Its qualified name."""
    schedule: str
    """The schedule, and the set where there is one."""
    failures_in_a_row: int
    """How often it had failed."""
    frame: int


class RestTimer(Timer):
    """The end of a rest: due in the one frame in which it passes, whether or not that frame gets to the step.

    A step may be held back by its set's conditions, or belong to a state that is left: an ordinary timer would stay
    due, and a runner that sleeps would not sleep any more.
    """

    __slots__ = ("_time", "_until")

    def __init__(self, wakeups: Wakeups, time: Time, until: float) -> None:
        self._time = time
        super().__init__(wakeups, until)
        wakeups._timers.append(self)
        wakeups.stale = True

    @property
    def due(self) -> float:
        """In `Time.real_elapsed_seconds`; infinity from the frame after on."""
        frame_began_after = self._time.real_elapsed_seconds - self._time.real_delta_seconds
        return self._until if self._until > frame_began_after else inf

    @due.setter
    def due(self, until: float) -> None:
        self._until = until


class FailureRecord:
    """How a system has been failing."""

    __slots__ = (
        "_call",
        "_forgiven",
        "_timer",
        "error",
        "failures_in_a_row",
        "has_rested",
        "is_resting",
        "rest_seconds",
        "until",
        "where",
    )

    def __init__(self) -> None:
        self.failures_in_a_row = 0
        self.error = ""
        """The last one, as ``type: message``."""
        self.where = ""
        self.is_resting = False
        self.has_rested = False
        self.rest_seconds = 0.0
        """How long the last rest was to be; 0 when there was none, or somebody ended it."""
        self.until = 0.0
        """The rest's end, in `Time.real_elapsed_seconds`."""
        self._call: object = None
        self._timer: RestTimer | None = None
        self._forgiven = 0

    @property
    def counted(self) -> int:
        """How many of the failures count: those since somebody ended a rest."""
        return self.failures_in_a_row - self._forgiven

    def rest(self, seconds: float, call: object, time: Time, wakeups: Wakeups) -> None:
        """Rest from now on. `call` is what failed."""
        self.is_resting = self.has_rested = True
        self.rest_seconds = seconds
        self.until = time.real_elapsed_seconds + seconds
        self._call = call
        if seconds != inf:
            self._timer = RestTimer(wakeups, time, self.until)

    def rests_on(self, call: object, time: Time) -> bool:
        """Whether the rest goes on. It ends early when another `call` shows that a missing resource has come."""
        if time.real_elapsed_seconds < self.until and call is self._call:
            return True
        self.end_rest()
        return False

    def end_rest(self) -> None:
        """Be tried again."""
        self.is_resting = False
        if self._timer is not None:
            self._timer.drop()
            self._timer = None

    def forgive(self) -> None:
        """Be tried again, and have as many failures before the next rest as at first."""
        self.end_rest()
        self.rest_seconds = 0.0
        self._forgiven = self.failures_in_a_row


class FailingStep:
    """Stands for a step that has failed, until it works. Also for a condition, which does not hold while it rests."""

    __slots__ = ("_failing", "_holder", "args", "call", "name", "record", "step", "system")

    def __init__(self, step: Step, holder: StepHolder, record: FailureRecord, failing: FailingSystems) -> None:
        self.name = step.name
        self.args: tuple[object, ...] = ()
        self.call: Callable[..., object] = self._run
        self.step = step
        """The step itself."""
        self.record = record
        self.system = system_behind(step)
        self._holder = holder
        self._failing = failing

    def _run(self) -> object:
        record = self.record
        if record.is_resting and record.rests_on(_call_of(self.system), self._failing.time):
            return PASSED_OVER
        answer = self.step.call(*self.step.args)  # whoever holds us reports what it raises
        if answer is not PASSED_OVER:
            self._holder.replace_step(self, self.step)
            self._failing.forget(self)
        return answer


class FailingSystems:
    """Which systems and conditions of an app keep failing, and what is done about it. A resource of every app.

    Bevy has no counterpart: there a failing system is tried in every frame, if its error handler does not end the app.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self.time = app.time
        self.policy = FailurePolicy()
        self._records: dict[object, FailureRecord] = {}  # by system: steps are made anew with every compilation

    def set_policy(self, policy: FailurePolicy) -> None:
        """Go by this policy from now on. Systems that rest are tried again."""
        self.policy = policy
        self._resume(self._records.values())

    def resume(self, function: Callable[..., object]) -> bool:
        """Let the systems or conditions made of this function run in the next frame; whether one was at rest."""
        return self._resume(
            record for system, record in self._records.items() if getattr(system, "function", None) == function
        )

    def record_of(self, step: object) -> FailureRecord | None:
        """How a step has been failing; None for one that worked the last time, or has not run yet."""
        return self._records.get(system_behind(step))

    def kept(self, step: Step, holder: StepHolder) -> Step:
        """What a holder that is made anew is to hold for a step, which may have been failing before."""
        record = self.record_of(step)
        return step if record is None or isinstance(step, FailingStep) else FailingStep(step, holder, record, self)

    def failed(self, holder: StepHolder, step: Step, where: str, error: Exception) -> None:
        """Count and report a failure of a step, and let it rest if it is time."""
        system = system_behind(step)
        record = self._records.setdefault(system, FailureRecord())
        if isinstance(step, FailingStep):
            step.record = record
        else:
            holder.replace_step(step, FailingStep(step, holder, record, self))
        record.failures_in_a_row += 1
        record.where = where
        last_rest = record.rest_seconds
        seconds = self.policy.rest_after(record.counted, last_rest)
        failure = describe_failure(
            step.name, where, error, self.time.frame, failures_in_a_row=record.failures_in_a_row, rest=seconds
        )
        record.error = f"{failure.error_type}: {failure.message}" if failure.message else failure.error_type
        if seconds:
            record.rest(seconds, _call_of(system), self.time, self._app.wakeups)
        self._app.tell_failure(failure)
        if seconds and not last_rest:
            self._log_rest(step.name, record, seconds)

    def forget(self, step: FailingStep) -> None:
        """A step has worked."""
        record = self._records.pop(step.system, None)
        if record is None:
            return
        record.end_rest()
        if record.has_rested:
            count = record.failures_in_a_row
            # As loud as the news that it rests, which would seem to be still true otherwise.
            logger.warning(
                "System %s (%s) works again; it had failed %s.", step.name, record.where, times_in_a_row(count)
            )
            self._app.send_event(SystemRecovered(step.name, record.where, count, self.time.frame))

    def _log_rest(self, name: str, record: FailureRecord, seconds: float) -> None:
        if seconds == inf:
            rest = "is suspended until App.resume_system is called for it"
        else:
            rest = (
                f"rests for {seconds:g} s; then it is tried again, and each further failure doubles the rest, up to "
                f"{self.policy.longest_rest_seconds:g} s"
            )
        logger.warning(
            "System %s (%s) failed %s and %s. The last error was %s",
            name,
            record.where,
            times_in_a_row(record.failures_in_a_row),
            rest,
            record.error,
        )

    def _resume(self, records: Iterable[FailureRecord]) -> bool:
        rested = False
        for record in records:
            rested = rested or record.is_resting
            record.forgive()
        if rested:
            self._app.wakeups.request_frame()
        return rested


def _call_of(system: object) -> object:
    """What a system calls now: something else once a resource that it lacks has come (see `System.call`)."""
    return getattr(system, "call", None)
