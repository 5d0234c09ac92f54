"""Calls of a host's that are refused with a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, nan

import esper
import pytest

from ecs_localai.runtime import App, Query, Update, in_set, run_if
from tests.runtime.hostile_parts import APART, ELSEWHERE, STEP, WAYS, Guest, guest_in
from tests.runtime.runtime_parts import Position, Shown, noting


@pytest.fixture(params=WAYS)
def guest(request: pytest.FixtureRequest, host_world: str) -> Iterator[Guest]:
    """A guest in each of the three ways."""
    with guest_in(host_world, request.param) as guest:
        yield guest


@pytest.mark.parametrize("dt", [-0.1, nan, inf, -inf, 1_763_884_977.5, 10**400])
def test_update_with_what_is_no_time_step_is_refused(guest: Guest, dt: float) -> None:
    frames, elapsed = guest.app.time.frame, guest.app.time.elapsed_seconds
    with pytest.raises(ValueError, match="is no step: give the seconds since the last frame, from 0 to 86400"):
        guest.app.update(dt)
    assert (guest.app.time.frame, guest.app.time.elapsed_seconds) == (frames, elapsed)
    guest.assert_alive()


def test_contained_update_with_what_is_no_time_step_is_reported(guest: Guest) -> None:
    guest.app.update_contained(nan)
    [failure] = guest.failures
    assert failure.error_type == "ValueError"
    guest.assert_alive()


@pytest.mark.parametrize("way", APART)
def test_update_by_a_plain_processor_in_our_frame_is_refused(way: str, host_world: str) -> None:
    with guest_in(host_world, way) as guest:
        guest.act.wanted = guest.app.update
        guest.frame()
        [failure] = guest.failures
        assert "Call it between frames" in failure.message
        guest.frame()
        guest.assert_alive()


def test_condition_of_a_set_is_asked_in_our_world(guest: Guest) -> None:
    asked: list[tuple[str, int]] = []

    def are_any(query: Query[Position]) -> bool:
        asked.append((esper.current_world, len(query)))
        return True

    guest.app.configure_sets(Update, run_if(are_any, Shown.TWO))
    guest.app.add_systems(Update, in_set(Shown.TWO, noting([], "two")))
    guest.frame()
    guest.act.wanted = lambda: esper.switch_world(ELSEWHERE)
    guest.frame()
    assert asked == [(guest.app.world.name, 1)] * 2


def test_world_that_its_host_has_deleted_is_not_there_again_after_our_shutdown(host_world: str) -> None:
    app = App(world="deleted by its host")
    app.update(STEP)
    esper.delete_world("deleted by its host")
    app.shutdown()
    assert "deleted by its host" not in esper.list_worlds()
    assert esper.current_world == host_world


def test_new_entity_with_the_number_of_one_that_is_gone_is_observed(guest: Guest) -> None:
    with guest.app.world.active():
        esper.clear_database()
    guest.forget()
    entity = guest.spawn()
    assert entity == 1
    assert guest.observed == [entity]
    guest.frame()
    guest.assert_alive()
