"""Milliseconds of one panel frame: show the view, take an input event, paint onto a plain surface (1x, 900 x 1100).

The panel's clock is moved on by a 60th of a second a frame. Eight installations are on the page, beside the gauges,
models and toggles of the panel's tests.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median, quantiles

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # it would be the first line of --json

import pygame

from benchmarks.measuring import by_turns, ratio
from benchmarks.results import Figure, ratio_figure, shown
from ecs_localai.components.panel_view import InstallationRow, PanelView
from ecs_localai.panel.panel import Panel
from ecs_localai.panel.scene import Role, SceneNode
from tests.panel.panel_samples import connected_view

TITLE = "milliseconds of a panel frame, 900 x 1100, on the processor alone"
GOAL = 4.0
SIZE = (900, 1100)
BARS = 8
STEP = 1 / 60
FRAMES = 60


class Bench:
    """One panel with a clock and a surface of its own."""

    def __init__(self, bars: int) -> None:
        self.now = 1.0
        self.view: PanelView = connected_view()
        self.view.installations = [
            InstallationRow(f"b{number}", f"model-{number}:8b", "Starting", 0.0) for number in range(bars)
        ]
        self.panel = Panel(SIZE, theme="light", scale=1.0, clock=lambda: self.now)
        self.surface = pygame.Surface(SIZE, 0, 32)
        self.frame = 0
        self.step()
        self.show_all()
        for _ in range(120):  # until all that glides at the beginning has come to rest
            self.step()

    def step(self) -> float:
        """One frame, with the pointer moving over the page; returns its milliseconds."""
        self.now += STEP
        self.frame += 1
        motion = _pointer(pygame.MOUSEMOTION, (300 + self.frame % 50, 60))
        begun = time.perf_counter()
        self.panel.show(self.view)
        self.panel.handle_event(motion)
        self.panel.paint(self.surface)
        return (time.perf_counter() - begun) * 1e3

    def report(self, known: bool = True) -> None:
        """New progress of every installation, in numbers (where the size is known) and words."""
        for number, row in enumerate(self.view.installations):
            done = (self.frame * 7 + number * 90) % 1000
            row.fraction = done / 1000 if known else None
            never_seen = (self.frame * BARS + number) / 1000
            row.detail = f"{never_seen:.3f} of 99 GB · {20 + done % 9} MB/s · {1 + done % 50} s left"
        self.view.revision += 1

    def show_all(self) -> None:
        """Press the button that unfolds a long list of installations, where there is one."""
        for node in self.nodes():
            if node.role is Role.BUTTON and node.name.startswith("Show all"):
                for kind in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP):
                    self.panel.handle_event(_pointer(kind, node.rect.center))

    def bars(self) -> int:
        """How many progress bars are in view."""
        whole = self.surface.get_rect()
        return sum(1 for node in self.nodes() if node.role is Role.PROGRESS_BAR and whole.contains(node.rect))

    def nodes(self) -> Iterator[SceneNode]:
        """Everything on the panel."""
        todo = [self.panel.scene()]
        while todo:
            node = todo.pop()
            todo += node.children
            yield node


def _pointer(kind: int, position: tuple[int, int]) -> pygame.event.Event:
    """An event of the pointer's, with what any kind of it has."""
    return pygame.event.Event(kind, pos=position, rel=(1, 0), buttons=(0, 0, 0), button=1, touch=False)


def reporting(bench: Bench) -> float:
    """The median frame when every frame brings a report of each installation, with new words."""
    times = []
    for _ in range(FRAMES):
        bench.report()
        times.append(bench.step())
    return median(times)


def sweeping(bench: Bench) -> float:
    """The median frame in which the bars of downloads of unknown size sweep to and fro.

    They are drawn 30 times a second: a frame between two drawings is no frame.
    """
    if bench.view.installations[0].fraction is not None:
        bench.report(known=False)
        bench.step()
    times = []
    for _ in range(FRAMES):
        bench.now += STEP
        times.append(bench.step())
    return median(times)


def toggling(bench: Bench) -> float:
    """The median frame while one toggle moves from one side to the other."""
    toggle = bench.view.features[0].toggles[0]
    toggle.on = not toggle.on
    bench.view.revision += 1
    times = [bench.step()]
    while bench.panel.animating:
        times.append(bench.step())
    return median(times)


def nothing(bench: Bench) -> float:
    """The median frame in which nothing changed."""
    return median(bench.step() for _ in range(FRAMES))


def everything(bench: Bench) -> float:
    """The median frame when all is painted anew, as after a change of the window's size."""
    times = []
    for _ in range(FRAMES // 10):
        bench.panel.invalidate()
        times.append(bench.step())
    return median(times)


KINDS: dict[str, tuple[Callable[[Bench], float], int]] = {
    "reporting": (reporting, BARS),
    "sweeping": (sweeping, BARS),
    "toggling": (toggling, 0),
    "nothing": (nothing, BARS),
    "everything": (everything, BARS),
}
"""Each kind of frame, and how many bars are on its page (the toggles are in view without any)."""


def measure(quick: bool) -> list[Figure]:
    """Time every kind of frame by turns."""
    pygame.font.init()
    benches = {name: Bench(bars) for name, (_, bars) in KINDS.items()}
    in_view = benches["reporting"].bars()
    contestants = {name: partial(kind, benches[name]) for name, (kind, _) in KINDS.items()}
    found = by_turns(contestants, 5 if quick else 41)
    moving, whole = found["reporting"], found["everything"]
    return [
        _milliseconds(f"{in_view} bars move, words new in every frame", moving, GOAL),
        _milliseconds(f"{in_view} bars of unknown size sweep", found["sweeping"], GOAL),
        _milliseconds("one toggle moves", found["toggling"], GOAL),
        _milliseconds("nothing changed", found["nothing"]),
        _milliseconds("all is painted anew", whole),
        ratio_figure("moving bars against painting all anew", ratio(moving, whole), moving, whole, "ms"),
    ]


def _milliseconds(what: str, found: list[float], goal: float | None = None) -> Figure:
    low, _, high = quantiles(found, n=4)
    detail = f"half of {len(found)} rounds within {shown(low)} to {shown(high)} ms"
    return Figure(what, median(found), "ms", detail, goal)
