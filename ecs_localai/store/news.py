"""What another process has changed in the file, noticed and read."""

import sqlite3
import time
from collections.abc import Callable
from typing import NamedTuple

from ecs_localai.store.migrations import roll_back
from ecs_localai.store.state import READ_AT_START, StoredState, read_state
from ecs_localai.store.tables import Table

NEWS_SECONDS = 1.0
"""How often it is asked whether another process has changed the file: one pragma, 5 µs."""

_PRINTS = " UNION ALL ".join(
    f"SELECT count(*), ifnull(max(rowid), 0), {'0' if table is Table.HISTORY else 'ifnull(sum(sum), 0)'} FROM {table}"
    for table in READ_AT_START
)
"""What tells whether any row that a start reads is another one: each has a checksum, and what is posted to the history
gets a new number. SQLite finds out while Python does something else; reading it all takes 4 ms of Python's time, and
another program commits its measurements every few seconds."""


class StoredNews(NamedTuple):
    """All that the file says, after another process has changed it."""

    state: StoredState
    received: int
    """So many of this store's own changes are in it."""
    losses: int = 0
    """So often another file has taken the place of the one that was in use: a damaged or deleted one. What this one
    lacks nobody has removed."""


class NewsDesk:
    """Asks for news and hands them on. For the writer's thread alone.

    Whoever is told may write into what was told what it posts itself, as it does: that is then no news. Of the queue
    nobody does.
    """

    def __init__(self, tell: Callable[[StoredNews], None] | None) -> None:
        self._tell = tell
        self._data_version: int | None = None
        self._prints: list[tuple[int, int, int]] | None = None
        self._is_wanted = False
        self._is_queue_ours = False
        """Whether this store has changed the queue since it was read: then it may be as it was told, and yet have been
        changed by another process."""
        self._told: StoredState | None = None
        self._identity: tuple[int, int] | None = None
        self._is_lost = False
        self._losses = 0
        self.due: float | None = None
        """When to look next, in `time.monotonic`; None for never."""

    def begin(
        self, connection: sqlite3.Connection | None, state: StoredState, identity: tuple[int, int] | None
    ) -> None:
        """The file has been opened, or could not be, and says this."""
        self.due = None
        if self._tell is None:
            return
        former, self._told = self._told, self._told or state
        if connection is None:
            return
        if former is not None and former != state:  # what could not be read is there now, or something is lost
            self._is_wanted = True
        if self._is_lost or (self._identity is not None and identity != self._identity):
            self._losses += 1
        self._is_lost, self._identity = False, identity
        self._data_version, self._prints = _data_version(connection), None
        self.due = time.monotonic() + (0.0 if self._is_wanted else NEWS_SECONDS)

    def lose(self) -> None:
        """The file that was in use is not in its place any more."""
        self._is_lost = True

    def change(self, table: Table) -> None:
        """This store changes a table that a start reads: another process may put back what was there."""
        self._prints = None
        self._is_queue_ours = self._is_queue_ours or table is Table.QUEUE

    def ask(self) -> None:
        """Look at once, and tell whatever there is."""
        self._is_wanted = True
        if self.due is not None:
            self.due = time.monotonic()

    def look(self, connection: sqlite3.Connection, received: int) -> bool:
        """Tell what another process has changed; whether it has changed anything.

        Only while nothing of our own waits to be written: it would be missing in what is told.
        """
        self.due = time.monotonic() + NEWS_SECONDS
        try:
            version = _data_version(connection)
            is_new = version != self._data_version
            if not is_new and not self._is_wanted:
                return False
            connection.execute("BEGIN")  # all that is read is of one moment
            try:
                prints = connection.execute(_PRINTS).fetchall()
                state = read_state(connection) if self._is_wanted or prints != self._prints else None
            finally:
                roll_back(connection)
        except sqlite3.Error:
            return False  # the next commit meets the same trouble and says it
        self._data_version, self._prints = version, prints
        if state is None:
            return is_new
        is_wanted, self._is_wanted = self._is_wanted or self._is_queue_ours, False
        self._is_queue_ours = False
        if self._tell is not None and (is_wanted or state != self._told):  # not for another one's measurements
            self._told = state
            self._tell(StoredNews(state, received, self._losses))
        return is_new


def _data_version(connection: sqlite3.Connection) -> int | None:
    """Changes with every commit of another connection; None where it cannot be read now."""
    try:
        (version,) = connection.execute("PRAGMA data_version").fetchone()
    except sqlite3.Error:
        return None
    return int(version)
