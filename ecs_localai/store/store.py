"""What the program sees of the store: the state at the start, and changes that are posted."""

import atexit
from collections import deque
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import ParamSpec

from ecs_localai.store.changes import (
    REFUSALS,
    Change,
    flag_change,
    history_change,
    setting_change,
    usage_change,
)
from ecs_localai.store.opening import FILE_NAME, open_file
from ecs_localai.store.state import ModelUsage, StoredState
from ecs_localai.store.writer import Request, StoreReport, Writer

P = ParamSpec("P")


class Store:
    """Flags, settings, installation history and model usage, kept in one SQLite file, or only in memory.

    `set_flag`, `set_setting`, `add_history` and `set_model_usage` may be called on a frame, from any thread:
    they append to a queue, never wait and never raise. A change is durable about 50 ms later. What cannot be
    saved now (a full disk, a lock) stays queued and is tried again; `failures` says so. The order of posting
    holds: a crash keeps everything up to some moment, never a later change without an earlier one.
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

    @classmethod
    def open(cls, folder: Path | None) -> "Store":
        """Opens or begins the store in this folder; `None` keeps nothing and writes nothing.

        Takes milliseconds (seconds if another process holds a lock): call it at the start or on a background
        thread. It raises nothing for a folder or file that is unusable, damaged or newer: `notice` says it.
        """
        if folder is None:
            return cls(StoredState(), StoreReport(None))
        file = folder.absolute() / FILE_NAME
        opened = open_file(file)
        report = StoreReport(opened.notice)
        report.failures.extend(opened.state.unreadable)
        writer = Writer(file, opened, report)
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

    def set_flag(self, feature_id: str, enabled: bool) -> None:
        """Keeps whether a feature is on."""
        self._post("the flag", flag_change, feature_id, enabled)

    def set_setting(self, key: str, value: object) -> None:
        """Keeps a setting: whatever msgspec can say in JSON.

        JSON has no NaN and no infinity: they come back as `None`. A list may have been a tuple or a set.
        """
        self._post("the setting", setting_change, key, value)

    def add_history(self, installation_id: str, finished_at: datetime, data: bytes) -> None:
        """Keeps a finished installation as `data`, a JSON text. The same id again replaces it, as the newest.

        A `finished_at` without a time zone is taken as local time.
        """
        self._post("the installation", history_change, installation_id, finished_at, data)

    def set_model_usage(self, name: str, usage: ModelUsage) -> None:
        """Keeps how often a model was used."""
        self._post("the model usage", usage_change, name, usage)

    def flush(self, timeout: float = 10.0) -> bool:
        """Waits until everything posted before is committed. Not for a frame.

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

    def _post(self, what: str, change: Callable[P, Change], *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            made = change(*args, **kwargs)
        except REFUSALS as error:
            self._report.fail(f"A change cannot be saved: {what} {args[0]!r} is not valid ({error}).")
            return
        if self._writer is None:
            return
        if self._closed:
            self._report.fail(f"A change after the store was closed was not saved: {what} {args[0]!r}.")
            return
        self._writer.post(made)
