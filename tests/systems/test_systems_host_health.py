"""What probes make of a host's health: how often it is asked, what counts as gone, and hosts that come and go."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta

import pytest

from ecs_localai import (
    FeatureFlagToggled,
    HostHealthMonitor,
    HostProtocol,
    OllamaConfiguration,
    OllamaHostManager,
    OllamaHosts,
    ToggleRequested,
)
from ecs_localai.components.hosts import RESPONSE_TIMES
from ecs_localai.ollama.errors import ErrorKind, HostUnreachable
from ecs_localai.runtime import Wakeups
from ecs_localai.systems.host_clients import HostClients
from ecs_localai.systems.host_health import (
    ANSWERS_WHEN_FLAPPING,
    FAILING_INTERVAL,
    FIRST_INTERVAL,
    FLAPPING_CHANGES,
    FLAPPING_SECONDS,
    LONGEST_FAILING_INTERVAL,
    LONGEST_FAILING_INTERVAL_OF_OTHERS,
    LONGEST_INTERVAL,
    LONGEST_INTERVAL_OF_OTHERS,
    take_in_probe,
)
from ecs_localai.systems.host_probe import ProbeResult, probe_host
from ecs_localai.systems.links import HostLink, HostLinks
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer
from tests.systems.systems_parts import Driven, config_for

REFUSED = HostUnreachable("Nothing listens there; start Ollama.", ErrorKind.REFUSED, True)
TIMED_OUT = HostUnreachable("No answer in time; restart it.", ErrorKind.TIMED_OUT, True)


@pytest.fixture(scope="module")
def answer(ollama_server: OllamaServer) -> ProbeResult:
    """What a real server answered."""

    async def ask() -> ProbeResult:
        clients = HostClients()
        manager = OllamaHostManager(config_for(ollama_server.port))
        try:
            return await probe_host(clients, manager, HostProtocol.OLLAMA, others_allowed=False)
        finally:
            await clients.close()

    return asyncio.run(ask())


class Host:
    """One host's health, told the outcomes of probes at made-up times."""

    def __init__(self, *, is_default: bool = True) -> None:
        self.health = HostHealthMonitor()
        self.link: HostLink = HostLinks(Wakeups()).make()
        self.now = 0.0
        self._is_default = is_default

    def is_there(self) -> bool:
        """Whether it counts as there."""
        return self.health.is_healthy

    def take(self, outcome: ProbeResult | HostUnreachable) -> float:
        """Take in an outcome, and let the time to the next probe pass; returns that time."""
        wait = take_in_probe(self.health, self.link, outcome, self.now, is_default=self._is_default)
        self.now += wait
        return wait


def test_a_probe_tells_the_version_the_time_and_the_address(answer: ProbeResult) -> None:
    assert answer.version[0].isdigit()
    assert answer.response_time_ms > 0
    assert answer.answered_address == "127.0.0.1"


@pytest.mark.parametrize(("default", "longest"), [(True, LONGEST_INTERVAL), (False, LONGEST_INTERVAL_OF_OTHERS)])
def test_a_stable_host_is_asked_less_and_less_often(default: bool, longest: float, answer: ProbeResult) -> None:
    host = Host(is_default=default)
    waits = [host.take(answer) for _ in range(20)]
    assert waits[0] <= FIRST_INTERVAL
    assert host.link.interval == longest
    assert max(waits) <= longest
    assert all(later > earlier * 0.8 for earlier, later in itertools.pairwise(waits))


@pytest.mark.parametrize(
    ("default", "longest"), [(True, LONGEST_FAILING_INTERVAL), (False, LONGEST_FAILING_INTERVAL_OF_OTHERS)]
)
def test_a_missing_host_is_asked_soon_and_then_less_often(default: bool, longest: float) -> None:
    host = Host(is_default=default)
    assert host.take(REFUSED) <= FAILING_INTERVAL
    for _ in range(12):
        host.take(REFUSED)
    assert host.link.interval == longest
    assert (host.health.error_count, host.health.consecutive_failures) == (13, 13)


def test_after_a_change_it_is_asked_often_again(answer: ProbeResult) -> None:
    host = Host()
    for _ in range(10):
        host.take(answer)
    host.take(REFUSED)
    assert host.link.interval == FAILING_INTERVAL
    host.take(answer)
    assert host.link.interval == FIRST_INTERVAL


def test_a_refusal_counts_at_once_and_a_silence_only_the_second_time(answer: ProbeResult) -> None:
    host = Host()
    host.take(answer)
    assert host.take(TIMED_OUT) == 0.0  # asked again at once
    assert host.is_there()
    assert host.health.consecutive_failures == 1
    host.take(TIMED_OUT)
    assert not host.is_there()
    assert host.health.last_error == TIMED_OUT.message
    host.take(answer)
    host.take(REFUSED)
    assert not host.is_there()
    assert host.health.uptime == timedelta(0)
    assert host.health.answered_address is None


def test_the_response_time_is_a_rolling_median(answer: ProbeResult) -> None:
    host = Host()
    for took in (1.0, 500.0, 3.0):
        host.take(ProbeResult(answer.version, took, answer.answered_address))
    assert host.health.response_time_ms == 3.0
    for _ in range(RESPONSE_TIMES):
        host.take(ProbeResult(answer.version, 7.0, answer.answered_address))
    assert host.health.response_times_ms == [7.0] * RESPONSE_TIMES
    assert host.health.response_time_ms == 7.0


def test_a_host_that_comes_and_goes_has_to_answer_several_times_in_a_row(answer: ProbeResult) -> None:
    host = Host()
    while len(host.link.changes) < FLAPPING_CHANGES:
        host.take(answer)
        host.take(REFUSED)
    assert host.health.is_flapping
    for _ in range(ANSWERS_WHEN_FLAPPING - 1):
        host.take(answer)
        assert not host.health.is_healthy
        assert host.health.last_error is not None
        assert "comes and goes" in host.health.last_error
    host.take(answer)
    assert host.health.is_healthy
    host.now += FLAPPING_SECONDS
    host.take(answer)
    assert not host.health.is_flapping


def test_uptime_is_the_time_since_it_appeared(answer: ProbeResult) -> None:
    host = Host()
    host.take(answer)
    begun = host.now
    while host.now < 120.0:
        host.take(answer)
    host.take(answer)
    assert host.health.uptime >= timedelta(seconds=120.0 - begun)
    assert host.health.changed_at is not None


def test_localhost_says_which_address_answered(ollama_server: OllamaServer) -> None:
    with Driven() as driven:
        hosts = driven.app.world.resource(OllamaHosts)
        hosts.add(OllamaConfiguration(host="localhost", port=ollama_server.port), "Local")
        driven.until(lambda: hosts.require("Local").health.answered_address == "127.0.0.1")


def test_a_server_of_another_protocol_needs_its_feature(ollama_server: OllamaServer) -> None:
    """Ollama speaks OpenAI's protocol, too: a real server of it."""
    with Driven() as driven:
        hosts = driven.app.world.resource(OllamaHosts)
        hosts.add(config_for(ollama_server.port), "Other", protocol=HostProtocol.OPENAI)
        driven.until(lambda: hosts.require("Other").health.last_error)
        error = hosts.require("Other").health.last_error
        assert error is not None
        assert "Custom providers" in error
        driven.write(ToggleRequested("custom_providers", True))
        driven.until_event(FeatureFlagToggled)
        driven.until(lambda: "tiny:latest" in hosts.require("Other").models.installed)
        model = hosts.require("Other").models.installed["tiny:latest"]
        assert model.size is None
        assert hosts.require("Other").health.is_healthy


def test_unreachable_hosts_are_told_apart_by_their_reasons() -> None:
    with Driven() as driven:
        hosts = driven.app.world.resource(OllamaHosts)
        hosts.add(config_for(closed_port()), "Refused")
        hosts.add(OllamaConfiguration(host="no-such-host.invalid"), "Unknown name")
        driven.until(lambda: all(one.health.last_error for one in hosts.all()))
        assert hosts.require("Refused").health.last_error_kind == ErrorKind.REFUSED
        assert hosts.require("Unknown name").health.last_error_kind == ErrorKind.DNS
