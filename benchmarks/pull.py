"""Pulling a 98 MB model from a real registry through a real Ollama, against curl and the official client."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial

from benchmarks.measuring import by_turns, ratio
from benchmarks.process_cost import Pulled, run_contestant, run_curl
from benchmarks.results import Figure, Skipped, ratio_figure
from tests.rig.model_files import create_model, smollm2, tiny_gpt2
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry

TITLE = "pulling a 98 MB model through a real Ollama, against curl and the official Python client"
WALL_GOAL = 1.02
CPU_GOAL = 1 / 3


def contestants(server: OllamaServer, model: str, curl: str) -> dict[str, Callable[[], Pulled]]:
    """Every way to pull; the model is taken off the server before each, so that all of it has to come."""

    def anew(run: Callable[[], Pulled]) -> Pulled:
        server.delete(model)
        return run()

    ways = ("app", "running_app", "client", "running_client", "official", "running_official")
    runs = {way: partial(run_contestant, way, server.base_url, model) for way in ways}
    runs["curl"] = partial(run_curl, curl, server.base_url, model)
    return {name: partial(anew, run) for name, run in runs.items()}


def measure(quick: bool) -> list[Figure]:
    """Time every way by turns."""
    curl = shutil.which("curl")
    if curl is None:
        raise Skipped("curl is not installed; on Debian and Ubuntu: apt-get install curl")
    with OllamaServer() as server, Registry() as registry:
        create_model(server, "tiny:latest", tiny_gpt2())
        create_model(server, "smollm2:135m", smollm2())
        model = registry.push(server, "smollm2:135m", "smollm2:135m")
        server.delete("smollm2:135m")
        found = by_turns(contestants(server, model, curl), 3 if quick else 9)
    wall = {name: [one.pull.wall_s * 1e3 for one in runs] for name, runs in found.items()}
    cpu = {name: [one.pull.cpu_s * 1e3 for one in runs] for name, runs in found.items()}
    whole = {name: [one.whole.cpu_s * 1e3 for one in runs] for name, runs in found.items()}
    added = [one.pull.added_cpu_s * 1e3 for one in found["running_app"]]

    def compare(what: str, of: list[float], to: list[float], goal: float | None = None) -> Figure:
        return ratio_figure(what, ratio(of, to), of, to, "ms", goal)

    return [
        compare("wall: running headless app to curl", wall["running_app"], wall["curl"], WALL_GOAL),
        compare("wall: our client alone to curl", wall["client"], wall["curl"], WALL_GOAL),
        compare("wall: headless app from its making to curl", wall["app"], wall["curl"]),
        compare("wall: official client to curl", wall["official"], wall["curl"]),
        compare("CPU: our client alone to official", cpu["client"], cpu["official"], CPU_GOAL),
        compare("CPU: added to a running app to official", added, cpu["official"], CPU_GOAL),
        compare("CPU: all of a running app to official", cpu["running_app"], cpu["official"]),
        compare("CPU: app from its making to official", cpu["app"], cpu["official"]),
        compare("CPU: our client to official, both used before", cpu["running_client"], cpu["running_official"]),
        compare("CPU: our client alone to curl's whole process", cpu["client"], whole["curl"]),
        compare("CPU of whole processes: client to official", whole["client"], whole["official"]),
        compare("CPU of whole processes: app to official", whole["app"], whole["official"]),
    ]
