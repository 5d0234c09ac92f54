"""From the background to the frame: how soon it sees what arrives, and what a flood of arrivals does to it.

The flood is real: another process streams 20,000 lines a second of a pull's progress over HTTP on 127.0.0.1, a few
every millisecond, and a task of the app reads them as the product does, with its client, and tells the frame by a
`Latest`. The frames are paced at 60 Hz and move 10,000 entities three times. Seconds with and without the flood
alternate.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from statistics import median, quantiles

from benchmarks.line_source import line_source
from benchmarks.particles import Loops, OurParticles
from benchmarks.results import Figure, shown
from ecs_localai import App, Latest, ReactiveRunner, ScheduleRunner, Task, Update
from ecs_localai.ollama.client import OllamaClient
from ecs_localai.ollama.pull import PullProgress
from tests.rig.waiting import run_frames_until

TITLE = "from an arrival in the background to the frame that sees it, and frames beside 20,000 arriving lines a second"
SEEN_GOAL_MS = 1.0
FLOOD_GOAL = 1.5
FRAMES_A_SECOND = 60
LINES_A_SECOND = 20_000
FLOOD_S = 1.3
"""How long one flood lasts: a second is measured."""
ENTITIES = 10_000
MODEL = "smollm2:135m"


async def send_now_and_then(channel: Latest[int], count: int) -> None:
    """Send the time of sending, at moments that have nothing to do with the frames'."""
    for _ in range(count):
        await asyncio.sleep(random.uniform(0.02, 0.04))
        channel.send(time.perf_counter_ns())


def milliseconds_until_seen(run: Callable[[App], object], count: int) -> list[float]:
    """How long each arrival waited for the frame that took it, in an app that `run` steps."""
    waited: list[float] = []
    with App() as app:
        channel: Latest[int] = app.tasks.channel()
        sending = app.tasks.spawn(send_now_and_then(channel, count))

        def see() -> None:
            sent = channel.take()
            if sent is not None:
                waited.append((time.perf_counter_ns() - sent) / 1e6)
            if sending.is_finished():
                app.exit()

        app.add_systems(Update, see)
        run(app)
    return waited


def step_without_waking(app: App) -> None:
    """Step at 60 Hz as a host does whose frames nothing may wake."""
    due = time.perf_counter()
    while app.should_exit() is None:
        due += 1 / FRAMES_A_SECOND
        time.sleep(max(0.0, due - time.perf_counter()))
        app.update()


def seen_figures(count: int) -> list[Figure]:
    """Both runners that may be woken, and a host's loop that may not."""
    ways: dict[str, tuple[Callable[[App], object], float | None]] = {
        "ReactiveRunner": (ReactiveRunner(), SEEN_GOAL_MS),
        "ScheduleRunner(hz=60)": (ScheduleRunner(hz=60.0), SEEN_GOAL_MS),
        "a host's loop at 60 Hz, not woken": (step_without_waking, None),
    }
    figures = []
    for name, (run, goal) in ways.items():
        waited = milliseconds_until_seen(run, count)
        worst = quantiles(waited, n=100)[-1]
        detail = f"of {len(waited)} arrivals; one in a hundred above {shown(worst)} ms"
        figures.append(Figure(f"from arrival to frame, {name}", median(waited), "ms", detail, goal))
    return figures


class Frames:
    """Paced frames that were timed: how long each took, and how long after it was due it had ended, in ms."""

    def __init__(self) -> None:
        self.took: list[float] = []
        self.ended: list[float] = []

    def run(self, app: App, count: int) -> None:
        """Run some more."""
        due = time.perf_counter()
        for _ in range(count):
            due = max(due + 1 / FRAMES_A_SECOND, time.perf_counter())
            time.sleep(max(0.0, due - time.perf_counter()))
            begun = time.perf_counter()
            app.update()
            ended = time.perf_counter()
            self.took.append((ended - begun) * 1e3)
            self.ended.append((ended - due) * 1e3)


class Flood:
    """Lines that arrive while this is read, and what the frame is told of them."""

    def __init__(self, app: App, url: str) -> None:
        self._app = app
        self._url = url
        self._told: Latest[PullProgress] = app.tasks.channel()
        self.newest: PullProgress | None = None
        self.rates: list[float] = []
        app.add_systems(Update, self._take)

    def _take(self) -> None:
        self.newest = self._told.take() or self.newest

    async def _read(self) -> float:
        async with OllamaClient(self._url) as client:
            begun = time.perf_counter()
            await client.pull(MODEL, on_progress=self._told.send)
            return time.perf_counter() - begun

    def begin(self) -> Task[float]:
        """Read, and come back when the first lines have arrived."""
        self.newest = None
        reading = self._app.tasks.spawn(self._read())
        run_frames_until(self._app, lambda: self.newest and self.newest.bytes_downloaded, describe="the first lines")
        return reading

    def end(self, reading: Task[float]) -> None:
        """Wait for the last line."""
        seconds = run_frames_until(self._app, reading.check_ready, describe="the last line")
        if seconds is not None:
            self.rates.append(LINES_A_SECOND * FLOOD_S / seconds)


def flood_figures(rounds: int) -> list[Figure]:
    """Seconds with the flood and seconds without, by turns."""
    with line_source(LINES_A_SECOND, round(LINES_A_SECOND * FLOOD_S)) as url, App() as app:
        flood = Flood(app, url)
        OurParticles(app, ENTITIES, Loops.WRITE_THRICE)
        quiet, flooded = Frames(), Frames()
        flood.end(flood.begin())  # imports, and the first connection
        flood.rates.clear()
        for _ in range(rounds):
            quiet.run(app, FRAMES_A_SECOND)
            reading = flood.begin()
            flooded.run(app, FRAMES_A_SECOND)
            flood.end(reading)
    rate = f"{median(flood.rates):,.0f} lines/s arrived"
    return [
        compare("p99 of a frame's time, flooded to quiet", flooded.took, quiet.took, rate, 99, FLOOD_GOAL),
        compare("p99 of its end after it was due, the same", flooded.ended, quiet.ended, rate, 99),
        compare("median of a frame's time, the same", flooded.took, quiet.took, rate, 50),
    ]


def compare(
    what: str, flooded: list[float], quiet: list[float], rate: str, percent: int, goal: float | None = None
) -> Figure:
    """One percentile of all frames of both kinds."""
    ours, none = quantiles(flooded, n=100)[percent - 1], quantiles(quiet, n=100)[percent - 1]
    return Figure(
        what, ours / none, "x", f"{shown(ours)} ms against {shown(none)} ms; {len(flooded)} frames each, {rate}", goal
    )


def measure(quick: bool) -> list[Figure]:
    """How soon, then beside a flood."""
    return seen_figures(60 if quick else 600) + flood_figures(4 if quick else 40)
