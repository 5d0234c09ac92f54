"""The kept queue for a command: looked at and changed with or without a program that is at work on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from ecs_localai.components.codec import encode, to_builtins
from ecs_localai.components.installation import InstallationPhase, InstallationRecord, InstallationStatus
from ecs_localai.components.recipe import ModelRecipe
from ecs_localai.components.time_values import Timestamp, utc_now
from ecs_localai.ollama.names import name_key
from ecs_localai.store.tables import Table
from ecs_localai.systems.queue_rows import (
    QueuedInstallation,
    moved,
    program_lives,
    read_row,
    reordered,
)

if TYPE_CHECKING:
    from ecs_localai.store.store import Store

SAVE_SECONDS = 10.0


class QueueError(Exception):
    """The queue could not be changed in this way. The message is a sentence that says what to do."""


class QueueEntry(msgspec.Struct, frozen=True):
    """One installation of the queue. Sizes in bytes."""

    installation_id: str
    model_name: str
    host: str
    """The base URL of its host."""
    position: int
    """Its place, counted from 1."""
    state: InstallationPhase
    """How it stands: one that nobody sees to is queued or paused."""
    paused: bool
    not_before: Timestamp | None
    bytes_done: int
    total_bytes: int | None
    """None while it is unknown."""
    refetched_bytes: int
    has_owner: bool
    """Whether a program that runs now sees to it; else the next one that starts will."""
    pid: int
    """That program's process, or, where it has ended, the one it had."""
    requested_at: Timestamp
    recipe: ModelRecipe | None = None


class QueueBook:
    """The queue that a store holds: as it was when the store was opened, with what is changed here.

    Each change is in the file when its function returns. A program that sees to the installation follows within about a
    second. All raise `QueueError` for an id that is not in the queue, and where the file cannot be written.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        rows = ((key, read_row(value)) for key, value in store.initial.queue.items())
        self._rows: dict[str, QueuedInstallation] = {key: row for key, row in rows if row is not None}
        self._positions = {key: store.initial.queue_positions.get(key, 0) for key in self._rows}
        self._lives = {key: program_lives(key, row) for key, row in self._rows.items()}

    def entries(self) -> list[QueueEntry]:
        """All of them, the next one first."""
        return [self._entry(key, number) for number, key in enumerate(self._order(), 1)]

    def find(self, texts: Iterable[str]) -> list[QueueEntry]:
        """Those of these ids, or the beginnings of ids, or names of models; a name means all that are of it.

        Raises:
            QueueError: there is none for one of them.
        """
        entries = self.entries()
        found: dict[str, QueueEntry] = {}
        for text in texts:
            exact = [one for one in entries if one.installation_id == text]
            named = [one for one in entries if name_key(one.model_name) == name_key(text)]
            begun = [one for one in entries if text and one.installation_id.startswith(text)]
            chosen = exact or named or begun
            if not chosen:
                raise QueueError(f"Nothing in the queue is called {text!r}; `ecs-localai queue` shows what is in it.")
            if chosen is begun and len(begun) > 1:
                raise QueueError(f"The ids of {len(begun)} installations begin with {text!r}; write more of it.")
            found |= {one.installation_id: one for one in chosen}
        return list(found.values())

    def pause(self, ids: Sequence[str] = ()) -> list[QueueEntry]:
        """Pause these, or all; returns those that were not paused already."""
        chosen = [key for key in self._chosen(ids) if not self._rows[key].paused]
        return self._amend(chosen, paused=True)

    def resume(self, ids: Sequence[str] = ()) -> list[QueueEntry]:
        """Have these go on when it is their turn, also those that wait for a time; or all that are paused."""
        chosen = self._chosen(ids)
        if not ids:
            chosen = [key for key in chosen if self._rows[key].paused]
            return self._amend(chosen, paused=False)
        chosen = [key for key in chosen if self._rows[key].paused or self._rows[key].not_before is not None]
        return self._amend(chosen, paused=False, not_before=None)

    def schedule(self, installation_id: str, moment: Timestamp | None) -> QueueEntry:
        """Have one go on no sooner than this; None: as soon as it is its turn. Returns it."""
        self._chosen([installation_id])
        self._amend([installation_id], not_before=moment)
        return self._one(installation_id)

    def move(self, installation_id: str, by: int) -> QueueEntry:
        """Have one stand so many places later, negative is earlier; returns it with its new place."""
        self._chosen([installation_id])
        for key, at in reordered(self._positions, moved(self._order(), installation_id, by)).items():
            self._positions[key] = at
            self._store.amend(Table.QUEUE, key, {}, at)
        self._save()
        return self._one(installation_id)

    def cancel(self, ids: Sequence[str]) -> list[QueueEntry]:
        """Take these out of the queue; what has arrived of them stays on their hosts. Returns them as they were."""
        chosen = self._chosen(ids) if ids else []
        entries = [self._one(key) for key in chosen]
        for entry in entries:
            if not entry.has_owner:  # else that program remembers how it ended
                record = self._record(entry)
                self._store.add_history(record.installation_id, record.finished_at, encode(record))
            self._store.remove(Table.QUEUE, entry.installation_id)  # afterwards: so it is in one of them at least
        self._save()
        for key in chosen:
            del self._rows[key], self._positions[key], self._lives[key]
        return entries

    def _record(self, entry: QueueEntry) -> InstallationRecord:
        row = self._rows[entry.installation_id]
        return InstallationRecord(
            entry.installation_id,
            entry.model_name,
            InstallationStatus.CANCELLED,
            entry.requested_at if row.begun_at is None else row.begun_at,
            utc_now(),
            timedelta(seconds=row.seconds),
            entry.bytes_done,
            entry.total_bytes or 0,
            entry.host,
            entry.refetched_bytes,
            [] if entry.recipe is None else list(entry.recipe.files),
            "" if entry.recipe is None else entry.recipe.source,
        )

    def _order(self) -> list[str]:
        return sorted(self._rows, key=lambda key: self._positions[key])

    def _chosen(self, ids: Sequence[str]) -> list[str]:
        for key in ids:
            if key not in self._rows:
                raise QueueError(f"There is no installation {key!r} in the queue; `ecs-localai queue` shows those.")
        return [key for key in self._order() if not ids or key in ids]

    def _one(self, key: str) -> QueueEntry:
        return self._entry(key, self._order().index(key) + 1)

    def _entry(self, key: str, number: int) -> QueueEntry:
        row, lives = self._rows[key], self._lives[key]
        state = row.state if lives else InstallationPhase.QUEUED
        if row.paused:
            state = InstallationPhase.PAUSED
        return QueueEntry(
            installation_id=key,
            model_name=row.request.model_name,
            host=row.request.host,
            position=number,
            state=state,
            paused=row.paused,
            not_before=row.not_before,
            bytes_done=row.bytes_done,
            total_bytes=row.total_bytes or None,
            refetched_bytes=row.refetched_bytes,
            has_owner=lives,
            pid=row.pid,
            requested_at=row.request.requested_at,
            recipe=row.request.recipe,
        )

    def _amend(self, keys: list[str], **fields: object) -> list[QueueEntry]:
        plain = {name: to_builtins(value) for name, value in fields.items()}
        for key in keys:
            self._rows[key] = msgspec.structs.replace(self._rows[key], **fields)
            self._store.amend(Table.QUEUE, key, plain)
        if keys:
            self._save()
        return [self._one(key) for key in keys]

    def _save(self) -> None:
        if not self._store.flush(SAVE_SECONDS):
            said = " ".join(self._store.failures) or self._store.notice or ""
            raise QueueError(f"The change could not be saved. {said}".strip())
