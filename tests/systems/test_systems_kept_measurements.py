"""What is measured is kept in the data folder, and the sparklines go on where they ended."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ecs_localai.runtime.diagnostics import HISTORY_LENGTH
from ecs_localai.store import Store
from ecs_localai.store.measurements import Resolution
from ecs_localai.store.measurements_reading import read_measurements
from ecs_localai.store.opening import FILE_NAME
from ecs_localai.systems.past_measurements import Values, at_intervals
from ecs_localai.systems.performance_monitoring import CPU_USAGE, KEPT_AS, SAMPLE_INTERVAL, MeasurementHistory
from tests.systems.systems_parts import Driven

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def moments(*seconds_ago: float) -> list[tuple[datetime, Values]]:
    """A sample so many seconds before now, that says so."""
    return [(NOW - timedelta(seconds=ago), {"ago": ago}) for ago in seconds_ago]


@pytest.mark.parametrize(
    ("taken", "shown"),
    [
        ((), []),
        ((9, 6, 3), [9, 6, 3]),
        ((9.4, 6.4, 3.3, 0.1), [9.4, 6.4, 3.3, 0.1]),
        ((10, 9, 7, 6, 4, 3), [10, 7, 4]),  # two programs
        ((30, 27, 12, 9), [30, 27, None, None, None, None, 12, 9, None, None]),
        ((3_600,), []),
        ((60, 57, 21, 3), [21, None, None, None, None, None, 3]),  # of what came before, only the gap is still shown
    ],
)
def test_one_value_for_each_interval(taken: tuple[float, ...], shown: list[float | None]) -> None:
    found = at_intervals(moments(*taken), NOW, 3.0, 10)
    assert [None if values is None else values["ago"] for values in found] == shown


def test_samples_are_kept_as_they_were_measured(tmp_path: Path) -> None:
    begin = datetime.now(UTC)
    with Driven(data_dir=tmp_path) as driven:
        history = driven.app.world.resource(MeasurementHistory)
        driven.until(lambda: history.memory.count >= 2)
        rings = {name: list(one.history.samples) for name, one in zip(KEPT_AS, history.diagnostics, strict=True)}
    kept = read_measurements(tmp_path / FILE_NAME, begin, datetime.now(UTC), Resolution.SECOND)
    assert len(kept) >= 2
    for name, samples in rings.items():
        measured = [value for value in samples if not math.isnan(value)]
        assert [one.series[name].mean for one in kept if name in one.series] == measured
    assert "memory_bytes" in kept[0].series
    assert "cpu_percent" not in kept[0].series  # a share is of the time between two looks


def test_the_sparklines_go_on_where_they_ended(tmp_path: Path) -> None:
    end = datetime.now(UTC) - timedelta(seconds=30)
    with Store.open(tmp_path) as store:
        for step in range(1_000):
            at = end - timedelta(seconds=step * SAMPLE_INTERVAL)
            if not 10 <= step < 20:
                store.add_measurements(at, {"cpu_percent": 10.0 + step / 100, "memory_bytes": 5e9})
        assert store.flush()
    with Driven(data_dir=tmp_path) as driven:
        history = driven.app.world.resource(MeasurementHistory)
        driven.update()
        driven.until(lambda: history.memory.count > 0)
        shown = [None if math.isnan(value) else value for value in history.cpu.samples]
        memory, vram = list(history.memory.samples), list(history.vram.samples)
        average, value = driven.app.diagnostics[CPU_USAGE].average, driven.app.diagnostics[CPU_USAGE].value
    assert shown[-1] is None  # the sample of this start: of the processors, the first has none
    last = max(number for number, one in enumerate(shown) if one is not None)
    assert 9 <= HISTORY_LENGTH - 1 - last <= 9 + 40 / SAMPLE_INTERVAL  # the 30 seconds, and what the start took
    newest = shown[: last + 1][::-1]
    if newest[-1] is None:  # one place at most: what was read begins up to half an interval late
        newest.pop()
    assert newest[:10] == [10.0 + step / 100 for step in range(10)]
    assert newest[10:20] == [None] * 10
    assert newest[20:] == [10.0 + step / 100 for step in range(20, len(newest))]
    assert memory[last] == 5e9
    assert memory[-1] not in (0.0, 5e9)
    assert not math.isnan(memory[-1])
    assert all(math.isnan(one) for one in vram[:-1])
    assert value is None
    told = [one for one in shown if one is not None]
    assert average is not None
    assert math.isclose(average, sum(told) / len(told))


def test_what_was_measured_long_ago_is_not_shown(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.add_measurements(datetime.now(UTC) - timedelta(hours=2), {"cpu_percent": 10.0})
        assert store.flush()
    with Driven(data_dir=tmp_path) as driven:
        history = driven.app.world.resource(MeasurementHistory)
        driven.until(lambda: history.memory.count > 0)
        assert history.memory.count == 1
        assert all(math.isnan(value) for value in history.cpu.samples)
