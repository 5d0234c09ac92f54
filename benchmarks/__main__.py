"""``python -m benchmarks [names] [--json] [--quick]``: runs the benchmarks and prints what they find."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Callable
from typing import cast

import msgspec

from benchmarks.machine import machine_line
from benchmarks.results import Figure, Report, Skipped, text_of
from tests.rig.parts import PartMissing

NAMES = (
    "iteration",
    "structural_change",
    "bare_frame",
    "changes",
    "event_cost",
    "idle_frame",
    "tasks_in_flight",
    "arrivals",
    "idle_memory",
    "start",
    "busy_frame",
    "ndjson",
    "client_lines",
    "pull",
    "preflight",
    "panel_frame",
    "panel_idle",
    "hosts",
    "stored",
    "many_models",
    "queued_pulls",
)


def run(name: str, quick: bool) -> Report:
    """Run one benchmark; a missing part makes it a skipped one."""
    module = importlib.import_module(f"benchmarks.{name}")
    measure = cast("Callable[[bool], list[Figure]]", module.measure)
    begun = time.monotonic()
    try:
        figures, skipped = measure(quick), None
    except (PartMissing, Skipped) as missing:
        figures, skipped = [], str(missing)
    return Report(name, module.TITLE, figures, time.monotonic() - begun, skipped)


def main() -> int:
    """Run what the command line names; every figure is printed as soon as its benchmark has ended."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones, all by default: {', '.join(NAMES)}")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of text")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a look, not a figure to quote")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.names if name not in NAMES]
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}")
    machine = machine_line()
    print(msgspec.json.encode({"machine": machine}).decode() if chosen.json else machine, flush=True)
    for name in chosen.names or NAMES:
        report = run(name, chosen.quick)
        print(msgspec.json.encode(report).decode() if chosen.json else f"\n{text_of(report)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
