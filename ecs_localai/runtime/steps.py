"""What a compiled schedule is made of: steps in segments, run in a tight loop with failures isolated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import length_hint
from typing import TYPE_CHECKING, TypeAlias
from weakref import WeakSet

import esper

from ecs_localai.runtime.sets import SystemSet
from ecs_localai.runtime.step import PASSED_OVER, bound
from ecs_localai.runtime.step import Step as Step
from ecs_localai.runtime.system import System

if TYPE_CHECKING:
    from ecs_localai.runtime.app import App
    from ecs_localai.runtime.frame_activity import Activity
    from ecs_localai.runtime.time import Time

Condition: TypeAlias = Step
"""What is asked before a step: a run condition, or one that a set's systems share. It holds if it returns true."""


class ConditionalStep:
    """A system that runs only when its conditions hold."""

    __slots__ = ("_failing", "_where", "args", "call", "conditions", "name", "system")

    def __init__(self, system: System, conditions: Sequence[Condition], where: str, app: App) -> None:
        self.name = system.name
        self.system = system
        self._failing = app.failing
        self.conditions = tuple(self._kept(condition) for condition in conditions)
        self._where = where
        self.args: tuple[object, ...] = ()
        self.call: Callable[..., object] = self._run

    def replace_step(self, old: Step, new: Step) -> None:
        """Ask another condition in the place of one."""
        self.conditions = tuple(new if one is old else one for one in self.conditions)

    def _kept(self, condition: Condition) -> Condition:
        if isinstance(condition, SharedCondition):
            condition.step = self._failing.kept(condition.step, condition)
            return condition
        return self._failing.kept(condition, self)

    def _run(self) -> object:
        for condition in self.conditions:
            try:
                if not condition.call(*condition.args):
                    return PASSED_OVER
            except Exception as error:  # noqa: BLE001 - a condition that fails does not hold
                if isinstance(condition, SharedCondition):
                    self._failing.failed(condition, condition.step, self._where, error)
                else:
                    self._failing.failed(self, condition, self._where, error)
                return PASSED_OVER
        self.system.call(*self.system.args)
        return None


class SharedCondition:
    """A set's run condition: evaluated once a run, whatever the number of systems in the set."""

    __slots__ = ("_held", "_run", "_time", "args", "call", "name", "step")

    def __init__(self, system: System, time: Time) -> None:
        self.name = system.name
        self.args: tuple[object, ...] = ()
        self.call: Callable[..., object] = self._holds
        self.step: Step = system
        """The condition itself."""
        self._time = time
        self._run = -1
        self._held = False

    def replace_step(self, old: Step, new: Step) -> None:
        """Ask another condition in the place of this one."""
        if self.step is old:
            self.step = new

    def _holds(self) -> bool:
        """Whether the condition holds in this run. One that raises does not hold for the rest of it."""
        run = self._time.run_number
        if self._run != run:
            self._run = run
            self._held = False
            self._held = bool(self.step.call(*self.step.args))
        return self._held


class FlushStep:
    """Applies queued commands between two systems that were ordered explicitly."""

    __slots__ = ("args", "call", "name")

    def __init__(self, apply: Callable[[], None]) -> None:
        self.name = "apply_commands"
        self.call: Callable[..., object] = apply
        self.args: tuple[object, ...] = ()


class _Rebinding:
    """Tells all segments that hold a system of its new call.

    There may be two: what was compiled last is not in force yet, or never will be because the order is impossible.
    """

    __slots__ = ("_system", "segments")

    def __init__(self, system: System) -> None:
        self._system = system
        self.segments: WeakSet[Segment] = WeakSet()

    def __call__(self) -> None:
        for segment in self.segments:
            segment.rebind(self._system)


InTurn: TypeAlias = "Callable[[Iterable[Segment]], None]"
"""What runs segments one after the other."""


def run_in_turn(segments: Iterable[Segment]) -> None:
    """Run every step of these segments. One that raises is reported, and the others still run.

    It is the loop of every frame: one for all segments, so that each is spared a call.
    """
    for running in segments:  # `Frame.nested_error` looks for this name
        if running.is_gated:
            seen = running.reacts_to
            if seen is not None and not seen.happened:
                continue
            if running.gates and not running.gates_hold():
                continue
        if esper.current_world != running.world:
            running.app.return_to_world(running.where)
        calls = iter(running.calls)
        for call in calls:
            try:
                call()
            except Exception as error:  # noqa: BLE001 - the isolation point: one system, not the frame
                running.failed(length_hint(calls), error)
        if running.waiting:
            running.app.apply_commands()


class Segment:
    """Steps that run together; queued commands are applied at the end.

    A set whose first condition is `activity` gets it as `reacts_to`: passing the set over then costs an idle frame
    less than an empty processor does.
    """

    __slots__ = (
        "__weakref__",
        "_failing",
        "app",
        "calls",
        "gates",
        "is_gated",
        "reacts_to",
        "steps",
        "system_set",
        "waiting",
        "where",
        "world",
    )

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
        self._failing = app.failing
        self.steps = tuple(self._failing.kept(step, self) for step in steps)
        self.gates = tuple(self._failing.kept(gate, self) for gate in gates)
        """What is asked before all steps: the visible set's conditions."""
        self.is_gated = bool(gates) or reacts_to is not None
        """Whether anything is asked before all steps."""
        self.app = app
        self.world = app.world.name
        self.reacts_to = reacts_to
        self.waiting = app.commands.waiting
        """The queue of commands."""
        self.calls = [bound(step) for step in self.steps]
        """The steps, as `run_in_turn` calls them."""
        for step in steps:  # also one that a FailingStep stands for now
            if isinstance(step, System):
                if not isinstance(step.rebound, _Rebinding):
                    step.rebound = _Rebinding(step)
                step.rebound.segments.add(self)

    def run(self) -> None:
        """Run every step of this segment alone."""
        run_in_turn((self,))

    def failed(self, left: int, error: Exception) -> None:
        """The step has failed that is followed by so many others."""
        self._failing.failed(self, self.steps[len(self.steps) - left - 1], self.where, error)

    def rebind(self, step: Step) -> None:
        """The step's call has changed, because a resource came, went or was replaced."""
        for position, one in enumerate(self.steps):
            if one is step:
                self._hold(position, bound(step))

    def _hold(self, position: int, call: Callable[[], object]) -> None:
        self.calls[position] = call  # in place: the run that is going on shall see it

    def replace_step(self, old: Step, new: Step) -> None:
        """Run another step in the place of one, from the next run on; or ask another gate."""
        self.steps = tuple(new if one is old else one for one in self.steps)
        self.rebind(new)
        self.gates = tuple(new if one is old else one for one in self.gates)

    @property
    def condition_names(self) -> list[str]:
        """The conditions that are asked once for all steps, in their order."""
        return [*(["activity"] if self.reacts_to is not None else []), *(gate.name for gate in self.gates)]

    def gates_hold(self) -> bool:
        """Whether the conditions hold that are asked before all steps. Asked in the app's world."""
        if esper.current_world != self.world:
            self.app.return_to_world(self.where)
        for gate in self.gates:
            try:
                if not gate.call(*gate.args):
                    return False
            except Exception as error:  # noqa: BLE001 - a condition that fails does not hold
                self._failing.failed(self, gate, self.where, error)
                return False
        return True
