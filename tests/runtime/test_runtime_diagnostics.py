"""Diagnostics: what was measured, by path, with averages that need no second look at the history."""

from __future__ import annotations

import gc
import math
import subprocess
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_localai.runtime import App, AppDescription, Res, SystemFailed, Update
from ecs_localai.runtime.diagnostics import (
    Diagnostic,
    DiagnosticPath,
    DiagnosticsStore,
    SampleRing,
    UnknownDiagnosticError,
)
from tests.runtime.runtime_parts import the_failure


@pytest.fixture
def store(app: App) -> DiagnosticsStore:
    """That of `app`."""
    return app.diagnostics


@pytest.mark.parametrize("path", ["", "/", "/fps", "fps/", "process//cpu_usage", "//"])
def test_a_path_with_an_empty_part_is_an_error(path: str) -> None:
    with pytest.raises(ValueError, match="is not a diagnostic's path: write one or more names with a single /"):
        DiagnosticPath(path)
    with pytest.raises(ValueError, match="is not a diagnostic's path"):
        Diagnostic(path)


def test_a_path_is_the_plain_string(store: DiagnosticsStore) -> None:
    path = DiagnosticPath("process/cpu_usage")
    assert path.parts == ["process", "cpu_usage"]
    store.add(Diagnostic(path, "%"))
    assert path == "process/cpu_usage"
    assert store["process/cpu_usage"] is store[path]
    assert "process/cpu_usage" in store
    assert path in store


def test_a_system_adds_measurements_and_another_reads_them(app: App, store: DiagnosticsStore) -> None:
    store.add(Diagnostic("bed/water", "mm"))
    seen: list[float | None] = []

    def measure(diagnostics: Res[DiagnosticsStore]) -> None:
        diagnostics.add_measurement("bed/water", 2.0 * app.time.frame)

    app.add_systems(Update, measure)
    for _ in range(3):
        app.update(1.0)
        seen.append(store["bed/water"].value)
    assert seen == [2.0, 4.0, 6.0]
    assert store["bed/water"].average == 4.0
    assert store["bed/water"].measured_at == 3.0
    assert store["bed/water"].unit == "mm"


def test_nothing_is_known_before_the_first_measurement() -> None:
    diagnostic = Diagnostic("fps")
    assert (diagnostic.value, diagnostic.average, diagnostic.smoothed, diagnostic.measured_at) == (None,) * 4
    assert str(diagnostic) == "fps: not measured"


def test_what_could_not_be_measured_counts_in_no_average_and_says_why() -> None:
    diagnostic = Diagnostic("gpu/usage", "%")
    diagnostic.add_measurement(10.0, 1.0)
    diagnostic.add_measurement(None, 2.0, "The driver does not tell.")
    assert (diagnostic.value, diagnostic.reason) == (None, "The driver does not tell.")
    assert (diagnostic.average, diagnostic.smoothed, diagnostic.measured_at) == (10.0, 10.0, 1.0)
    assert str(diagnostic) == "gpu/usage: not measured: The driver does not tell. (average 10%)"
    diagnostic.add_measurement(20.0, 3.0)
    assert (diagnostic.value, diagnostic.reason, diagnostic.average) == (20.0, None, 15.0)
    assert str(diagnostic) == "gpu/usage: 20% (average 15%)"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_was_not_measured(value: float) -> None:
    diagnostic = Diagnostic("ratio")
    diagnostic.add_measurement(value, 0.0)
    assert (diagnostic.value, diagnostic.average, diagnostic.smoothed) == (None, None, None)
    diagnostic.add_measurement(4.0, 1.0)
    assert (diagnostic.value, diagnostic.average, diagnostic.smoothed) == (4.0, 4.0, 4.0)


@given(
    capacity=st.integers(1, 8),
    values=st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), max_size=60),
)
def test_the_average_is_the_mean_of_what_the_history_holds(capacity: int, values: list[float | None]) -> None:
    diagnostic = Diagnostic("any", history=SampleRing(capacity))
    for number, value in enumerate(values):
        diagnostic.add_measurement(value, float(number))
        kept = [one for one in values[max(0, number + 1 - capacity) : number + 1] if one is not None]
        assert (diagnostic.average is None) == (not kept)
        if kept:
            assert diagnostic.average == pytest.approx(sum(kept) / len(kept), abs=1e-3)


def test_rounding_errors_do_not_add_up() -> None:
    diagnostic = Diagnostic("huge then small", history=SampleRing(4))
    for number in range(8):
        diagnostic.add_measurement(1e17 if number < 4 else 0.1, float(number))
    assert diagnostic.average == pytest.approx(0.1)


def test_a_ring_that_holds_values_already_is_counted_in() -> None:
    ring = SampleRing(3)
    for value in (1.0, None, 3.0):
        ring.push(value)
    diagnostic = Diagnostic("old", history=ring)
    assert diagnostic.average == 2.0
    diagnostic.add_measurement(5.0, 0.0)
    assert diagnostic.average == 4.0


def test_smoothing_follows_bevys_rule() -> None:
    diagnostic = Diagnostic("fps", smoothing_seconds=1.0)
    diagnostic.add_measurement(100.0, 0.0)
    assert diagnostic.smoothed == 100.0
    diagnostic.add_measurement(0.0, 0.25)
    assert diagnostic.smoothed == 75.0
    diagnostic.add_measurement(None, 0.5)
    diagnostic.add_measurement(0.0, 0.75)
    assert diagnostic.smoothed == 37.5, "half a second after the last value"
    diagnostic.add_measurement(8.0, 0.75)
    assert diagnostic.smoothed == 37.5, "no time has passed"
    diagnostic.add_measurement(8.0, 9.0)
    assert diagnostic.smoothed == 8.0, "values that come seldom are not smoothed"


def test_without_smoothing_the_last_value_is_the_smoothed_one() -> None:
    diagnostic = Diagnostic("fps", smoothing_seconds=0.0)
    for number in range(4):
        diagnostic.add_measurement(float(number), 0.0)
        assert diagnostic.smoothed == number


@pytest.mark.parametrize("seconds", [-1.0, math.nan, math.inf])
def test_smoothing_over_a_time_that_makes_no_sense_is_an_error(seconds: float) -> None:
    with pytest.raises(ValueError, match=f"smoothing_seconds is {seconds}"):
        Diagnostic("fps", smoothing_seconds=seconds)


def test_a_diagnostic_that_is_turned_off_takes_nothing_in(app: App, store: DiagnosticsStore) -> None:
    store.add(Diagnostic("fps"))
    store.add_measurement("fps", 1.0)
    store["fps"].is_enabled = False
    store.add_measurement("fps", 2.0)
    assert store["fps"].value == 1.0
    assert "fps  1 (average 1), not measured any more" in str(app.describe())


def test_a_measurement_of_what_nobody_added_is_an_error_that_says_what_there_is(
    app: App, store: DiagnosticsStore, failures: list[SystemFailed]
) -> None:
    with pytest.raises(UnknownDiagnosticError, match=r"There is no diagnostic 'fsp'.*There are none at all\."):
        store.add_measurement("fsp", 1.0)
    store.add(Diagnostic("fps"), Diagnostic("frame_time"))

    def mistaken(diagnostics: Res[DiagnosticsStore]) -> None:
        diagnostics.add_measurement("fsp", 60.0)

    app.add_systems(Update, mistaken)
    app.update()
    assert the_failure(failures).message == (
        "There is no diagnostic 'fsp': add it with diagnostics.add(Diagnostic('fsp')). There are fps, frame_time."
    )


def test_diagnostics_are_listed_in_the_order_they_were_added_and_can_be_taken_out(store: DiagnosticsStore) -> None:
    store.add(Diagnostic("b"), Diagnostic("a"), Diagnostic("c"))
    newer = Diagnostic("a", "s")
    store.add(newer)
    assert [one.path for one in store] == ["b", "a", "c"]
    assert store.get("a") is newer
    assert store.remove("b") is not None
    assert store.remove("b") is None
    assert store.get("b") is None
    assert len(store) == 2


def test_the_store_is_a_resource_of_every_app(app: App) -> None:
    assert app.world.resource(DiagnosticsStore) is app.diagnostics


def test_diagnostics_are_described(app: App, store: DiagnosticsStore) -> None:
    store.add(Diagnostic("frame_time", "ms"), Diagnostic("gpu/usage", "%"))
    store.add_measurement("frame_time", 16.0)
    store.add_measurement("gpu/usage", None, "There is no GPU.")
    described = app.describe()
    frame_time, gpu = described.diagnostics
    assert (frame_time.path, frame_time.value, frame_time.average, frame_time.smoothed, frame_time.unit) == (
        "frame_time",
        16.0,
        16.0,
        16.0,
        "ms",
    )
    assert (gpu.value, gpu.average, gpu.reason) == (None, None, "There is no GPU.")
    assert msgspec.json.decode(msgspec.json.encode(described), type=AppDescription) == described
    assert ("Diagnostics\n  frame_time  16 ms (average 16 ms)\n  gpu/usage   not measured: There is no GPU.\n") in str(
        described
    )


def test_an_app_that_measures_nothing_describes_nothing(app: App) -> None:
    described = app.describe()
    assert described.diagnostics == []
    assert "Diagnostics: none\n" in str(described)


def test_measuring_keeps_no_new_memory() -> None:
    diagnostic = Diagnostic("fps")

    def measure(rounds: int) -> None:
        for number in range(rounds):
            diagnostic.add_measurement(60.0, number * 0.5)

    measure(300)
    gc.collect()
    before = sys.getallocatedblocks()
    measure(10_000)
    assert sys.getallocatedblocks() - before <= 2, "what the last value and its time are kept in"


def test_numpy_is_imported_by_the_first_window_and_not_before() -> None:
    code = (
        "import sys\n"
        "from ecs_localai.runtime.diagnostics import Diagnostic, SampleRing\n"
        "one = Diagnostic('fps')\n"
        "one.add_measurement(60.0, 0.0)\n"
        "assert (one.value, one.average, one.smoothed) == (60.0, 60.0, 60.0)\n"
        "before = 'numpy' in sys.modules\n"
        "assert one.history.window.shape == (120,)\n"
        "print(before, 'numpy' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["False", "True"]
