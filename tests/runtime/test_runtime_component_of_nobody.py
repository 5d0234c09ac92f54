"""Esper's trap: `esper.add_component` for an entity that does not exist breaks every list of that component."""

from __future__ import annotations

from collections.abc import Iterator

import esper
import pytest

from tests.runtime.hostile_parts import WAYS, Guest, guest_in
from tests.runtime.runtime_parts import Position, Velocity


@pytest.fixture(params=WAYS)
def guest(request: pytest.FixtureRequest, host_world: str) -> Iterator[Guest]:
    """A guest in each of the three ways."""
    with guest_in(host_world, request.param) as guest:
        yield guest


def give_to_nobody() -> None:
    """Give components to entities that do not exist, as a host does that goes on after an error."""
    for missing in (4711, 4712, 5):
        for component in (Position(), Velocity()):
            with pytest.raises(KeyError):
                esper.add_component(missing, component)
    esper.create_entity()  # a structural change: esper makes its lists anew, or tries to


@pytest.mark.parametrize("in_the_middle", [False, True])
def test_component_that_a_host_gives_to_nobody_stops_nothing(guest: Guest, in_the_middle: bool) -> None:
    if in_the_middle:
        guest.act.wanted = give_to_nobody
    else:
        with guest.app.world.active():
            give_to_nobody()
    guest.frame()
    assert guest.failures == []
    guest.assert_alive()
    with guest.app.world.active():
        assert [entity for entity, _ in esper.get_component(Position)] == [1]


def test_entity_that_comes_to_have_that_number_has_not_that_component(guest: Guest) -> None:
    with guest.app.world.active():
        give_to_nobody()
        while esper.create_entity() < 5:
            pass
    guest.frame()
    assert guest.failures == []
    assert guest.app.world.query(Position, Velocity) == []
    guest.assert_alive()
