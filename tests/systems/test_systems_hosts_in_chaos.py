"""Many real servers, killed and revived at random while models are being installed on them.

Every change is seen, nothing gets stuck, nothing is left behind. ``ECS_LOCALAI_FUZZ=1`` or more makes it twenty servers
for two minutes (``make fuzz``); otherwise it is a short one.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from ecs_localai import (
    InstallationPhase,
    ModelInstallRequest,
    OllamaConnectionStatusChanged,
    OllamaHosts,
)
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.rig.waiting import wait_until
from tests.systems.systems_parts import INSECURE, Driven, assert_clear, config_for, push_small_models

LONG = "ECS_LOCALAI_FUZZ" in os.environ
SERVERS, SECONDS, INSTALLS = (20, 120.0, 8) if LONG else (5, 10.0, 4)


class Actor:
    """Kills and revives one server, each time once the last change has been seen."""

    def __init__(self, server: OllamaServer, workers: ThreadPoolExecutor) -> None:
        self.server = server
        self._workers = workers
        self._acting: Future[None] | None = None
        self.should_run = True
        self.toggles = 0
        self.next_at = 0.0

    def has_settled(self, hosts: OllamaHosts) -> bool:
        """Whether what was done last is done, and seen."""
        if self._acting is not None and not self._acting.done():
            return False
        if self._acting is not None:
            self._acting.result()
            self._acting = None
        return hosts.require(self.server.base_url).health.is_healthy == self.should_run

    def toggle(self) -> None:
        """Kill it, or start it again; in a thread, because starting takes a moment."""
        self.should_run = not self.should_run
        self.toggles += 1
        self._acting = self._workers.submit(self.server.restart if self.should_run else self.server.kill)


@pytest.mark.timeout(600)
def test_every_change_is_seen_and_nothing_gets_stuck(
    ollama_server: OllamaServer, registry: Registry, tmp_path: Path
) -> None:
    names = push_small_models(ollama_server, registry, tmp_path, [f"chaos-{number}" for number in range(INSTALLS)])
    registry.files.throttle(100_000)
    chance = random.Random(20)
    with ExitStack() as stack:
        servers = [stack.enter_context(OllamaServer()) for _ in range(SERVERS)]
        workers = stack.enter_context(ThreadPoolExecutor(4))
        with Driven(servers[0].port) as driven:
            hosts = driven.app.world.resource(OllamaHosts)
            for server in servers[1:]:
                hosts.add(config_for(server.port))
            driven.until(lambda: all(one.health.is_healthy for one in hosts.all()))
            for number, name in enumerate(names.values()):
                driven.app.world.spawn(ModelInstallRequest(name, INSECURE, servers[number % SERVERS].base_url))
            actors = [Actor(server, workers) for server in servers]
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                driven.update()
                for actor in actors:
                    if time.monotonic() >= actor.next_at and actor.has_settled(hosts):
                        actor.next_at = time.monotonic() + chance.uniform(0.2, 3.0)
                        actor.toggle()
                time.sleep(1 / 120)  # the frame rate
            driven.until(lambda: all(actor.has_settled(hosts) for actor in actors), timeout=90)
            for actor in actors:
                if not actor.should_run:
                    actor.toggle()
            driven.until(lambda: all(actor.has_settled(hosts) for actor in actors), timeout=90)

            _assert_every_change_was_told(driven, actors)
            registry.files.clear()
            driven.until(lambda: all(one.status.is_finished for one in driven.installations), timeout=120)
            for one in driven.installations:
                if one.status.kind is InstallationPhase.FAILED:
                    assert_clear(one.error_message)
            for number, name in enumerate(names.values()):
                driven.app.world.spawn(ModelInstallRequest(name, INSECURE, servers[number % SERVERS].base_url))
            driven.until(
                lambda: all(
                    name in hosts.require(servers[number % SERVERS].base_url).models.installed
                    for number, name in enumerate(names.values())
                ),
                timeout=120,
            )
            for number, name in enumerate(names.values()):
                assert name in servers[number % SERVERS].model_names()
        assert sum(actor.toggles for actor in actors) >= SERVERS
        ports = {server.port for server in servers}
        wait_until(lambda: not _connections_to(ports), describe=lambda: f"closed: {_connections_to(ports)}")


def _connections_to(ports: set[int]) -> list[str]:
    """Connections of this process to servers at these ports, open or half closed."""
    there = psutil.Process().net_connections("tcp")
    return [str(one) for one in there if one.raddr and one.raddr.port in ports]


def _assert_every_change_was_told(driven: Driven, actors: list[Actor]) -> None:
    told: Counter[str] = Counter()
    states: dict[str, bool] = {}
    for event in driven.events(OllamaConnectionStatusChanged):
        if event.old_status != event.new_status:
            assert states.get(event.host, False) == event.old_status, "a change was told twice"
            states[event.host] = event.new_status
            told[event.host] += 1
    for actor in actors:
        # The first is its appearance at the start.
        assert told[actor.server.base_url] == actor.toggles + 1
