"""`kill -9` in the middle of a write storm loses nothing that was acknowledged, and cuts between changes only.

After each kill it is certain, whatever else the machine was busy with, that

* every change that ``flush`` or ``close`` acknowledged is there, and every one that another connection had seen;
* the file says what it said after exactly some number of changes: none is missing in between, none came early,
  nothing is there that was not posted, and nothing is half there;
* it opens without a notice, and what was acknowledged as forgotten is in no byte of it.

How much of what nobody acknowledged is lost is a matter of time: everything that was posted 250 ms before the kill
should be there. A machine that lets the writer's thread or the disk wait breaks that whatever the program does, so it
is measured and told (as a property of the test's result, and printed with ``ECS_LOCALAI_FUZZ`` set), not asserted. What
is asserted is the part of it that no clock decides: the writer commits by itself, again and again, without being asked.
In the "torrent" more is posted than any writer can take (nothing ever waits for it): what is lost there is what had not
had its turn, however old; the other promises hold there as well.

About 60 kills; 1,000 with ``ECS_LOCALAI_FUZZ`` set.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

import pytest

from tests.rig.parts import ROOT
from tests.store.storm import ROUND, found_again, survived
from tests.store.storm_notes import StormNotes

ALL = "ECS_LOCALAI_FUZZ" in os.environ
KILLS = (
    {"flushed": 400, "in_time": 200, "reopened": 150, "torrent": 100, "beginning": 150}
    if ALL
    else {"flushed": 24, "in_time": 12, "reopened": 10, "torrent": 5, "beginning": 10}
)
IN_A_FOLDER = {"beginning": 2}
"""So many storms go on in one folder, each where the one before it was killed; then a new one begins. Else 10."""
DEADLINE_S = 60.0

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="a program for each storm would take minutes: they are forked"),
    pytest.mark.timeout(0 if ALL else 120),
]


class StormServer:
    """Forks a storm whenever it is asked to: a program that had to start for each would spend its time importing."""

    def __init__(self) -> None:
        command = [sys.executable, "-W", "error", "-m", "tests.store.storm_child", "serve"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment()
        )

    def begin(self, way: str, folder: Path, notes: Path, begin: int, step: int) -> int:
        """Starts a storm; its process id."""
        if self._process.stdin is None:
            pytest.fail("the server of storms has no input")
        print(way, folder, notes, begin, step, sep="\t", file=self._process.stdin, flush=True)
        return int(self._line())

    def ended(self) -> int:
        """Waits for the storm's end; its exit status, a signal as a negative number."""
        return int(self._line())

    def _line(self) -> str:
        if self._process.stdout is None:
            pytest.fail("the server of storms has no output")
        return self._process.stdout.readline()

    def __enter__(self) -> StormServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=DEADLINE_S)


def environment() -> dict[str, str]:
    """Ours, in which the child finds the same package and the tests."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(path for path in (str(ROOT), *sys.path) if path)}


@pytest.fixture(scope="module")
def server() -> Iterator[StormServer]:
    with StormServer() as running:
        yield running


def until(condition: Callable[[], bool], process: int, what: str) -> None:
    """Waits for what the storm must do, if need be for a minute."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > deadline:
            with contextlib.suppress(ProcessLookupError):  # it has failed, and says why on its standard error
                os.kill(process, signal.SIGKILL)
            pytest.fail(f"the storm did not come to this: {what}")
        time.sleep(0.0005)


def wait_for_the_moment(way: str, notes: StormNotes, process: int, chance: random.Random) -> None:
    """A random moment is what this is about; in some ways it is one after something that the storm does."""
    if way == "beginning":
        time.sleep(chance.uniform(0.0, 0.015))
        return
    until(lambda: notes.opened, process, "open")
    if way == "in_time":
        for _ in range(chance.choice((0, 1, 1, 2))):
            wait_for_a_commit(notes, process)
    time.sleep(chance.uniform(0.0, 0.1))


def wait_for_a_commit(notes: StormNotes, process: int) -> None:
    """Until another connection sees more than now."""
    seen = notes.seen
    until(lambda: notes.seen > seen, process, "a commit that nobody asked for")


def killed(server: StormServer, way: str, folder: Path, begin: int, chance: random.Random) -> tuple[int, float | None]:
    """One storm and its end: how many changes are in the file now, and how old in ms the oldest lost one was."""
    noted = folder.with_suffix(".notes")
    with StormNotes(noted, begin=begin) as notes:
        step = chance.randint(1, 3 * ROUND) if way == "flushed" else chance.randint(1, 30 * ROUND)
        process = server.begin(way if way != "beginning" else "flushed", folder, noted, begin, step)
        wait_for_the_moment(way, notes, process, chance)
        killed_at = time.monotonic_ns()
        os.kill(process, signal.SIGKILL)
        assert server.ended() == -signal.SIGKILL
        if notes.saved > begin:  # else nobody has acknowledged yet that the bytes are gone
            assert not found_again(folder, notes.saved)
        # The file stays as the kill has left it, for the next storm to go on in: a copy is opened.
        copy = folder.with_name("copy")
        shutil.rmtree(copy, ignore_errors=True)
        if folder.exists():
            shutil.copytree(folder, copy)
        there = survived(copy)
        assert notes.saved <= there
        assert notes.seen <= there
        assert begin <= there <= notes.posted + 1  # one may have been posted and not been noted
        oldest_lost = notes.moment_of(there)
        return there, None if oldest_lost is None else (killed_at - oldest_lost) / 1e6


@pytest.mark.parametrize("way", KILLS)
def test_a_killed_process_loses_nothing_that_was_acknowledged(
    server: StormServer,
    way: str,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    chance = random.Random(way)
    ages: list[float] = []
    begin = 0
    for number in range(KILLS[way]):
        which, place = divmod(number, IN_A_FOLDER.get(way, 10))
        if place == 0:
            begin = 0
            shutil.rmtree(tmp_path / str(which - 1), ignore_errors=True)
        begin, age = killed(server, way, tmp_path / str(which), begin, chance)
        if age is not None:
            ages.append(age)
    worst, late = max(ages, default=0.0), sum(age > 250 for age in ages)
    record_property("worst_loss_ms", round(worst, 1))
    if ALL:
        with capsys.disabled():
            sys.stdout.write(f"\n{way}: {KILLS[way]} kills; oldest loss {worst:.1f} ms, {late} above 250 ms\n")
