"""Numbers as people read them."""

from __future__ import annotations

import math
import os
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_localai.components.wording import (
    format_bytes,
    format_count,
    format_duration,
    format_rate,
    format_share,
    format_time_left,
)
from tests.rig.ollama_server import OllamaServer


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 KB"),
        (1536, "1.5 KB"),
        (274_290_656, "274 MB"),
        (999_999, "999 KB"),
        (1_321_098_329, "1.3 GB"),
        (5_200_000_000, "5.2 GB"),
        (13_000_000_000, "13 GB"),
        (2_000_000_000_000, "2 TB"),
        (-1500, "-1.5 KB"),
        (math.inf, "unknown"),
        (math.nan, "unknown"),
    ],
)
def test_sizes(count: float, text: str) -> None:
    assert format_bytes(count) == text


@pytest.mark.parametrize(
    ("done", "total", "text"),
    [
        (0, 0, ""),
        (44_000_000, 0, "44 MB"),
        (44_000_000, 98_000_000, "44 MB of 98 MB"),
        (0, 98_000_000, "0 B of 98 MB"),
        (98_000_000, 98_000_000, "98 MB"),
        (1_120_000_000, 1_150_000_000, "97 % of 1.1 GB"),
    ],
)
def test_how_much_there_is_of_a_size(done: int, total: int, text: str) -> None:
    assert format_share(done, total) == text


def test_rates() -> None:
    assert format_rate(48_000_000) == "48 MB/s"
    assert format_rate(0) == "0 B/s"
    assert format_rate(math.nan) == "unknown"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (0.44, "0.4 s"),
        (9.96, "10 s"),
        (45, "45 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (89, "1 min"),
        (90, "2 min"),
        (3569, "59 min"),
        (3570, "1 h"),
        (3900, "1 h 5 min"),
        (86_399, "1 d"),
        (183_600, "2 d 3 h"),
        (-5, "0.0 s"),
        (math.inf, "unknown"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (math.inf, ""),
        (0, "a few seconds left"),
        (7, "10 s left"),
        (41, "45 s left"),
        (58, "58 s left"),
        (130, "2 min left"),
        (4000, "1 h 7 min left"),
    ],
)
def test_time_left(seconds: float | None, text: str) -> None:
    assert format_time_left(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1K"),
        (12_345, "12K"),
        (134_515_008, "135M"),
        (999_999, "1M"),
        (999_600_000, "1B"),
        (1_235_814_432, "1.2B"),
        (7_000_000_000, "7B"),
        (671_000_000_000, "671B"),
        (1_000_000_000_000, "1T"),
        (-1500, "-1.5K"),
        (math.inf, "unknown"),
    ],
)
def test_counts(count: float, text: str) -> None:
    assert format_count(count) == text


@given(st.integers(0, 10**16))
def test_the_numbers_shown_stay_short(number: int) -> None:
    assert len(format_bytes(number)) <= 8
    assert len(format_count(number)) <= 6
    assert len(format_duration(number / 1e6)) <= 16


@pytest.mark.ollama
def test_sizes_are_those_of_ollamas_own_list(ollama_server: OllamaServer) -> None:
    program = ollama_server.program
    environment = os.environ | program.environment | {"OLLAMA_HOST": ollama_server.host_port}
    listed = subprocess.run(
        [program.path, "list"], env=environment, capture_output=True, text=True, check=True, timeout=30
    ).stdout
    models = ollama_server.call("GET", "/api/tags").json()["models"]
    assert isinstance(models, list)
    for model in models:
        (line,) = [line for line in listed.splitlines() if line.startswith(f"{model['name']} ")]
        assert f" {format_bytes(model['size'])} " in line
