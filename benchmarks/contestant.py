"""One contestant of a benchmark, alone in a process of its own, so that its CPU time is nobody else's.

    python -m benchmarks.contestant WAY URL MODEL

pulls a model from the Ollama at URL and prints one JSON object: what the pull took, counted from when all imports were
done. Ways: ``app`` (the headless app, from its making to the end of the installation; MODEL may be several names with
spaces between them, which go through the queue), ``running_app`` (the same app, connected and at rest before, as an
open panel is), ``client`` (our client alone), ``official`` (Ollama's own Python
client), and of both ``running_client`` and ``running_official``, which have made a call before.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import sys
import time
from collections.abc import Callable

import msgspec

NEEDS = {
    "app": ("ecs_localai", "ecs_localai.ollama.transport", "ecs_localai.ollama.registry", "psutil"),
    "client": ("ecs_localai.ollama.client", "ecs_localai.ollama.transport"),
    "official": ("ollama",),
}
AT_REST_S = 8.0
"""How long a running app is left alone before: by then it has looked twice at which processes there are."""
IDLE_S = 6.0
"""How long it is watched doing nothing."""


class Took(msgspec.Struct):
    """What a pull took. `steps` is how many progress reports reached the caller."""

    wall_s: float
    cpu_s: float
    steps: int
    idle_share: float = 0.0
    """The share of a core that the process took before, with nothing to do."""

    @property
    def added_cpu_s(self) -> float:
        """What the pull added to what the process takes anyway."""
        return self.cpu_s - self.idle_share * self.wall_s


class _Clock:
    """Wall clock and CPU time of this process (all of its threads)."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def took(self, steps: int = 0, idle_share: float = 0.0) -> Took:
        return Took(time.perf_counter() - self._wall, time.process_time() - self._cpu, steps, idle_share)


def pull_with_app(url: str, model: str, running: bool) -> Took:
    """Install through the world: a `ModelInstallRequest`, and frames when there is something to do."""
    from ecs_localai import (
        App,
        DownloadConfig,
        EventReader,
        LocalModelsPlugin,
        ModelInstallationCompleted,
        ModelInstallationFailed,
        ModelInstallationProgress,
        ModelInstallRequest,
        ReactiveRunner,
        Update,
    )
    from ecs_localai.ollama.address import parse_host
    from ecs_localai.systems.saved_hosts import configuration_of

    clock = _Clock()
    ended: list[str] = []

    def note_the_end(
        done: EventReader[ModelInstallationCompleted], failed: EventReader[ModelInstallationFailed]
    ) -> None:
        ended.extend("" for _ in done.read())
        ended.extend(failure.error_message for failure in failed.read())

    with App() as app:
        app.add_plugins(LocalModelsPlugin(configuration_of(parse_host(url))))
        app.add_systems(Update, note_the_end)
        step = ReactiveRunner(frames=1)

        def run_for(seconds: float) -> Took:
            """Run frames for a while, and say what they took."""
            watch = _Clock()
            app.tasks.spawn(asyncio.sleep(seconds)).detach()
            while watch.took().wall_s < seconds:
                step(app)
            return watch.took()

        idle_share = 0.0
        if running:
            run_for(AT_REST_S)
            idle = run_for(IDLE_S)
            idle_share = idle.cpu_s / idle.wall_s
            clock = _Clock()
        models = model.split()
        for name in models:
            app.world.spawn(ModelInstallRequest(name, DownloadConfig(insecure=True)))
        while len(ended) < len(models):
            step(app)
        took = clock.took(app.events(ModelInstallationProgress).written, idle_share)
    if failures := [failure for failure in ended if failure]:
        raise SystemExit("\n".join(failures))
    return took


def pull_with_client(url: str, model: str, running: bool) -> Took:
    """Pull with our client alone."""
    from ecs_localai.ollama.client import OllamaClient
    from ecs_localai.ollama.pull import PullProgress

    async def pull() -> Took:
        clock = _Clock()
        steps: list[PullProgress] = []
        async with OllamaClient(url) as client:
            if running:
                await client.tags()
                clock = _Clock()
            await client.pull(model, insecure=True, on_progress=steps.append)
            return clock.took(len(steps))

    return asyncio.run(pull())


def pull_with_official(url: str, model: str, running: bool) -> Took:
    """Pull with Ollama's own client, as its documentation shows it."""
    import ollama

    clock = _Clock()
    client = ollama.Client(host=url)
    if running:
        client.list()
        clock = _Clock()
    steps = 0
    status = None
    for progress in client.pull(model, insecure=True, stream=True):
        steps += 1
        status = progress.status
    if status != "success":
        raise SystemExit(f"the pull ended with {status}")
    return clock.took(steps)


WAYS: dict[str, Callable[[str, str, bool], Took]] = {
    "app": pull_with_app,
    "client": pull_with_client,
    "official": pull_with_official,
}


def main() -> int:
    """Import what the way needs, then pull, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=[*WAYS, *(f"running_{way}" for way in WAYS)])
    parser.add_argument("url")
    parser.add_argument("model")
    wanted = parser.parse_args()
    way = wanted.way.removeprefix("running_")
    for module in NEEDS[way]:
        importlib.import_module(module)
    took = WAYS[way](wanted.url, wanted.model, way != wanted.way)
    print(msgspec.json.encode(took).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
