"""What idle frames of the product's headless world leave in memory.

Counted are the interpreter's memory blocks before and after 10,240 frames in which nothing happens, against as many
rounds of an empty loop, with the garbage collector off; the least of three counts, because what else the interpreter
does (another thread, a table that grows) can only add. Then as many frames with the collector on: it is not called
once, unless frames make objects that it has to look at.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from itertools import repeat

from benchmarks.idle_frame import settled_world
from benchmarks.results import Figure

TITLE = "memory blocks that idle frames leave, and garbage collections that they cause"
FRAMES = 10_240
TIMES = 3


def blocks_left(call: Callable[[], object]) -> int:
    """How many blocks of memory more there are after so many calls."""
    gc.collect()  # also takes away what the interpreter keeps ready of small objects, so the calls before come after it
    for _ in repeat(None, 64):
        call()
    before = sys.getallocatedblocks()
    for _ in repeat(None, FRAMES):
        call()
    return sys.getallocatedblocks() - before


def nothing() -> None:
    """The empty control."""


def collections_during(call: Callable[[], object]) -> int:
    """How many times the garbage collector began during so many calls."""
    begun = 0

    def note(phase: str, _info: dict[str, int]) -> None:
        nonlocal begun
        begun += phase == "start"

    gc.collect()
    gc.callbacks.append(note)
    try:
        for _ in repeat(None, FRAMES):
            call()
    finally:
        gc.callbacks.remove(note)
    return begun


def measure(quick: bool) -> list[Figure]:
    """Count blocks with the collector off, then collections with it on. It is quick anyway."""
    with settled_world() as app:

        def frame() -> None:
            app.update(0.0)

        def measured_frame() -> None:
            app.update()

        with app.world.active():  # as a runner leaves it
            gc.disable()
            try:
                left = {
                    name: [blocks_left(call) for _ in range(TIMES)]
                    for name, call in (("frames", frame), ("measured", measured_frame), ("control", nothing))
                }
            finally:
                gc.enable()
            collections = collections_during(frame)
    control = min(left["control"])

    def figure(what: str, name: str) -> Figure:
        counts = ", ".join(str(one) for one in left[name])
        detail = f"{TIMES} counts: {counts}; empty control: {', '.join(str(one) for one in left['control'])}"
        return Figure(what, min(left[name]) - control, "blocks", detail, 0)

    return [
        figure(f"left by {FRAMES:,} frames, the clock standing still", "frames"),
        figure(f"left by {FRAMES:,} frames, the clock running", "measured"),
        Figure(f"collections in {FRAMES:,} frames", collections, "times", "", 0),
    ]
