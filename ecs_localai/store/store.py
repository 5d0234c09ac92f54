"""What the program sees of the store: the state at the start, and changes that are posted."""

import atexit
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import ParamSpec

from ecs_localai.components.time_values import utc_now
from ecs_localai.store.changes import (
    REFUSALS,
    Amend,
    Change,
    Forget,
    Retain,
    Swap,
    amend,
    checked_json,
    measured,
    put,
    put_json,
    remove,
)
from ecs_localai.store.moments import duration_in_microseconds, to_microseconds
from ecs_localai.store.news import StoredNews
from ecs_localai.store.opening import FILE_NAME, open_file
from ecs_localai.store.retention import KeptContext
from ecs_localai.store.state import ModelUsage, StoredState
from ecs_localai.store.tables import Table
from ecs_localai.store.writer import NewsWanted, Request, StoreReport, Writer

P = ParamSpec("P")


class Store:
    """What a person set and what happened, kept in one SQLite file, or only in memory.

    The functions that change something may be called on a frame, from any thread: they append to a queue, never wait
    and never raise. A change is durable about 50 ms later. What cannot be saved now (a full disk, a lock) stays
    queued and is tried again; `failures` says so. The order of posting holds: a crash keeps everything up to some
    moment, never a later change without an earlier one.

    Several processes may use one folder: each writes the rows that it changes and no others, and hears of what
    another one has changed.
    """

    def __init__(
        self,
        initial: StoredState,
        report: StoreReport,
        file: Path | None = None,
        writer: Writer | None = None,
    ) -> None:
        self.initial = initial
        """What the file said when it was opened."""
        self.file = file
        """Where the data lies; `None`: only in memory."""
        self._report = report
        self._writer = writer
        self._closed = False
        self._numbers = count(1)
        self._posted: deque[int] = deque((0,), maxlen=16)  # of so many threads one may be held up as it counts

    @classmethod
    def open(
        cls,
        folder: Path | None,
        *,
        on_news: Callable[[StoredNews], None] | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> "Store":
        """Opens or begins the store in this folder; `None` keeps nothing and writes nothing.

        Takes milliseconds (seconds if another process holds a lock): call it at the start or on a background
        thread. It raises nothing for a folder or file that is unusable, damaged or newer: `notice` says it.

        Args:
            folder: where the file lies; made where it is missing.
            on_news: called on the writer's thread, with all that the file says now, about a second after another
                process has changed it.
            clock: what time it is, for texts that are kept until some moment.
        """
        if folder is None:
            return cls(StoredState(), StoreReport(None))
        file = folder.absolute() / FILE_NAME
        opened = open_file(file)
        report = StoreReport(opened.notice)
        report.failures.extend(opened.state.unreadable)
        writer = Writer(file, opened, report, on_news, lambda: to_microseconds(clock()))
        store = cls(opened.state, report, file, writer)
        writer.start()
        atexit.register(store.close)
        return store

    @property
    def notice(self) -> str | None:
        """A sentence for the person about the file as a whole, `None` if all is well. It may change."""
        return self._report.notice

    @property
    def failures(self) -> deque[str]:
        """Sentences about changes that could not be saved (yet), oldest first; the last 50. Take them with
        `popleft`."""
        return self._report.failures

    def put(self, table: Table, key: str, value: object, at: int = 0) -> None:
        """Keeps a row: a value that msgspec can say in JSON. JSON has no NaN and no infinity: they become `None`.

        `at` is a position, or a moment in microseconds since 1970, as the table says.
        """
        self._post(f"an entry of {table}", key, put, table, key, value, at)

    def remove(self, table: Table, key: str) -> None:
        """Takes a row out, if it is there."""
        self._post(f"an entry of {table}", key, remove, table, key)

    def set_flag(self, feature_id: str, enabled: bool) -> None:
        """Keeps whether a feature is on."""
        self._post("the flag", feature_id, put, Table.FLAGS, feature_id, bool(enabled))

    def set_setting(self, key: str, value: object) -> None:
        """Keeps a setting: whatever msgspec can say in JSON.

        JSON has no NaN and no infinity: they come back as `None`. A list may have been a tuple or a set.
        """
        self._post("the setting", key, put, Table.SETTINGS, key, value)

    def add_history(self, installation_id: str, finished_at: datetime, data: bytes) -> None:
        """Keeps a finished installation as `data`, a JSON text. The same id again replaces it, as the newest.

        A `finished_at` without a time zone is taken as local time.
        """
        self._post("the installation", installation_id, _history, installation_id, finished_at, data)

    def set_model_usage(self, name: str, usage: ModelUsage) -> None:
        """Keeps how often a model was used."""
        self._post("the model usage", name, put, Table.MODEL_USAGE, name, usage)

    def add_measurements(self, at: datetime, values: Mapping[str, float]) -> None:
        """Keeps what was measured, by the name of the series: for an hour as it is, for a day by the minute, for a
        year by the hour."""
        self._post("a measurement", at, _measured, at, values)

    def put_context(self, key: str, data: bytes, read_at: datetime, lifetime: timedelta | None) -> None:
        """Keeps `data`, a JSON text that came from a browser, for so long after `read_at`; `None`: until a person
        forgets it. What is to live for this session only must not be handed over at all."""
        self._post("text from a browser", key, _context, key, data, read_at, lifetime)

    def retain_contexts(self, lifetime: timedelta | None) -> None:
        """Shortens the life of what is kept from browsers to this; zero deletes it all, `None` changes nothing."""
        self._post("the retention", lifetime, _retain, lifetime)

    def forget(self, *tables: Table) -> None:
        """Empties these tables, and takes every byte of what was in them out of the file. Copies of it that lie beside
        the file stay: those kept before a migration, and damaged files.

        `flush` then tells whether that is done: another process that is reading the file delays it.
        """
        self._post("forgetting", tables, Forget, tables, False)

    def forget_everything(self) -> None:
        """Empties all tables, takes every byte of it out of the file, and deletes the copies that lie beside it:
        those kept before a migration, and damaged files that were set aside."""
        self._post("forgetting", "", Forget, tuple(Table), True)

    def knows_all(self, news: StoredNews) -> bool:
        """Whether everything that was changed here is in what another process' change has brought.

        If not, the news are asked for again: `on_news` is called once more.
        """
        if news.received >= max(self._posted.copy()):
            return True
        if self._writer is not None and not self._closed:
            self._writer.post(NewsWanted())
        return False

    def swap(self, table: Table, rows: Mapping[str, tuple[object, object]], timeout: float = 5.0) -> set[str]:
        """Replaces rows that say one thing by another, each only if no other process has changed or taken it.

        Returns the keys of those that were replaced. Waits until that is committed: not for a frame.
        """
        posted: dict[str, Swap] = {}
        for key, (former, value) in rows.items():
            self._post(f"an entry of {table}", key, _noted, posted, table, key, former, value)
        if self._writer is None or not posted or not self.flush(timeout):
            return set()
        return {key for key, swap in posted.items() if swap.done}

    def amend(self, table: Table, key: str, fields: Mapping[str, object], at: int | None = None) -> None:
        """Writes some fields of a row that is an object, and its position or moment where `at` says one.

        What another process writes into its other fields stays; a row that is gone stays gone.
        """
        self._post(f"an entry of {table}", key, amend, table, key, fields, at)

    def amend_unless(
        self,
        table: Table,
        key: str,
        fields: Mapping[str, object],
        unless: Callable[[Mapping[str, object]], bool],
        timeout: float = 5.0,
    ) -> bool:
        """Like `amend`, but nothing is written where `unless` is true of what the table's other rows say then, by key:
        no process can change them in between. It is called on the writer's thread, more than once where writing fails.

        Returns False where it was. Waits until that is committed, or `timeout` seconds: not for a frame.
        """
        posted: list[Amend] = []
        self._post(f"an entry of {table}", key, _noted_amend, posted, table, key, fields, unless)
        if self._writer is None or not posted:
            return True
        self.flush(timeout)
        return not posted[0].refused

    def flush(self, timeout: float = 10.0) -> bool:
        """Waits until everything posted before is committed. Not for a frame.

        What is committed survives the end of the process and of the power; measurements that were committed by
        themselves survive the end of the process.

        False if that did not happen within `timeout` seconds, or a change could not be saved: see `failures`.
        A store in memory has nothing to save: True.
        """
        writer = self._writer
        if writer is None:
            return True
        if self._closed:
            return False
        request = Request(last=False)
        writer.post(request)
        return request.done.wait(timeout) and request.saved

    def close(self, timeout: float = 10.0) -> bool:
        """Saves what waits and ends the thread; True if all was saved. Closing twice does nothing more."""
        writer = self._writer
        if writer is None or self._closed:
            return True
        self._closed = True
        atexit.unregister(self.close)
        return writer.stop(timeout)

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _post(self, what: str, key: object, change: Callable[P, Change], *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            made = change(*args, **kwargs)
        except REFUSALS as error:
            self._report.fail(f"A change cannot be saved: {what} {key!r} is not valid ({error}).")
            return
        if self._writer is None:
            return
        if self._closed:
            self._report.fail(f"A change after the store was closed was not saved: {what} {key!r}.")
            return
        self._posted.append(next(self._numbers))
        self._writer.post(made)


def _history(installation_id: str, finished_at: datetime, data: bytes) -> Change:
    return put_json(Table.HISTORY, installation_id, data, to_microseconds(finished_at))


def _noted(posted: dict[str, Swap], table: Table, key: str, former: object, value: object) -> Change:
    key.encode()
    posted[key] = made = Swap(table, key, former, value)
    return made


def _noted_amend(
    posted: list[Amend],
    table: Table,
    key: str,
    fields: Mapping[str, object],
    unless: Callable[[Mapping[str, object]], bool],
) -> Change:
    made = amend(table, key, fields, None, unless)
    posted.append(made)
    return made


def _measured(at: datetime, values: Mapping[str, float]) -> Change:
    return measured(to_microseconds(at), values)


def _context(key: str, data: bytes, read_at: datetime, lifetime: timedelta | None) -> Change:
    lasting = None if lifetime is None else duration_in_microseconds(lifetime)
    kept = KeptContext(to_microseconds(read_at), lasting, checked_json(data))
    return put(Table.CONTEXT, key, kept, kept.ends_at)


def _retain(lifetime: timedelta | None) -> Change:
    return Retain(None if lifetime is None else duration_in_microseconds(lifetime))
