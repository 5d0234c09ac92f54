"""A thousand real models on one host: what listing and synchronising them costs the frame's thread."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from statistics import median
from typing import Self

from benchmarks.results import Figure
from ecs_localai import App, LocalModelManager, LocalModelsPlugin, OllamaConfiguration, PanelView, RefreshRequested
from ecs_localai.systems.known_models import KnownModels
from ecs_localai.systems.links import HostLink
from ecs_localai.systems.model_deletion import StorageLooks
from ecs_localai.systems.view_model_list import ModelList
from tests.rig.model_files import TINY_PARAMETERS, create_model, tiny_gpt2
from tests.rig.ollama_server import OllamaServer
from tests.rig.waiting import run_frames_until

TITLE = "1,000 installed models: frame-thread time to list and to synchronise them"
MODELS = 1000
GOAL_TOTAL_MS = 50.0
GOAL_FRAME_MS = 2.0
SYNCHRONISATIONS = 3
IDLE_FRAMES = 300


class TimedApp:
    """Runs an app's frames and notes how long each keeps the frame's thread computing, in milliseconds.

    It is the thread's own time: while it waits for its turn on a core it holds nobody up. When Python collects its
    garbage, and in which thread, is chance; that is noted for itself, as it holds up all threads.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self.frames: list[float] = []
        self.collections: list[float] = []
        self._collecting = 0.0
        self._begun: dict[int, float] = {}

    def __enter__(self) -> Self:
        gc.callbacks.append(self._watch)
        return self

    def __exit__(self, *_: object) -> None:
        gc.callbacks.remove(self._watch)

    def update(self, dt: float | None = None) -> None:
        """Run one frame."""
        self._collecting = 0.0
        begun = time.thread_time()
        self.app.update(dt)
        self.frames.append(1000 * (time.thread_time() - begun) - self._collecting)

    def _watch(self, phase: str, _: dict[str, int]) -> None:
        thread = threading.get_ident()
        if phase == "start":
            self._begun[thread] = time.thread_time()
        elif thread in self._begun:
            self.collections.append(1000 * (time.thread_time() - self._begun.pop(thread)))
            if thread == threading.main_thread().ident:
                self._collecting += self.collections[-1]

    def take(self) -> list[float]:
        """The frames since the last time."""
        frames, self.frames = self.frames, []
        return frames


def fill(server: OllamaServer) -> None:
    """Give a server a thousand models: copies of one, each with a manifest of its own."""
    create_model(server, "tiny:latest", tiny_gpt2(), parameters=TINY_PARAMETERS)
    for number in range(1, MODELS):
        destination = f"team-{number % 20}/model-{number}:{number % 7}b"
        answer = server.call("POST", "/api/copy", {"source": "tiny:latest", "destination": destination})
        if answer.status != 200:
            raise RuntimeError(f"copying was answered with {answer.status}: {answer.body[:200]!r}")


def frames_of(timed: TimedApp, server: OllamaServer) -> tuple[list[float], list[float], list[float]]:
    """The frames of the first list, of looking again where nothing is new, and where one model is new."""
    models = timed.app.world.resource(LocalModelManager)
    view = timed.app.world.resource(PanelView)

    def settled(count: int) -> Callable[[], bool]:
        return lambda: len(models.installed_models) == count == len(view.models) and _is_quiet(timed.app)

    run_frames_until(timed, settled(MODELS), 120.0)
    first = timed.take()
    for _ in range(SYNCHRONISATIONS):
        _look_again(timed)
    unchanged = timed.take()
    server.call("POST", "/api/copy", {"source": "tiny:latest", "destination": "one-more:latest"})
    _look_again(timed)
    run_frames_until(timed, settled(MODELS + 1), 60.0)
    return first, unchanged, timed.take()


def _is_quiet(app: App) -> bool:
    """Whether no look at the models or their files is under way, and the panel has been given all that they found."""
    world = app.world
    looks = world.resource(StorageLooks).looks or any(link.sync is not None for _, link in world.query(HostLink))
    lists = world.resource(ModelList), world.resource(KnownModels)
    return not looks and not any(one.is_unfinished for one in lists)


def _look_again(timed: TimedApp) -> None:
    timed.app.events(RefreshRequested).writer().write(RefreshRequested())
    timed.update()
    run_frames_until(timed, lambda: _is_quiet(timed.app), 60.0)


def measure(quick: bool) -> list[Figure]:
    """Frame-thread time in all and of the dearest frame, for the first list and for looking again, over idle frames."""
    rounds = 1 if quick else 3
    firsts, agains, ones = [], [], []
    collections: list[float] = [0.0]
    with OllamaServer() as server:
        fill(server)
        for _ in range(rounds):
            with App() as app:
                app.add_plugins(LocalModelsPlugin(OllamaConfiguration(host="127.0.0.1", port=server.port)))
                app.update()  # puts the systems in order, which `first_frame` measures
                with TimedApp(app) as timed:
                    first, again, one = frames_of(timed, server)
                    collections += timed.collections
                    for _ in range(IDLE_FRAMES):
                        timed.update()
                    idle = median(timed.take())
            first, again, one = ([max(0.0, frame - idle) for frame in frames] for frames in (first, again, one))
            firsts.append(first)
            agains.append(again)
            ones.append(one)
            server.delete("one-more:latest")
    return [
        Figure("the first list, in all", min(map(sum, firsts)), "ms", goal=GOAL_TOTAL_MS),
        Figure("the first list, the dearest frame", min(map(max, firsts)), "ms", goal=GOAL_FRAME_MS),
        Figure("nothing new, each look", min(map(sum, agains)) / SYNCHRONISATIONS, "ms", goal=GOAL_TOTAL_MS),
        Figure("nothing new, the dearest frame", min(map(max, agains)), "ms", goal=GOAL_FRAME_MS),
        Figure("one model more, in all", min(map(sum, ones)), "ms", goal=GOAL_TOTAL_MS),
        Figure("one model more, the dearest frame", min(map(max, ones)), "ms", goal=GOAL_FRAME_MS),
        Figure("Python's own garbage collection, the longest", max(collections), "ms", "in none of the above"),
    ]
