"""What a host program's own entities require, in each of the three ways to be a guest, whatever it does with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import esper
import pytest

from ecs_localai import (
    App,
    ModelInstallation,
    ModelInstallationCompleted,
    RequiredModel,
    RequiredModelReady,
    RequirementPhase,
    RequiresModel,
)
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.systems.hostile_host_parts import HOST_WORLD, INSIDE, WAYS, Hosted, hosted
from tests.systems.required_parts import installations_ever, requests, require, stands, told, until_phase
from tests.systems.systems_parts import Driven

PHASE = RequirementPhase


@dataclass
class Guard:
    """A component of the host's."""

    name: str = "Bors"


@pytest.fixture
def middle(ollama_server: OllamaServer, registry: Registry) -> Iterator[str]:
    """The full name of the 12 MB model, which the shared server does not have; downloaded slowly."""
    name = registry.name_for("middle:latest")
    ollama_server.delete(name)
    registry.files.throttle(2e6)
    yield name
    registry.files.clear()
    ollama_server.delete(name)


@pytest.fixture(params=WAYS)
def guest(request: pytest.FixtureRequest, ollama_server: OllamaServer) -> Iterator[Hosted]:
    """The plugin, connected, as a guest in each of the three ways."""
    with hosted(ollama_server.port, request.param) as guest:
        guest.connect()
        yield guest


def create(guest: Hosted, *components: object) -> int:
    """An entity that plain esper makes."""
    with guest.app.world.active():
        return esper.create_entity(*components)


def test_an_entity_of_the_hosts_has_its_model(guest: Hosted) -> None:
    guard = Guard()
    entity = create(guest, guard, RequiresModel("tiny"))
    until_phase(guest, entity, PHASE.READY)

    def take_off() -> None:
        esper.remove_component(entity, RequiresModel)

    guest.do(take_off, in_the_middle=True)
    guest.until(lambda: guest.app.world.get(entity, RequiredModel) is None)
    assert guest.app.world.components(entity) == (guard,)
    assert told(guest) == [("ready", entity)]


def test_nothing_else_is_put_onto_an_entity_of_the_hosts(guest: Hosted, middle: str, registry: Registry) -> None:
    entity = create(guest, Guard(), RequiresModel(middle, install=True))
    until_phase(guest, entity, PHASE.INSTALLING)
    assert {type(component) for component in guest.app.world.components(entity)} == {
        Guard,
        RequiresModel,
        RequiredModel,
    }
    registry.files.clear()
    until_phase(guest, entity, PHASE.READY)
    assert requests(guest) == 0


@pytest.mark.parametrize("immediate", [True, False], ids=["at once", "put off"])
@pytest.mark.parametrize("in_the_middle", [True, False], ids=["in a frame", "between frames"])
def test_an_entity_that_is_deleted_breaks_nothing(
    guest: Hosted, middle: str, registry: Registry, immediate: bool, in_the_middle: bool
) -> None:
    entity = create(guest, Guard(), RequiresModel(middle, install=True))
    guest.until(lambda: (stands(guest, entity).fraction or 0.0) > 0.0)
    guest.do(lambda: esper.delete_entity(entity, immediate), in_the_middle=in_the_middle)
    guest.until(lambda: guest.view.requirements == [])
    registry.files.clear()
    guest.until_event(ModelInstallationCompleted)
    assert not guest.app.world.exists(entity)
    assert told(guest) == []
    guest.assert_whole()


@pytest.mark.parametrize("in_the_middle", [True, False], ids=["in a frame", "between frames"])
def test_a_cleared_world_ends_it_and_what_is_made_again_is_served(
    guest: Hosted, middle: str, registry: Registry, in_the_middle: bool
) -> None:
    need = RequiresModel(middle, install=True)
    entity = create(guest, Guard(), need)
    guest.until(lambda: (stands(guest, entity).fraction or 0.0) > 0.0)

    def begin_anew() -> None:
        esper.clear_database()
        for _ in range(entity):  # also with the number that the other one had
            esper.create_entity(Guard())
        esper.add_component(entity, need)

    guest.do(begin_anew, in_the_middle=in_the_middle)
    registry.files.clear()
    until_phase(guest, entity, PHASE.READY)
    assert guest.events(RequiredModelReady)[-1].entity == entity
    guest.assert_whole()


def test_a_host_that_is_in_another_world_is_served(guest: Hosted) -> None:
    entity = create(guest, RequiresModel("tiny"))
    guest.do(lambda: esper.switch_world(HOST_WORLD), in_the_middle=True)
    until_phase(guest, entity, PHASE.READY)
    guest.take_failures()  # in one of the ways the host switched worlds in our frame


def test_it_is_taken_off_the_hosts_entities_when_the_app_ends(ollama_server: OllamaServer) -> None:
    need, guard = RequiresModel("tiny"), Guard()
    with hosted(ollama_server.port, INSIDE) as guest:
        entity = esper.create_entity(guard, need)
        guest.connect()
        until_phase(guest, entity, PHASE.READY)
        guest.app.shutdown()
        assert set(map(id, esper.components_for_entity(entity))) == {id(guard), id(need)}


def test_what_is_required_is_saved_and_looked_at_anew_when_it_is_loaded(ollama_server: OllamaServer) -> None:
    with Driven(ollama_server.port) as former:
        former.connect()
        entity = require(former, RequiresModel("tiny", ["smollm2:135m"], 4.5, True, "", "The poet"))
        until_phase(former, entity, PHASE.READY)
        saved = former.app.save().data
    with Driven(ollama_server.port) as driven:
        driven.app.load(saved)
        [(entity, need)] = driven.app.world.query(RequiresModel)
        assert need == RequiresModel("tiny", ["smollm2:135m"], 4.5, True, "", "The poet")
        assert driven.app.world.get(entity, RequiredModel) is None
        until_phase(driven, entity, PHASE.READY)
        assert told(driven) == [("ready", entity)]


def test_a_thousand_entities_of_one_need_are_ready_in_the_same_frame(ollama_server: OllamaServer) -> None:
    with Driven(ollama_server.port) as driven:
        entities = [require(driven, RequiresModel("tiny")) for _ in range(1000)]
        driven.until_event(RequiredModelReady)
        assert sorted(event.entity for event in driven.events(RequiredModelReady)) == entities


def test_an_app_of_which_nobody_requires_anything_sleeps(ollama_server: OllamaServer) -> None:
    with Driven(ollama_server.port) as driven:
        driven.connect()
        assert driven.view.requirements == []
        assert driven.app.world.query(RequiredModel) == []
        assert driven.app.world.query(ModelInstallation) == []
        assert installations_ever(driven) == 0
        driven.until(lambda: driven.app.idle_delay() != 0.0)


def test_several_apps_keep_to_themselves(ollama_server: OllamaServer) -> None:
    with Driven(ollama_server.port) as one, Driven() as other:
        entity, away = require(one, RequiresModel("tiny")), require(other, RequiresModel("tiny"))
        until_phase(one, entity, PHASE.READY)
        until_phase(other, away, PHASE.WAITING)
        assert isinstance(other.app, App)
        assert told(other) == []
