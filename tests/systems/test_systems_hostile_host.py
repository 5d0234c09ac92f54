"""Hosts that delete what the Local AI models put into the world, at the worst moment, on a real Ollama and registry.

Whatever a host does, the panel goes on: its host is connected again, what nobody can receive any more is cancelled,
and an entity of the host's is answered or left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import esper
import pytest

from ecs_localai import (
    DeleteModelRequested,
    DismissRequested,
    HostEdited,
    InstallationPhase,
    InstallRequested,
    ModelDeleteFailed,
    ModelInstallation,
    ModelInstallationCancelled,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    ModelInstallationStarted,
    ModelInstallationTask,
    ModelInstallRequest,
    OllamaHostManager,
    RetryRequested,
    ToggleRequested,
)
from ecs_localai.components.features import FeatureToggle
from ecs_localai.components.panel import LocalModelsPanel
from ecs_localai.systems.installation_desk import COMPLETED_SECONDS
from ecs_localai.systems.installation_progress import InstallationRun
from ecs_localai.systems.links import HostLink
from tests.rig.odd_servers import Silent
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.systems.hostile_host_parts import INSIDE, WAYS, Hosted, hosted
from tests.systems.systems_parts import INSECURE

pytestmark = pytest.mark.usefixtures("no_leaks")
with_a_whole_download = pytest.mark.allow_leaks
"""Ollama keeps its connection to the registry's file server after it, and that server is in this process."""


@dataclass(frozen=True)
class Player:
    """A component of the host's."""

    name: str


@pytest.fixture
def middle(ollama_server: OllamaServer, registry: Registry) -> Iterator[str]:
    """The full name of the 12 MB model, which the shared server does not have; downloaded slowly."""
    name = registry.name_for("middle:latest")
    ollama_server.delete(name)
    registry.files.throttle(2e6)
    yield name
    registry.files.clear()
    ollama_server.delete(name)


@pytest.fixture
def tiny(ollama_server: OllamaServer, registry: Registry) -> Iterator[str]:
    """The full name of a model whose files the shared server has under another name: installed in milliseconds."""
    name = registry.name_for("tiny:latest")
    yield name
    ollama_server.delete(name)


@pytest.fixture(params=WAYS)
def guest(request: pytest.FixtureRequest, ollama_server: OllamaServer) -> Iterator[Hosted]:
    """The plugin, connected, as a guest in each of the three ways."""
    with hosted(ollama_server.port, request.param) as guest:
        guest.connect()
        yield guest


def download(guest: Hosted, name: str) -> int:
    """Ask for a model, and come to the middle of its download; returns the entity that asks."""
    asker = guest.ask_for(name)
    guest.until(lambda: guest.installations and guest.installation(name).progress.bytes_downloaded)
    return asker


def assert_works(guest: Hosted, name: str, number: int = 1) -> None:
    """A model can be installed, as the so-manieth of this test."""
    asker = guest.ask_for(name)
    assert guest.until_event(ModelInstallationCompleted, number).model.name == name
    guest.update()
    assert not guest.app.world.has(asker, ModelInstallRequest)
    guest.assert_whole()


@pytest.mark.parametrize("how", ["at once", "put off", "in the middle of the frame"])
def test_host_that_is_deleted_is_there_again_with_its_address(guest: Hosted, how: str, tiny: str) -> None:
    address = guest.view.host.address
    former = guest.host_entity
    guest.do(
        lambda: esper.delete_entity(former, immediate=how != "put off"),
        in_the_middle=how == "in the middle of the frame",
    )
    guest.until(lambda: guest.app.world.query(OllamaHostManager, HostLink) and guest.host_entity != former)
    guest.until(lambda: guest.view.host.status_text == "Connected")
    assert guest.view.host.address == address
    assert_works(guest, tiny)


@pytest.mark.parametrize("kind", [OllamaHostManager, HostLink])
def test_half_of_the_host_that_is_removed_is_made_again(guest: Hosted, kind: type, tiny: str) -> None:
    guest.do(lambda: esper.remove_component(guest.host_entity, kind))
    assert_works(guest, tiny)


def test_host_that_was_typed_in_is_the_one_that_comes_back(guest: Hosted, ollama_server: OllamaServer) -> None:
    guest.write(HostEdited(f"localhost:{ollama_server.port}"))
    address = f"http://localhost:{ollama_server.port}"
    guest.until(lambda: guest.view.host.status_text == "Connected" and guest.view.host.address == address)
    guest.do(lambda: esper.delete_entity(guest.host_entity, immediate=True))
    assert guest.view.host.address == address
    guest.assert_whole()
    guest.write(HostEdited(f"127.0.0.1:{ollama_server.port}"))
    guest.until(lambda: guest.view.host.address == f"http://127.0.0.1:{ollama_server.port}")
    guest.assert_whole()


def test_host_that_is_deleted_while_it_deletes_a_model(guest: Hosted) -> None:
    guest.write(DeleteModelRequested("no-such-model:latest"))
    guest.update()
    guest.do(lambda: esper.delete_entity(guest.host_entity, immediate=True))
    guest.assert_whole()
    guest.write(DeleteModelRequested("no-such-model:latest"))
    assert "There is no model" in guest.until_event(ModelDeleteFailed).error_message
    guest.assert_whole()


@pytest.mark.parametrize("how", ["at once", "put off", "in the middle of the frame"])
def test_installation_whose_entity_is_deleted_is_cancelled(
    guest: Hosted, how: str, registry: Registry, middle: str, tiny: str
) -> None:
    asker = download(guest, middle)
    entity = guest.entity_of(middle)
    guest.do(
        lambda: esper.delete_entity(entity, immediate=how != "put off"),
        in_the_middle=how == "in the middle of the frame",
    )
    assert guest.until_event(ModelInstallationCancelled).model_name == middle
    guest.until(lambda: registry.files.open_transfers == 0)
    guest.until(lambda: guest.view.installations == [])
    assert not guest.app.world.has(asker, ModelInstallRequest)
    assert guest.manager.active_installations == {}
    assert_works(guest, tiny)
    assert len(guest.events(ModelInstallationCancelled)) == 1


@with_a_whole_download
@pytest.mark.parametrize("kind", [ModelInstallationTask, InstallationRun])
def test_installation_whose_work_is_removed_is_cancelled_and_can_be_tried_again(
    guest: Hosted, kind: type, registry: Registry, middle: str
) -> None:
    download(guest, middle)
    guest.do(lambda: esper.remove_component(guest.entity_of(middle), kind))
    guest.until_event(ModelInstallationCancelled)
    guest.until(lambda: registry.files.open_transfers == 0)
    row = guest.installation_row(middle)
    assert row.can_retry
    registry.files.clear()
    guest.write(RetryRequested(row.installation_id))
    assert guest.until_event(ModelInstallationCompleted).model.name == middle
    guest.assert_whole()


def test_ended_installation_that_is_deleted_leaves_the_list(guest: Hosted) -> None:
    guest.ask_for("not a name")
    guest.until_event(ModelInstallationFailed)
    row = guest.installation_row("not a name")
    guest.do(lambda: esper.delete_entity(guest.entity_of("not a name"), immediate=True))
    guest.until(lambda: guest.view.installations == [])
    guest.write(DismissRequested(row.installation_id))
    guest.write(RetryRequested(row.installation_id))
    guest.update()
    guest.assert_whole()


@pytest.mark.parametrize("how", ["at once", "put off", "component", "database"])
def test_request_that_is_gone_before_it_is_taken_begins_nothing(guest: Hosted, how: str, middle: str) -> None:
    def ask_and_go() -> None:
        entity = esper.create_entity(ModelInstallRequest(middle, INSECURE))
        if how == "component":
            esper.remove_component(entity, ModelInstallRequest)
        elif how == "database":
            esper.clear_database()
        else:
            esper.delete_entity(entity, immediate=how == "at once")

    guest.do(ask_and_go)
    for _ in range(3):
        guest.update()
    assert guest.installations == []
    assert not any("install" in name for name in guest.app.tasks.task_names)
    assert guest.events(ModelInstallationStarted) == []
    guest.assert_whole()


def test_entity_of_the_hosts_that_asks_is_answered_and_stays(guest: Hosted, tiny: str) -> None:
    with guest.app.world.active():
        hero = esper.create_entity(Player("Ada"), ModelInstallRequest(tiny, INSECURE))
    assert guest.until_event(ModelInstallationCompleted).model.name == tiny
    guest.update(COMPLETED_SECONDS + 1.0)
    guest.update()
    assert guest.installations == []
    assert guest.app.world.components(hero) == (Player("Ada"),)
    guest.assert_whole()


@pytest.mark.parametrize("in_the_middle", [False, True])
def test_cleared_database_in_the_middle_of_a_download(
    guest: Hosted, in_the_middle: bool, registry: Registry, middle: str, tiny: str
) -> None:
    """All is cancelled, and the panel has its host, its switches and its fields again."""
    download(guest, middle)
    guest.do(esper.clear_database, in_the_middle=in_the_middle)
    assert guest.until_event(ModelInstallationCancelled).model_name == middle
    guest.until(lambda: registry.files.open_transfers == 0)
    guest.until(lambda: guest.view.installations == [])
    assert_works(guest, tiny)
    assert len(guest.events(ModelInstallationCancelled)) == 1


def test_entities_that_get_the_numbers_of_ours_are_left_alone(guest: Hosted, middle: str, tiny: str) -> None:
    """After `esper.clear_database` esper counts from 1 again, so the host's new ones have our old numbers."""
    guest.ask_for(tiny)
    guest.until_event(ModelInstallationCompleted)
    guest.ask_for("not a name")
    guest.until_event(ModelInstallationFailed)
    failed = guest.installation_row("not a name").installation_id
    download(guest, middle)

    def fill_anew() -> None:
        highest = max(esper.get_entities())
        esper.clear_database()
        for number in range(highest):
            esper.create_entity(Player(f"{number}"))

    with guest.app.world.active():
        highest = max(esper.get_entities())
    guest.do(fill_anew)
    guest.write(DismissRequested(failed))
    guest.until_event(ModelInstallationCancelled)
    guest.update(COMPLETED_SECONDS + 1.0)
    guest.update()
    players = {entity: player.name for entity, player in guest.app.world.query(Player)}
    assert players == {number + 1: f"{number}" for number in range(highest)}
    assert all(guest.app.world.components(entity) == (Player(name),) for entity, name in players.items())
    guest.assert_whole()


@with_a_whole_download
def test_request_that_is_made_again_after_clearing_gets_its_result(
    guest: Hosted, registry: Registry, middle: str
) -> None:
    """A game that begins anew clears the database and makes the same entities, with the same numbers."""
    with guest.app.world.active():
        esper.clear_database()
        hero = esper.create_entity(Player("Ada"), ModelInstallRequest(middle, INSECURE))
    guest.until(lambda: guest.installations and guest.installation(middle).progress.bytes_downloaded)

    def begin_anew() -> None:
        esper.clear_database()
        assert esper.create_entity(Player("Ada"), ModelInstallRequest(middle, INSECURE)) == hero

    guest.do(begin_anew)
    guest.until_event(ModelInstallationCancelled)
    assert guest.app.world.has(hero, ModelInstallRequest)
    registry.files.clear()
    assert guest.until_event(ModelInstallationCompleted).model.name == middle
    guest.until(lambda: guest.app.world.components(hero) == (Player("Ada"),))
    guest.assert_whole()


@pytest.mark.parametrize("way", [way for way in WAYS if way != INSIDE])
@pytest.mark.parametrize("in_the_middle", [False, True])
def test_world_of_ours_that_is_deleted_in_the_middle_of_a_download(
    way: str, in_the_middle: bool, ollama_server: OllamaServer, registry: Registry, middle: str
) -> None:
    with hosted(ollama_server.port, way) as guest:
        guest.connect()
        download(guest, middle)
        name = guest.app.world.name

        def delete_the_world() -> None:
            esper.switch_world("default")
            esper.delete_world(name)

        guest.do(delete_the_world, in_the_middle=in_the_middle)
        guest.until_event(ModelInstallationCancelled)
        guest.until(lambda: registry.files.open_transfers == 0)
        guest.assert_whole()
        assert guest.take_failures(), "somebody is told that the world was deleted"


def test_panel_goes_on_when_all_its_entities_are_gone(guest: Hosted) -> None:
    guest.do(esper.clear_database)
    guest.assert_whole()
    assert len(guest.app.world.query(LocalModelsPanel)) == 1
    guest.write(InstallRequested("-not-a-name"))
    guest.until(lambda: guest.view.install_error is not None)
    [feature] = [one for group in guest.view.features for one in group.toggles if one.feature_id == "custom_providers"]
    guest.write(ToggleRequested("custom_providers", not feature.on))
    guest.until(lambda: guest.features.feature_flags["custom_providers"].enabled is not feature.on)
    [toggle] = [one for _, one in guest.app.world.query(FeatureToggle) if one.feature_id == "custom_providers"]
    assert toggle.current_state is not feature.on
    assert len(guest.view.features) == 1
    guest.assert_whole()


def test_single_switch_that_is_deleted_is_made_again_as_it_was(guest: Hosted) -> None:
    guest.write(ToggleRequested("custom_providers", True))
    guest.until(lambda: guest.features.feature_flags["custom_providers"].enabled)
    [entity] = [one for one, toggle in guest.app.world.query(FeatureToggle) if toggle.feature_id == "custom_providers"]
    guest.do(lambda: esper.delete_entity(entity, immediate=True))
    [toggle] = [one for _, one in guest.app.world.query(FeatureToggle) if one.feature_id == "custom_providers"]
    assert toggle.current_state
    guest.assert_whole()


def test_host_that_clears_its_database_again_and_again_piles_nothing_up(
    guest: Hosted, registry: Registry, middle: str, tiny: str
) -> None:
    for _ in range(10):
        guest.ask_for(middle)
        guest.update()
        guest.update()
        guest.do(esper.clear_database, in_the_middle=True)
        guest.do(esper.clear_database)
    guest.until(lambda: registry.files.open_transfers == 0)
    assert guest.manager.active_installations == {}
    assert list(guest.manager.download_queue) == []
    assert list(guest.models.installation_queue) == []
    assert all(one.status.kind is InstallationPhase.CANCELLED for one in guest.manager.installation_history)
    assert_works(guest, tiny)


@pytest.mark.parametrize("way", WAYS)
def test_frames_go_on_while_a_server_never_answers(way: str) -> None:
    """Thousands of frames, and the answer to the first question is still being waited for."""
    with Silent() as silent, hosted(silent.port, way) as guest:
        guest.write(DeleteModelRequested("tiny:latest"))
        guest.until(lambda: {"GET /api/version", "GET /api/tags"} <= set(silent.requests))
        [(_, link)] = guest.app.world.query(HostLink)
        probe, deletion = link.probe, link.deletions["tiny:latest"]
        frames = guest.app.time.frame
        for _ in range(2000):
            guest.update(0.0)
        assert guest.app.time.frame == frames + 2000
        assert probe is not None
        assert not probe.is_finished()
        assert not deletion.is_finished()
        assert guest.app.world.query(ModelInstallation) == []
