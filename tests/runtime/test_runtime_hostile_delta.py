"""Hosts that pass `esper.process` a number that is no time step: it is the host's own, and real time is measured."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, isfinite, nan

import esper
import pytest

from ecs_localai.runtime import FixedUpdate
from ecs_localai.runtime.processors import LONGEST_STEP_SECONDS
from ecs_localai.runtime.time import MAX_DELTA_SECONDS
from tests.runtime.hostile_parts import INSIDE, Guest, guest_in

NO_STEPS = {
    "below 0": -0.1,
    "not a number": nan,
    "infinite": inf,
    "the time of day": 1_763_884_977.5,
    "larger than any float": 10**400,
    "True": True,
}


class Listening(esper.Processor):
    """One of the host's own: notes what it was given."""

    def __init__(self) -> None:
        self.arguments: list[object] = []

    def process(self, *args: object) -> None:
        """Note it."""
        self.arguments.extend(args)


@pytest.fixture(params=["bridge", INSIDE])
def guest(request: pytest.FixtureRequest, host_world: str) -> Iterator[Guest]:
    """A guest in each of the ways in which the host's `esper.process` runs us."""
    with guest_in(host_world, request.param) as guest:
        yield guest


@pytest.mark.parametrize("number", NO_STEPS.values(), ids=NO_STEPS)
def test_number_that_is_no_time_step_is_left_to_the_host(guest: Guest, number: float) -> None:
    listening = Listening()
    esper.add_processor(listening)
    steps: list[None] = []
    guest.app.add_systems(FixedUpdate, lambda: steps.append(None))
    guest.app.set_fixed_hz(64)
    time = guest.app.time
    frames, elapsed = time.frame, time.elapsed_seconds
    for _ in range(3):
        esper.process(number)
        assert 0.0 <= time.delta_seconds <= MAX_DELTA_SECONDS
        assert time.elapsed_seconds >= elapsed
        assert isfinite(time.real_elapsed_seconds)
        elapsed = time.elapsed_seconds
    assert time.frame == frames + 3
    assert len(steps) <= 3 * 64 * MAX_DELTA_SECONDS
    assert listening.arguments == [number] * 3
    assert guest.failures == []
    guest.assert_alive()


@pytest.mark.parametrize("seconds", [0, 0.0, 1, 0.5, LONGEST_STEP_SECONDS])
def test_number_that_can_be_a_time_step_is_one(guest: Guest, seconds: float) -> None:
    before = guest.app.time.elapsed_seconds
    esper.process(seconds)
    assert guest.app.time.delta_seconds == seconds
    assert guest.app.time.elapsed_seconds == before + seconds
