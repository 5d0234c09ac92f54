"""A frame of a busy headless world, against a bare loop over the same data in plain esper.

A real Ollama with 50 models and 8 installations from a real, slow registry (two at a time are downloaded, as always).
Our world and the bare loop run by turns at 60 frames a second, so both find the processor's caches as cold as a game's
frame does. The bare loop is what one would write by hand for one's own screen: each frame it goes over all models and
all installations, and works out each one's share and what is left.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import mean, quantiles

import esper

from benchmarks.measuring import ratio
from benchmarks.results import Figure, ratio_figure
from ecs_localai import (
    App,
    DownloadConfig,
    InstalledModel,
    LocalModelManager,
    LocalModelsPlugin,
    ModelInstallation,
    ModelInstallRequest,
    OllamaConfiguration,
)
from tests.rig.model_files import TINY_PARAMETERS, create_model, tiny_gpt2, write_gguf
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.rig.waiting import run_frames_until

TITLE = "a frame with 50 models and 8 installations at 60 Hz, against a bare loop over the same data in plain esper"
MODELS = 50
INSTALLATIONS = 8
FRAMES_A_SECOND = 60
BYTES_A_SECOND = 200_000.0
BARE_WORLD = "bare loop"


class BareLoop(esper.Processor):
    """What one would write by hand."""

    def __init__(self) -> None:
        self.total_size = 0
        self.left = 0.0

    def process(self) -> None:
        """Go over everything once."""
        size = 0
        for _, model in esper.get_component(InstalledModel):
            size += model.size or 0
        self.total_size = size
        left = 0.0
        for _, installation in esper.get_component(ModelInstallation):
            if installation.status.is_running:
                left += 1.0 - (installation.progress.fraction or 0.0)
        self.left = left


def fill(server: OllamaServer, registry: Registry) -> list[str]:
    """Give the server its models and the registry what is to be installed; returns the names of those."""
    create_model(server, "tiny:latest", tiny_gpt2(), parameters=TINY_PARAMETERS)
    names = []
    with tempfile.TemporaryDirectory(prefix="ecs-localai-benchmark-") as folder:
        for number in range(INSTALLATIONS):
            path = write_gguf(Path(folder) / f"big{number}.gguf", 12_000_000, seed=number)
            create_model(server, f"big{number}:latest", path, parameters=TINY_PARAMETERS)
            names.append(registry.push(server, f"big{number}:latest", f"big{number}:latest"))
            server.delete(f"big{number}:latest")
    for number in range(MODELS - 1):
        server.call("POST", "/api/copy", {"source": "tiny:latest", "destination": f"tiny{number}:latest"})
    registry.files.throttle(BYTES_A_SECOND)
    return names


def begin(app: App, names: list[str]) -> list[ModelInstallation]:
    """Ask for all the models, and return the installations once the first of them move."""
    models = app.world.resource(LocalModelManager)
    run_frames_until(app, lambda: len(models.installed_models) == MODELS, 30.0)
    for name in names:
        app.world.spawn(ModelInstallRequest(name, DownloadConfig(insecure=True)))

    def moving() -> int:
        found = [one for _, one in app.world.query(ModelInstallation)]
        return len(found) == INSTALLATIONS and sum(one.progress.bytes_downloaded > 0 for one in found)

    run_frames_until(app, lambda: moving() == 2, 30.0, "two downloads to move")
    return [one for _, one in app.world.query(ModelInstallation)]


def measure(quick: bool) -> list[Figure]:
    """Run both loops by turns, frame by frame, and compare second by second."""
    with OllamaServer() as server, Registry() as registry:
        names = fill(server, registry)
        with App() as app:
            app.add_plugins(LocalModelsPlugin(OllamaConfiguration(host="127.0.0.1", port=server.port)))
            installations = begin(app, names)
            models = app.world.resource(LocalModelManager).installed_models.values()
            before = esper.current_world
            esper.switch_world(BARE_WORLD)
            for component in (*models, *installations):
                esper.create_entity(component)
            esper.add_processor(BareLoop())
            esper.switch_world(before)
            found = [run_a_second(app) for _ in range(5 if quick else 25)]
            esper.delete_world(BARE_WORLD)
    ours = [mean(second[0]) for second in found]
    bare = [mean(second[1]) for second in found]
    every = sorted(took for second in found for took in second[0])
    return [
        ratio_figure("mean frame", ratio(ours, bare), ours, bare, "us"),
        Figure("our slowest frame in a hundred", quantiles(every, n=100)[-1], "us", f"of {len(every)} frames"),
    ]


def run_a_second(app: App) -> tuple[list[float], list[float]]:
    """One second of frames of both; microseconds each."""
    ours: list[float] = []
    bare: list[float] = []
    due = time.perf_counter()
    for number in range(FRAMES_A_SECOND):
        due += 1 / FRAMES_A_SECOND
        time.sleep(max(0.0, due - time.perf_counter()))
        for which in ((ours, bare), (bare, ours))[number % 2]:
            world = app.world.name if which is ours else BARE_WORLD
            esper.switch_world(world)
            begun = time.perf_counter()
            if which is ours:
                app.update()
            else:
                esper.process()
            which.append((time.perf_counter() - begun) * 1e6)
    return ours, bare
