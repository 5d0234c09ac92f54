"""Before anything is installed: what a request to look finds out, on a real Ollama with a real registry."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from ecs_localai.components.events import ModelInstallationCompleted, PreflightDone
from ecs_localai.components.panel_intents import InstallRequested, PreflightDismissed, PreflightRequested
from ecs_localai.components.preflight import DISK_RESERVE, Fit, Preflight, Preflights
from ecs_localai.components.time_values import utc_now
from ecs_localai.components.wording import format_bytes
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.persistence import SavedState
from tests.rig.model_files import TINY_PARAMETERS, create_model, tiny_gpt2, write_gguf
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.rig.relay import Relay
from tests.systems.systems_parts import Driven, EmptyManifests, assert_clear, config_for, size_in_registry

pytestmark = pytest.mark.registry


@pytest.fixture
def middle(ollama_server: OllamaServer, registry: Registry) -> Iterator[str]:
    """The full name of the 12 MB model, which the shared server does not have; it is deleted afterwards."""
    name = registry.name_for("middle:latest")
    ollama_server.delete(name)
    yield name
    registry.files.clear()
    ollama_server.delete(name)


@pytest.fixture
def own_registry(ollama_server: OllamaServer) -> Iterator[Registry]:
    """A registry of the test's own, with ``tiny:latest``: it may be halted."""
    with Registry() as registry:
        registry.push(ollama_server, "tiny:latest", "tiny:latest")
        yield registry


def look(driven: Driven, text: str, **more: object) -> list[Preflight]:
    """Ask, and run frames until all is known."""
    driven.write(PreflightRequested(text, **more))  # type: ignore[arg-type]  # the callers' types are checked
    return settled(driven)


def settled(driven: Driven) -> list[Preflight]:
    """Run frames until nothing is looked at any more."""
    found = driven.app.world.resource(Preflights)
    driven.until(lambda: found.done and not found.is_running and driven.view.preflight is not None)
    driven.until(lambda: driven.view.preflight is not None and not driven.view.preflight.is_running)
    return found.done


def test_what_is_said_before_a_model_is_installed_and_then_it_is(
    ollama_server: OllamaServer, registry: Registry, middle: str
) -> None:
    size = size_in_registry(registry, "middle:latest")
    with Driven(ollama_server.port) as driven:
        driven.connect()
        (found,) = look(driven, middle)
        assert driven.events(PreflightDone)[-1].preflight == found
        assert (found.model_name, found.host) == (middle, ollama_server.base_url)
        there = {
            one.digest: ollama_server.call("HEAD", f"/api/blobs/{one.digest}").status == 200 for one in found.layers
        }
        assert found.total_bytes == size
        assert found.download_bytes == sum(one.size for one in found.layers if not there[one.digest])
        assert sum(layer.size for layer in found.layers) == size
        assert found.family == "gpt2"
        assert found.parameters["num_ctx"] == "512"
        assert found.max_context_length is not None
        assert found.need.context_length == min(512, found.max_context_length)
        assert found.need.weights is not None
        assert found.need.cache
        assert found.verdict.fit in {Fit.FITS, Fit.TIGHT}
        assert found.disk_free is not None
        assert (found.problem, found.replaces, found.is_current) == (None, "", False)
        assert registry.files.bytes_served < 200_000, "the weights were downloaded"
        card = driven.view.preflight
        assert card is not None
        assert card.title == f"Before installing {middle}"
        wanted = format_bytes(found.download_bytes or 0)
        assert card.rows[0].download_text == f"{wanted} to download"
        assert "weights + " in card.rows[0].fit_text
        assert card.install == InstallRequested(middle, [ollama_server.base_url])
        assert card.install_label == "Install"
        driven.write(card.install)
        driven.until(lambda: driven.view.preflight is None)
        driven.until_event(ModelInstallationCompleted)
        (found,) = look(driven, middle)
        assert found.is_current
        assert found.download_bytes == 0
        assert_clear(found.replaces)
        again = driven.view.preflight
        assert again is not None
        assert again.install_label == "Install again"


def test_what_nobody_wants_to_know_any_more_goes_away(ollama_server: OllamaServer, middle: str) -> None:
    with Driven(ollama_server.port) as driven:
        look(driven, middle)
        driven.write(PreflightDismissed())
        driven.until(lambda: driven.view.preflight is None)
        assert driven.app.world.resource(Preflights) == Preflights()
        driven.write(PreflightRequested(middle))
        driven.update()
        driven.write(PreflightDismissed())  # while it is being looked at
        driven.until(lambda: driven.view.preflight is None)


def test_a_newer_look_replaces_an_older_one(ollama_server: OllamaServer, registry: Registry, middle: str) -> None:
    tiny = registry.name_for("tiny:latest")
    with Driven(ollama_server.port) as driven:
        driven.write(PreflightRequested(middle))
        driven.update()
        assert [one.model_name for one in look(driven, tiny)] == [tiny]
        card = driven.view.preflight
        assert card is not None
        assert [row.name for row in card.rows] == [tiny]
        driven.write(InstallRequested(middle))  # another model: what is looked at stays
        driven.until_event(ModelInstallationCompleted)
        assert driven.view.preflight is not None


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (PreflightRequested("llama 3@"), "@"),
        (PreflightRequested(""), "name"),
        (PreflightRequested("llama3", ["nowhere"]), "nowhere"),
    ],
)
def test_a_wrong_name_is_refused_in_the_field(
    ollama_server: OllamaServer, registry: Registry, request_: PreflightRequested, said: str
) -> None:
    with Driven(ollama_server.port) as driven:
        look(driven, registry.name_for("tiny:latest"))
        driven.write(request_)
        driven.until(lambda: driven.view.install_error is not None and driven.view.preflight is None)
        assert_clear(driven.view.install_error)
        assert said in (driven.view.install_error or "")
        look(driven, registry.name_for("tiny:latest"))
        assert driven.view.install_error is None


def test_several_models_of_which_one_does_not_exist(
    ollama_server: OllamaServer, registry: Registry, middle: str
) -> None:
    tiny, nothing = registry.name_for("tiny:latest"), registry.name_for("nothing:1")
    with Driven(ollama_server.port) as driven:
        found = look(driven, f"{middle}, {nothing} {tiny}")
        assert [one.model_name for one in found] == [middle, nothing, tiny]
        assert [one.problem is None for one in found] == [True, False, True]
        assert_clear(found[1].problem)
        card = driven.view.preflight
        assert card is not None
        assert card.title == "Before installing 3 models"
        assert card.rows[1].problem == found[1].problem
        assert card.rows[1].fit_text == ""
        assert card.install == InstallRequested(f"{middle} {tiny}", [ollama_server.base_url])
        assert card.install_label == "Install 2 models"
        assert card.total_text == f"{format_bytes(found[0].download_bytes or 0)} to download in all"


def test_the_same_model_on_two_hosts(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    tiny = registry.name_for("tiny:latest")
    with Driven(ollama_server.port) as driven:
        hosts = driven.app.world.resource(OllamaHosts)
        hosts.add(f"127.0.0.1:{fresh_ollama.port}", "other")
        here, other = (one.host.name for one in hosts.all())
        found = look(driven, tiny, hosts=[here, "other"])
        assert [one.download_bytes for one in found] == [0, size_in_registry(registry, "tiny:latest")]
        card = driven.view.preflight
        assert card is not None
        assert [row.host for row in card.rows] == [here, other]
        assert card.install == InstallRequested(tiny, [ollama_server.base_url, fresh_ollama.base_url])
        fresh_ollama.stop()
        found = look(driven, tiny, hosts=[here, "other"])
        assert_clear(found[1].problem)
        assert found[1].download_bytes is None
        card = driven.view.preflight
        assert card is not None
        assert card.install == InstallRequested(tiny, [ollama_server.base_url])


def test_what_one_host_has_already_is_left_alone_where_the_others_get_it(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    tiny, middle = registry.name_for("tiny:latest"), registry.name_for("middle:latest")
    for server, name in ((fresh_ollama, tiny), (ollama_server, middle)):
        answer = server.call("POST", "/api/pull", {"model": name, "insecure": True}, timeout=60)
        assert answer.json_lines()[-1].get("status") == "success", answer.body
    try:
        with Driven(fresh_ollama.port) as driven:
            driven.app.world.resource(OllamaHosts).add(config_for(ollama_server.port), "Second")
            hosts = [fresh_ollama.base_url, ollama_server.base_url]
            look(driven, f"{tiny} {middle}", hosts=hosts)
            card = driven.view.preflight
            assert card is not None
            assert card.install is not None
            assert card.install.left_alone == {tiny: hosts[:1], middle: hosts[1:]}
            driven.write(card.install)
            driven.until_event(ModelInstallationCompleted, 2)
            driven.until(lambda: not driven.manager.active_installations)
            done = [(one.model.name, one.model.host) for one in driven.events(ModelInstallationCompleted)]
            assert sorted(done) == sorted([(middle, hosts[0]), (tiny, hosts[1])])
    finally:
        for name in (tiny, middle):
            ollama_server.delete(name)


def test_a_host_may_be_given_another_address_while_it_is_looked_at(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer, registry: Registry, middle: str
) -> None:
    registry.files.stall_after(10)
    with Driven(ollama_server.port) as driven:
        driven.connect()
        driven.write(PreflightRequested(middle))
        driven.update()
        driven.until(lambda: registry.files.open_transfers > 0)
        hosts = driven.app.world.resource(OllamaHosts)
        hosts.edit(hosts.all()[0].entity, config_for(fresh_ollama.port))
        registry.files.clear()
        (found,) = settled(driven)
        assert (found.model_name, found.host, found.problem) == (middle, ollama_server.base_url, None)
        assert found.download_bytes, "the host that was meant was not asked"


def test_another_context_takes_another_cache(ollama_server: OllamaServer, registry: Registry) -> None:
    smollm2 = registry.name_for("smollm2:135m")
    with Driven(ollama_server.port) as driven:
        (usual,) = look(driven, smollm2)
        card = driven.view.preflight
        assert card is not None
        assert (card.contexts, card.context_length) == ([4096, 8192], 4096)
        (wide,) = look(driven, smollm2, context_length=8192)
        assert usual.need.cache is not None
        assert wide.need.cache == 2 * usual.need.cache
        assert "for 8,192 tokens" in wide.verdict.text
        (wider,) = look(driven, smollm2, context_length=100_000)
        assert wider.need == wide.need
        assert any("at most 8,192 tokens" in note for note in wider.notes)


def test_what_is_there_under_the_name_is_told(fresh_ollama: OllamaServer, registry: Registry, tmp_path: Path) -> None:
    tiny = registry.name_for("tiny:latest")
    other = write_gguf(tmp_path / "other.gguf", 500_000, seed=77)
    create_model(fresh_ollama, tiny, other, parameters=TINY_PARAMETERS)
    with Driven(fresh_ollama.port) as driven:
        (found,) = look(driven, tiny)
        assert not found.is_current
        assert "replaces" in found.replaces
        assert_clear(found.replaces)
        card = driven.view.preflight
        assert card is not None
        assert card.install_label == "Replace"


def test_a_registry_that_would_wipe_the_model_is_no_registry(ollama_server: OllamaServer) -> None:
    with EmptyManifests() as empty, Driven(ollama_server.port) as driven:
        (found,) = look(driven, f"localhost:{empty.port}/library/tiny:latest")
        assert_clear(found.problem)
        card = driven.view.preflight
        assert card is not None
        assert card.install is None


def test_a_host_that_does_not_answer_says_so_beside_what_the_registry_says(registry: Registry) -> None:
    with Driven(closed_port()) as driven:
        (found,) = look(driven, registry.name_for("tiny:latest"))
        assert_clear(found.problem)
        assert found.total_bytes == size_in_registry(registry, "tiny:latest")
        assert found.download_bytes is None


def test_what_is_remembered_of_a_registry_serves_offline(
    ollama_server: OllamaServer, own_registry: Registry, tmp_path: Path
) -> None:
    tiny = own_registry.name_for("tiny:latest")
    with Driven(ollama_server.port, data_dir=tmp_path) as driven:
        (first,) = look(driven, tiny)
        assert first.fetched_at is None
        own_registry.halt()
        (second,) = look(driven, tiny)
        assert second.fetched_at is not None
        assert (second.is_old, second.is_current, second.was_current) == (True, False, False)
        assert second.need == first.need
        assert_clear(second.notes[0])
        driven.models.model_registry.cache.lifetime = timedelta(0)
        (third,) = look(driven, tiny)
        assert third.is_old
        assert third.fetched_at == second.fetched_at
        assert third.problem is None
        card = driven.view.preflight
        assert card is not None
        assert "ago is shown." in card.rows[0].note
        assert card.install is not None
        assert driven.app.world.resource(SavedState).flush(10)
    with Driven(ollama_server.port, data_dir=tmp_path) as driven:  # the program has been started again
        driven.models.model_registry.cache.lifetime = timedelta(0)
        (fourth,) = look(driven, tiny)
        assert fourth.is_old
        assert (fourth.need, fourth.family, fourth.layers) == (first.need, first.family, first.layers)
    own_registry.start()
    with Driven(ollama_server.port, data_dir=tmp_path) as driven:
        driven.models.model_registry.cache.lifetime = timedelta(0)
        (fifth,) = look(driven, tiny)
        assert (fifth.is_old, fifth.fetched_at) == (False, None)


def test_a_tag_that_moves_within_ten_minutes_is_seen(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer, own_registry: Registry
) -> None:
    tiny = own_registry.name_for("tiny:latest")
    with Driven(fresh_ollama.port) as driven:
        driven.write(InstallRequested(tiny))
        driven.until_event(ModelInstallationCompleted)
        (first,) = look(driven, tiny)
        assert (first.is_current, first.fetched_at) == (True, None)
        create_model(ollama_server, "other:1", tiny_gpt2(), template="{{ .Prompt }} of another kind")
        own_registry.push(ollama_server, "other:1", "tiny:latest")
        ollama_server.delete("other:1")
        assert driven.models.model_registry.cache.fresh(tiny, utc_now()) is not None
        (second,) = look(driven, tiny)
        assert (second.is_current, second.was_current, second.fetched_at) == (False, False, None)
        assert second.replaces.startswith("It replaces the version of ")
        assert second.total_bytes == size_in_registry(own_registry, "tiny:latest")
        card = driven.view.preflight
        assert card is not None
        assert card.install_label == "Replace"


def test_what_is_remembered_is_shown_while_the_registry_is_asked_and_claims_nothing(
    ollama_server: OllamaServer, own_registry: Registry
) -> None:
    with Relay("127.0.0.1", own_registry.port) as relay, Driven(ollama_server.port) as driven:
        name = f"localhost:{relay.port}/library/tiny:latest"
        ollama_server.call("POST", "/api/copy", {"source": "tiny:latest", "destination": name})
        (first,) = look(driven, name)
        told = len(driven.events(PreflightDone))
        relay.stall()
        driven.write(PreflightRequested(name))
        found = driven.app.world.resource(Preflights)
        driven.until(lambda: any(one.is_remembered for one in found.done))
        (early,) = found.done
        assert (early.is_current, early.need, early.layers) == (False, first.need, first.layers)
        driven.until(lambda: driven.view.preflight is not None and driven.view.preflight.rows[0].facts != "")
        card = driven.view.preflight
        assert card is not None
        assert (card.is_running, card.install) == (True, None)
        assert card.rows[0].replaces.endswith("a moment ago; it is being asked again.")
        assert len(driven.events(PreflightDone)) == told, "nothing is known yet"
        relay.resume()
        (late,) = settled(driven)
        assert late.fetched_at is None
        assert len(driven.events(PreflightDone)) == told + 1
    ollama_server.delete(name)


def test_a_registry_that_nobody_can_reach_may_be_reached_by_the_host(ollama_server: OllamaServer) -> None:
    with Driven(ollama_server.port) as driven:
        (found,) = look(driven, f"localhost:{closed_port()}/library/tiny:latest")
        assert found.problem is None
        assert found.total_bytes is None
        assert any("reach" in note for note in found.notes)
        card = driven.view.preflight
        assert card is not None
        assert card.install is not None


def test_the_program_may_end_while_it_looks(
    ollama_server: OllamaServer, registry: Registry, middle: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    registry.files.stall_after(10)
    with Driven(ollama_server.port, data_dir=tmp_path) as driven:
        driven.write(PreflightRequested(middle))
        driven.update()
        driven.until(lambda: registry.files.open_transfers > 0)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 64 MB; skips where mounting is not allowed."""
    if sys.platform != "linux":
        pytest.skip("mounting a tmpfs needs Linux")
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    mounted = subprocess.run(options, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"mounting a tmpfs is not allowed here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_too_small_is_told_before(small_disk: Path, registry: Registry) -> None:
    with OllamaServer(models_dir=small_disk / "models") as server:
        create_model(server, "tiny:latest", tiny_gpt2())
        with Driven(server.port) as driven:
            (found,) = look(driven, registry.name_for("middle:latest"))
            assert found.disk_free is not None
            assert found.disk_free < 64 * 2**20 < DISK_RESERVE
            assert_clear(found.problem)
            assert f"{format_bytes(found.download_bytes or 0)} still to come" in (found.problem or "")
            card = driven.view.preflight
            assert card is not None
            assert card.install is None
            assert "free on the models' disk" in card.rows[0].disk_text
            assert card.anyway is not None
            assert "“Install anyway” begins it all the same" in card.rows[0].note
            driven.write(card.anyway)
            driven.until_event(ModelInstallationCompleted)
            driven.until(lambda: driven.view.preflight is None)
        assert registry.name_for("middle:latest") in server.model_names()
