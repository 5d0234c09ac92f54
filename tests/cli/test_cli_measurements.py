"""``ecs-localai data measurements``: what was kept, as a table or as JSON, read without touching the folder."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.measurements import show_measurements
from ecs_localai.store import Store
from ecs_localai.store.opening import FILE_NAME

HOUR = timedelta(hours=1)


def keep(folder: Path, samples: Mapping[datetime, Mapping[str, float]]) -> None:
    """Keep measurements as the panel does."""
    with Store.open(folder) as store:
        for at, values in samples.items():
            store.add_measurements(at, values)
        assert store.flush()


def printed(capfd: pytest.CaptureFixture[str]) -> list[str]:
    """The lines of standard output; nothing else was said."""
    out, err = capfd.readouterr()
    assert err == ""
    return out.splitlines()


def test_each_series_has_a_column_and_each_minute_a_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    minute = (datetime.now(UTC) - timedelta(minutes=5)).replace(second=0, microsecond=0)
    keep(
        tmp_path,
        {
            minute: {"cpu_percent": 10.0, "memory_bytes": 8.1e9},
            minute + timedelta(seconds=3): {"cpu_percent": 15.5, "memory_bytes": 8.3e9},
            minute + timedelta(minutes=1): {"cpu_percent": 3.0},
        },
    )
    assert show_measurements(tmp_path, HOUR, None, as_json=False) == 0
    heads, first, second = printed(capfd)
    assert heads.split() == ["TIME", "CPU", "PERCENT", "MEMORY", "BYTES"]
    assert first.split() == [*f"{minute.astimezone():%Y-%m-%d %H:%M}".split(), "12.8%", "8.2", "GB"]
    assert second.split()[2:] == ["3.0%", "-"]


def test_one_series_is_told_in_full(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    minute = (datetime.now(UTC) - timedelta(minutes=5)).replace(second=0, microsecond=0)
    samples = {minute + timedelta(seconds=3 * step): {"cpu_percent": float(step), "other": 1.0} for step in range(5)}
    keep(tmp_path, samples)
    assert show_measurements(tmp_path, HOUR, "cpu_percent", as_json=False) == 0
    heads, line = printed(capfd)
    assert heads.split() == ["TIME", "MEAN", "LOWEST", "HIGHEST", "SAMPLES"]
    assert line.split()[2:] == ["2.0%", "0.0%", "4.0%", "5"]


def test_json_is_as_fine_as_it_was_kept(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    begin = (datetime.now(UTC) - timedelta(minutes=5)).replace(second=0, microsecond=0)
    moments = [begin + timedelta(seconds=3 * step) for step in range(3)]
    keep(tmp_path, {at: {"cpu_percent": 7.5, "fps": 60.0} for at in moments})
    assert show_measurements(tmp_path, HOUR, "fps", as_json=True) == 0
    lines = [json.loads(line) for line in printed(capfd)]
    assert [datetime.fromisoformat(line["at"]) for line in lines] == moments
    once = {"count": 1, "mean": 60.0, "minimum": 60.0, "maximum": 60.0}
    assert [(line["seconds"], line["series"]) for line in lines] == [(1, {"fps": once})] * 3
    assert show_measurements(tmp_path, 24 * HOUR, "fps", as_json=True) == 0
    lines = [json.loads(line) for line in printed(capfd)]
    assert [(line["seconds"], line["series"]["fps"]["count"]) for line in lines] == [(60, 3)]
    assert show_measurements(tmp_path, 366 * 24 * HOUR, None, as_json=True) == 0
    lines = [json.loads(line) for line in printed(capfd)]
    assert [line["seconds"] for line in lines] == [3600]
    assert lines[0]["series"].keys() == {"cpu_percent", "fps"}


def test_a_longer_time_than_any_clock_knows(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    keep(tmp_path, {datetime.now(UTC) - HOUR: {"a": 1.0}})
    assert show_measurements(tmp_path, timedelta.max, None, as_json=False) == 0
    assert len(printed(capfd)) == 2


def test_nothing_measured_is_said_and_nothing_is_created(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "not there"
    assert show_measurements(folder, HOUR, None, as_json=False) == 0
    assert printed(capfd) == [
        "Nothing was measured in the last 1 h. Measurements are kept while the panel is open: ecs-localai run"
    ]
    assert show_measurements(folder, HOUR, "cpu_percent", as_json=True) == 0
    assert printed(capfd) == []
    assert not folder.exists()
    keep(folder, {datetime.now(UTC) - 3 * HOUR: {"a": 1.0}})
    assert show_measurements(folder, HOUR, None, as_json=False) == 0
    assert printed(capfd)[0].startswith("Nothing was measured in the last 1 h.")


def test_the_folder_is_left_as_it_was(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    keep(tmp_path, {datetime.now(UTC): {"a": 1.0}})
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert show_measurements(tmp_path, HOUR, None, as_json=False) == 0
    assert len(printed(capfd)) == 2
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_it_reads_while_the_panel_writes(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with Store.open(tmp_path) as store:
        store.add_measurements(datetime.now(UTC), {"a": 1.0})
        assert store.flush()
        before = set(os.listdir(tmp_path))
        assert show_measurements(tmp_path, HOUR, None, as_json=False) == 0
        assert len(printed(capfd)) == 2
        assert set(os.listdir(tmp_path)) == before


def test_a_series_that_is_not_there(tmp_path: Path) -> None:
    keep(tmp_path, {datetime.now(UTC): {"cpu_percent": 1.0, "fps": 2.0}})
    with pytest.raises(CommandFailed, match=r"No gpu was measured in that time\. There are: cpu_percent, fps\."):
        show_measurements(tmp_path, HOUR, "gpu", as_json=False)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"nothing that SQLite knows" * 100)
    with pytest.raises(CommandFailed, match="cannot be read"):
        show_measurements(tmp_path, HOUR, None, as_json=False)
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_a_time_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="longer than nothing"):
        show_measurements(tmp_path, timedelta(0), None, as_json=False)
