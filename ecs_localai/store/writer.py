"""The one thread that writes: gathers changes for a moment, commits them together, retries what failed."""

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from pathlib import Path
from queue import Empty, SimpleQueue

from ecs_localai.store.changes import AddMeasurements, Amend, Change, Put, Remove, Swap
from ecs_localai.store.chores import Chores
from ecs_localai.store.damage import is_damage, primary_code
from ecs_localai.store.migrations import SCHEMA_VERSION, NewerSchemaError, roll_back, schema_version
from ecs_localai.store.news import NewsDesk, StoredNews
from ecs_localai.store.opening import Access, OpenedFile, file_identity, is_sound, open_file
from ecs_localai.store.state import READ_AT_START
from ecs_localai.store.tables import Table

GATHER_SECONDS = 0.05
"""From the first waiting change to its commit. Far below the 250 ms after which a change must be durable."""

_FIRST_RETRY_SECONDS = 0.5
_LAST_RETRY_SECONDS = 30.0
_CHECK_AFTER_SECONDS = 0.5  # the program's start comes first


class StoreReport:
    """What the store has to say. Any thread may read and write: fields are replaced or appended whole."""

    def __init__(self, notice: str | None) -> None:
        self.notice = notice
        self.failures: deque[str] = deque(maxlen=50)
        self._last: str | None = None

    def fail(self, sentence: str) -> None:
        """Keeps the sentence unless it was the last one: a retry that fails again says nothing new."""
        if self._last != sentence:
            self._last = sentence
            self.failures.append(sentence)

    def succeed(self) -> None:
        """From here on the same sentence is news again."""
        self._last = None


class Request:
    """Asks the writer to save now, and to end after it if `last`."""

    def __init__(self, last: bool) -> None:
        self.last = last
        self.saved = False
        self.done = threading.Event()


class NewsWanted:
    """Asks the writer to tell what the file says now."""


class Writer:
    """Owns the open file. Everything but `post` and `stop` happens on its own thread."""

    def __init__(
        self,
        file: Path,
        opened: OpenedFile,
        report: StoreReport,
        on_news: Callable[[StoredNews], None] | None,
        clock: Callable[[], int],
    ) -> None:
        self._file = file
        self._opened = opened
        self._report = report
        self._chores = Chores(file, report.fail, clock)
        self._news = NewsDesk(on_news)
        self._received = 0
        self._check_at: float | None = None
        # Where a damaged file lies stays worth saying; that the disk was full does not.
        self._lasting_notice = opened.notice if opened.access is Access.WRITABLE else None
        self._inbox: SimpleQueue[Change | Request | NewsWanted] = SimpleQueue()
        # Insertion order is the order of posting; a change that comes again moves to the end.
        self._pending: dict[object, Change] = {}
        self._due: float | None = None
        self._retry_seconds = _FIRST_RETRY_SECONDS
        self._dropped = False
        self._is_suspect = False
        """Whether the file has shown damage in use."""
        # A daemon: a program that forgets to close must still end. The store saves at exit.
        self._thread = threading.Thread(target=self._run, name="ecs-localai-store", daemon=True)
        self.post = self._inbox.put
        """Hands over a change or a request; a queue append in C, never waits."""

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """Saves and ends; True if all was saved within `timeout` seconds."""
        request = Request(last=True)
        self.post(request)
        self._thread.join(timeout)
        late = self._inbox.qsize()
        if late and not self._thread.is_alive():
            self._report.fail(f"{late} changes came while the store was closing and were not saved.")
            return False
        return request.saved and not self._thread.is_alive()

    def _run(self) -> None:
        self._begin()
        self._check_at = time.monotonic() + _CHECK_AFTER_SECONDS
        try:
            while True:
                item = self._receive()
                if item is None:
                    self._do_what_is_due()
                elif isinstance(item, NewsWanted):
                    self._news.ask()
                elif isinstance(item, Request):
                    item.saved = self._save()
                    item.saved = self._chores.finish(self._opened.connection) and item.saved
                    if item.last and self._pending:
                        self._report.fail(f"{len(self._pending)} changes could not be saved before closing.")
                    item.done.set()
                    if item.last:
                        return
                else:
                    self._gather(item)
        finally:
            self._close()

    def _begin(self) -> None:
        """The file has been opened."""
        self._chores.begin(self._opened.connection)
        self._news.begin(self._opened.connection, self._opened.state, self._opened.identity)

    def _do_what_is_due(self) -> None:
        now = time.monotonic()
        if self._due is not None and now >= self._due:
            self._save()
        self._chores.do_what_is_due(self._opened.connection)
        if self._check_at is not None and now >= self._check_at:
            self._check_whole()
        connection = self._opened.connection
        if self._news.due is None or now < self._news.due:
            return
        if connection is None or self._pending:
            self._news.due = now + GATHER_SECONDS
        elif self._news.look(connection, self._received):
            self._chores.look_again(context=True, wipe=False)  # the other one may have kept a text

    def _check_whole(self) -> None:
        """Look at every page once: the start has looked at those alone that it has read."""
        self._check_at = None
        if self._opened.connection is not None and not is_sound(self._opened.connection):
            self._is_suspect = True
            self._reopen()

    def _receive(self) -> Change | Request | NewsWanted | None:
        """The next item, or `None` when something is due. Sleeps without a timeout where nothing ever is."""
        dues = [due for due in (self._due, self._chores.due, self._news.due, self._check_at) if due is not None]
        if not dues:
            return self._inbox.get()
        remaining = min(dues) - time.monotonic()
        if remaining <= 0:
            return None
        try:
            return self._inbox.get(timeout=remaining)
        except Empty:
            return None

    def _gather(self, change: Change) -> None:
        self._received += 1
        if isinstance(change, Put | Remove | Amend | Swap) and change.table in READ_AT_START:
            self._news.change(change.table)
        place: object = change.place or object()  # what has no place is replaced by nothing
        self._pending.pop(place, None)
        self._pending[place] = change
        if self._due is None:
            self._due = time.monotonic() + GATHER_SECONDS

    def _save(self) -> bool:
        """Commits what waits. False if something could not be saved; it waits on, unless it never can be."""
        self._due = None
        if self._pending:
            problem = self._commit()
            if problem is None:
                self._pending.clear()
                self._retry_seconds = _FIRST_RETRY_SECONDS
                self._report.succeed()
            else:
                self._report.fail(problem)
            if self._pending:
                self._due = time.monotonic() + self._retry_seconds
                self._retry_seconds = min(self._retry_seconds * 2, _LAST_RETRY_SECONDS)
        return not self._pending and not self._dropped

    def _commit(self) -> str | None:
        """Commits everything that waits, or says in a sentence why not."""
        if not self._is_current():
            self._reopen()
        if self._opened.connection is not None:
            try:
                _write(self._opened.connection, self._pending.values())
            except NewerSchemaError:
                self._reopen()
            except sqlite3.Error as error:
                if primary_code(error) != sqlite3.SQLITE_BUSY:
                    self._close()  # the next try opens the file anew and finds out what is wrong
                    self._is_suspect = is_damage(error)
                return f"Changes could not be saved in {self._file.parent} ({error}); they will be tried again."
            else:
                self._after_commit()
                return None
        if self._opened.access is Access.NEWER:
            self._pending.clear()
            self._dropped = True
        return self._opened.notice or f"{self._file} could not be opened; changes will be tried again."

    def _after_commit(self) -> None:
        changes = self._pending.values()
        self._chores.look_again(
            context=any(isinstance(change, Put) and change.table is Table.CONTEXT for change in changes),
            wipe=any(change.deletes for change in changes),
        )

    def _is_current(self) -> bool:
        """False if the file must be opened anew: it was closed after an error, or moved or deleted under us.

        In the latter case SQLite would go on writing into a file that nobody finds.
        """
        if self._opened.access is Access.NEWER:
            return True
        return self._opened.connection is not None and self._opened.identity == file_identity(self._file)

    def _reopen(self) -> None:
        former = self._opened.identity
        if former is not None and former != file_identity(self._file):  # before a new file gets the same number
            self._news.lose()
        self._close()
        self._opened = opened = open_file(self._file, thorough=self._is_suspect)
        self._is_suspect = False
        self._begin()
        notices = [said for said in (self._lasting_notice, opened.notice) if said is not None]
        self._report.notice = " ".join(notices) or None
        if opened.access is Access.WRITABLE:
            self._lasting_notice = self._report.notice

    def _close(self) -> None:
        connection = self._opened.connection
        if connection is None:
            return
        self._opened.connection = None
        try:
            connection.close()
        except sqlite3.Error as error:
            self._report.fail(f"{self._file} could not be closed properly ({error}); committed changes are in it.")


def _write(connection: sqlite3.Connection, changes: Collection[Change]) -> None:
    """One transaction, row by row: another process' rows stay. Raises and changes nothing, or commits.

    Measurements alone are not worth waking the disk for every three seconds: a killed process loses none of them, a
    power cut the last ones.
    """
    only_measured = all(isinstance(change, AddMeasurements) for change in changes)
    connection.execute(f"PRAGMA synchronous = {'NORMAL' if only_measured else 'FULL'}")
    connection.execute("BEGIN IMMEDIATE")
    try:
        if schema_version(connection) != SCHEMA_VERSION:
            raise NewerSchemaError
        for change in changes:
            change.apply(connection)
        connection.execute("COMMIT")
    finally:
        roll_back(connection)
