"""Installations that cannot succeed, or only at the second try: each failure with its sentence, nothing lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from ecs_localai import (
    CancelRequested,
    DownloadConfig,
    InstallationErrorKind,
    InstallationPhase,
    InstallationStatus,
    InstallRequested,
    ModelInstallationCancelled,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    ModelInstallationProgress,
    ModelInstallationTask,
    ModelInstallRequest,
    OllamaConnectionStatusChanged,
    RetryRequested,
    WaitReason,
)
from tests.rig.odd_servers import CaptivePortal, closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.rig.relay import Relay
from tests.systems.systems_parts import INSECURE, Driven, EmptyManifests, assert_clear, size_in_registry

ONCE = DownloadConfig(insecure=True, max_retries=0)
BAD_NAMES = ["", "a/b/c/d", "model@sha256:abc", "-x", "localhost:5000/x", "x:", "ollama pull llama3.2:1b"]


@pytest.fixture
def middle(ollama_server: OllamaServer, registry: Registry) -> Iterator[str]:
    """The full name of the 12 MB model, which the shared server does not have; it is deleted afterwards."""
    name = registry.name_for("middle:latest")
    ollama_server.delete(name)
    yield name
    registry.files.clear()
    ollama_server.delete(name)


def failure_of(driven: Driven, name: str) -> ModelInstallationFailed:
    """Wait for the failure of this model, which is told alike by the event, the component, the panel and the record."""
    driven.until(lambda: any(event.model_name == name for event in driven.events(ModelInstallationFailed)))
    [failed] = [event for event in driven.events(ModelInstallationFailed) if event.model_name == name]
    assert_clear(failed.error_message)
    installation = driven.installation(name)
    assert installation.installation_id == failed.installation_id
    assert installation.status.kind is InstallationPhase.FAILED
    assert installation.status.reason == installation.error_message == failed.error_message
    assert (installation.error_kind, installation.estimated_completion) == (failed.kind, None)
    row = driven.installation_row(name)
    assert row.detail == failed.error_message
    assert (row.can_cancel, row.can_retry, row.can_dismiss) == (False, True, True)
    [record] = [one for one in driven.manager.installation_history if one.installation_id == failed.installation_id]
    assert record.status == installation.status
    assert failed.installation_id not in driven.manager.active_installations
    assert driven.app.world.query(ModelInstallRequest) == []
    return failed


@pytest.mark.parametrize("name", ["two words", *BAD_NAMES])
def test_a_name_that_is_none_fails_without_a_pull(name: str) -> None:
    """At once, in the frame that sees the request, and without a task."""
    with Driven() as driven:
        driven.ask_for(name)
        driven.update()
        assert failure_of(driven, name).kind is InstallationErrorKind.INVALID_NAME
        assert driven.app.world.query(ModelInstallationTask) == []
        assert driven.events(ModelInstallationProgress) == []


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_is_none_is_refused_in_the_install_field(name: str) -> None:
    with Driven() as driven:
        driven.write(InstallRequested(name))
        driven.update()
        assert_clear(driven.view.install_error)
        assert driven.installations == []
        driven.write(InstallRequested(f"localhost:{closed_port()}/library/llama3.2:1b"))
        driven.update()
        assert driven.view.install_error is None
        assert len(driven.installations) == 1


@pytest.mark.parametrize("text", ["llama3.2:1b, -x", "-x llama3.2:1b", "llama3.2:1b,,qwen3:4b;a/b/c/d"])
def test_one_wrong_name_among_several_refuses_all_and_is_named(text: str) -> None:
    with Driven() as driven:
        driven.write(InstallRequested(text))
        driven.update()
        assert_clear(driven.view.install_error)
        assert any(wrong in str(driven.view.install_error) for wrong in ("'-x'", "'a/b/c/d'"))
        assert driven.installations == []


def test_what_the_registry_does_not_have(ollama_server: OllamaServer, registry: Registry) -> None:
    name = registry.name_for("no-such-model:latest")
    with Driven(ollama_server.port) as driven:
        driven.ask_for(name)
        failed = failure_of(driven, name)
        assert failed.kind is InstallationErrorKind.MODEL_NOT_FOUND
        assert not failed.retryable


def test_a_registry_that_is_down(ollama_server: OllamaServer) -> None:
    name = f"localhost:{closed_port()}/library/tiny:latest"
    with Driven(ollama_server.port) as driven:
        driven.ask_for(name, ONCE)
        failed = failure_of(driven, name)
        assert failed.kind is InstallationErrorKind.REGISTRY_UNREACHABLE
        assert failed.retryable


def test_a_registry_that_comes_back_in_time(ollama_server: OllamaServer, registry: Registry) -> None:
    """The failure may pass, so it is tried again by itself, and again on request."""
    name = registry.name_for("tiny:latest")
    registry.halt()
    try:
        with Driven(ollama_server.port) as driven:
            driven.ask_for(name)
            driven.until(lambda: driven.installations and driven.app.time.elapsed_seconds > 0.3)
            assert driven.events(ModelInstallationFailed) == []
            registry.start()
            driven.until_event(ModelInstallationCompleted)
            assert driven.events(ModelInstallationFailed) == []
    finally:
        if not registry_answers(registry):
            registry.start()
        ollama_server.delete(name)


def registry_answers(registry: Registry) -> bool:
    """Whether the registry runs."""
    try:
        return registry.call("GET", "/v2/").status == 200
    except OSError:
        return False


def test_a_damaged_file_is_fetched_again_once_and_then_given_up(
    ollama_server: OllamaServer, registry: Registry, middle: str
) -> None:
    size = size_in_registry(registry, "middle:latest")
    registry.files.corrupt()
    with Driven(ollama_server.port) as driven:
        driven.ask_for(middle)
        failed = failure_of(driven, middle)
        assert failed.kind is InstallationErrorKind.DIGEST_MISMATCH
        assert failed.retryable
        assert size < registry.files.bytes_served < 2.1 * size
        assert middle not in ollama_server.model_names()
        # Ollama has kept another damaged file by now, and will not look at it again: that is to be overcome.
        registry.files.clear()
        driven.write(RetryRequested(failed.installation_id))
        assert driven.until_event(ModelInstallationCompleted).model.capabilities.model_architecture == "gpt2"
        assert middle in ollama_server.model_names()


def test_a_file_that_was_damaged_once_is_installed(
    ollama_server: OllamaServer, registry: Registry, middle: str
) -> None:
    size = size_in_registry(registry, "middle:latest")
    registry.files.corrupt()
    with Driven(ollama_server.port) as driven:
        driven.ask_for(middle)
        driven.until(lambda: registry.files.bytes_served >= size - 10_000 and not registry.files.open_transfers)
        registry.files.clear()
        driven.until_event(ModelInstallationCompleted)
        assert driven.events(ModelInstallationFailed) == []
        assert registry.files.bytes_served > 1.5 * size


def test_a_download_that_is_cut_goes_on(ollama_server: OllamaServer, registry: Registry, middle: str) -> None:
    """Ollama's own connection breaks; the bytes that it throws away never show."""
    registry.files.cut_after(5_000_000, how="rst", times=1)
    with Driven(ollama_server.port) as driven:
        driven.ask_for(middle)
        driven.until_event(ModelInstallationCompleted)
        assert driven.events(ModelInstallationFailed) == []
        done = [event.progress.bytes_downloaded for event in driven.events(ModelInstallationProgress)]
        assert done == sorted(done)


def test_our_own_connection_is_cut_and_the_pull_taken_up(
    ollama_server: OllamaServer, registry: Registry, middle: str
) -> None:
    registry.files.throttle(6e6)
    with Relay("127.0.0.1", ollama_server.port) as relay, Driven(relay.port) as driven:
        driven.ask_for(middle)
        driven.until(lambda: driven.installations and driven.installation(middle).progress.bytes_downloaded > 3e6)
        relay.cut()
        driven.until_event(ModelInstallationCompleted)
        assert driven.events(ModelInstallationFailed) == []
        fractions = [event.fraction or 0.0 for event in driven.events(ModelInstallationProgress)]
        assert fractions == sorted(fractions)


def test_a_download_that_stands_still(ollama_server: OllamaServer, registry: Registry, middle: str) -> None:
    """Ollama itself goes on sending lines (0.9.3), so only the bytes tell."""
    registry.files.stall_after(2_000_000)
    with Driven(ollama_server.port) as driven:
        driven.ask_for(middle, DownloadConfig(insecure=True, max_retries=0, stall_timeout=timedelta(seconds=1.5)))
        failed = failure_of(driven, middle)
        assert failed.kind is InstallationErrorKind.STALLED
        assert failed.retryable
        registry.files.clear()
        driven.write(RetryRequested(failed.installation_id))
        driven.until_event(ModelInstallationCompleted)


def test_a_host_that_is_killed_and_stays_dead_is_waited_for(fresh_ollama: OllamaServer, registry: Registry) -> None:
    name = registry.name_for("middle:latest")
    registry.files.throttle(4e6)
    with Driven(fresh_ollama.port) as driven:
        driven.ask_for(name, DownloadConfig(insecure=True, max_retries=1))
        driven.until(lambda: driven.installations and driven.installation(name).progress.bytes_downloaded > 1e6)
        fresh_ollama.kill()
        driven.until(lambda: driven.installation(name).waits_for is WaitReason.HOST)
        driven.until(lambda: driven.view.host.status_text != "Connected")
        driven.update()
        assert driven.installation(name).status == InstallationStatus.QUEUED
        assert driven.installation_row(name).detail.startswith("Waiting for Ollama to come back · ")
        assert driven.events(ModelInstallationFailed) == []
        driven.write(CancelRequested(driven.installation(name).installation_id))
        driven.until_event(ModelInstallationCancelled)


def test_a_host_that_is_killed_and_comes_back(fresh_ollama: OllamaServer, registry: Registry) -> None:
    """The installation outlives its server; what had arrived is lost (Ollama 0.9.3), the bar does not go back."""
    name = registry.name_for("middle:latest")
    registry.files.throttle(6e6)
    with Driven(fresh_ollama.port) as driven:
        driven.until_event(OllamaConnectionStatusChanged)
        driven.ask_for(name)
        driven.until(lambda: driven.installations and driven.installation(name).progress.bytes_downloaded > 3e6)
        fresh_ollama.kill()
        fresh_ollama.restart()
        registry.files.clear()
        completed = driven.until_event(ModelInstallationCompleted)
        assert completed.model.name == name
        assert fresh_ollama.model_names() == [name]
        assert driven.events(ModelInstallationFailed) == []
        done = [event.progress.bytes_downloaded for event in driven.events(ModelInstallationProgress)]
        assert done == sorted(done)


def test_no_host_at_all() -> None:
    name = f"localhost:{closed_port()}/library/tiny:latest"
    with Driven() as driven:
        driven.ask_for(name, ONCE)
        assert failure_of(driven, name).kind is InstallationErrorKind.HOST_UNREACHABLE


@pytest.mark.parametrize("server", [EmptyManifests, CaptivePortal])
def test_an_answer_that_is_no_manifest_does_not_wipe_the_model(
    server: type[EmptyManifests] | type[CaptivePortal], ollama_server: OllamaServer
) -> None:
    """Ollama 0.9.3 takes ``200 {}`` for a model without files, says success, and the model that was there is gone."""
    with server() as odd, Driven(ollama_server.port) as driven:
        name = f"localhost:{odd.port}/library/tiny:latest"
        try:
            assert ollama_server.call("POST", "/api/copy", {"source": "tiny", "destination": name}).status == 200
            before = ollama_server.call("POST", "/api/show", {"model": name}).json()["details"]
            driven.ask_for(name, INSECURE)
            failed = failure_of(driven, name)
            assert not failed.retryable
            assert odd.requests == ["GET /v2/library/tiny/manifests/latest"]
            assert ollama_server.call("POST", "/api/show", {"model": name}).json()["details"] == before
            assert name in ollama_server.model_names()
        finally:
            ollama_server.delete(name)


def test_one_that_waits_to_try_again_can_be_cancelled(ollama_server: OllamaServer) -> None:
    name = f"localhost:{closed_port()}/library/tiny:latest"
    with Driven(ollama_server.port) as driven:
        driven.ask_for(name, DownloadConfig(insecure=True, max_retries=1000))
        driven.until(lambda: driven.installations and driven.app.time.elapsed_seconds > 0.3)
        driven.write(CancelRequested(driven.installation(name).installation_id))
        driven.until(lambda: driven.installation(name).status.kind is InstallationPhase.CANCELLED, 2.0)
