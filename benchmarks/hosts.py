"""Fifty real Ollamas: what watching them costs, and how soon it is noticed that one has died or is back."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median

import psutil

from benchmarks.panel_idle import WARM_UP_S, Reading
from benchmarks.process_cost import ROOT
from benchmarks.results import Figure, Skipped
from ecs_localai import App, ListedHost, LocalModelsPlugin, OllamaConfiguration, OllamaHosts
from ecs_localai.store.store import Store
from ecs_localai.systems.kept_hosts import KeptHosts
from ecs_localai.systems.saved_hosts import SavedHost
from tests.rig.display import Xvfb
from tests.rig.ollama_server import OllamaServer
from tests.rig.waiting import run_frames_until, wait_until

TITLE = "Fifty hosts: CPU of the idle panel, and how soon a dead and a revived one are noticed"
HOSTS = 50
GOAL_PERCENT = 1.0
SETTLE_S = 90.0
"""By then every host is asked at its longest interval."""
WATCHED_S = 60.0
WATCHED_FOR_DEATH = 6


def configuration(server: OllamaServer) -> OllamaConfiguration:
    """Where a server is."""
    return OllamaConfiguration(host="127.0.0.1", port=server.port)


@contextmanager
def panel(xvfb: Xvfb, servers: list[OllamaServer], settle: float) -> Iterator[psutil.Process]:
    """The real panel with these hosts, come to rest."""
    with tempfile.TemporaryDirectory(prefix="ecs-localai-benchmark-") as folder:
        hosts = [
            SavedHost(f"host {number}", configuration(server), is_default=number == 0)
            for number, server in enumerate(servers)
        ]
        with Store.open(Path(folder)) as store:
            KeptHosts(store).keep(hosts)
        environment = os.environ | xvfb.environment | {"HOME": folder, "PYTHONPATH": str(ROOT)}
        blank = xvfb.screenshot()
        command = [sys.executable, "-m", "ecs_localai", "--data-dir", folder]
        with subprocess.Popen(command, env=environment, cwd=folder) as process:
            try:
                wait_until(lambda: process.poll() is not None or (xvfb.screenshot() != blank).any(), 30.0, "a window")
                if process.poll() is not None:
                    raise Skipped(f"the panel ended with {process.returncode} instead of opening a window")
                time.sleep(settle)
                yield psutil.Process(process.pid)
            finally:
                process.terminate()


def idle_share(servers: list[OllamaServer], settle: float, watched: float) -> float:
    """The share of one core, in percent, that the idle panel takes with these hosts."""
    with Xvfb() as xvfb, panel(xvfb, servers, settle) as process:
        reading = Reading(process)
        time.sleep(watched)
        return reading.percent_since()


def _passed(seconds: float) -> Callable[[], bool]:
    """Whether so much time has gone by since now."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


def _is(one: ListedHost, healthy: bool) -> bool:
    return one.health.is_healthy == healthy


def noticing(servers: list[OllamaServer]) -> tuple[list[float], list[float]]:
    """How long it takes to notice a death and a revival, in the intervals between probes at that time."""
    chance = random.Random(1)
    dead: list[float] = []
    back: list[float] = []
    with App() as app:
        app.add_plugins(LocalModelsPlugin(configuration(servers[0])))
        hosts = app.world.resource(OllamaHosts)
        for server in servers[1:]:
            hosts.add(configuration(server))
        run_frames_until(app, lambda: all(one.health.is_healthy for one in hosts.all()), 30.0)
        for server in servers:
            one = hosts.require(server.base_url)
            run_frames_until(app, _passed(chance.uniform(4.0, 9.0)), 30.0)
            interval = one.link.interval
            server.kill()
            begun = time.monotonic()
            run_frames_until(app, partial(_is, one, False), 90.0)
            dead.append((time.monotonic() - begun) / interval)
            run_frames_until(app, _passed(chance.uniform(1.0, 4.0)), 30.0)
            server.restart()
            begun, interval = time.monotonic(), one.link.interval
            run_frames_until(app, partial(_is, one, True), 90.0)
            back.append((time.monotonic() - begun) / interval)
    return dead, back


def measure(quick: bool) -> list[Figure]:
    """Idle shares with one host and with fifty, and the times until changes are noticed."""
    with ExitStack() as stack:
        servers = [stack.enter_context(OllamaServer()) for _ in range(HOSTS)]
        dead, back = noticing(servers[: 2 if quick else WATCHED_FOR_DEATH])
        settle, watched = (WARM_UP_S, 20.0) if quick else (SETTLE_S, WATCHED_S)
        one = idle_share(servers[:1], settle, watched)
        fifty = idle_share(servers, settle, watched)
    return [
        Figure("the idle panel with 50 hosts", fifty, "% of a core", goal=GOAL_PERCENT),
        Figure("the same with one host", one, "% of a core"),
        Figure("a dead host is noticed, the slowest", max(dead), "intervals", goal=2.0),
        Figure("a dead host is noticed, median", median(dead), "intervals"),
        Figure("a revived host is noticed, the slowest", max(back), "intervals", goal=1.0),
        Figure("a revived host is noticed, median", median(back), "intervals"),
    ]
