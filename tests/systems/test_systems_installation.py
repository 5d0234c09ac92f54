"""Installing from a real registry on a real Ollama: events, turns, sharing, stopping and going on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import esper
import pytest

from ecs_localai import (
    CancelRequested,
    DismissRequested,
    DownloadConfig,
    InstallationPhase,
    InstallationStatus,
    InstalledModelsChanged,
    InstallRequested,
    ModelInstallation,
    ModelInstallationCancelled,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    ModelInstallationProgress,
    ModelInstallationStarted,
    ModelInstallationTask,
    ModelInstallRequest,
    RetryRequested,
)
from ecs_localai.systems.installation_desk import COMPLETED_SECONDS
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.rig.relay import Relay
from tests.systems.systems_parts import INSECURE, Driven, push_small_models, size_in_registry

OF_INSTALLATION = (
    ModelInstallationStarted,
    ModelInstallationProgress,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    ModelInstallationCancelled,
)


@pytest.fixture
def middle(ollama_server: OllamaServer, registry: Registry) -> Iterator[str]:
    """The full name of the 12 MB model, which the shared server does not have; it is deleted afterwards."""
    name = registry.name_for("middle:latest")
    ollama_server.delete(name)
    yield name
    registry.files.clear()
    ollama_server.delete(name)


@pytest.fixture
def tiny(ollama_server: OllamaServer, registry: Registry) -> Iterator[str]:
    """The full name of a model whose files the shared server has under another name: installed in milliseconds."""
    name = registry.name_for("tiny:latest")
    yield name
    ollama_server.delete(name)


def story(driven: Driven) -> list[type]:
    """The kinds of the installation's events in their order, each run of progress once."""
    kinds = [type(event) for event in driven.log if isinstance(event, OF_INSTALLATION)]
    return [kind for number, kind in enumerate(kinds) if number == 0 or kinds[number - 1] is not kind]


def assert_progress_never_goes_back(driven: Driven) -> list[ModelInstallationProgress]:
    """Bytes and fraction of every installation only grow; returns all of it."""
    best: dict[str, tuple[int, int, float]] = {}
    for event in driven.events(ModelInstallationProgress):
        now = (event.progress.bytes_downloaded, event.progress.total_bytes, event.fraction or 0.0)
        before = best.get(event.installation_id, (0, 0, 0.0))
        assert all(new >= old for new, old in zip(now, before, strict=True)), (before, now)
        assert event.progress.bytes_downloaded <= event.progress.total_bytes
        assert 0.0 <= (event.fraction or 0.0) <= 1.0
        assert event.progress.eta is None or event.progress.eta >= timedelta(0)
        best[event.installation_id] = now
    return driven.events(ModelInstallationProgress)


def test_a_download_is_told_from_start_to_end(ollama_server: OllamaServer, registry: Registry, middle: str) -> None:
    size = size_in_registry(registry, "middle:latest")
    registry.files.throttle(10e6)
    with Driven(ollama_server.port) as driven:
        driven.connect()
        begun = time.monotonic()
        driven.ask_for(middle)
        driven.until_event(ModelInstallationStarted)
        row = driven.installation_row(middle)
        assert (row.can_cancel, row.can_retry, row.can_dismiss) == (True, False, False)
        driven.until(lambda: "/s" in driven.installation_row(middle).detail)
        [(_, (installation, task))] = driven.app.world.query(ModelInstallation, ModelInstallationTask)
        assert installation.host == ollama_server.base_url
        assert task.progress_tracker == installation.progress
        assert list(driven.manager.active_installations) == [installation.installation_id]
        driven.until_event(ModelInstallationCompleted)
        took = time.monotonic() - begun
        # Started, with the size that the manifest tells; progress; Completed with the model and the measured time.
        assert story(driven) == [ModelInstallationStarted, ModelInstallationProgress, ModelInstallationCompleted]
        [started] = driven.events(ModelInstallationStarted)
        assert (started.model_name, started.estimated_size) == (middle, size)
        progress = assert_progress_never_goes_back(driven)
        assert len({event.progress.bytes_downloaded for event in progress}) > 5
        assert (progress[-1].progress.bytes_downloaded, progress[-1].fraction) == (size, 1.0)
        assert max(event.progress.download_speed for event in progress) > 1e6
        assert any(event.progress.eta for event in progress)
        [completed] = driven.events(ModelInstallationCompleted)
        assert 1.0 < completed.installation_time.total_seconds() <= took
        assert (completed.model.name, completed.model.size) == (middle, size)
        assert completed.model.capabilities.model_architecture == "gpt2"
        identities = {
            started.installation_id,
            completed.installation_id,
            *(event.installation_id for event in progress),
        }
        assert identities == {installation.installation_id}
        row = driven.installation_row(middle)
        assert (row.detail, row.fraction, row.can_cancel) == ("Installed", 1.0, False)
        driven.until(lambda: middle in driven.models.installed_models)
        assert driven.events(InstalledModelsChanged)[-1].added == [middle]
        assert middle in ollama_server.model_names()


def test_a_completed_installation_is_cleaned_up_and_remembered(ollama_server: OllamaServer, tiny: str) -> None:
    with Driven(ollama_server.port) as driven:
        driven.ask_for(tiny)
        completed = driven.until_event(ModelInstallationCompleted)
        driven.update()
        assert driven.app.world.query(ModelInstallationTask) == []
        assert driven.app.world.query(ModelInstallRequest) == []
        assert driven.manager.active_installations == {}
        [record] = driven.manager.installation_history
        assert (record.model_name, record.status) == (tiny, InstallationStatus.COMPLETED)
        assert record.duration == completed.installation_time
        assert record.duration > timedelta(0)
        assert record.host == ollama_server.base_url
        assert len(driven.installations) == 1
        seen_at = driven.app.time.real_elapsed_seconds
        driven.until(lambda: not driven.installations)
        assert driven.app.time.real_elapsed_seconds - seen_at > COMPLETED_SECONDS - 1.0
        assert driven.view.installations == []
        assert len(driven.manager.installation_history) == 1


def test_completed_ones_go_one_after_the_other(ollama_server: OllamaServer, tiny: str, registry: Registry) -> None:
    """On a manual clock: each stays its five seconds, whatever completes after it."""
    other = registry.name_for("smollm2:135m")
    try:
        with Driven(ollama_server.port) as driven:
            driven.ask_for(tiny)
            driven.until_event(ModelInstallationCompleted)
            driven.update(3.0)
            driven.ask_for(other)
            driven.until_event(ModelInstallationCompleted, 2)
            driven.update(2.1)
            assert [one.model_name for one in driven.installations] == [other]
            driven.update(3.0)
            driven.update(0.0)
            assert driven.installations == []
    finally:
        ollama_server.delete(other)


def test_two_that_want_the_same_share_one_task(ollama_server: OllamaServer, tiny: str) -> None:
    """Spelled differently, it is still the same model; both requests are answered by one installation."""
    with Driven(ollama_server.port) as driven:
        first = driven.ask_for(tiny)
        second = driven.app.world.spawn(ModelInstallRequest(tiny.replace("tiny:latest", "Tiny"), INSECURE), "a host's")
        driven.update()
        assert len(driven.app.world.query(ModelInstallationTask)) == 1
        assert driven.installation(tiny).request_entities == [first, second]
        driven.until_event(ModelInstallationCompleted)
        driven.update()
        assert len(driven.events(ModelInstallationCompleted)) == 1
        assert not driven.app.world.exists(first)
        assert driven.app.world.components(second) == ("a host's",)


def test_one_of_two_that_want_the_same_may_go(ollama_server: OllamaServer, registry: Registry, middle: str) -> None:
    registry.files.throttle(6e6)
    with Driven(ollama_server.port) as driven:
        first, second = driven.ask_for(middle), driven.ask_for(middle)
        driven.until_event(ModelInstallationStarted)
        driven.app.world.despawn(first)
        driven.until_event(ModelInstallationCompleted)
        driven.update()
        assert not driven.app.world.exists(second)
        assert driven.events(ModelInstallationCancelled) == []


def test_a_request_for_another_model_takes_the_place_of_the_first(
    ollama_server: OllamaServer, registry: Registry, middle: str, tiny: str
) -> None:
    """Replaced on the same entity: the former model is not wanted any more, the new one is installed."""
    registry.files.throttle(1e6)
    registry_down = f"localhost:{closed_port()}/library/tiny:latest"
    with Driven(ollama_server.port) as driven:
        entity = driven.ask_for(middle)
        driven.until(lambda: driven.installation(middle).progress.bytes_downloaded)
        driven.app.world.insert(entity, ModelInstallRequest(registry_down, DownloadConfig(max_retries=1000)))
        assert driven.until_event(ModelInstallationCancelled).model_name == middle
        assert driven.installation(registry_down).status.is_running
        assert driven.app.world.has(entity, ModelInstallRequest)
        driven.app.world.insert(entity, ModelInstallRequest(tiny, INSECURE))
        assert driven.until_event(ModelInstallationCancelled, 2).model_name == registry_down
        assert driven.until_event(ModelInstallationCompleted).model.name == tiny
        driven.update()
        assert not driven.app.world.exists(entity)


def test_two_at_a_time_and_the_third_waits(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer, registry: Registry, tmp_path: Path
) -> None:
    full = push_small_models(ollama_server, registry, tmp_path, ["one", "two", "three", "four"])
    one, two, three, four = full.values()
    registry.files.throttle(500_000)
    with Driven(fresh_ollama.port) as driven:
        for name in full.values():
            driven.ask_for(name)
        driven.until(lambda: len(driven.app.world.query(ModelInstallationTask)) == 2)
        assert [driven.installation(name).status for name in (three, four)] == [InstallationStatus.QUEUED] * 2
        assert [request.model_name for request in driven.manager.download_queue] == [three, four]
        assert [waiting.model_name for waiting in driven.models.installation_queue] == [three, four]
        row = driven.installation_row(three)
        assert (row.detail, row.fraction, row.can_cancel) == ("Waiting for its turn", None, True)
        # One that waits can be stopped before it had its turn.
        driven.write(CancelRequested(driven.installation(four).installation_id))
        driven.update()
        assert driven.events(ModelInstallationCancelled)[0].model_name == four
        busiest = 0

        def finished() -> bool:
            nonlocal busiest
            running = [one for one in driven.installations if one.status.is_running]
            assert len(running) == len(driven.app.world.query(ModelInstallationTask))
            busiest = max(busiest, len(running))
            done = len(driven.events(ModelInstallationCompleted))
            third = driven.installation(three).status
            assert (third.kind is InstallationPhase.QUEUED) == (done == 0), third
            return done == 3

        driven.until(finished)
        assert busiest == 2
        order = [event.model.name for event in driven.events(ModelInstallationCompleted)]
        assert order[2] == three
        assert fresh_ollama.model_names() == sorted([one, two, three])
        assert_progress_never_goes_back(driven)


def test_cancel_midway_and_retry_goes_on_from_there(
    ollama_server: OllamaServer, registry: Registry, middle: str
) -> None:
    size = size_in_registry(registry, "middle:latest")
    registry.files.throttle(6e6)
    with Driven(ollama_server.port) as driven:
        host_entity = driven.app.world.spawn(ModelInstallRequest(middle, INSECURE), "a host's")
        driven.until(lambda: driven.installations and driven.installation(middle).progress.bytes_downloaded > 4e6)
        installation = driven.installation(middle)
        driven.write(CancelRequested(installation.installation_id))
        cancelled = driven.until_event(ModelInstallationCancelled)
        assert (cancelled.installation_id, cancelled.resumable) == (installation.installation_id, True)
        assert installation.status == InstallationStatus.CANCELLED
        driven.update()
        assert driven.app.world.components(host_entity) == ("a host's",)
        row = driven.installation_row(middle)
        assert row.detail.startswith("Stopped at ")
        assert row.detail.endswith("it can be continued")
        assert (row.can_cancel, row.can_retry, row.can_dismiss) == (False, True, True)
        driven.until(lambda: registry.files.open_transfers == 0)
        assert driven.manager.installation_history[-1].status == InstallationStatus.CANCELLED
        assert middle not in ollama_server.model_names()
        registry.files.clear()
        driven.write(RetryRequested(installation.installation_id))
        completed = driven.until_event(ModelInstallationCompleted)
        assert completed.model.name == middle
        assert len(driven.view.installations) == 1
        assert driven.events(ModelInstallationFailed) == []
        # What had arrived was not fetched again: at most what lay in buffers when it was stopped.
        assert registry.files.bytes_served < size + 4e6
        assert_progress_never_goes_back(driven)


@pytest.mark.parametrize("moment", ["at once", "manifest asked for", "size asked for"])
def test_cancel_right_at_the_start_leaves_the_server_alive(
    moment: str, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    """Ollama 0.9.3 panics or hangs when a pull is left, and joined, while it asks for a layer's size (PR 17370).

    The way to the registry is slow here, so that each of the moments is long enough to be met.
    """
    registry.files.throttle(2e6)
    with Relay("127.0.0.1", registry.port) as slow, Driven(fresh_ollama.port) as driven:
        slow.delay(0.2)
        name = f"localhost:{slow.port}/library/middle:latest"
        asked_before = registry.log_text().count("method=HEAD")
        driven.ask_for(name)
        driven.update()
        if moment == "manifest asked for":
            driven.until(lambda: slow.accepted_connections >= 2)  # ours, then Ollama's
        elif moment == "size asked for":
            driven.until(lambda: registry.log_text().count("method=HEAD") > asked_before)
        driven.write(CancelRequested(driven.installation(name).installation_id))
        driven.until_event(ModelInstallationCancelled)
        assert registry.files.open_transfers == 0, "the moment was missed"
        driven.write(RetryRequested(driven.installation(name).installation_id))
        driven.until(lambda: driven.installation(name).progress.bytes_downloaded > 0)
        driven.write(CancelRequested(driven.installation(name).installation_id))
        driven.until_event(ModelInstallationCancelled, 2)
        driven.until(lambda: registry.files.open_transfers == 0)
        assert fresh_ollama.running
        assert "panic" not in fresh_ollama.log_text()
        assert fresh_ollama.model_names() == []


@pytest.mark.parametrize("what", ["request", "request later", "installation", "installation later"])
def test_despawning_cancels(what: str, ollama_server: OllamaServer, registry: Registry, middle: str) -> None:
    """Whether the request's entity or the installation's goes, at once or by esper's put-off deletion."""
    registry.files.throttle(2e6)
    with Driven(ollama_server.port, world="my-game-despawns") as driven, driven.app.world.active():
        asker = driven.ask_for(middle)
        driven.until(lambda: registry.files.open_transfers and driven.installation(middle).progress.bytes_downloaded)
        [(own, installation)] = driven.app.world.query(ModelInstallation)
        gone = own if what.startswith("installation") else asker
        esper.delete_entity(gone, immediate=not what.endswith("later"))
        cancelled = driven.until_event(ModelInstallationCancelled)
        assert cancelled.installation_id == installation.installation_id
        driven.until(lambda: registry.files.open_transfers == 0)
        driven.until(lambda: driven.app.world.query(ModelInstallationTask) == [])
        assert driven.manager.active_installations == {}
        assert len(driven.view.installations) == (1 if gone == asker else 0)
        esper.process()
        assert not esper.entity_exists(asker)
        assert len(driven.events(ModelInstallationCancelled)) == 1
    esper.delete_world("my-game-despawns")


def test_the_install_field_takes_a_name_of_a_registry_here(ollama_server: OllamaServer, tiny: str) -> None:
    """A registry on this machine is spoken to without TLS, as container tools do."""
    with Driven(ollama_server.port) as driven:
        driven.write(InstallRequested(f"  {tiny} "))
        assert driven.until_event(ModelInstallationCompleted).model.name == tiny
        assert driven.view.install_error is None


def test_an_ended_one_goes_when_dismissed_and_a_running_one_does_not(
    ollama_server: OllamaServer, registry: Registry, middle: str
) -> None:
    registry.files.throttle(4e6)
    with Driven(ollama_server.port) as driven:
        driven.ask_for(middle)
        driven.until_event(ModelInstallationStarted)
        identity = driven.installation(middle).installation_id
        driven.write(DismissRequested(identity))
        driven.write(RetryRequested(identity))
        driven.update()
        driven.update()
        assert driven.installation(middle).status.is_running
        driven.write(CancelRequested(identity))
        driven.until_event(ModelInstallationCancelled)
        driven.write(DismissRequested(identity))
        driven.until(lambda: driven.installations == [])
        assert driven.view.installations == []
        assert len(driven.manager.installation_history) == 1
