"""What the window costs while nothing happens: the real program on a real (invisible) display and a real Ollama."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from statistics import median

import psutil

from benchmarks.process_cost import ROOT
from benchmarks.results import Figure, Skipped
from tests.rig.display import Xvfb
from tests.rig.model_files import TINY_PARAMETERS, create_model, tiny_gpt2
from tests.rig.ollama_server import OllamaServer
from tests.rig.waiting import wait_until

TITLE = "CPU of the panel's window process while nothing happens, as a share of one core"
GOAL = 0.3
WARM_UP_S = 12.0
"""By then it has connected, read the models, painted everything, and looked twice at which processes there are."""
WATCHED_S = 40.0
"""The kernel counts in hundredths of a second: over this time they are 0.025 %."""


class Reading:
    """CPU seconds of a process, all of its threads included, between two moments."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._cpu, self._wall = self._now()

    def _now(self) -> tuple[float, float]:
        times = self._process.cpu_times()
        return times.user + times.system, time.monotonic()

    def percent_since(self) -> float:
        """Of one core, since this was made."""
        cpu, wall = self._now()
        return 100.0 * (cpu - self._cpu) / (wall - self._wall)


def watch(xvfb: Xvfb, server: OllamaServer, stretches: int) -> list[float]:
    """Open the panel, let it come to rest, and read its share for some stretches of time."""
    with tempfile.TemporaryDirectory(prefix="ecs-localai-benchmark-") as folder:
        environment = os.environ | xvfb.environment | {"HOME": folder, "PYTHONPATH": str(ROOT)}
        blank = xvfb.screenshot()
        command = [sys.executable, "-m", "ecs_localai", "--host", server.base_url, "--data-dir", folder]
        with subprocess.Popen(command, env=environment, cwd=folder) as panel:
            try:
                wait_until(lambda: panel.poll() is not None or (xvfb.screenshot() != blank).any(), 30.0, "a window")
                if panel.poll() is not None:
                    raise Skipped(f"the panel ended with {panel.returncode} instead of opening a window")
                time.sleep(WARM_UP_S)
                shares = []
                for _ in range(stretches):
                    reading = Reading(psutil.Process(panel.pid))
                    time.sleep(WATCHED_S)
                    shares.append(reading.percent_since())
            finally:
                panel.terminate()
        return shares


def measure(quick: bool) -> list[Figure]:
    """Watch an idle panel that is connected to a server with one model."""
    with Xvfb() as xvfb, OllamaServer() as server:
        create_model(server, "tiny:latest", tiny_gpt2(), parameters=TINY_PARAMETERS)
        shares = watch(xvfb, server, 1 if quick else 3)
    detail = f"{len(shares)} times {WATCHED_S:.0f} s: {', '.join(f'{share:.2f}' for share in shares)}"
    return [Figure("connected, one model, nothing happens", median(shares), "%", detail, GOAL)]
