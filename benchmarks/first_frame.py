"""A program that starts a headless app, in a process of its own: when its first frame has ended, and what follows.

    python -m benchmarks.first_frame WHAT PORT SECONDS [DATA_DIR]

starts an app with one empty system, to which come, unless WHAT is "bare", the product's plugin for an Ollama at that
port of 127.0.0.1, at once ("whole") or as a late plugin ("late"). It runs frames at 60 Hz for so many seconds, and
prints one JSON object. The clock begins before anything is imported that is not the interpreter's own start.
"""

from time import perf_counter, process_time

BEGUN = perf_counter()
BEGUN_CPU = process_time()

import sys  # noqa: E402 - the clock comes first: that is what this program is for

FRAMES_A_SECOND = 60
HEAVY = ("aiohttp", "msgspec", "numpy", "psutil", "pygame", "pynvml", "asyncio", "ssl", "rich", "typer")
"""Modules of which it says when they were there."""


def nothing() -> None:
    """A system that does nothing."""


def main() -> None:
    """Start, run, and say how long it took."""
    started_with = {name for name in HEAVY if name in sys.modules}
    what, address = sys.argv[1], f"127.0.0.1:{sys.argv[2]}"
    data_dir = sys.argv[4] if len(sys.argv) > 4 else None
    from ecs_localai import App, LatePlugin, Update

    if what != "bare":
        from ecs_localai import LocalModelsPlugin
    imported = perf_counter()
    with App() as app:
        if what == "whole":
            app.add_plugins(LocalModelsPlugin(address, data_dir=data_dir))
        elif what == "late":
            app.add_plugins(LatePlugin(LocalModelsPlugin(address, data_dir=data_dir)))
        app.add_systems(Update, nothing)
        built = perf_counter()
        app.update()
        first = perf_counter()
        cpu = process_time() - BEGUN_CPU
        before = sorted(name for name in HEAVY if name in sys.modules and name not in started_with)
        count = round(float(sys.argv[3]) * FRAMES_A_SECOND)
        late = [0.0]
        appeared: dict[str, float] = {}
        joined: float | None = None
        from time import sleep

        due = first
        for _ in range(count):
            due = max(due + 1 / FRAMES_A_SECOND, perf_counter())
            sleep(max(0.0, due - perf_counter()))
            app.update()
            ended = perf_counter()
            late.append(ended - due)
            if joined is None and what == "late" and app.is_plugin_added(LocalModelsPlugin):
                joined = (ended - BEGUN) * 1e3
            for name in HEAVY:
                if name in sys.modules and name not in before and name not in started_with:
                    appeared.setdefault(name, (ended - BEGUN) * 1e3)
    import json

    found = {
        "import_ms": (imported - BEGUN) * 1e3,
        "build_ms": (built - imported) * 1e3,
        "frame_ms": (first - built) * 1e3,
        "first_frame_ms": (first - BEGUN) * 1e3,
        "cpu_ms": cpu * 1e3,
        "worst_late_ms": max(late) * 1e3,
        "joined_ms": joined,
        "before": before,
        "appeared": appeared,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
