"""What the writer's thread does besides writing: texts that have lived long enough, and bytes that have to go.

A text is deleted when the clock says so, and within a minute after somebody has set the clock past that moment. Its
bytes are gone right after that; those of a text that another one has replaced, within a minute. What a program that was
killed had begun to write, and nobody ever committed, is gone from the log after the next start.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ecs_localai.store.former import remove_copies, set_aside_files
from ecs_localai.store.migrations import roll_back
from ecs_localai.store.retention import (
    empty_log,
    expire,
    is_due,
    is_marked_for_wiping,
    next_end,
    rewrite,
    take_mark_away,
    wipe_mark,
)

_LONGEST_SLEEP = 60.0  # a clock that somebody sets is noticed by then, and what another process left undone
_SHORTEST_SLEEP = 0.05  # a clock that stands still just before a text's end must not keep a core busy
_RETRY_SECONDS = 2.0
_PATIENCE_MS = 100  # so long it waits for a reader; meanwhile nobody can write
_LAST_PATIENCE_MS = 2_000  # the same where somebody waits for the result
_ROUNDS = 5  # so often another process may delete something while we wipe


class Chores:
    """Knows what is due and when. For the writer's thread alone.

    Each function takes the open connection, or None while the file cannot be written.
    """

    def __init__(
        self,
        file: Path,
        fail: Callable[[str], None],
        clock: Callable[[], int],
    ) -> None:
        self._file = file
        self._fail = fail
        self._clock = clock
        self._expire_at: float | None = None
        self._search_at: float | None = None
        """When `expire` is to be thorough: a text may have been read in the future."""
        self._wipe_at: float | None = None
        self._empty_at: float | None = None
        """When to empty the log of what an earlier program left in it, committed or not."""
        self._is_left = False
        """Whether something was to be wiped when the file was closed after an error."""
        self._is_wiping_late = False
        self._seen: int | None = None
        """What the clock said last."""
        self._rewritten: bytes | None = None
        """The mark for which the file was written anew, if the log could not be emptied then."""
        self._has_told_of_copies = False

    @property
    def due(self) -> float | None:
        """When the next one is due, in `time.monotonic`; None for never."""
        dues = (self._expire_at, self._wipe_at, self._empty_at)
        return min((due for due in dues if due is not None), default=None)

    def begin(self, connection: sqlite3.Connection | None) -> None:
        """The file has been opened."""
        self._is_left = self._is_left or self._wipe_at is not None
        self._rest()
        self._rewritten = None
        if connection is None:
            return
        self._is_left = False
        now = self._expire_at = self._search_at = self._empty_at = time.monotonic()
        try:
            if is_marked_for_wiping(connection):  # the last program ended in between
                self._wipe_at = now
        except sqlite3.Error:
            return  # the next commit meets the same trouble and says it

    def look_again(self, *, context: bool, wipe: bool) -> None:
        """Something was committed: to the texts from browsers, or so that bytes may have to go, or neither."""
        now = time.monotonic()
        if context or wipe:
            self._expire_at = now
        if context:  # it may say that it was read in the future, or have replaced another text
            self._search_at = _earlier(self._search_at, now + _LONGEST_SLEEP)
            self._wipe_at = _earlier(self._wipe_at, now + _LONGEST_SLEEP)
        if wipe:
            self._wipe_at = now

    def do_what_is_due(self, connection: sqlite3.Connection | None) -> None:
        """Do it. Never raises for what the disk or another process can cause: it is tried again."""
        if connection is None:
            self._is_left = self._is_left or self._wipe_at is not None
            self._rest()  # `begin` is called when it is open again
            return
        now = time.monotonic()
        if self._expire_at is not None and now >= self._expire_at:
            self._expire(connection)
        if self._wipe_at is not None and now >= self._wipe_at:
            self._wipe(connection, _PATIENCE_MS)
        if self._empty_at is not None and now >= self._empty_at:
            self._empty(connection)

    def finish(self, connection: sqlite3.Connection | None) -> bool:
        """Delete and wipe now what has to be; False where that is not possible."""
        if connection is None:
            return self._wipe_at is None and not self._is_left
        if self._expire_at is not None and time.monotonic() >= self._expire_at:
            self._expire(connection)
        if self._wipe_at is not None:
            self._wipe(connection, _LAST_PATIENCE_MS)
        if self._empty_at is not None:
            self._empty(connection)
        return self._wipe_at is None

    def _rest(self) -> None:
        self._expire_at = self._search_at = self._wipe_at = self._empty_at = None

    def _expire(self, connection: sqlite3.Connection) -> None:
        now = self._clock()
        is_search_due = self._search_at is not None and time.monotonic() >= self._search_at
        thorough = is_search_due or (self._seen is not None and now < self._seen)
        try:
            if is_due(connection, now, thorough=thorough):
                connection.execute("BEGIN IMMEDIATE")
                try:
                    expire(connection, now, thorough=thorough)
                    connection.execute("COMMIT")
                finally:
                    roll_back(connection)
                if is_marked_for_wiping(connection):
                    self._wipe_at = time.monotonic()
            elif is_marked_for_wiping(connection):  # by another process perhaps, which may have ended
                self._wipe_at = _earlier(self._wipe_at, time.monotonic() + _LONGEST_SLEEP)
            end = next_end(connection)
        except sqlite3.Error as error:
            self._fail(f"Text from a browser that is due to be deleted could not be yet ({error}).")
            self._expire_at = time.monotonic() + _RETRY_SECONDS
            return
        self._seen = now
        if thorough:
            self._search_at = None
        wait = _LONGEST_SLEEP if end is None else min(_LONGEST_SLEEP, (end - self._clock()) / 1_000_000)
        self._expire_at = time.monotonic() + max(_SHORTEST_SLEEP, wait)

    def _wipe(self, connection: sqlite3.Connection, patience_ms: int) -> None:
        """Take out of the file every byte of what was deleted, or say why not and try again later."""
        reason: str | None = None
        try:
            with _waiting_for_others(connection, patience_ms):
                for _ in range(_ROUNDS):
                    reason = self._wipe_once(connection)
                    if reason is not None or not is_marked_for_wiping(connection):
                        break
                else:
                    reason = "another process goes on deleting"
        except sqlite3.Error as error:
            reason = str(error)
        if reason is None:
            self._wipe_at, self._is_wiping_late = None, False
            return
        if self._is_wiping_late or patience_ms == _LAST_PATIENCE_MS:  # once it may be one that reads for a moment
            self._fail(
                f"What was deleted could not yet be wiped from {self._file} ({reason}); it is tried again until it is."
            )
        self._is_wiping_late = True
        self._wipe_at = time.monotonic() + _RETRY_SECONDS

    def _wipe_once(self, connection: sqlite3.Connection) -> str | None:
        """Wipe what is marked now; returns why not."""
        mark = wipe_mark(connection)
        if mark is None:
            return None
        are_copies_gone = not mark.copies or remove_copies(self._file, self._fail)
        if self._rewritten != mark.value:
            try:
                rewrite(connection)
            except sqlite3.OperationalError:
                empty_log(connection)  # on a full disk the log may be what leaves no room
                raise
            self._rewritten = mark.value
        if not empty_log(connection):
            return "another process is reading it"
        if not are_copies_gone:
            return "a copy beside it could not be deleted"
        self._empty_at = None
        take_mark_away(connection, mark)
        self._tell_of_copies()
        return None

    def _empty(self, connection: sqlite3.Connection) -> None:
        """Empty the log; silently, as it was nobody's wish, and later where that is not possible."""
        try:
            with _waiting_for_others(connection, _PATIENCE_MS):
                done = empty_log(connection)
        except sqlite3.Error:
            done = False
        self._empty_at = None if done else time.monotonic() + _RETRY_SECONDS

    def _tell_of_copies(self) -> None:
        """What was deleted may be in a damaged file, which is never touched: a person has to know."""
        if self._has_told_of_copies:
            return
        for copy in set_aside_files(self._file):
            self._has_told_of_copies = True
            self._fail(
                f"What was deleted now may still be in {copy}, which was set aside as damaged. Delete that file "
                "yourself, or forget everything, if nothing in it is needed any more."
            )


def _earlier(one: float | None, other: float) -> float:
    return other if one is None else min(one, other)


@contextmanager
def _waiting_for_others(connection: sqlite3.Connection, milliseconds: int) -> Iterator[None]:
    """So long, and not as long as usual, another process' transaction is waited for. Raises `sqlite3.Error`."""
    (usual,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute(f"PRAGMA busy_timeout = {milliseconds}")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA busy_timeout = {usual}")
