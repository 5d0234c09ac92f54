"""Commands queued in one phase of the frame are done before the next phase begins.

As in Bevy, whose schedules end with a sync point (``bevy_ecs/src/schedule``).
"""

from __future__ import annotations

from enum import auto
from itertools import pairwise

import pytest

from ecs_localai.runtime import (
    App,
    Commands,
    First,
    FixedUpdate,
    Last,
    NextState,
    OnEnter,
    OnExit,
    OnTransition,
    PostStartup,
    PostUpdate,
    PreStartup,
    PreUpdate,
    Query,
    ScheduleLabel,
    Startup,
    States,
    Update,
)
from tests.runtime.runtime_parts import Position

STEP = 1 / 64


class Mode(States):
    """A state, so that there are transitions."""

    ONE = auto()
    TWO = auto()


FIRST_FRAME = (
    OnEnter(Mode.ONE),
    PreStartup,
    Startup,
    PostStartup,
    First,
    PreUpdate,
    FixedUpdate,
    Update,
    PostUpdate,
    Last,
)
TRANSITION = (PreUpdate, OnExit(Mode.ONE), OnTransition(Mode.ONE, Mode.TWO), OnEnter(Mode.TWO), FixedUpdate)


def spawn(commands: Commands) -> None:
    """Queue one entity."""
    commands.spawn(Position())


class Counting:
    """A system that notes how many positions there are."""

    def __init__(self) -> None:
        self.saw: list[int] = []

    def __call__(self, query: Query[Position]) -> None:
        self.saw.append(len(query))


@pytest.mark.parametrize(("queued", "seen"), list(pairwise(FIRST_FRAME)), ids=str)
def test_commands_are_done_before_the_next_phase_of_the_first_frame(
    app: App, queued: ScheduleLabel, seen: ScheduleLabel
) -> None:
    counting = Counting()
    app.init_state(Mode.ONE)
    app.add_systems(queued, spawn)
    app.add_systems(seen, counting)
    app.update(STEP)
    assert counting.saw == [1]


@pytest.mark.parametrize(("queued", "seen"), list(pairwise(TRANSITION)), ids=str)
def test_commands_are_done_before_the_next_phase_of_a_transition(
    app: App, queued: ScheduleLabel, seen: ScheduleLabel
) -> None:
    counting = Counting()
    app.init_state(Mode.ONE)
    app.update(STEP)
    app.add_systems(queued, spawn)
    app.add_systems(seen, counting)
    app.world.resource(NextState[Mode]).set(Mode.TWO)
    app.update(STEP)
    assert counting.saw == [1]


def test_commands_of_the_last_phase_are_done_when_the_frame_has_ended(app: App) -> None:
    app.add_systems(Last, spawn)
    app.update(STEP)
    assert len(app.world.query(Position)) == 1
