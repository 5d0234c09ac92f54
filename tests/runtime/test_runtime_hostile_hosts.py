"""Hosts that delete, clear and switch at the worst moment: nothing of ours breaks, and nothing of theirs changes.

Every act is done in each of the three ways to be a guest, and at every moment at which a host's code can run: between
frames, in a plain processor between our sets, in a system, in an observer and in the error handler.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import esper
import pytest

from ecs_localai.runtime import App
from tests.runtime.hostile_parts import APART, ELSEWHERE, INSIDE, STEP, WAYS, Guest, guest_in

MOMENTS = ("between frames", "between sets", "system", "observer", "error handler")


@pytest.fixture(params=WAYS)
def guest(request: pytest.FixtureRequest, host_world: str) -> Iterator[Guest]:
    """A guest in each of the three ways."""
    with guest_in(host_world, request.param) as guest:
        yield guest


@pytest.fixture(params=APART)
def apart(request: pytest.FixtureRequest, host_world: str) -> Iterator[Guest]:
    """A guest in a world of its own."""
    with guest_in(host_world, request.param) as guest:
        yield guest


@pytest.fixture
def inside(host_world: str) -> Iterator[Guest]:
    """A guest in the host's own world."""
    with guest_in(host_world, INSIDE) as guest:
        yield guest


def do(guest: Guest, moment: str, act: Callable[[], None]) -> None:
    """Do something hostile at this moment, and run the frame in which, or before which, it is done."""
    if moment == "between frames":
        with guest.app.world.active():
            act()
    elif moment == "between sets":
        guest.act.wanted = act
    elif moment == "system":
        guest.in_system = act
    elif moment == "observer":
        guest.in_observer = act
    else:
        guest.in_handler = act
    guest.frame()


def without_the_provoked(guest: Guest) -> list[str]:
    """The failures that were reported, but for the one that a test provoked to get into the error handler."""
    return [failure.message for failure in guest.failures if failure.error_type != "Broken"]


@pytest.mark.parametrize("later", [False, True], ids=["at once", "put off"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_host_that_deletes_our_entities(guest: Guest, moment: str, later: bool) -> None:
    ours = guest.spawn()

    def act() -> None:
        for entity in list(esper.get_entities()):
            esper.delete_entity(entity, immediate=not later)

    do(guest, moment, act)
    assert not guest.app.world.exists(ours)
    guest.frame()
    assert without_the_provoked(guest) == []
    guest.assert_alive()


@pytest.mark.parametrize("moment", MOMENTS)
def test_host_that_clears_the_database(guest: Guest, moment: str) -> None:
    ours = guest.spawn()
    do(guest, moment, esper.clear_database)
    assert not guest.app.world.exists(ours)
    guest.frame()
    assert without_the_provoked(guest) == []
    guest.assert_alive()


@pytest.mark.parametrize("moment", MOMENTS)
def test_host_that_clears_the_database_and_fills_it_anew(guest: Guest, moment: str) -> None:
    """Esper counts from 1 again then: other entities have the numbers that ours had."""

    def act() -> None:
        esper.clear_database()
        for _ in range(3):
            esper.create_entity("the host's own")

    do(guest, moment, act)
    with guest.app.world.active():
        assert [one for _, one in esper.get_component(str)] == ["the host's own"] * 3
    guest.frame()
    assert without_the_provoked(guest) == []
    guest.assert_alive()
    with guest.app.world.active():
        assert [one for _, one in esper.get_component(str)] == ["the host's own"] * 3


@pytest.mark.parametrize("moment", MOMENTS[1:])
def test_host_that_switches_worlds_in_the_middle_and_does_not_switch_back(guest: Guest, moment: str) -> None:
    """What comes after sees our world, somebody is told, and the host is where it was."""
    guest.forget()
    do(guest, moment, lambda: esper.switch_world(ELSEWHERE))
    [message] = without_the_provoked(guest)
    assert f"left the esper world '{ELSEWHERE}' active" in message
    name = guest.app.world.name
    assert [(look.place, look.world) for look in guest.looks] == [
        (place, name) for place in ("one", "two", "three", "after")
    ]
    assert esper.current_world == guest.host_world
    guest.assert_alive()


def test_host_that_switches_worlds_between_frames_stays_where_it_went(guest: Guest) -> None:
    """Whichever of its worlds is active, `App.update` runs our frame in ours and comes back."""
    guest.forget()
    esper.switch_world(ELSEWHERE)
    guest.app.update(STEP)
    assert esper.current_world == ELSEWHERE
    assert {look.world for look in guest.looks} == {guest.app.world.name}
    assert list(esper.get_entities()) == []
    esper.switch_world(guest.host_world)
    assert guest.failures == []
    guest.assert_alive()


@pytest.mark.parametrize("moment", MOMENTS)
def test_host_that_deletes_our_world(apart: Guest, moment: str) -> None:
    """It is made again, without its entities. Esper deletes no world that is active, so the host leaves it first."""

    def act() -> None:
        esper.switch_world(ELSEWHERE)
        esper.delete_world(apart.app.world.name)

    ours = apart.spawn()
    do(apart, moment, act)
    apart.frame()
    assert not apart.app.world.exists(ours)
    told = without_the_provoked(apart)
    assert sum("processors were gone" in message for message in told) == 1
    assert sum(f"left the esper world '{ELSEWHERE}' active" in message for message in told) == (
        0 if moment == "between frames" else 1
    )
    assert len(told) <= 2
    apart.assert_alive()


def test_host_that_deletes_its_own_world_with_us_in_it(inside: Guest) -> None:
    """Esper runs nothing of ours any more. `App.update` still does, in a new world of the same name, and so ends it."""
    esper.switch_world(ELSEWHERE)
    esper.delete_world(inside.host_world)
    esper.process(STEP)
    assert inside.failures == []
    inside.forget()
    inside.app.update(STEP)
    assert [(look.place, look.world, look.entities) for look in inside.looks] == [
        (place, inside.host_world, []) for place in ("one", "two", "three", "after")
    ]
    assert esper.current_world == ELSEWHERE
    inside.app.shutdown()
    assert esper.current_world == ELSEWHERE


def test_app_that_is_shut_down_inside_a_nested_visit_to_its_world_leaves_no_world(host_world: str) -> None:
    app = App()
    with app.world.active():
        esper.switch_world(host_world)
        with app.world.active():
            esper.switch_world(host_world)
            with app.world.active():
                app.shutdown()
    assert app.world.name not in esper.list_worlds()
    assert esper.current_world == host_world
