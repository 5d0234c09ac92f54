"""What systems can rely on in the middle of a transition, as in Bevy (``bevy_state/src/state/transitions.rs``).

There the current state is replaced first (``StateTransitionSystems::DependentTransitions``), then the systems of
leaving, of the transition and of entering run, in this order and for all types of states together.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import auto

import pytest

from ecs_localai.runtime import (
    App,
    Commands,
    DespawnOnExit,
    EventReader,
    First,
    Last,
    NextState,
    OnEnter,
    OnExit,
    OnTransition,
    PreUpdate,
    Query,
    Res,
    ScheduleLabel,
    State,
    States,
    StateTransitionEvent,
    Update,
    in_state,
    run_if,
    state_changed,
)
from tests.runtime.runtime_parts import Position, noting


class Light(States):
    """A state."""

    RED = auto()
    GREEN = auto()


class Sound(States):
    """Another."""

    ON = auto()
    OFF = auto()


LEAVING = OnExit(Light.RED)
BETWEEN = OnTransition(Light.RED, Light.GREEN)
ENTERING = OnEnter(Light.GREEN)


def begin(app: App) -> None:
    """Be in the first state."""
    app.init_state(Light.RED)
    app.update(0.1)


def go(app: App, state: Light = Light.GREEN) -> None:
    """Enter another state in one frame."""
    app.world.resource(NextState[Light]).set(state)
    app.update(0.1)


@pytest.mark.parametrize("schedule", [LEAVING, BETWEEN, ENTERING], ids=str)
def test_current_state_is_the_new_one_in_all_of_a_transition(app: App, schedule: ScheduleLabel) -> None:
    seen: list[Light] = []

    def look(state: Res[State[Light]]) -> None:
        seen.append(state.get())

    app.add_systems(schedule, look)
    begin(app)
    go(app)
    assert seen == [Light.GREEN]


@pytest.mark.parametrize("schedule", [First, PreUpdate], ids=str)
def test_state_asked_for_before_the_transition_is_entered_in_the_same_frame(app: App, schedule: ScheduleLabel) -> None:
    log: list[str] = []
    begin(app)

    def ask(wanted: Res[NextState[Light]]) -> None:
        wanted.set_if_neq(Light.GREEN)

    app.add_systems(schedule, ask)
    app.add_systems(ENTERING, noting(log, "entered"))
    app.update(0.1)
    assert log == ["entered"]


@pytest.mark.parametrize("schedule", [LEAVING, BETWEEN, ENTERING], ids=str)
def test_state_asked_for_in_a_transition_waits_for_the_next_frame(app: App, schedule: ScheduleLabel) -> None:
    log: list[str] = []

    def back(wanted: Res[NextState[Light]]) -> None:
        wanted.set(Light.RED)

    begin(app)
    app.add_systems(schedule, back)
    app.add_systems(ENTERING, noting(log, "green"))
    app.add_systems(OnEnter(Light.RED), noting(log, "red"))
    go(app)
    assert log == ["green"]
    app.update(0.1)
    app.update(0.1)
    assert log == ["green", "red"]


def test_systems_of_the_states_that_were_not_left_or_entered_do_not_run(app: App) -> None:
    log: list[str] = []
    begin(app)
    for label in (OnExit(Light.GREEN), OnEnter(Light.RED), OnTransition(Light.GREEN, Light.RED)):
        app.add_systems(label, noting(log, str(label)))
    go(app)
    assert log == []


def test_what_belongs_to_a_state_is_there_while_it_is_left_and_gone_while_the_next_is_entered(app: App) -> None:
    counts: dict[str, int] = {}

    def count(name: str) -> Callable[[Query[Position]], None]:
        def look(query: Query[Position]) -> None:
            counts[name] = len(query)

        return look

    begin(app)
    app.world.spawn(Position(), DespawnOnExit(Light.RED))
    app.world.spawn(Position(), DespawnOnExit(Light.GREEN))
    app.world.spawn(Position(), DespawnOnExit(Sound.ON))
    app.add_systems(LEAVING, count("leaving"))
    app.add_systems(BETWEEN, count("between"))
    app.add_systems(ENTERING, count("entering"))
    go(app)
    assert counts == {"leaving": 3, "between": 2, "entering": 2}


def test_what_is_spawned_while_a_state_is_entered_lives_until_it_is_left(app: App) -> None:
    def furnish(commands: Commands) -> None:
        commands.spawn(Position(), DespawnOnExit(Light.GREEN))

    begin(app)
    app.add_systems(ENTERING, furnish)
    go(app)
    assert len(app.world.query(Position)) == 1
    app.update(0.1)
    assert len(app.world.query(Position)) == 1
    go(app, Light.RED)
    assert app.world.query(Position) == []


def test_entering_the_same_state_again_runs_its_transition_too(app: App) -> None:
    """Bevy since 0.18: `NextState::set` leaves and enters the state, also if it is the current one."""
    log: list[str] = []
    begin(app)
    app.add_systems(OnTransition(Light.RED, Light.RED), noting(log, "between"))
    app.add_systems(LEAVING, noting(log, "leaving"))
    app.add_systems(OnEnter(Light.RED), noting(log, "entering"))
    go(app, Light.RED)
    assert log == ["leaving", "between", "entering"]


def test_transition_is_told_once_to_who_reads_once_a_frame(app: App) -> None:
    told: list[StateTransitionEvent] = []

    def listen(reader: EventReader[StateTransitionEvent]) -> None:
        told.extend(reader.read())

    app.add_systems(Last, listen)
    begin(app)
    go(app)
    app.update(0.1)
    go(app, Light.RED)
    assert told == [
        StateTransitionEvent(None, Light.RED),
        StateTransitionEvent(Light.RED, Light.GREEN),
        StateTransitionEvent(Light.GREEN, Light.RED),
    ]


def test_conditions_of_states_hold_from_the_frame_of_the_transition_on(app: App) -> None:
    log: list[str] = []
    app.add_systems(PreUpdate, run_if(in_state(Light.GREEN), noting(log, "green before")))
    app.add_systems(Update, run_if(in_state(Light.GREEN), noting(log, "green after")))
    app.add_systems(Update, run_if(state_changed(Light), noting(log, "changed")))
    begin(app)
    log.clear()
    go(app)
    assert sorted(log) == ["changed", "green after"]
    log.clear()
    app.update(0.1)
    assert log == ["green before", "green after"]
