"""Updates in the world: looked for on request, shown, installed on request, and never from what is no registry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from ecs_localai import (
    CheckUpdatesRequested,
    InstallRequested,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    OllamaHosts,
    PreflightDone,
    PreflightRequested,
    UpdateModelsRequested,
    UpdatesChecked,
    WaitReason,
)
from ecs_localai.components.time_values import utc_now
from ecs_localai.components.updates import HostUpdates, UpdateState
from ecs_localai.systems.persistence import SavedState
from tests.rig.model_files import TINY_PARAMETERS, create_model, write_gguf
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.rig.relay import Relay
from tests.systems.systems_parts import Driven, EmptyManifests, assert_clear, config_for

pytestmark = [pytest.mark.ollama, pytest.mark.registry]


@pytest.fixture
def pulled(
    fresh_ollama: OllamaServer, registry: Registry, ollama_server: OllamaServer, tmp_path: Path
) -> Iterator[str]:
    """A model that was pulled from a tag of its own."""
    # With weights of its own: a server takes up a push of the same file that was broken off before (0.9.3).
    file = write_gguf(tmp_path / "former.gguf", 500_000, seed=62)
    create_model(ollama_server, "former:latest", file, parameters=TINY_PARAMETERS)
    name = registry.push(ollama_server, "former:latest", "turning:1")
    ollama_server.delete("former:latest")
    answer = fresh_ollama.call("POST", "/api/pull", {"model": name, "insecure": True}, timeout=60)
    assert answer.json_lines()[-1].get("status") == "success", answer.body
    yield name
    registry.delete_tag("turning:1")


def _move(registry: Registry, server: OllamaServer, folder: Path) -> None:
    file = write_gguf(folder / "newer.gguf", 500_000, seed=78)
    create_model(server, "newer:latest", file, parameters=TINY_PARAMETERS)
    registry.push(server, "newer:latest", "turning:1")
    server.delete("newer:latest")


def _check(driven: Driven, number: int = 1) -> dict[str, UpdateState]:
    driven.write(CheckUpdatesRequested())
    checked = driven.until_event(UpdatesChecked, number)
    driven.until(lambda: not driven.view.updates_running)
    return {update.model_name: update.state for update in checked.updates}


def test_nothing_is_asked_of_registries_before_somebody_wants_it(
    fresh_ollama: OllamaServer, registry: Registry, pulled: str
) -> None:
    before = registry.log_text().count("manifests/1")
    with Driven(fresh_ollama.port) as driven:
        driven.connect()
        for _ in range(50):
            driven.update()
        assert driven.view.updates_text == ""
        assert not driven.app.world.query(HostUpdates)
    assert registry.log_text().count("manifests/1") == before


def test_a_moved_tag_is_seen_shown_and_updated(
    fresh_ollama: OllamaServer, registry: Registry, ollama_server: OllamaServer, pulled: str, tmp_path: Path
) -> None:
    with Driven(fresh_ollama.port) as driven:
        driven.connect()
        assert _check(driven) == {pulled: UpdateState.CURRENT}
        driven.until(lambda: driven.view.updates_text == "All current · checked just now")
        assert not driven.view.can_update_all
        _move(registry, ollama_server, tmp_path)
        assert _check(driven, 2) == {pulled: UpdateState.OUTDATED}
        driven.until(lambda: driven.view.can_update_all)
        assert driven.view.updates_text == "1 update · checked just now"
        row = driven.model_row(pulled)
        assert row is not None
        assert (row.update_text, row.update_on) == ("Update available", [fresh_ollama.base_url])
        assert row.update_is_sure
        driven.write(UpdateModelsRequested())
        driven.until_event(ModelInstallationCompleted)
        driven.until(lambda: not driven.view.can_update_all)
        updated = driven.model_row(pulled)
        assert updated is not None
        assert (updated.update_text, updated.update_on, updated.update_is_sure) == ("", [], False)
        assert _check(driven, 3) == {pulled: UpdateState.CURRENT}


def test_what_was_found_out_is_known_in_the_next_run_without_asking_again(
    fresh_ollama: OllamaServer, registry: Registry, ollama_server: OllamaServer, pulled: str, tmp_path: Path
) -> None:
    data_dir = tmp_path / "data"
    with Driven(fresh_ollama.port, data_dir=data_dir) as driven:
        driven.connect()
        _move(registry, ollama_server, tmp_path)
        assert _check(driven) == {pulled: UpdateState.OUTDATED}
    asked = registry.log_text().count("turning/manifests")
    with Driven(fresh_ollama.port, data_dir=data_dir) as driven:
        driven.connect()
        driven.until(lambda: driven.view.updates_text == "1 update · checked just now")
        assert driven.view.can_update_all
        assert registry.log_text().count("turning/manifests") == asked
        driven.write(UpdateModelsRequested())
        driven.until_event(ModelInstallationCompleted)
        driven.until(lambda: driven.view.updates_text == "All current · checked just now")
    with Driven(fresh_ollama.port, data_dir=data_dir) as driven:
        driven.connect()
        driven.until(lambda: driven.view.updates_text == "All current · checked just now")
        hosts = driven.app.world.resource(OllamaHosts)
        hosts.add(config_for(closed_port()), "Second")
        hosts.remove(hosts.require(fresh_ollama.base_url).entity)
        driven.until(lambda: driven.view.updates_text == "")
    with Driven(fresh_ollama.port, data_dir=data_dir) as driven:
        driven.connect()
        assert driven.view.updates_text == ""


def test_what_was_known_stays_kept_where_the_registry_cannot_be_asked(
    fresh_ollama: OllamaServer, registry: Registry, pulled: str, tmp_path: Path
) -> None:
    with Relay("127.0.0.1", registry.port) as relay:
        name = f"localhost:{relay.port}/library/turning:1"
        answer = fresh_ollama.call("POST", "/api/pull", {"model": name, "insecure": True}, timeout=60)
        assert answer.json_lines()[-1].get("status") == "success", answer.body
        fresh_ollama.delete(pulled)
        with Driven(fresh_ollama.port, data_dir=tmp_path / "data") as driven:
            driven.connect()
            assert _check(driven) == {name: UpdateState.CURRENT}
            relay.refuse()
            assert _check(driven, 2) == {name: UpdateState.UNKNOWN}
            driven.until(lambda: driven.view.updates_text == "1 could not be checked · checked just now")
    with Driven(fresh_ollama.port, data_dir=tmp_path / "data") as driven:
        driven.connect()
        driven.until(lambda: driven.view.updates_text == "All current · checked just now")


def test_an_update_that_was_put_off_is_one_with_the_one_that_is_wanted_now(
    fresh_ollama: OllamaServer, registry: Registry, ollama_server: OllamaServer, pulled: str, tmp_path: Path
) -> None:
    with Driven(fresh_ollama.port) as driven:
        driven.connect()
        _move(registry, ollama_server, tmp_path)
        assert _check(driven) == {pulled: UpdateState.OUTDATED}
        driven.write(InstallRequested(pulled, not_before=utc_now() + timedelta(hours=5)))
        driven.until(lambda: driven.installations and driven.installation(pulled).waits_for is WaitReason.SCHEDULED)
        driven.write(UpdateModelsRequested())
        driven.until_event(ModelInstallationCompleted)
        assert len(driven.manager.installation_history) == 1
        assert driven.notices()[0].startswith(f"{pulled} was in the queue for ")


def test_how_old_it_is_what_is_known_is_said(fresh_ollama: OllamaServer, pulled: str, tmp_path: Path) -> None:
    with Driven(fresh_ollama.port, data_dir=tmp_path / "data") as driven:
        driven.connect()
        assert _check(driven) == {pulled: UpdateState.CURRENT}
        saved = driven.app.world.resource(SavedState)
        known = saved.host_updates(fresh_ollama.base_url)
        assert known is not None
        known.checked_at = utc_now() - timedelta(hours=3, minutes=1)
        saved.set_host_updates(fresh_ollama.base_url, known)
    with Driven(fresh_ollama.port, data_dir=tmp_path / "data") as driven:
        driven.connect()
        driven.until(lambda: driven.view.updates_text.startswith("All current · checked 3 h "))


def test_a_model_of_ones_own_is_not_replaced_by_its_registrys(
    fresh_ollama: OllamaServer, pulled: str, tmp_path: Path
) -> None:
    create_model(fresh_ollama, pulled, write_gguf(tmp_path / "own.gguf", 500_000, seed=6), parameters=TINY_PARAMETERS)
    before = fresh_ollama.call("GET", "/api/tags").body
    with Driven(fresh_ollama.port) as driven:
        driven.connect()
        assert _check(driven) == {pulled: UpdateState.LOCAL}
        driven.write(UpdateModelsRequested([pulled]))
        driven.until(driven.notices)
        assert driven.notices()[0].startswith(f"{pulled} was not updated: It was made on this host")
        assert_clear(driven.notices()[0])
        assert driven.installations == []
    assert fresh_ollama.call("GET", "/api/tags").body == before


def test_an_update_from_what_is_no_registry_is_refused(fresh_ollama: OllamaServer, pulled: str) -> None:
    """Ollama takes ``200 {}`` for a model without files, and would delete the one that is there (0.9.3)."""
    with EmptyManifests() as portal, Driven(fresh_ollama.port) as driven:
        name = f"localhost:{portal.port}/library/tiny:1"
        fresh_ollama.call("POST", "/api/copy", {"source": pulled, "destination": name})
        driven.until(lambda: name in driven.models.installed_models)
        assert _check(driven)[name] is UpdateState.UNKNOWN
        driven.write(UpdateModelsRequested([name]))
        failed = driven.until_event(ModelInstallationFailed)
        assert failed.model_name == name
        assert name in fresh_ollama.model_names()
        assert fresh_ollama.call("POST", "/api/show", {"model": name}).status == 200


def test_what_cannot_be_asked_is_counted(fresh_ollama: OllamaServer, pulled: str) -> None:
    name = f"localhost:{closed_port()}/library/tiny:1"
    fresh_ollama.call("POST", "/api/copy", {"source": pulled, "destination": name})
    with Driven(fresh_ollama.port) as driven:
        driven.until(lambda: name in driven.models.installed_models)
        _check(driven)
        driven.until(lambda: driven.view.updates_text == "1 could not be checked · checked just now")
        driven.write(UpdateModelsRequested())
        driven.until(driven.notices)
        assert driven.notices() == ["No model is known to be outdated; look for updates."]


def test_a_host_that_is_away_is_a_clear_sentence() -> None:
    with Driven() as driven:
        driven.write(CheckUpdatesRequested())
        driven.until(driven.notices)
        assert_clear(driven.notices()[0])
        driven.write(CheckUpdatesRequested("nobody"))
        driven.until(lambda: len(driven.notices()) == 2)
        driven.write(UpdateModelsRequested(["no such name"]))
        driven.until(lambda: len(driven.notices()) == 3)


def test_what_was_recognised_is_kept(
    fresh_ollama: OllamaServer, registry: Registry, pulled: str, tmp_path: Path
) -> None:
    """So that a host whose files are elsewhere can be compared, and deleted from, by what it consists of."""
    with Driven(fresh_ollama.port, data_dir=tmp_path) as driven:
        driven.connect()
        _check(driven)
        known = dict(driven.models.model_registry.manifests_by_digest)
        assert [entry.model_name for entry in known.values()] == [pulled]
    with Driven(fresh_ollama.port, data_dir=tmp_path) as driven:
        assert driven.models.model_registry.manifests_by_digest == known
        assert list(driven.models.model_registry.cache.entries) == [pulled]


@pytest.mark.parametrize("place", ["localhost", "LOCALHOST"])
def test_the_last_model_of_a_run_is_recognised_in_its_last_frame(
    fresh_ollama: OllamaServer, registry: Registry, pulled: str, tmp_path: Path, place: str
) -> None:
    """However its registry writes the manifest, and Ollama spells the name: as it was first given."""
    registry.put_manifest("turning:1", json.dumps(registry.manifest("turning:1"), indent=3).encode())
    with Driven(fresh_ollama.port, data_dir=tmp_path) as driven:
        driven.ask_for(pulled.replace("localhost", place))
        completed = driven.until_event(ModelInstallationCompleted)
        known = dict(driven.models.model_registry.manifests_by_digest)
    assert completed.model.name == pulled
    assert list(known) == [completed.model.digest]
    assert sum(layer.size for layer in known[completed.model.digest].layers) == completed.model.size
    with Driven(fresh_ollama.port, data_dir=tmp_path) as driven:
        assert driven.models.model_registry.manifests_by_digest == known


def test_what_a_models_files_say_is_not_lost_when_only_its_manifest_is_read_again(
    fresh_ollama: OllamaServer, ollama_server: OllamaServer, tmp_path: Path
) -> None:
    def facts_of(driven: Driven) -> tuple[object, ...]:
        done = len(driven.events(PreflightDone))
        driven.write(PreflightRequested(name))
        found = driven.until_event(PreflightDone, done + 1).preflight
        return found.is_old, found.license, found.parameters, found.family, found.max_context_length, found.need

    with Registry() as registry:
        weights = write_gguf(tmp_path / "licensed.gguf", 500_000, seed=92)
        create_model(ollama_server, "licensed:1", weights, parameters=TINY_PARAMETERS, license="All yours.")
        name = registry.push(ollama_server, "licensed:1", "licensed:1")
        ollama_server.delete("licensed:1")
        with Driven(fresh_ollama.port, data_dir=tmp_path) as driven:
            first = facts_of(driven)
            assert first[:2] == (False, "All yours.")
            driven.ask_for(name)
            driven.until_event(ModelInstallationCompleted)
            assert _check(driven)[name] is UpdateState.CURRENT
            assert driven.models.model_registry.cache.entries[name].facts is None, "its files were read again"
            registry.halt()
            assert facts_of(driven) == (True, *first[1:])
        with Driven(fresh_ollama.port, data_dir=tmp_path) as driven:
            driven.connect()
            assert facts_of(driven) == (True, *first[1:])
