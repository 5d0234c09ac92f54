"""The kept queue as commands see it: opened, looked at, and watched while other programs follow a change."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.host_book import HostBook, find_host
from ecs_localai.commands.terminal import warn
from ecs_localai.components.codec import to_builtins
from ecs_localai.store.store import Store
from ecs_localai.systems.queue_book import QueueBook, QueueEntry, QueueError
from ecs_localai.systems.queue_rows import QueuedInstallation, read_row

if TYPE_CHECKING:
    from ecs_localai.store.news import StoredNews

FOLLOW_SECONDS = 4.0
"""So long it is waited for a program to follow a change: it hears of it after a second, and so do we of what it did."""


class OpenQueue:
    """The queue of an open store, and what other programs have made of it since."""

    def __init__(self, folder: Path) -> None:
        self._changed = threading.Condition()
        self._rows: dict[str, object] | None = None
        self.store = Store.open(folder, on_news=self._take)
        if self.store.notice is not None:
            warn(self.store.notice)
        self.book = QueueBook(self.store)

    def _take(self, news: StoredNews) -> None:
        with self._changed:
            self._rows = dict(news.state.queue)
            self._changed.notify_all()

    def row(self, installation_id: str) -> QueuedInstallation | None:
        """What the file says of one by now; None once it is gone."""
        with self._changed:
            rows: dict[str, object] = dict(self.store.initial.queue) if self._rows is None else self._rows
        return read_row(rows[installation_id]) if installation_id in rows else None

    def wait_until(self, is_so: Callable[[], bool]) -> bool:
        """Wait until this is so, as the file says, for `FOLLOW_SECONDS` at most; whether it is."""
        deadline = time.monotonic() + FOLLOW_SECONDS
        with self._changed:
            self._changed.wait_for(is_so, deadline - time.monotonic())
        return is_so()

    def flush(self) -> None:
        """Wait until what was posted is kept.

        Raises:
            CommandFailed: it cannot be.
        """
        if not self.store.flush():
            reason = self.store.notice or " ".join(self.store.failures) or "The disk took too long."
            raise CommandFailed(f"The queue was not saved. {reason}")

    def find(self, texts: Sequence[str]) -> list[QueueEntry]:
        """The installations with these numbers, ids or models' names, each once; all where none is given.

        Raises:
            CommandFailed: there is none for one of them; with what there is.
        """
        entries = self.book.entries()
        if not texts:
            return entries
        by_number = {str(entry.position): entry.installation_id for entry in entries}
        try:
            return self.book.find(by_number.get(text.removeprefix("#"), text) for text in texts)
        except QueueError as error:
            names = ", ".join(f"{entry.position} {entry.model_name}" for entry in entries)
            raise CommandFailed(f"{error} In it now: {names or 'nothing'}.") from error


@contextmanager
def open_queue(folder: Path) -> Iterator[OpenQueue]:
    """The queue in this folder, opened and closed again.

    Raises:
        CommandFailed: a change cannot be made, or not be kept.
    """
    queue = OpenQueue(folder)
    try:
        yield queue
    except QueueError as error:
        raise CommandFailed(str(error)) from error
    finally:
        queue.store.close()


def host_name(book: HostBook, base_url: str) -> str:
    """What a host is called in the list; its address where it is not in it."""
    found = find_host(book.hosts, base_url)
    return base_url.partition("://")[2] if found is None else found.name


def entry_object(entry: QueueEntry, book: HostBook) -> dict[str, object]:
    """An installation of the queue as ``queue --json`` tells it."""
    fields = to_builtins(entry)
    return {**(fields if isinstance(fields, dict) else {}), "host_name": host_name(book, entry.host)}
