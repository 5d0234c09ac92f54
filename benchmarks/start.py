"""How soon a program has its first frame, and whether what is imported afterwards makes a frame late.

Every start is a process of its own (`benchmarks.first_frame`); the interpreter's own start is left out. Modules are
compiled before, as those of an installed package are: the first start writes them to a temporary folder, and is not
counted. A frame is late by the time from when it was due to its end.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from statistics import median

import msgspec

from benchmarks.process_cost import run_to_end
from benchmarks.results import Figure, shown
from tests.rig.ports import free_port

TITLE = "from the start of a headless program to the end of its first frame, and the frames that follow"
FIRST_GOAL_MS = 40.0
LATE_GOAL_MS = 16.0
WATCHED_S = 2.0


class Started(msgspec.Struct):
    """What a start took, in milliseconds: see `benchmarks.first_frame`."""

    import_ms: float
    build_ms: float
    frame_ms: float
    first_frame_ms: float
    cpu_ms: float
    """CPU time of all threads until then: what is left of it on a machine that does nothing else."""
    worst_late_ms: float
    joined_ms: float | None
    """When a late plugin's first frame had ended."""
    before: list[str]
    """Heavy modules that were imported before the first frame."""
    appeared: dict[str, float]
    """When others were there."""


def start(what: str, seconds: float, environment: Mapping[str, str]) -> Started:
    """Start a program, and run frames for so long after its first. No server answers it.

    `what`: see `benchmarks.first_frame`.
    """
    command = [sys.executable, "-m", "benchmarks.first_frame", what, str(free_port()), str(seconds)]
    return msgspec.json.decode(run_to_end(command, environment).output, type=Started)


def measure(quick: bool) -> list[Figure]:
    """Start many times, and watch some of them go on."""
    with tempfile.TemporaryDirectory(prefix="ecs-localai-benchmark-") as folder:
        environment = os.environ | {"PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": ""}
        start("late", WATCHED_S, environment)
        many: dict[str, list[Started]] = {"bare": [], "late": [], "whole": []}
        for _ in range(7 if quick else 60):
            for what, starts in many.items():
                starts.append(start(what, 0.0, environment))
        watched = [start("late", WATCHED_S, environment) for _ in range(2 if quick else 15)]
    late = sorted(one.worst_late_ms for one in watched)
    last = watched[-1]
    there = ", ".join(f"{name} by {shown(when)} ms" for name, when in last.appeared.items())
    joined = [one.joined_ms for one in watched if one.joined_ms is not None]
    return [
        _first("first frame, an app with one system", many["bare"], FIRST_GOAL_MS),
        _first("first frame, the product's plugin comes late", many["late"], FIRST_GOAL_MS),
        Figure("CPU time of all threads until then", median([one.cpu_ms for one in many["late"]]), "ms"),
        Figure(
            f"worst frame's lateness in the {WATCHED_S:g} s after it",
            median(late),
            "ms",
            f"median of {len(late)} starts: {', '.join(map(shown, late))}; imported meanwhile: {there}",
            LATE_GOAL_MS,
        ),
        Figure(
            "the end of the first frame with the late plugin",
            median(joined),
            "ms",
            f"of {len(joined)} starts, {shown(min(joined))} to {shown(max(joined))} ms",
        ),
        _first("first frame, the product's plugin is there from the start", many["whole"]),
    ]


def _first(name: str, starts: list[Started], goal: float | None = None) -> Figure:
    times = [one.first_frame_ms for one in starts]
    parts = ", ".join(
        f"{what} {shown(median(times))} ms"
        for what, times in (
            ("imports", [one.import_ms for one in starts]),
            ("the app and its plugin", [one.build_ms for one in starts]),
            ("the frame", [one.frame_ms for one in starts]),
        )
    )
    return Figure(
        name,
        median(times),
        "ms",
        f"of {len(times)} starts, {shown(min(times))} to {shown(max(times))} ms; {parts}; "
        f"imported before it: {', '.join(starts[-1].before) or 'nothing heavy'}",
        goal,
    )
