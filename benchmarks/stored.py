"""The store: what a changed setting costs the frame, when it is safe, and what years of records cost a start."""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from statistics import median

import diskcache
import msgspec
import sqlitedict

from benchmarks.measuring import by_turns, nanoseconds_a_call, ratio
from benchmarks.process_cost import run_to_end
from benchmarks.results import Figure, ratio_figure, shown
from benchmarks.start import Started
from ecs_localai.components.codec import encode
from ecs_localai.components.installation import InstallationRecord, InstallationStatus
from ecs_localai.components.panel import PanelSettings, ThemeChoice
from ecs_localai.store.changes import put_row
from ecs_localai.store.measurements import Resolution
from ecs_localai.store.moments import to_microseconds
from ecs_localai.store.opening import FILE_NAME
from ecs_localai.store.store import Store
from tests.rig.ports import free_port

TITLE = "the store: a setting changed, 10,000 rows of history, a year of records at the start"
FRAME_GOAL_US = 5.0
DURABLE_GOAL_MS = 250.0
OPEN_GOAL_MS = 30.0
START_GOAL = 1.2
HISTORY_ROWS = 10_000
SERIES = ("cpu_percent", "memory_bytes", "gpu_percent", "vram_bytes")
CALLS = 50


def changing(folder: Path, quick: bool) -> list[Figure]:
    """A setting changed by us and by two other ways of keeping one in SQLite."""
    settings = [msgspec.to_builtins(PanelSettings(theme)) for theme in ThemeChoice]
    rounds = 9 if quick else 60
    numbers = count()
    with (
        Store.open(folder / "ours") as store,
        diskcache.Cache(str(folder / "diskcache")) as cache,
        sqlitedict.SqliteDict(str(folder / "sqlitedict.sqlite"), autocommit=True) as table,
    ):

        def ours() -> None:
            store.set_setting("panel", settings[next(numbers) % len(settings)])

        def by_diskcache() -> None:
            cache.set("panel", settings[next(numbers) % len(settings)])

        def by_sqlitedict() -> None:
            table["panel"] = settings[next(numbers) % len(settings)]

        found = by_turns(
            {
                "ours": nanoseconds_a_call(ours, CALLS, warm=True),
                "diskcache": nanoseconds_a_call(by_diskcache, CALLS, warm=True),
                "sqlitedict": nanoseconds_a_call(by_sqlitedict, CALLS, warm=True),
            },
            rounds,
        )
        durable = until_durable(store, folder / "ours" / FILE_NAME, 10 if quick else 60)
    mine, cache_us, dict_us = ([ns / 1e3 for ns in found[name]] for name in ("ours", "diskcache", "sqlitedict"))
    return [
        Figure(
            "a setting changed, on the frame",
            median(mine),
            "µs",
            f"of {rounds} rounds, {shown(min(mine))} to {shown(max(mine))} µs",
            FRAME_GOAL_US,
        ),
        ratio_figure("the same to diskcache", ratio(mine, cache_us), mine, cache_us, "µs"),
        ratio_figure("the same to sqlitedict", ratio(mine, dict_us), mine, dict_us, "µs"),
        Figure(
            "until another process sees it",
            max(durable),
            "ms",
            f"the slowest of {len(durable)}; median {shown(median(durable))} ms",
            DURABLE_GOAL_MS,
        ),
    ]


def until_durable(store: Store, file: Path, times: int) -> list[float]:
    """From a change until another connection sees it, in milliseconds."""
    found = []
    with closing(sqlite3.connect(file)) as other:
        for number in range(times):
            time.sleep(0.1)
            begun = time.perf_counter()
            store.set_setting("number", number)
            while other.execute("SELECT value FROM settings WHERE key = 'number'").fetchone() != (str(number),):
                time.sleep(0.0005)
            found.append((time.perf_counter() - begun) * 1e3)
    return found


def opening(folder: Path, quick: bool) -> Figure:
    """A store with a long history, opened again and again."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    with Store.open(folder) as store:
        for number in range(HISTORY_ROWS):
            moment = at + timedelta(minutes=number)
            record = InstallationRecord(
                f"id-{number}", "qwen3:4b", InstallationStatus.COMPLETED, moment, moment, timedelta(seconds=9), 1, 1
            )
            store.add_history(record.installation_id, moment, encode(record))
        store.flush(60.0)
    found = []
    for _ in range(5 if quick else 40):
        begun = time.perf_counter()
        store = Store.open(folder)
        found.append((time.perf_counter() - begun) * 1e3)
        store.close()
    return Figure(
        f"opening with {HISTORY_ROWS:,} rows of history",
        median(found),
        "ms",
        f"of {len(found)}, {shown(min(found))} to {shown(max(found))} ms",
        OPEN_GOAL_MS,
    )


def fill_a_year(folder: Path) -> None:
    """A data folder as a program that ran for a year has left it."""
    Store.open(folder).close()
    now = to_microseconds(datetime.now(UTC))
    value = msgspec.json.encode({name: [1200, 51234.5, 3.25, 98.75] for name in SERIES}).decode()
    with closing(sqlite3.connect(folder / FILE_NAME, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        for resolution in Resolution:
            begin = now // resolution.bucket_us * resolution.bucket_us
            for back in range(resolution.slots):
                at = begin - back * resolution.bucket_us
                put_row(connection, resolution.table, resolution.key(at), at, value)
        connection.execute("COMMIT")


def starting(folder: Path, quick: bool) -> Figure:
    """A headless program with a data folder, until its first frame: with a year of records, and with none."""
    environment = os.environ | {"PYTHONPYCACHEPREFIX": str(folder / "compiled"), "PYTHONDONTWRITEBYTECODE": ""}
    fill_a_year(folder / "year")
    Store.open(folder / "none").close()
    start(folder / "none", environment)
    found = by_turns(
        {name: lambda name=name: start(folder / name, environment) for name in ("year", "none")},  # type: ignore[misc]  # a default binds the name
        7 if quick else 40,
    )
    spread = ratio(found["year"], found["none"])
    what = "start with a year of records to one with none"
    return ratio_figure(what, spread, found["year"], found["none"], "ms", START_GOAL)


def start(folder: Path, environment: Mapping[str, str]) -> float:
    """Milliseconds until a program's first frame has ended."""
    command = [sys.executable, "-m", "benchmarks.first_frame", "whole", str(free_port()), "0", str(folder)]
    return msgspec.json.decode(run_to_end(command, environment).output, type=Started).first_frame_ms


def measure(quick: bool) -> list[Figure]:
    """All of it, in folders of its own."""
    with tempfile.TemporaryDirectory(prefix="ecs-localai-benchmark-") as name:
        folder = Path(name)
        return [*changing(folder, quick), opening(folder / "history", quick), starting(folder, quick)]
