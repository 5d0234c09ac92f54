"""Text from browsers lives as long as it was promised, whatever the clock does, and what is to stay stays.

The clock is set by hand. How much longer than its promised time a text may live: as far as the clock was set back
meanwhile, and a minute, within which the store looks at its clock.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_localai.store import Store, Table
from ecs_localai.store.changes import put
from ecs_localai.store.chores import Chores
from ecs_localai.store.moments import duration_in_microseconds, to_microseconds
from ecs_localai.store.opening import FILE_NAME, open_file
from ecs_localai.store.retention import KeptContext
from tests.store.forgetting_parts import BEGIN, ManualClock, keep, kept, look_now, pieces
from tests.store.store_parts import execute, rows, wait_until

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
YEAR = timedelta(days=365)
TEXT = "a text that can be recognised: QmFzZTY0IGlzIG5vdCBlbmNyeXB0aW9u"


def looked(store: Store, folder: Path) -> set[str]:
    """The keys that are there after the store has looked at its clock."""
    look_now(store)
    assert store.flush()
    return set(kept(folder))


def test_each_text_lives_for_its_own_time(tmp_path: Path) -> None:
    clock = ManualClock()
    with Store.open(tmp_path, clock=clock) as store:
        for key, lifetime in {"hours": 3 * HOUR, "days": 7 * DAY, "manual": None}.items():
            keep(store, key, f"{TEXT} {key}", BEGIN, lifetime)
        clock.now = BEGIN + 3 * HOUR - timedelta(microseconds=1)
        assert looked(store, tmp_path) == {"hours", "days", "manual"}
        clock.now = BEGIN + 3 * HOUR
        assert looked(store, tmp_path) == {"days", "manual"}
        assert not pieces(tmp_path, [f"{TEXT} hours"[-20:]])
        clock.now = BEGIN + 7 * DAY
        assert looked(store, tmp_path) == {"manual"}
        clock.now = BEGIN + 50 * YEAR
        assert looked(store, tmp_path) == {"manual"}
        assert kept(tmp_path) == {"manual": f"{TEXT} manual"}


def test_the_time_begins_when_it_was_read_and_not_when_it_was_kept(tmp_path: Path) -> None:
    with Store.open(tmp_path, clock=ManualClock()) as store:
        keep(store, "long ago", TEXT, BEGIN - DAY, HOUR)
        keep(store, "just now", "x", BEGIN - HOUR / 2, HOUR)
        assert looked(store, tmp_path) == {"just now"}
        assert not pieces(tmp_path, [TEXT])


def test_the_store_notices_by_itself_that_a_text_has_lived_long_enough(tmp_path: Path) -> None:
    clock = ManualClock(BEGIN + HOUR - timedelta(milliseconds=10))
    with Store.open(tmp_path, clock=clock) as store:
        keep(store, "key", TEXT, BEGIN, HOUR)
        keep(store, "other", "x", BEGIN, DAY)
        assert store.flush()
        assert set(kept(tmp_path)) == {"key", "other"}
        clock.now = BEGIN + HOUR
        wait_until(lambda: set(kept(tmp_path)) == {"other"}, "it is deleted without being asked")
        wait_until(lambda: not pieces(tmp_path, [TEXT]), "it is wiped without being asked")


def test_what_ended_while_no_program_ran_is_deleted_at_the_start(tmp_path: Path) -> None:
    with Store.open(tmp_path, clock=ManualClock()) as store:
        keep(store, "key", TEXT, BEGIN, HOUR)
        keep(store, "manual", "stays", BEGIN, None)
    assert pieces(tmp_path, [TEXT])
    with Store.open(tmp_path, clock=ManualClock(BEGIN + YEAR)):
        wait_until(lambda: not pieces(tmp_path, [TEXT]), "it is deleted and wiped without being asked")
        assert kept(tmp_path) == {"manual": "stays"}


@pytest.mark.parametrize("jump", [DAY, YEAR])
def test_a_clock_that_jumps_forth_and_back_lets_nothing_live_longer(tmp_path: Path, jump: timedelta) -> None:
    clock = ManualClock()
    with Store.open(tmp_path, clock=clock) as store:
        keep(store, "before", TEXT, clock.now, 2 * HOUR)
        keep(store, "manual", "stays", clock.now, None)
        clock.jump(jump)
        assert looked(store, tmp_path) == {"manual"}  # by the clock, its time is over
        keep(store, "meanwhile", TEXT, clock.now, 2 * HOUR)
        clock.jump(HOUR)
        assert looked(store, tmp_path) == {"manual", "meanwhile"}
        clock.jump(-jump)
        assert looked(store, tmp_path) == {"manual", "meanwhile"}
        clock.jump(2 * HOUR)  # not a day or a year and two hours
        assert looked(store, tmp_path) == {"manual"}
        assert not pieces(tmp_path, [TEXT])


@pytest.mark.parametrize("jump", [DAY, YEAR])
@pytest.mark.parametrize("running", [True, False])
def test_a_clock_that_is_set_back_begins_the_time_again(tmp_path: Path, jump: timedelta, running: bool) -> None:
    clock = ManualClock()
    store = Store.open(tmp_path, clock=clock)
    keep(store, "key", TEXT, clock.now, 2 * HOUR)
    keep(store, "manual", "stays", clock.now, None)
    clock.jump(HOUR)
    assert looked(store, tmp_path) == {"key", "manual"}
    if not running:
        store.close()
    clock.jump(-jump)
    if not running:
        store = Store.open(tmp_path, clock=clock)
    assert looked(store, tmp_path) == {"key", "manual"}
    clock.jump(2 * HOUR - timedelta(microseconds=1))
    assert looked(store, tmp_path) == {"key", "manual"}
    clock.jump(timedelta(microseconds=1))
    assert looked(store, tmp_path) == {"manual"}
    assert store.close()
    assert not pieces(tmp_path, [TEXT])
    assert kept(tmp_path) == {"manual": "stays"}


def put_text(connection: sqlite3.Connection, key: str, read_at: int, lifetime: timedelta | None) -> None:
    """Keep a text, as the writer does."""
    lasting = None if lifetime is None else duration_in_microseconds(lifetime)
    one = KeptContext(read_at, lasting, msgspec.Raw(b"{}"))
    put(Table.CONTEXT, key, one, one.ends_at).apply(connection)


class Step(NamedTuple):
    """What happens next: real time goes by, the clock is set, a text is kept, and perhaps the program starts anew."""

    passing: timedelta
    jump: timedelta
    lifetime: timedelta | None
    is_restart: bool


STEPS = st.lists(
    st.builds(
        Step,
        st.timedeltas(timedelta(0), 3 * HOUR),
        st.sampled_from([timedelta(0), timedelta(0), DAY, -DAY, YEAR, -YEAR, HOUR, -HOUR]),
        st.sampled_from([None, HOUR, 5 * HOUR, 3 * DAY]),
        st.booleans(),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_however_the_clock_jumps_a_text_lives_no_longer_than_it_was_set_back(steps: list[Step]) -> None:
    """By true time, which nobody here can see; the program looks at its clock after each step."""
    clock = ManualClock()
    true_now = BEGIN
    back = timedelta(0)  # by how much in all the clock was set back
    texts: dict[
        str, tuple[datetime, timedelta | None, timedelta]
    ] = {}  # by key: when it was kept, for how long, and how far the clock had been set back by then
    failures: list[str] = []
    with TemporaryDirectory() as folder:
        file = Path(folder) / FILE_NAME
        connection = open_file(file).connection
        if connection is None:
            pytest.fail("it cannot be written")
        with closing(connection):
            chores = Chores(file, failures.append, lambda: to_microseconds(clock()))
            chores.begin(connection)
            for number, step in enumerate(steps):
                true_now += step.passing
                clock.jump(step.passing + step.jump)
                back += max(timedelta(0), -step.jump)
                if step.is_restart:
                    chores = Chores(file, failures.append, lambda: to_microseconds(clock()))
                    chores.begin(connection)
                chores.look_again(context=False, wipe=True)
                chores.do_what_is_due(connection)
                there = {key for (key,) in connection.execute("SELECT key FROM browser_context")}
                for key, (since, lifetime, former) in texts.items():
                    if lifetime is None:
                        assert key in there
                    elif key in there:
                        assert true_now - since < lifetime + (back - former)
                put_text(connection, f"{number}", to_microseconds(clock()), step.lifetime)
                texts[f"{number}"] = true_now, step.lifetime, back
    assert not failures


def test_a_text_from_the_future_lives_no_longer_than_its_time_from_now_on(tmp_path: Path) -> None:
    """The moment comes from whoever read it; found at the start, and a minute after it was kept."""
    clock = ManualClock()
    with Store.open(tmp_path, clock=clock) as store:
        keep(store, "key", TEXT, BEGIN + YEAR, HOUR)
    with Store.open(tmp_path, clock=clock) as store:
        assert looked(store, tmp_path) == {"key"}
        clock.jump(HOUR)
        assert looked(store, tmp_path) == set()
        assert not pieces(tmp_path, [TEXT])


def test_a_choice_shortens_what_is_kept_and_lengthens_nothing(tmp_path: Path) -> None:
    clock = ManualClock()
    with Store.open(tmp_path, clock=clock) as store:
        lifetimes = {"short": HOUR, "long": 9 * DAY, "manual": None}
        for key, lifetime in lifetimes.items():
            keep(store, key, f"{key} {TEXT}", BEGIN, lifetime)
        store.retain_contexts(None)
        store.retain_contexts(5 * YEAR)
        clock.jump(HOUR)
        assert looked(store, tmp_path) == {"long", "manual"}
        store.retain_contexts(DAY)
        assert looked(store, tmp_path) == {"long", "manual"}
        assert kept(tmp_path) == {key: f"{key} {TEXT}" for key in ("long", "manual")}
        store.retain_contexts(None)
        clock.now = BEGIN + DAY
        assert looked(store, tmp_path) == set()
        assert not pieces(tmp_path, [TEXT])


def test_a_choice_that_ends_a_text_in_the_past_deletes_it_at_once(tmp_path: Path) -> None:
    clock = ManualClock()
    with Store.open(tmp_path, clock=clock) as store:
        keep(store, "key", TEXT, BEGIN, None)
        clock.jump(DAY)
        store.retain_contexts(HOUR)
        assert store.flush()
        assert kept(tmp_path) == {}
        assert not pieces(tmp_path, [TEXT])


def test_choosing_to_keep_nothing_deletes_all_at_once(tmp_path: Path) -> None:
    with Store.open(tmp_path, clock=ManualClock()) as store:
        for key, lifetime in {"hours": HOUR, "manual": None}.items():
            keep(store, key, TEXT, BEGIN, lifetime)
        store.retain_contexts(timedelta(0))
        assert store.flush()
        assert kept(tmp_path) == {}
        assert not pieces(tmp_path, [TEXT])


@pytest.mark.parametrize(
    "damage",
    [
        "value = CAST(x'7bff80' AS TEXT)",
        "key = CAST(x'ff80' AS TEXT)",
        "value = replace(value, '3600', '9600')",
        "at = 0",
        "sum = 'no number'",
        "value = x'00'",
    ],
)
def test_a_row_that_was_spoiled_is_deleted_and_nothing_else_suffers(tmp_path: Path, damage: str) -> None:
    """Nobody can tell any more how long it may be kept."""
    clock = ManualClock()
    with Store.open(tmp_path, clock=clock) as store:
        keep(store, "spoiled", TEXT, BEGIN, HOUR)
        keep(store, "sound", "stays", BEGIN, None)
    execute(tmp_path, f"UPDATE browser_context SET {damage} WHERE key = 'spoiled'")
    with Store.open(tmp_path, clock=clock) as store:
        store.set_setting("other", 1)
        assert store.flush()
        assert kept(tmp_path) == {"sound": "stays"}
        assert rows(tmp_path, "SELECT key FROM settings") == [("other",)]
        assert not pieces(tmp_path, [TEXT])


def test_a_spoiled_mark_still_has_the_file_wiped(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        keep(store, "key", TEXT, BEGIN, None)
    execute(tmp_path, "DELETE FROM browser_context")
    execute(tmp_path, "INSERT INTO settings VALUES ('store.wipe', 0, CAST(x'ff' AS TEXT), 1)")
    (tmp_path / f"{FILE_NAME}-wal").touch()
    with Store.open(tmp_path) as store:
        assert store.flush()
        assert not pieces(tmp_path, [TEXT])
        assert rows(tmp_path, "SELECT key FROM settings") == []
