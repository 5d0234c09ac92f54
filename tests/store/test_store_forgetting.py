"""What was deleted is in no byte of any file in the folder, and what was not deleted is all there.

However it was deleted (its time was over, a person took it out, chose to keep less or to forget all of it, or another
text took its place) and whatever came in between: a reader, a full disk, the end of the process at any moment.

With ``ECS_LOCALAI_FUZZ`` set there are many times as many random histories, and kills.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest

from ecs_localai.store import Store, Table
from ecs_localai.store.opening import FILE_NAME
from tests.store.forgetting_child import STAGES, churning
from tests.store.forgetting_parts import (
    BEGIN,
    ManualClock,
    keep,
    kept,
    look_now,
    pieces,
    random_text,
    start_forgetting,
)
from tests.store.store_parts import answer, rows

ALL = "ECS_LOCALAI_FUZZ" in os.environ
HISTORIES = 200 if ALL else 6
KILLS = 300 if ALL else 12
ROUNDS = 12
RELEASED = Path(__file__).with_name("released")

pytestmark = pytest.mark.timeout(0 if ALL else 120)


class Diary:
    """A store with a random history, and what must be in it by then."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.chance = random.Random(seed)
        self.clock = ManualClock()
        self.store = self.open()
        self.alive: dict[str, tuple[str, timedelta | None]] = {}
        """By key: the text, and how long from now on."""
        self.gone: list[str] = []
        """Texts and keys that must be in no byte."""

    def open(self) -> Store:
        return Store.open(self.folder, clock=self.clock)

    def step(self) -> None:
        ways = (self.add, self.add, self.add, self.replace, self.remove, self.remove, self.wait)
        rare = (self.retain, self.forget, self.reopen)
        self.chance.choice(ways if self.chance.random() < 0.9 else rare)()
        self.store.set_setting(f"noise-{self.chance.randint(0, 9)}", "n" * self.chance.randint(0, 3_000))

    def add(self) -> None:
        for _ in range(self.chance.randint(1, 6)):
            self.put(random_text(self.chance, (16, 60)))

    def put(self, key: str) -> None:
        text = random_text(self.chance)
        lifetime = self.chance.choice((None, timedelta(hours=1), timedelta(hours=5), timedelta(days=3)))
        keep(self.store, key, text, self.clock.now, lifetime)
        self.alive[key] = text, lifetime

    def replace(self) -> None:
        for key in self.some():
            self.gone.append(self.alive[key][0])
            self.put(key)

    def remove(self) -> None:
        for key in self.some():
            self.store.remove(Table.CONTEXT, key)
            self.bury(key)

    def wait(self) -> None:
        by = timedelta(minutes=self.chance.choice((1, 59, 60, 61, 600, 6_000)))
        self.clock.jump(by)
        self.alive = {key: (text, left and left - by) for key, (text, left) in self.alive.items()}
        self.bury_dead()
        look_now(self.store)

    def retain(self) -> None:
        """Texts whose age is not zero live shorter than that from now on: their age counts."""
        self.store.flush()
        ages = rows(self.folder, "SELECT key, json_extract(value, '$.read_at') FROM browser_context")
        lifetime = timedelta(hours=self.chance.choice((0, 1, 3, 50)))
        self.store.retain_contexts(lifetime)
        now = (self.clock.now - BEGIN).total_seconds() + BEGIN.timestamp()
        for key, read_at in ages:
            text, left = self.alive[str(key)]
            rest = lifetime - timedelta(seconds=now - int(str(read_at)) / 1_000_000)
            self.alive[str(key)] = text, rest if left is None else min(left, rest)
        if not lifetime:
            for key in list(self.alive):
                self.bury(key)
        self.bury_dead()

    def forget(self) -> None:
        if self.chance.random() < 0.5:
            self.store.forget(Table.CONTEXT)
        else:
            self.store.forget_everything()
        for key in list(self.alive):
            self.bury(key)

    def reopen(self) -> None:
        assert self.store.close()
        self.check()
        self.store = self.open()

    def some(self) -> list[str]:
        return self.chance.sample(list(self.alive), min(len(self.alive), self.chance.randint(1, 8)))

    def bury(self, key: str) -> None:
        self.gone += key, self.alive.pop(key)[0]

    def bury_dead(self) -> None:
        for key in [key for key, (_, left) in self.alive.items() if left is not None and left <= timedelta(0)]:
            self.bury(key)

    def check(self) -> None:
        assert not list(self.store.failures)
        assert kept(self.folder) == {key: text for key, (text, _) in self.alive.items()}
        assert not pieces(self.folder, self.gone)


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_after_any_history_what_was_deleted_is_nowhere_and_the_rest_is_there(tmp_path: Path, seed: int) -> None:
    diary = Diary(tmp_path, seed)
    for _ in range(ROUNDS):
        for _ in range(diary.chance.randint(1, 8)):
            diary.step()
        assert diary.store.flush()
        diary.check()
    assert diary.store.close()
    diary.check()
    assert len(diary.gone) > ROUNDS


def test_another_process_that_deletes_too_gets_all_of_it_wiped(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    children = {seed: start_forgetting("churn", str(tmp_path), seed, "40") for seed in ("one", "two")}
    for child in children.values():
        said = child.communicate(timeout=100)[0].splitlines()
        assert said[-1].startswith("True"), said
    check_churned(tmp_path, dict.fromkeys(children, 40))


def check_churned(folder: Path, rounds: dict[str, int], *, unsure: int = 0) -> None:
    """Of all that was ever kept in these rounds, what the file does not have is in no byte of it.

    `unsure`: so many more rounds may have begun; what the others have taken out is not there.
    """
    there = kept(folder)
    ever: set[str] = set()
    removed: set[str] = set()
    known: dict[str, set[str]] = {}
    for seed, count in rounds.items():
        for number, one in enumerate(islice(churning(seed), count + unsure)):
            for key, (text, _) in one.new.items():
                ever |= {key, text}
                known.setdefault(key, set()).add(text)
            if number < count:
                removed.update(one.removed)
    assert all(text in known[key] for key, text in there.items())
    assert not removed & there.keys()
    assert not pieces(folder, ever - there.keys() - set(there.values()))


def test_a_kill_at_any_moment_leaves_nothing_behind_after_the_next_start(tmp_path: Path) -> None:
    chance = random.Random(4)
    for number in range(KILLS):
        folder = tmp_path / str(number)
        seed = f"kill-{number}"
        child = start_forgetting("churn", str(folder), seed)
        assert answer(child) == "ready"
        last = -1
        for _ in range(chance.randint(0, 4)):
            last = int(answer(child))
        time.sleep(chance.uniform(0.0, 0.08))  # any moment will do
        child.kill()
        rest = child.communicate(timeout=20)[0].split()
        last = max([last, *(int(one) for one in rest if one.isdigit())])
        with Store.open(folder, clock=ManualClock()) as store:
            assert store.flush()
            assert store.notice is None
            check_churned(folder, {seed: last + 1}, unsure=20)  # it may have kept more than it could tell
        shutil.rmtree(folder)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="a program that kills itself needs SIGKILL")
@pytest.mark.parametrize("stage", STAGES)
def test_forgetting_everything_goes_on_where_a_kill_stopped_it(tmp_path: Path, stage: str) -> None:
    chance = random.Random(5)
    texts = [random_text(chance) for _ in range(60)]
    with Store.open(tmp_path) as store:
        for number, text in enumerate(texts):
            keep(store, f"{number}", text, BEGIN, None)
    copy = tmp_path / "ecs-localai.damaged-20260101T000000Z.sqlite3"
    shutil.copy(tmp_path / FILE_NAME, copy)
    child = start_forgetting("die", str(tmp_path), stage)
    assert child.communicate(timeout=20)[0] == ""
    assert child.returncode == -signal.SIGKILL
    assert pieces(tmp_path, texts)
    with Store.open(tmp_path) as store:
        assert store.flush()
        assert not pieces(tmp_path, texts)
        assert not copy.exists()
        assert store.initial.settings == {}
    assert rows(tmp_path, "SELECT count(*) FROM settings") == [(0,)]


def test_forgetting_everything_takes_the_copies_beside_the_file_too_and_nothing_else(tmp_path: Path) -> None:
    """A file of the first version is migrated, damaged, set aside and salvaged; a copying was interrupted."""
    shutil.copytree(RELEASED / "schema-1-closed", tmp_path, dirs_exist_ok=True)
    chance = random.Random(7)
    text = random_text(chance, (5_000, 5_000))
    with Store.open(tmp_path) as store:
        keep(store, "key", text, BEGIN, None)
    file = tmp_path / FILE_NAME
    (tmp_path / "ecs-localai.schema-1.sqlite3.123.part").write_bytes(file.read_bytes())
    file.write_bytes(file.read_bytes()[:100] + b"\xff" * 4_000 + file.read_bytes()[4_100:])
    (tmp_path / "mine.txt").write_text("of somebody else")
    with Store.open(tmp_path) as store:
        assert "damaged" in str(store.notice)
        assert store.flush()
        assert kept(tmp_path) == {"key": text}
        names = [path.name for path in tmp_path.iterdir()]
        assert any("schema-1" in name for name in names)
        assert any("damaged" in name for name in names)
        store.forget_everything()
        assert store.flush()
        assert not pieces(tmp_path, [text])
        for table in Table:
            assert rows(tmp_path, f"SELECT count(*) FROM {table}") == [(0,)]
        store.set_setting("after", 1)
    assert {path.name for path in tmp_path.iterdir()} <= {FILE_NAME, "ecs-localai.lock", "mine.txt"}
    assert (tmp_path / "mine.txt").read_text() == "of somebody else"
    assert (tmp_path / "ecs-localai.lock").stat().st_size == 0
    with Store.open(tmp_path) as store:
        assert store.initial.settings == {"after": 1}


def test_a_copy_that_cannot_be_deleted_is_named_and_tried_again(tmp_path: Path) -> None:
    obstacle = tmp_path / "ecs-localai.damaged-20260101T000000Z.sqlite3"
    obstacle.mkdir()  # no file: it cannot be deleted as one, even by an administrator
    with Store.open(tmp_path) as store:
        store.forget_everything()
        assert not store.flush()
        assert any(str(obstacle) in failure and "delete it yourself" in failure for failure in store.failures)
        obstacle.rmdir()
        assert store.flush()


def test_who_deletes_is_told_of_a_damaged_file_that_may_still_have_it(tmp_path: Path) -> None:
    """It was set aside for the person to have, and is not touched by anything but forgetting everything."""
    with Store.open(tmp_path) as store:
        keep(store, "key", "text", BEGIN, None)
    aside = tmp_path / "ecs-localai.damaged-20260101T000000Z.sqlite3"
    shutil.copy(tmp_path / FILE_NAME, aside)
    before = aside.read_bytes()
    with Store.open(tmp_path) as store:
        store.remove(Table.CONTEXT, "key")
        assert store.flush()
        [failure] = store.failures
        assert str(aside) in failure
    assert aside.read_bytes() == before


def test_what_was_taken_out_before_is_wiped_when_its_table_is_forgotten(tmp_path: Path) -> None:
    """A host that was removed long ago is no row any more, but forgetting hosts means that one as well."""
    chance = random.Random(8)
    texts = [random_text(chance) for _ in range(30)]
    with Store.open(tmp_path) as store:
        for number, text in enumerate(texts):
            store.put(Table.HOSTS, f"{number}", {"url": text})
        assert store.flush()
        for number in range(30):
            store.remove(Table.HOSTS, f"{number}")
        assert store.flush()
        assert pieces(tmp_path, texts)
        store.forget(Table.HOSTS)
        assert store.flush()
        assert not pieces(tmp_path, texts)
