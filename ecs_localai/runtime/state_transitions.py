"""Leaving and entering states (Bevy: ``bevy_state/src/state/transitions.rs``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ecs_localai.runtime.errors import RuntimeSetupError, ScheduleError
from ecs_localai.runtime.schedule import ScheduleLabel
from ecs_localai.runtime.states import (
    DespawnOnExit,
    NextState,
    OnEnter,
    OnExit,
    OnTransition,
    State,
    States,
    StateTransitionEvent,
    TransitionLabel,
    check_state,
)
from ecs_localai.runtime.steps import Segment

if TYPE_CHECKING:
    from ecs_localai.runtime.app import App


class _Machine:
    """One type of states in an app: where it is, and where it was asked to go."""

    def __init__(self, initial: States, app: App) -> None:
        kind = type(initial)
        self.initial = initial
        self.state: State[States] = State.of(kind)(initial)
        self.next: NextState[States] = NextState.of(kind)(app.wakeups)
        self._is_entered = False

    def take(self) -> StateTransitionEvent | None:
        """The transition that is to take place now; the current state is the new one afterwards.

        What was asked for before the first state has been entered waits for the next `StateTransition`. Bevy leaves
        a first state that was never entered.
        """
        if not self._is_entered:
            self._is_entered = True
            return StateTransitionEvent(None, self.state.get())  # another than the initial one, if it was loaded
        if self.next.pending is None:
            return None
        exited = self.state.get()
        entered = self.next.take(exited)
        if entered is None:
            return None
        self.state.replace(entered)
        return StateTransitionEvent(exited, entered)


class StateTransitions:
    """The frame's step that changes states. An app without states does not have it in its frame."""

    def __init__(self, app: App) -> None:
        self.name = "state transitions"
        self.call: Callable[..., object] = self._run
        self.args: tuple[object, ...] = ()
        self._app = app
        self._machines: dict[type[States], _Machine] = {}
        self._active: tuple[_Machine, ...] = ()
        self._segments: dict[ScheduleLabel, list[Segment]] = {}

    def init(self, initial: States) -> None:
        """Begin in this state. Once more with the same one does nothing.

        Raises:
            RuntimeSetupError: it is not a state, or its type has begun in another one.
        """
        check_state(initial, "app.init_state")
        machine = self._machines.get(type(initial))
        if machine is None:
            machine = self._machines[type(initial)] = _Machine(initial, self._app)
            self._app.insert_resource(machine.state)
            self._app.insert_resource(machine.next)
            self._app.add_event(StateTransitionEvent)
        elif machine.initial is not initial:
            name = type(initial).__name__
            raise RuntimeSetupError(
                f"{name} begins in {machine.initial} already, not in {initial}: call init_state once for {name}, "
                f"and ask for another state with NextState[{name}].set."
            )

    def place(self, segments: Mapping[ScheduleLabel, list[Segment]]) -> list[Segment]:
        """Take the transitions' schedules from what was compiled; returns what stands first in `StateTransition`.

        Raises:
            ScheduleError: there are systems for a state of a type that the app does not have (Bevy never runs them).
        """
        found: dict[ScheduleLabel, list[Segment]] = {}
        for label, compiled in segments.items():
            if isinstance(label, TransitionLabel):
                for state in label.about():
                    if type(state) not in self._machines:
                        raise ScheduleError(
                            f"There are systems in {label}, but the app has no {type(state).__name__}. "
                            f"Say where it begins: app.init_state({state})."
                        )
                found[label] = compiled
        self._segments = found
        self._active = tuple(self._machines.values())
        return [Segment("StateTransition", None, [self], [], self._app)] if self._active else []

    def _run(self) -> None:
        """All types leave their states before one enters another, as in Bevy's ``StateTransitionSystems``."""
        happening = [event for machine in self._active if (event := machine.take()) is not None]
        if not happening:
            return
        self._app.activity.happened = True
        for event in happening:
            if event.exited is not None:
                self._run_schedule(OnExit(event.exited))
                self._despawn(event.exited)
        for event in happening:
            if event.exited is not None:
                self._run_schedule(OnTransition(event.exited, event.entered))
        for event in happening:
            self._run_schedule(OnEnter(event.entered))
            self._app.send_event(event)

    def _run_schedule(self, label: TransitionLabel) -> None:
        segments = self._segments.get(label)
        if segments:
            self._app.time.extra_runs += 1
            for segment in segments:
                segment.run()

    def _despawn(self, exited: States) -> None:
        world = self._app.world
        for entity, mark in world.query(DespawnOnExit):
            if mark.state is exited:
                world.despawn(entity)
