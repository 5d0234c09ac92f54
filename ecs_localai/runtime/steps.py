"""What a compiled schedule is made of: steps in segments, run in a tight loop with failures isolated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from ecs_localai.runtime.sets import SystemSet

if TYPE_CHECKING:
    from ecs_localai.runtime.activity import Activity
    from ecs_localai.runtime.app import App
    from ecs_localai.runtime.system import System
    from ecs_localai.runtime.time import Time


PASSED_OVER: Final = object()
"""What a step returns when its conditions kept it from running."""


class Step(Protocol):
    """One call of a frame: ``step.call(*step.args)``."""

    name: str
    call: Callable[..., object]
    args: tuple[object, ...]


class Condition(Protocol):
    """What is asked before a step: a run condition, or one that a set's systems share."""

    name: str

    def holds(self) -> bool:
        """Whether the step may run. May raise whatever the condition raises."""


class ConditionalStep:
    """A system that runs only when its conditions hold."""

    __slots__ = ("_app", "_where", "args", "call", "conditions", "name", "system")

    def __init__(self, system: System, conditions: Sequence[Condition], where: str, app: App) -> None:
        self.name = system.name
        self.system = system
        self.conditions = tuple(conditions)
        self._where = where
        self._app = app
        self.args: tuple[object, ...] = ()
        self.call: Callable[..., object] = self._run

    def _run(self) -> object:
        for condition in self.conditions:
            try:
                if not condition.holds():
                    return PASSED_OVER
            except Exception as error:  # noqa: BLE001 - a condition that fails does not hold
                self._app.report_failure(condition.name, self._where, error)
                return PASSED_OVER
        self.system.call(*self.system.args)
        return None


class SharedCondition:
    """A set's run condition: evaluated once a run, whatever the number of systems in the set."""

    __slots__ = ("_held", "_run", "_system", "_time", "name")

    def __init__(self, system: System, time: Time) -> None:
        self.name = system.name
        self._system = system
        self._time = time
        self._run = -1
        self._held = False

    def holds(self) -> bool:
        """Whether the condition holds in this run. One that raises does not hold for the rest of it."""
        run = self._time.run_number
        if self._run != run:
            self._run = run
            self._held = False
            self._held = self._system.holds()
        return self._held


class FlushStep:
    """Applies queued commands between two systems that were ordered explicitly."""

    __slots__ = ("args", "call", "name")

    def __init__(self, apply: Callable[[], None]) -> None:
        self.name = "apply_commands"
        self.call: Callable[..., object] = apply
        self.args: tuple[object, ...] = ()


class Segment:
    """Steps that run together; queued commands are applied at the end.

    A set whose first condition is `activity` gets it as `reacts_to`: passing the set over then costs an idle frame
    no more than an empty processor does.
    """

    __slots__ = ("_app", "_reacts_to", "_waiting", "gates", "steps", "system_set", "where")

    def __init__(
        self,
        where: str,
        system_set: SystemSet | None,
        steps: Sequence[Step],
        gates: Sequence[Step],
        app: App,
        reacts_to: Activity | None = None,
    ) -> None:
        self.where = where
        """For messages: ``Update/HOST_CONNECTION``."""
        self.system_set = system_set
        """The visible set that this segment is, or None."""
        self.steps = tuple(steps)
        self.gates = tuple(gates)
        """What is asked before all steps: the visible set's conditions."""
        self._app = app
        self._reacts_to = reacts_to
        self._waiting = app.commands.waiting

    def run(self, *_args: object, **_kwargs: object) -> None:
        """Run every step. One that raises is reported, and the others still run.

        Arguments are what a host passes to `esper.process`: they are for its own processors.
        """
        seen = self._reacts_to
        if seen is not None and not seen.happened:
            return
        if self.gates and not self._gates_hold():
            return
        for step in self.steps:
            try:
                step.call(*step.args)
            except Exception as error:  # noqa: BLE001 - the isolation point: one system, not the frame
                self._app.report_failure(step.name, self.where, error)
        if self._waiting:
            self._app.apply_commands()

    @property
    def condition_names(self) -> list[str]:
        """The conditions that are asked once for all steps, in their order."""
        return [*(["activity"] if self._reacts_to is not None else []), *(gate.name for gate in self.gates)]

    def _gates_hold(self) -> bool:
        for gate in self.gates:
            try:
                if not gate.call(*gate.args):
                    return False
            except Exception as error:  # noqa: BLE001 - a condition that fails does not hold
                self._app.report_failure(gate.name, self.where, error)
                return False
        return True
