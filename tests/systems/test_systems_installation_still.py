"""Downloads that stand still, are refused, or are tried again: what a person reads meanwhile, and that they go on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from ecs_localai import (
    DownloadConfig,
    InstallationErrorKind,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    ModelInstallationProgress,
    RetryRequested,
)
from ecs_localai.commands.event_text import event_text
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.rig.relay import Relay
from tests.systems.queue_parts import has_bytes
from tests.systems.systems_parts import Driven, assert_clear, size_in_registry

SLOW = 2e6
"""Bytes a second: the 12 MB model then takes six seconds."""
IMPATIENT = DownloadConfig(insecure=True, stall_timeout=timedelta(seconds=2))


@pytest.fixture
def middle(ollama_server: OllamaServer, registry: Registry) -> Iterator[str]:
    """The full name of the 12 MB model, which the shared server does not have; it is deleted afterwards."""
    name = registry.name_for("middle:latest")
    ollama_server.delete(name)
    yield name
    registry.files.clear()
    ollama_server.delete(name)


def test_a_download_that_stands_still_says_so(ollama_server: OllamaServer, registry: Registry, middle: str) -> None:
    """Ollama repeats its last line meanwhile (0.9.3): no report comes, and what was measured before says nothing."""
    registry.files.throttle(SLOW)
    with Driven(ollama_server.port) as driven:
        driven.ask_for(middle)
        driven.until(lambda: has_bytes(driven, middle, 3_000_000) and driven.installation(middle).progress.eta)
        registry.files.stall_after(100)
        driven.until(lambda: driven.installation(middle).progress.still_for)
        driven.update()
        one = driven.installation(middle)
        assert (one.progress.download_speed, one.progress.eta, one.estimated_completion) == (0.0, None, None)
        detail = driven.installation_row(middle).detail
        assert " of 11 MB · No data for " in detail
        assert "left" not in detail
        assert "/s" not in detail
        stood = one.progress.still_for
        assert stood is not None
        driven.until(lambda: (driven.installation(middle).progress.still_for or stood) >= stood + timedelta(seconds=2))
        told = [event for event in driven.events(ModelInstallationProgress) if event.progress.still_for]
        assert len(told) >= 3
        assert "No data for" in str(event_text(told[0]))
        number = len(driven.events(ModelInstallationProgress))
        registry.files.clear()
        registry.files.throttle(SLOW)
        driven.until_event(ModelInstallationCompleted)
        after = [event.progress for event in driven.events(ModelInstallationProgress)[number:]]
        moving = [progress for progress in after if progress.still_for is None]
        assert (moving[0].download_speed, moving[0].eta) == (0.0, None), "what was measured before is not gone"
        ends = [progress.eta for progress in moving if progress.eta is not None]
        assert all(eta < timedelta(seconds=30) for eta in ends), ends


def test_one_that_stands_still_is_closed_and_goes_on_by_itself(
    ollama_server: OllamaServer, registry: Registry, middle: str
) -> None:
    """Each pull brings five megabytes and then nothing more: as every one gets further, one retry is enough for all."""
    size = size_in_registry(registry, "middle:latest")
    registry.files.reset_counts()
    registry.files.stall_after(5_000_000)
    config = DownloadConfig(insecure=True, max_retries=1, stall_timeout=timedelta(seconds=1.5))
    with Driven(ollama_server.port) as driven:
        driven.ask_for(middle, config)
        driven.until_event(ModelInstallationCompleted)
        assert driven.events(ModelInstallationFailed) == []
        retries = [event.progress.retry for event in driven.events(ModelInstallationProgress) if event.progress.retry]
        assert {(retry.attempt, retry.attempts) for retry in retries} == {(2, 2)}
        assert "has stood still for 1.5 s" in retries[0].reason
        done = [event.progress.bytes_downloaded for event in driven.events(ModelInstallationProgress)]
        assert done == sorted(done)
        assert registry.files.bytes_served < 1.2 * size, "what had arrived was fetched again"


def test_a_silent_connection_to_ollama_is_seen_closed_and_taken_up_again(
    ollama_server: OllamaServer, registry: Registry, middle: str
) -> None:
    """Not a line comes then, not even Ollama's repetitions."""
    registry.files.throttle(SLOW)
    config = DownloadConfig(insecure=True, stall_timeout=timedelta(seconds=5))
    with Relay("127.0.0.1", ollama_server.port) as relay, Driven(relay.port) as driven:
        driven.ask_for(middle, config)
        driven.until(lambda: has_bytes(driven, middle, 2_000_000))
        relay.stall()
        driven.until(lambda: driven.installation(middle).progress.still_for)
        driven.update()
        assert " · No data for " in driven.installation_row(middle).detail
        driven.until(lambda: driven.installation(middle).progress.retry)
        relay.resume()
        driven.until_event(ModelInstallationCompleted)
        assert driven.events(ModelInstallationFailed) == []


def test_one_that_is_tried_again_says_why_and_how_often(
    ollama_server: OllamaServer, registry: Registry, middle: str
) -> None:
    registry.files.refuse(500)
    with Driven(ollama_server.port) as driven:
        driven.ask_for(middle, IMPATIENT)
        driven.until(lambda: driven.installations and driven.installation(middle).progress.retry)
        driven.update()
        words = f"Trying again (2 of 4): The download of {middle} has stood still for 2 s"
        assert driven.installation_row(middle).detail == words
        told = [event for event in driven.events(ModelInstallationProgress) if event.progress.retry]
        assert str(event_text(told[0])).endswith(words)
        registry.files.clear()
        driven.until_event(ModelInstallationCompleted)
        assert driven.installation(middle).progress.retry is None
        assert driven.events(ModelInstallationFailed) == []


def test_a_file_server_that_refuses_is_not_asked_for_minutes(
    ollama_server: OllamaServer, registry: Registry, middle: str
) -> None:
    """Ollama tries on silently for 63 seconds a pull, and never says why (0.9.3); the answer to us does."""
    registry.files.refuse(403)
    with Driven(ollama_server.port) as driven:
        driven.ask_for(middle, IMPATIENT)
        failed = driven.until_event(ModelInstallationFailed)
        assert failed.kind is InstallationErrorKind.SERVER_ERROR
        assert failed.retryable
        assert_clear(failed.error_message)
        assert "(403)" in failed.error_message
        assert "kept" not in failed.error_message
        assert not any(event.progress.retry for event in driven.events(ModelInstallationProgress))
        registry.files.clear()
        driven.write(RetryRequested(failed.installation_id))
        driven.until_event(ModelInstallationCompleted)


def test_that_something_is_kept_is_said_where_something_has_come(
    ollama_server: OllamaServer, registry: Registry, middle: str
) -> None:
    registry.files.stall_after(2_000_000)
    config = DownloadConfig(insecure=True, max_retries=0, stall_timeout=timedelta(seconds=2))
    with Driven(ollama_server.port) as driven:
        driven.ask_for(middle, config)
        failed = driven.until_event(ModelInstallationFailed)
        assert "what has arrived is kept" in failed.error_message
        registry.files.clear()
        driven.ask_for(middle)
        driven.until_event(ModelInstallationCompleted)
