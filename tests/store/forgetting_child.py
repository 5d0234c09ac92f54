"""A process of its own that keeps and deletes texts; the tests kill it, or have it read meanwhile.

forgetting_child read FOLDER            reads in a transaction, says so, and ends it when it is told a line
forgetting_child churn FOLDER SEED      keeps and deletes for ever what `churning` says; says the number of each round
                                        that is done
forgetting_child churn FOLDER SEED N    so many rounds, then closes and says whether all was saved
forgetting_child spill FOLDER           writes more than SQLite keeps in memory, says what, and never commits it
forgetting_child die FOLDER STAGE       deletes everything and is killed right after that stage of it
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from ecs_localai.store import Store, Table
from ecs_localai.store.changes import Forget, put
from ecs_localai.store.opening import FILE_NAME, open_file
from ecs_localai.store.retention import empty_log, rewrite
from tests.store.forgetting_parts import BEGIN, ManualClock, keep, look_now, random_text

STAGES = ("deleted", "rewritten", "log emptied")
LIFETIMES = (None, timedelta(hours=1), timedelta(days=2))


class Round(NamedTuple):
    """What one round keeps, and what it takes out."""

    new: dict[str, tuple[str, timedelta | None]]
    removed: list[str]
    forward: timedelta
    retained: timedelta | None
    forgotten: bool


def churning(seed: str) -> Iterator[Round]:
    """The same rounds for the same seed, without an end."""
    chance = random.Random(seed)
    keys: list[str] = []
    while True:
        new = {
            f"{seed}-{random_text(chance, (20, 60))}": (random_text(chance), chance.choice(LIFETIMES))
            for _ in range(chance.randint(1, 6))
        }
        if keys:  # one comes again with another text
            new[chance.choice(keys)] = random_text(chance), chance.choice(LIFETIMES)
        removed = chance.sample(keys, min(len(keys), chance.randint(0, 4)))
        keys = [key for key in (*keys, *new) if key not in removed]
        yield Round(
            {key: one for key, one in new.items() if key not in removed},
            removed,
            timedelta(minutes=chance.choice((0, 0, 20, 90))),
            chance.choice((None, None, None, timedelta(hours=30))),
            chance.random() < 0.1,
        )


def post(store: Store, clock: ManualClock, one: Round) -> None:
    """One round's changes."""
    for key, (text, lifetime) in one.new.items():
        keep(store, key, text, clock.now, lifetime)
    for key in one.removed:
        store.remove(Table.CONTEXT, key)
    if one.retained is not None:
        store.retain_contexts(one.retained)
    if one.forgotten:
        store.forget(Table.CONTEXT)
    clock.jump(one.forward)
    look_now(store)


def say(line: object) -> None:
    """In one write, at once."""
    os.write(1, f"{line}\n".encode())


def read(folder: Path) -> None:
    """An older state is needed as long as somebody reads it."""
    with closing(sqlite3.connect(folder / FILE_NAME, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        say(connection.execute("SELECT count(*) FROM browser_context").fetchone()[0])
        sys.stdin.readline()


def churn(folder: Path, seed: str, count: int | None) -> None:
    clock = ManualClock(BEGIN)
    store = Store.open(folder, clock=clock)
    say("ready")
    for number, one in enumerate(islice(churning(seed), count)):
        post(store, clock, one)
        if number % 2 and store.flush():
            say(number)
    say(f"{store.close()} {list(store.failures)}")


def spill(folder: Path) -> None:
    connection = open_file(folder / FILE_NAME).connection
    if connection is None:
        sys.exit("it cannot be written")
    chance = random.Random(0)
    texts = [random_text(chance, (5_000, 9_000)) for _ in range(12)]
    connection.execute("PRAGMA cache_size = 4")
    connection.execute("BEGIN IMMEDIATE")
    for text in texts:
        put(Table.CONTEXT, text[:20], text).apply(connection)
    say(" ".join(texts))
    sys.stdin.readline()


def die(folder: Path, stage: str) -> None:
    connection = open_file(folder / FILE_NAME).connection
    if connection is None:
        sys.exit("it cannot be written")
    connection.execute("BEGIN IMMEDIATE")
    Forget(tuple(Table), copies=True).apply(connection)
    connection.execute("COMMIT")
    if stage in STAGES[1:]:
        rewrite(connection)
    if stage in STAGES[2:] and not empty_log(connection):
        sys.exit("the log could not be emptied")
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["read", folder_name]:
            read(Path(folder_name))
        case ["churn", folder_name, seed_text]:
            churn(Path(folder_name), seed_text, None)
        case ["churn", folder_name, seed_text, rounds]:
            churn(Path(folder_name), seed_text, int(rounds))
        case ["spill", folder_name]:
            spill(Path(folder_name))
        case ["die", folder_name, last]:
            die(Path(folder_name), last)
        case _:
            sys.exit(__doc__)
