"""The processes of storms: one that forks a storm for each line it reads, and one that tells its story to a tracer.

storm_child serve                 reads "WAY FOLDER NOTES BEGIN STEP", prints the storm's process id, then how it ended
storm_child story FOLDER BEGIN    a few programs' lives, one after the other; prints what is acknowledged
storm_child visit FOLDER          opens it, changes one thing, says "opened" and "saved"
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path

from ecs_localai.store import Store
from ecs_localai.store.opening import FILE_NAME
from tests.store.storm import ROUND, post
from tests.store.storm_notes import StormNotes

LIFE_S = 100
"""A storm that nobody kills (the test itself was killed) ends by a signal."""


class Storm:
    """Posts for ever."""

    def __init__(self, folder: Path, notes: StormNotes, begin: int, step: int) -> None:
        self.folder = folder
        self.notes = notes
        self.index = begin
        self.step = step
        self.store = self.open()

    def open(self) -> Store:
        store = Store.open(self.folder)
        if store.notice is not None or store.failures:
            raise AssertionError(f"{store.notice} {list(store.failures)}")
        self.notes.note_opened()
        return store

    def post(self) -> None:
        self.notes.note_moment(self.index)
        post(self.store, self.index)
        self.index += 1
        self.notes.note_posted(self.index)

    def saved(self, said: bool) -> None:
        if not said:
            raise AssertionError(f"not saved: {list(self.store.failures)}")
        self.notes.note_saved(self.index)

    def flushed(self) -> None:
        """Flushes after every few changes: most kills hit a commit."""
        while True:
            for _ in range(self.step):
                self.post()
            self.saved(self.store.flush())

    def reopened(self) -> None:
        """Closes and opens again: many kills hit a checkpoint, or a beginning."""
        while True:
            for _ in range(self.step):
                self.post()
            self.saved(self.store.close())
            self.store = self.open()

    def in_time(self) -> None:
        """Never flushes, and posts no more than a busy program does: the writer commits in its own time."""
        watcher = threading.Thread(target=self.watch, daemon=True)
        watcher.start()
        while True:
            self.post()
            time.sleep(0.001)

    def torrent(self) -> None:
        """Never flushes, and posts as fast as it can: the writer works at its limit."""
        while True:
            self.post()

    def watch(self) -> None:
        """Notes what another connection finds in the file."""
        file = f"{(self.folder / FILE_NAME).absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(file, uri=True, timeout=30)) as connection:
            while True:
                for (value,) in connection.execute("SELECT value FROM settings WHERE key = 'last'"):
                    self.notes.note_seen(int(value) * ROUND)
                time.sleep(0.001)


WAYS: dict[str, Callable[[Storm], None]] = {
    "flushed": Storm.flushed,
    "reopened": Storm.reopened,
    "in_time": Storm.in_time,
    "torrent": Storm.torrent,
}


def serve() -> None:
    """Has one thread and nothing open, so that it can fork; everything is imported already."""
    for line in sys.stdin:
        way, folder, notes, begin, step = line.rstrip("\n").split("\t")
        process = os.fork()
        if process == 0:
            signal.alarm(LIFE_S)
            try:
                WAYS[way](Storm(Path(folder), StormNotes(Path(notes)), int(begin), int(step)))
            finally:  # a storm ends only by an error: it is shown, and the server's code is not for the child
                traceback.print_exc()
                os._exit(1)
        say(process)
        _, status = os.waitpid(process, 0)
        say(os.waitstatus_to_exitcode(status))


def say(line: object) -> None:
    """In one write, at once."""
    os.write(1, f"{line}\n".encode())


def story(folder: Path, begin: int) -> None:
    """Beginnings, commits of all sizes, a log that is full and begun anew, endings, an ending without a farewell."""
    chance = random.Random(begin)
    index = count(begin)
    for commits, most in ((2, 3), (0, 0), (30, 40), (3, 9), (100, 8), (1, 1)):
        store = Store.open(folder)
        for _ in range(commits):
            for _ in range(chance.randint(1, most)):
                last = next(index)
                post(store, last)
            if not store.flush():
                sys.exit(f"not saved: {list(store.failures)}")
            say(f"saved {last + 1}")
        store.close()
    store = Store.open(folder)
    post(store, next(index))
    store.flush()
    os._exit(0)


def visit(folder: Path) -> None:
    """Opens a folder that holds something, changes one thing, and closes it."""
    with Store.open(folder) as store:
        say("opened")
        store.set_setting("visited", True)
        if not store.flush():
            sys.exit(f"not saved: {list(store.failures)}")
        say("saved")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve"]:
            serve()
        case ["story", folder_name, first]:
            story(Path(folder_name), int(first))
        case ["visit", folder_name]:
            visit(Path(folder_name))
        case _:
            sys.exit(__doc__)
