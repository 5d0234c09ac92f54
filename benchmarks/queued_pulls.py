"""Ten models of 100 MB through the queue, two at a time, against ten curls, two at a time."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from benchmarks.measuring import by_turns, ratio
from benchmarks.process_cost import run_contestant, run_curl
from benchmarks.results import Figure, Skipped, ratio_figure
from tests.rig.model_files import create_model, write_gguf
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry

TITLE = "ten models of 100 MB through the queue of a running app, against ten curls run two at a time"
COUNT = 10
AT_ONCE = 2
SIZE = 100_000_000
WALL_GOAL = 1.02


def measure(quick: bool) -> list[Figure]:
    """Pull all ten by turns; they are taken off the server before each round, so that all of them have to come."""
    curl = shutil.which("curl")
    if curl is None:
        raise Skipped("curl is not installed; on Debian and Ubuntu: apt-get install curl")
    with OllamaServer() as server, Registry() as registry, tempfile.TemporaryDirectory() as folder:
        models = [_in_registry(server, registry, Path(folder), number) for number in range(COUNT)]

        def anew(run: Callable[[], float]) -> float:
            for model in models:
                server.delete(model)
            return run()

        def with_curl() -> float:
            """From the first one's start to the last one's end."""
            with ThreadPoolExecutor(AT_ONCE) as hands:
                begun = time.perf_counter()
                list(hands.map(partial(run_curl, curl, server.base_url), models))
                return time.perf_counter() - begun

        def with_queue() -> float:
            return run_contestant("running_app", server.base_url, " ".join(models)).pull.wall_s

        found = by_turns({"queue": partial(anew, with_queue), "curl": partial(anew, with_curl)}, 2 if quick else 7)
    return [
        ratio_figure(
            "wall: the queue of a running app to curl",
            ratio(found["queue"], found["curl"]), found["queue"], found["curl"], "s", WALL_GOAL,
        )
    ]  # fmt: skip


def _in_registry(server: OllamaServer, registry: Registry, folder: Path, number: int) -> str:
    """A model that shares nothing big with the others; its name there."""
    name = f"queued-{number}:latest"
    path = write_gguf(folder / f"queued-{number}.gguf", SIZE, seed=number)
    create_model(server, name, path)
    path.unlink()
    model = registry.push(server, name, name)
    server.delete(name)
    return model
