"""``--at HH:MM``: the next moment at which the clocks here show it."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ecs_localai.commands.clock_times import next_moment, when_text
from tests.cli.cli_parts import environment

_PROGRAM = """
import sys
from datetime import datetime
from ecs_localai.commands.clock_times import next_moment
print(next_moment(sys.argv[2], datetime.fromisoformat(sys.argv[1])).isoformat())
"""


def next_in(zone: str, folder: Path, now: str, text: str) -> str:
    """What a program whose clocks show the time of `zone` finds."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, now, text],
        env=environment(folder, {"TZ": zone}),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows takes no time zone from the environment")
@pytest.mark.parametrize(
    ("now", "text", "moment"),
    [
        ("2026-11-23T18:00:00+00:00", "23:15", "2026-11-23T23:15:00+01:00"),
        ("2026-11-23T18:00:00+00:00", "19:00", "2026-11-24T19:00:00+01:00"),  # it is that now
        ("2026-11-23T23:30:00+00:00", "1:00", "2026-11-24T01:00:00+01:00"),
        ("2026-03-28T12:00:00+00:00", "02:30", "2026-03-29T03:30:00+02:00"),  # left out: the clocks are put forward
        ("2026-10-24T22:30:00+00:00", "02:30", "2026-10-25T02:30:00+02:00"),
        ("2026-10-25T00:45:00+00:00", "02:30", "2026-10-25T02:30:00+01:00"),  # the second time in that night
    ],
)
def test_it_is_the_next_such_moment_by_local_time(tmp_path: Path, now: str, text: str, moment: str) -> None:
    assert next_in("CET-1CEST,M3.5.0,M10.5.0/3", tmp_path, now, text) == moment


@pytest.mark.parametrize("text", ["", "soon", "24:00", "12:60", "12", "-1:00", "1:5"])
def test_what_is_no_time_of_day_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="hours and minutes"):
        next_moment(text, datetime.now().astimezone())


def test_a_moment_is_told_by_its_day() -> None:
    now = datetime(2026, 11, 23, 12, 0).astimezone()
    assert when_text(now.replace(hour=23, minute=15), now) == "today at 23:15"
    assert when_text(now + timedelta(days=1), now) == "tomorrow at 12:00"
    assert when_text(now + timedelta(days=31), now) == "on 2026-12-24 at 12:00"
