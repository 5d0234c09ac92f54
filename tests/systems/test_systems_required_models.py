"""Models that entities require, on a real Ollama and a real registry: there, missing, installed, lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from ecs_localai import (
    CancelRequested,
    DeleteModelRequested,
    DismissRequested,
    InstallationPhase,
    InstallRequiredRequested,
    ModelInstallation,
    ModelInstallationCancelled,
    ModelInstallationCompleted,
    OllamaHosts,
    PauseRequested,
    RegistryEntry,
    RegistryLayer,
    RequiredModel,
    RequiredModelLost,
    RequiredModelReady,
    RequirementPhase,
    RequiresModel,
    WaitReason,
)
from ecs_localai.components.events import UIUpdateEvent, UIUpdateKind
from ecs_localai.components.tone import Tone
from ecs_localai.systems.required_choice import Circumstances, Need, being_installed
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.systems.required_parts import (
    installations_ever,
    quiet_frames,
    requests,
    require,
    row_of,
    stands,
    told,
    until_phase,
)
from tests.systems.systems_parts import Driven, assert_clear
from tests.systems.test_systems_panel_view_hosts import host

PHASE = RequirementPhase


@pytest.fixture
def tiny(ollama_server: OllamaServer, registry: Registry) -> Iterator[str]:
    """The full name of a model whose files the shared server has under another name: installed in milliseconds."""
    name = registry.name_for("tiny:latest")
    yield name
    ollama_server.delete(name)


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
def driven(ollama_server: OllamaServer) -> Iterator[Driven]:
    with Driven(ollama_server.port) as driven:
        driven.connect()
        yield driven


def test_what_is_installed_is_ready_and_told_once(driven: Driven) -> None:
    entity = require(driven, RequiresModel("smollm2:135m"))
    found = until_phase(driven, entity, PHASE.READY)
    assert (found.model_name, found.fraction, found.is_ready) == ("smollm2:135m", None, True)
    assert found.host == driven.events(RequiredModelReady)[0].host
    quiet_frames(driven)
    assert driven.events(RequiredModelReady) == [RequiredModelReady(entity, "smollm2:135m", found.host)]
    assert stands(driven, entity) is found
    assert driven.view.requirements == []


@pytest.mark.parametrize("name", ["TINY", "tiny:LATEST", " Tiny:latest", "registry.ollama.ai/library/tiny:latest"])
def test_names_are_compared_as_ollama_does(driven: Driven, name: str) -> None:
    found = until_phase(driven, require(driven, RequiresModel(name)), PHASE.READY)
    assert found.model_name == "tiny:latest"


def test_a_fallback_that_is_there_counts(driven: Driven) -> None:
    entity = require(driven, RequiresModel("no-such-model:7b", ["nor-this:1", "tiny", "smollm2:135m"], install=True))
    found = until_phase(driven, entity, PHASE.READY)
    assert found.model_name == "tiny:latest"
    quiet_frames(driven)
    assert installations_ever(driven) == 0


def test_who_waits_and_why_is_on_the_panel_and_can_be_installed_there(
    driven: Driven, middle: str, registry: Registry
) -> None:
    entity = require(driven, RequiresModel(middle, who="The innkeeper's small talk"))
    found = until_phase(driven, entity, PHASE.WAITING)
    assert found.model_name == middle
    driven.until(lambda: driven.view.requirements)
    row = row_of(driven, entity)
    assert row.title == f"The innkeeper's small talk needs {middle}"
    assert (row.detail, row.tone, row.can_install) == (found.reason, Tone.WARN, True)
    assert row.install_label == f"Install {middle}"
    quiet_frames(driven)
    assert installations_ever(driven) == 0
    driven.write(InstallRequiredRequested([entity]))
    until_phase(driven, entity, PHASE.INSTALLING)
    driven.until(lambda: 0.0 < (stands(driven, entity).fraction or 0.0) < 1.0)
    driven.until(lambda: 0.0 < (row_of(driven, entity).fraction or 0.0) < 1.0)
    row = row_of(driven, entity)
    assert (row.tone, row.can_install, row.install_label) == (Tone.ACCENT, False, "")
    assert stands(driven, entity).installation_id == driven.installation(middle).installation_id
    registry.files.clear()
    until_phase(driven, entity, PHASE.READY)
    assert told(driven) == [("ready", entity)]
    assert driven.view.requirements == []


def test_many_that_require_the_same_install_it_once(driven: Driven, tiny: str) -> None:
    some = [require(driven, RequiresModel(tiny, install=True, who=f"Guard {number}")) for number in range(20)]
    others = [require(driven, RequiresModel(tiny.upper().replace("LOCALHOST", "localhost"), install=True))]
    entities = some + others
    driven.until(lambda: len(driven.events(RequiredModelReady)) == len(entities))
    assert sorted(event.entity for event in driven.events(RequiredModelReady)) == sorted(entities)
    assert len(driven.events(ModelInstallationCompleted)) == installations_ever(driven) == 1
    assert {len(driven.app.world.components(entity)) for entity in entities} == {2}
    assert requests(driven) == 0


def test_those_who_wait_for_the_same_share_a_row(driven: Driven) -> None:
    for who in ("The cook", "The guard", "The cook", "The smith", "", "The king"):
        require(driven, RequiresModel("no-such:1", who=who))
    require(driven, RequiresModel("library/No-Such:1", who="The queen"))  # the same to Ollama
    require(driven, RequiresModel("nor-this:1", who="The cook"))
    driven.until(lambda: len(driven.view.requirements) == 2 and len(driven.view.requirements[0].entities) == 7)
    titles = {row.title for row in driven.view.requirements}
    assert titles == {"The cook, The guard and 4 others need no-such:1", "The cook needs nor-this:1"}


def test_the_first_that_fits_is_installed(driven: Driven, tiny: str, registry: Registry) -> None:
    middle = registry.name_for("middle:latest")
    entity = require(driven, RequiresModel(middle, [tiny], max_gb=0.005, install=True))
    assert until_phase(driven, entity, PHASE.READY).model_name == tiny
    assert [record.model_name for record in driven.manager.installation_history] == [tiny]


def test_what_fits_nowhere_has_failed(driven: Driven, registry: Registry) -> None:
    names = [registry.name_for(name) for name in ("middle:latest", "smollm2:135m", "no-such:1")]
    entity = require(driven, RequiresModel(names[0], names[1:], max_gb=0.005, install=True))
    found = until_phase(driven, entity, PHASE.FAILED)
    assert found.reason == (
        f"It cannot be installed: {names[0]} takes 11 MB, and 5 MB is the most; {names[1]} takes 98 MB, "
        f"and 5 MB is the most; the registry has no {names[2]}."
    )
    driven.until(lambda: driven.view.requirements)
    assert (row_of(driven, entity).tone, row_of(driven, entity).can_install) == (Tone.DANGER, False)
    driven.write(InstallRequiredRequested())
    quiet_frames(driven)
    assert installations_ever(driven) == 0


def test_what_the_registry_does_not_have_is_passed_over(driven: Driven, tiny: str, registry: Registry) -> None:
    entity = require(driven, RequiresModel(registry.name_for("no-such:1"), [tiny], install=True))
    assert until_phase(driven, entity, PHASE.READY).model_name == tiny


def test_a_size_that_cannot_be_known_is_said_and_nothing_is_installed_by_itself(driven: Driven, tiny: str) -> None:
    name = f"127.0.0.1:{closed_port()}/library/large:1"
    entity = require(driven, RequiresModel(name, [tiny], max_gb=4, install=True))
    driven.until(lambda: "cannot be found out" in stands(driven, entity).reason)
    found = stands(driven, entity)
    assert (found.phase, found.model_name) == (PHASE.WAITING, name)
    quiet_frames(driven)
    assert installations_ever(driven) == 0
    driven.write(InstallRequiredRequested([entity]))  # a person may know
    driven.until(lambda: installations_ever(driven) == 1)


def test_without_a_limit_the_host_may_try_where_we_cannot_ask(driven: Driven) -> None:
    name = f"127.0.0.1:{closed_port()}/library/large:1"
    entity = require(driven, RequiresModel(name, install=True))
    found = until_phase(driven, entity, PHASE.FAILED)
    assert found.reason == driven.installation(name).error_message
    assert installations_ever(driven) == 1
    driven.write(DismissRequested(driven.installation(name).installation_id))
    driven.until(lambda: not driven.installations)
    quiet_frames(driven)
    assert stands(driven, entity).phase is PHASE.FAILED
    assert installations_ever(driven) == 1
    assert row_of(driven, entity).can_install
    driven.write(InstallRequiredRequested([entity]))
    driven.until(lambda: installations_ever(driven) == 2)
    until_phase(driven, entity, PHASE.FAILED)


def test_what_was_remembered_of_a_registry_counts_where_it_cannot_be_asked(driven: Driven) -> None:
    name = f"127.0.0.1:{closed_port()}/library/large:1"
    layers = [RegistryLayer(f"sha256:{digit * 64}", 3_000_000_000) for digit in "aab"]
    yesterday = datetime.now(UTC) - timedelta(days=1)
    driven.models.model_registry.cache.entries[name] = RegistryEntry(name, "c" * 64, layers, yesterday)
    found = until_phase(driven, require(driven, RequiresModel(name, max_gb=4, install=True)), PHASE.FAILED)
    assert found.reason == f"It cannot be installed: {name} takes 6 GB, and 4 GB is the most."


def test_a_size_that_is_known_is_not_asked_for_again_when_what_is_remembered_is_old(driven: Driven) -> None:
    name = f"127.0.0.1:{closed_port()}/library/large:1"
    layer = RegistryLayer(f"sha256:{'a' * 64}", 3_000_000_000)
    cache = driven.models.model_registry.cache
    cache.entries[name] = RegistryEntry(name, "c" * 64, [layer], datetime.now(UTC))
    entity = require(driven, RequiresModel(name, max_gb=4))
    driven.until(lambda: stands(driven, entity).model_name == name)
    told_before = len(driven.events(UIUpdateEvent))
    cache.lifetime = timedelta(0)
    driven.write(UIUpdateEvent(UIUpdateKind.MODELS_CHANGED))  # it is looked at again
    driven.until(lambda: len(driven.events(UIUpdateEvent)) > told_before)
    quiet_frames(driven)
    kinds = [event.kind for event in driven.events(UIUpdateEvent)[told_before:]]
    assert UIUpdateKind.REQUIREMENTS_CHANGED not in kinds
    assert stands(driven, entity).model_name == name


def test_the_wanted_model_takes_the_fallbacks_place_when_it_comes(driven: Driven, tiny: str) -> None:
    entity = require(driven, RequiresModel(tiny, ["smollm2:135m"], install=True))
    assert until_phase(driven, entity, PHASE.READY).model_name == "smollm2:135m"
    driven.ask_for(tiny)
    driven.until(lambda: stands(driven, entity).model_name == tiny)
    assert [event.model_name for event in driven.events(RequiredModelReady)] == ["smollm2:135m", tiny]
    assert driven.events(RequiredModelLost) == []


def test_a_paused_installation_is_said_to_be(driven: Driven, middle: str) -> None:
    entity = require(driven, RequiresModel(middle, install=True))
    driven.until(lambda: (stands(driven, entity).fraction or 0.0) > 0.0)
    driven.write(PauseRequested(stands(driven, entity).installation_id))
    driven.until(lambda: "is paused" in stands(driven, entity).reason)
    assert stands(driven, entity).phase is PHASE.INSTALLING


@pytest.mark.parametrize("reason", WaitReason)
def test_each_reason_for_which_an_installation_waits_is_said(reason: WaitReason) -> None:
    one, need = host("workshop"), Need.of(RequiresModel("tiny"))
    waiting = ModelInstallation("tiny:latest", "some-id", host=one.base_url, waits_for=reason)
    found = being_installed(need, one, Circumstances([waiting], set(), {}, lambda _: None))
    assert found is not None
    assert (found.phase, found.installation_id) == (PHASE.INSTALLING, "some-id")
    assert_clear(found.reason)
    assert "tiny:latest" in found.reason


def test_a_host_may_be_named(driven: Driven, fresh_ollama: OllamaServer, tiny: str) -> None:
    driven.app.world.resource(OllamaHosts).add(fresh_ollama.base_url, "gpu-box")
    here = require(driven, RequiresModel("smollm2:135m"))
    entity = require(driven, RequiresModel("smollm2:135m", host="GPU-Box", who="The map"))
    until_phase(driven, here, PHASE.READY)
    found = until_phase(driven, entity, PHASE.WAITING)
    driven.until(lambda: "smollm2" in stands(driven, entity).reason)
    assert (found.host, found.reason) == (fresh_ollama.base_url, "smollm2:135m is not installed on gpu-box.")
    driven.until(lambda: driven.view.requirements)
    assert row_of(driven, entity).title == "The map needs smollm2:135m on gpu-box"
    driven.app.world.insert(entity, RequiresModel(tiny, host=fresh_ollama.base_url, install=True))
    assert until_phase(driven, entity, PHASE.READY).host == fresh_ollama.base_url
    assert fresh_ollama.model_names() == [tiny]


def test_a_name_that_is_none_has_failed(driven: Driven) -> None:
    entity = require(driven, RequiresModel("not a name", install=True, who="The poet"))
    found = until_phase(driven, entity, PHASE.FAILED)
    assert "has a space in it" in found.reason
    driven.until(lambda: driven.view.requirements)
    assert row_of(driven, entity).title == "The poet needs not a name"
    assert not row_of(driven, entity).can_install


def test_a_name_that_is_none_with_a_fallback_that_is_one(driven: Driven) -> None:
    assert until_phase(driven, require(driven, RequiresModel("not a name", ["tiny"])), PHASE.READY).is_ready


def test_what_a_person_deletes_is_lost_and_not_installed_again_by_itself(driven: Driven, tiny: str) -> None:
    entity = require(driven, RequiresModel(tiny, install=True))
    until_phase(driven, entity, PHASE.READY)
    driven.write(DeleteModelRequested(tiny))
    found = until_phase(driven, entity, PHASE.WAITING)
    assert "was deleted" in found.reason
    [lost] = driven.events(RequiredModelLost)
    assert (lost.entity, lost.model_name, lost.host, lost.reason) == (entity, tiny, found.host, found.reason)
    late = require(driven, RequiresModel(tiny, install=True))
    quiet_frames(driven)
    assert stands(driven, late).phase is PHASE.WAITING
    assert installations_ever(driven) == 1
    driven.write(InstallRequiredRequested())
    until_phase(driven, entity, PHASE.READY)
    assert told(driven) == [("ready", entity), ("lost", entity), ("ready", entity), ("ready", late)]


def test_what_a_person_stops_is_not_begun_again_by_itself(driven: Driven, middle: str) -> None:
    entity = require(driven, RequiresModel(middle, install=True))
    driven.until(lambda: (stands(driven, entity).fraction or 0.0) > 0.0)
    driven.write(CancelRequested(stands(driven, entity).installation_id))
    found = until_phase(driven, entity, PHASE.WAITING)
    assert found.reason == f"The installation of {middle} was stopped."
    [stopped] = driven.events(ModelInstallationCancelled)
    driven.write(DismissRequested(stopped.installation_id))
    quiet_frames(driven)
    assert not driven.installations
    assert installations_ever(driven) == 1
    assert stands(driven, entity).phase is PHASE.WAITING


def test_an_installation_that_is_taken_away_is_not_begun_again_by_itself(driven: Driven, middle: str) -> None:
    entity = require(driven, RequiresModel(middle, install=True))
    driven.until(lambda: (stands(driven, entity).fraction or 0.0) > 0.0)
    [(installing, _)] = driven.app.world.query(ModelInstallation)
    driven.app.world.despawn(installing)
    assert "taken away" in until_phase(driven, entity, PHASE.WAITING).reason
    quiet_frames(driven)
    assert installations_ever(driven) == 1


def test_an_installation_goes_on_when_nobody_requires_its_model_any_more(
    driven: Driven, middle: str, registry: Registry
) -> None:
    entity = require(driven, RequiresModel(middle, install=True))
    other = require(driven, RequiresModel(middle))
    driven.until(lambda: (stands(driven, entity).fraction or 0.0) > 0.0)
    driven.app.world.despawn(entity)
    driven.app.world.remove(other, RequiresModel)
    driven.until(lambda: driven.app.world.get(other, RequiredModel) is None)
    driven.until(lambda: driven.view.requirements == [])
    registry.files.clear()
    driven.until_event(ModelInstallationCompleted)
    quiet_frames(driven)
    assert told(driven) == []
    assert driven.app.world.exists(other)
    assert driven.installation(middle).status.kind is InstallationPhase.COMPLETED


def test_another_requirement_in_its_place_is_looked_at_anew(driven: Driven) -> None:
    entity = require(driven, RequiresModel("tiny"))
    until_phase(driven, entity, PHASE.READY)
    driven.app.world.insert(entity, RequiresModel("no-such:1"))
    until_phase(driven, entity, PHASE.WAITING)
    driven.app.world.insert(entity, RequiresModel("smollm2:135m"))
    assert until_phase(driven, entity, PHASE.READY).model_name == "smollm2:135m"
    assert told(driven) == [("ready", entity), ("ready", entity)]


def test_what_says_how_it_stands_is_put_back(driven: Driven) -> None:
    entity = require(driven, RequiresModel("tiny"))
    until_phase(driven, entity, PHASE.READY)
    driven.app.world.remove(entity, RequiredModel)
    until_phase(driven, entity, PHASE.READY)
    driven.app.world.insert(entity, RequiredModel())
    assert until_phase(driven, entity, PHASE.READY).model_name == "tiny:latest"


def test_a_host_that_is_not_in_the_list_is_waited_for(driven: Driven) -> None:
    entity = require(driven, RequiresModel("tiny", host="gpu-box", install=True))
    found = until_phase(driven, entity, PHASE.WAITING)
    assert "no host called 'gpu-box'" in found.reason
    assert found.host == ""


def test_a_host_that_goes_takes_the_model_with_it_and_brings_it_back(fresh_ollama: OllamaServer, tiny: str) -> None:
    with Driven(fresh_ollama.port) as driven:
        entity = require(driven, RequiresModel(tiny, install=True))
        until_phase(driven, entity, PHASE.READY)
        fresh_ollama.kill()
        away = until_phase(driven, entity, PHASE.WAITING)
        [lost] = driven.events(RequiredModelLost)
        assert lost.reason == away.reason
        assert_clear(lost.reason)
        fresh_ollama.start()
        until_phase(driven, entity, PHASE.READY)
        assert told(driven) == [("ready", entity), ("lost", entity), ("ready", entity)]
        assert installations_ever(driven) == 1


def test_a_host_that_is_away_is_waited_for() -> None:
    with Driven() as driven:
        entity = require(driven, RequiresModel("tiny", install=True))
        driven.update()
        assert stands(driven, entity).phase is PHASE.LOOKING
        assert "Nothing listens" in until_phase(driven, entity, PHASE.WAITING).reason
        driven.until(lambda: driven.view.requirements)
        assert not row_of(driven, entity).can_install
        assert requests(driven) == 0
