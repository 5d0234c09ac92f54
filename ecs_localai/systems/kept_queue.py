"""Installations that were asked for and have not ended: kept, so that the next start goes on with them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, cast

import msgspec

from ecs_localai.components.codec import to_builtins
from ecs_localai.components.installation import (
    DownloadConfig,
    DownloadRequest,
    InstallationPhase,
    LayerProgress,
    ModelInstallRequest,
)
from ecs_localai.components.recipe import ModelRecipe
from ecs_localai.components.time_values import utc_now
from ecs_localai.ollama.names import name_key
from ecs_localai.store.moments import to_microseconds
from ecs_localai.store.tables import Table
from ecs_localai.systems.creation_mark import CreationMark
from ecs_localai.systems.queue_rows import (
    UNDER_WAY_HERE,
    ClaimAnswer,
    QueuedInstallation,
    in_the_way,
    program_lives,
    read_row,
    taken_by_others,
)
from ecs_localai.systems.saved_hosts import server_of

if TYPE_CHECKING:
    from ecs_localai.store.state import JsonValue, StoredState
    from ecs_localai.store.store import Store

__all__ = ["KeptInstallation", "KeptQueue", "QueueNews", "QueuedInstallation"]


class KeptInstallation(msgspec.Struct, frozen=True):
    """One of this program's rows."""

    installation_id: str
    row: QueuedInstallation
    position: int


class QueueNews(msgspec.Struct, frozen=True):
    """What other programs have changed in the queue."""

    changed: list[KeptInstallation]
    """Those of ours that are to be paused or not, to begin at another time, or to stand elsewhere."""
    gone: list[str]
    """Those of ours that somebody has cancelled."""
    of_others: bool
    """Whether the rows of other programs are others now."""


class KeptQueue:
    """The queue as the file has it. For the frame thread, but for `claim`, `keep_mark`, `mark_of` and `adopt`."""

    __slots__ = ("_last", "_left", "_marks", "_others", "_ours", "_store")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last = max(store.initial.queue_positions.values(), default=0)
        self._ours: dict[str, KeptInstallation] = {}
        self._marks: dict[str, CreationMark] = {}
        self._left: list[tuple[ModelInstallRequest, KeptInstallation]] = []
        self._others: dict[str, JsonValue] = dict(store.initial.queue)

    # Rows of this program

    def add(self, request: DownloadRequest, total_bytes: int = 0) -> int:
        """Keep what has been asked for behind what is there, with its size where that is known; returns its place."""
        self._last = max(self._last + 1, to_microseconds(request.requested_at))  # other programs ask, too
        self._keep(
            request.installation_id,
            QueuedInstallation(
                request,
                os.getpid(),
                utc_now(),
                paused=request.paused,
                not_before=request.not_before,
                total_bytes=total_bytes,
            ),
            self._last,
        )
        return self._last

    def _keep(self, installation_id: str, row: QueuedInstallation, position: int) -> None:
        self._ours[installation_id] = KeptInstallation(installation_id, row, position)
        UNDER_WAY_HERE.add(installation_id)
        self._store.put(Table.QUEUE, installation_id, to_builtins(row), position)

    def amend(self, installation_id: str, *, position: int | None = None, **fields: object) -> None:
        """Keep fields of one of our rows, and its position where it is given, as far as they are others now.

        The state is kept in any case: `claim` has written it into the file alone.
        """
        kept = self._ours.get(installation_id)
        if kept is None:
            return
        old = kept.row
        different = {name: new for name, new in fields.items() if name == "state" or getattr(old, name) != new}
        at = position if position not in (None, kept.position) else None
        if not different and at is None:
            return
        row = msgspec.structs.replace(kept.row, **different)
        self._ours[installation_id] = KeptInstallation(installation_id, row, kept.position if at is None else at)
        plain = {name: to_builtins(value) for name, value in different.items()}
        self._store.amend(Table.QUEUE, installation_id, plain, at)

    def remove(self, installation_id: str) -> None:
        """It has ended, one way or another."""
        self._marks.pop(installation_id, None)
        if self._ours.pop(installation_id, None) is not None:
            UNDER_WAY_HERE.discard(installation_id)
            self._store.remove(Table.QUEUE, installation_id)

    def position(self, installation_id: str) -> int:
        """Where one of ours stands."""
        return self._ours[installation_id].position

    def requested_at(self, installation_id: str) -> datetime:
        """When one of ours was asked for."""
        return self._ours[installation_id].row.request.requested_at

    def keep_missing(self, state: StoredState) -> None:
        """The file has lost rows of ours: keep them anew."""
        for installation_id, kept in self._ours.items():
            if installation_id not in state.queue:
                mark = self._marks.get(installation_id)  # kept past `kept.row`, by the background
                plain = to_builtins(msgspec.structs.replace(kept.row, mark=mark))
                state.queue[installation_id] = cast("JsonValue", plain)
                state.queue_positions[installation_id] = kept.position
                self._store.put(Table.QUEUE, installation_id, plain, kept.position)

    # Rows of programs that have ended

    def left_behind(self) -> list[ModelInstallRequest]:
        """What programs that have ended without ending it asked for, in their order. For the start.

        Of several programs that start at once one gets it. Each stays in the file until `go_on_with` or `drop`.
        """
        initial = self._store.initial
        found = self.adopt(initial.queue, initial.queue_positions)
        return self.take_adopted(found)

    def adopt(self, rows: Mapping[str, JsonValue], positions: Mapping[str, int]) -> list[KeptInstallation]:
        """Make rows ours whose programs have ended, as far as no other program is quicker. Blocks: not for a frame."""
        left = {
            key: row
            for key, value in rows.items()
            if (row := read_row(value)) is not None and not program_lives(key, row)
        }
        if not left:
            return []
        ours = {key: _taken_over(row) for key, row in left.items()}
        UNDER_WAY_HERE.update(ours)
        swaps = {key: (rows[key], to_builtins(row)) for key, row in ours.items()}
        taken = self._store.swap(Table.QUEUE, swaps)
        UNDER_WAY_HERE.difference_update(ours.keys() - taken)
        return [KeptInstallation(key, ours[key], positions.get(key, 0)) for key in ours if key in taken]

    def waiting_of(self, host: str, model_name: str, recipe: ModelRecipe | None) -> dict[str, QueuedInstallation]:
        """The rows of the same model for the same host as they were when the file was opened, by their ids."""
        key, server = name_key(model_name), server_of(host)
        return {
            installation_id: row
            for installation_id, value in self._store.initial.queue.items()
            if (row := read_row(value)) is not None
            and (name_key(row.request.model_name), row.request.recipe) == (key, recipe)
            and server_of(row.request.host) == server
        }

    def begin_now(
        self, host: str, model_name: str, config: DownloadConfig, recipe: ModelRecipe | None
    ) -> ModelInstallRequest | None:
        """What waits already of the same model for the same host is to go on now. Blocks: not for a frame.

        What nobody sees to becomes this program's: the request to go on with it is returned, to be spawned. Of what
        another program sees to, that program is told; None where there is nothing else.
        """
        same = self.waiting_of(host, model_name, recipe)
        rows = {installation_id: self._store.initial.queue[installation_id] for installation_id in same}
        adopted = self.adopt(rows, self._store.initial.queue_positions)
        ours = [kept.installation_id for kept in adopted]
        now = {"paused": False, "not_before": None}
        for installation_id, row in same.items():
            if installation_id not in ours and (row.paused or row.not_before is not None):
                self._store.amend(Table.QUEUE, installation_id, dict(now))
        for kept in adopted[1:]:
            UNDER_WAY_HERE.discard(kept.installation_id)
            self._store.remove(Table.QUEUE, kept.installation_id)
        if not adopted:
            return None
        first = adopted[0]
        asked = msgspec.structs.replace(first.row.request, download_config=config, paused=False, not_before=None)
        row = msgspec.structs.replace(first.row, request=asked, paused=False, not_before=None)
        self._store.amend(Table.QUEUE, first.installation_id, {"request": to_builtins(asked), **now})
        return self.take_adopted([msgspec.structs.replace(first, row=row)])[0]

    def take_adopted(self, adopted: Iterable[KeptInstallation]) -> list[ModelInstallRequest]:
        """The requests to go on with these, to be spawned; `go_on_with` tells one from another's."""
        made = [(kept.row.to_request(), kept) for kept in adopted]
        self._left.extend(made)
        return [request for request, _ in made]

    def go_on_with(self, request: ModelInstallRequest, host: str) -> KeptInstallation | None:
        """The row of a request that `left_behind` gave, as this program's own from now on; None for any other.

        `host` is the base URL of the host as it is by now.
        """
        kept = self._of(request)
        if kept is None:
            return None
        asked = msgspec.structs.replace(kept.row.request, host=host)
        row = msgspec.structs.replace(kept.row, request=asked)
        kept = KeptInstallation(kept.installation_id, row, kept.position)
        self._ours[kept.installation_id] = kept
        if row.mark is not None:
            self._marks[kept.installation_id] = row.mark
        self._store.amend(Table.QUEUE, kept.installation_id, {"request": to_builtins(asked)})
        return kept

    def drop(self, request: ModelInstallRequest) -> None:
        """This request, if it is one of `left_behind`, needs no row of its own any more."""
        kept = self._of(request)
        if kept is not None:
            UNDER_WAY_HERE.discard(kept.installation_id)
            self._store.remove(Table.QUEUE, kept.installation_id)

    def _of(self, request: ModelInstallRequest) -> KeptInstallation | None:
        for number, (one, kept) in enumerate(self._left):
            if one is request:
                del self._left[number]
                return kept
        return None

    # Other programs

    def follow(self, now: StoredState) -> QueueNews:
        """Take over what other programs have changed."""
        changed, gone = [], []
        for key, kept in list(self._ours.items()):
            if key not in now.queue:
                gone.append(key)
                continue
            row = read_row(now.queue[key])
            at = now.queue_positions.get(key, kept.position)
            if row is None:
                continue
            wishes = (row.paused, row.not_before, at)
            if wishes != (kept.row.paused, kept.row.not_before, kept.position):
                theirs = msgspec.structs.replace(kept.row, paused=row.paused, not_before=row.not_before)
                self._ours[key] = KeptInstallation(key, theirs, at)
                changed.append(self._ours[key])
        others = self.of_others(now)
        is_new = others != self._others
        self._others = others
        self._last = max(self._last, *now.queue_positions.values(), 0)
        return QueueNews(changed, gone, is_new)

    def of_others(self, state: StoredState) -> dict[str, JsonValue]:
        """The rows that are not this program's."""
        coming = {kept.installation_id for _, kept in self._left}
        return {key: row for key, row in state.queue.items() if key not in self._ours and key not in coming}

    def claim(
        self, installation_id: str, layers: Iterable[LayerProgress], digests: frozenset[str], spare: int | None = None
    ) -> ClaimAnswer:
        """Whether one of ours may begin: no other program's is at work that shares anything with it, or will take the
        room that it needs. Its row then says that it is. Blocks until that is in the file: not for a frame.

        `layers` are all of its files, `digests` those that are still to be fetched. `spare` are the bytes of its host's
        disk that nothing of ours needs; None where that is not known.
        """
        kept = self._ours.get(installation_id)
        if kept is None or self._store.file is None:
            return ClaimAnswer.GRANTED
        asked, ours = kept.row.request, frozenset(self._ours)
        answer = ClaimAnswer.GRANTED

        def is_refused(rows: Mapping[str, object]) -> bool:
            nonlocal answer
            if in_the_way(rows, ours, asked.host, asked.model_name, digests) is not None:
                answer = ClaimAnswer.ELSEWHERE
            elif spare is not None and taken_by_others(rows, ours, asked.host) > spare:
                answer = ClaimAnswer.NO_ROOM
            else:
                answer = ClaimAnswer.GRANTED
            return answer is not ClaimAnswer.GRANTED

        fields = {"state": to_builtins(InstallationPhase.DOWNLOADING), "layers": to_builtins(list(layers))}
        self._store.amend_unless(Table.QUEUE, installation_id, fields, is_refused)
        return answer

    def keep_mark(self, installation_id: str, mark: CreationMark) -> None:
        """Keep what the host of one of ours is about to be asked to make. Blocks until it is in the file: not for a
        frame."""
        self._marks[installation_id] = mark
        if self._store.file is not None:
            plain = {"mark": to_builtins(mark)}
            self._store.amend_unless(Table.QUEUE, installation_id, plain, lambda rows: False)

    def mark_of(self, installation_id: str) -> CreationMark | None:
        """What the host of one of ours was asked to make, in this program or in one that has ended; None: nothing."""
        return self._marks.get(installation_id)

    def close(self) -> None:
        """The app ends: what it has not ended is left behind."""
        UNDER_WAY_HERE.difference_update(self._ours, (kept.installation_id for _, kept in self._left))


def _taken_over(row: QueuedInstallation) -> QueuedInstallation:
    """As this program has it: nothing of it is under way yet."""
    return msgspec.structs.replace(row, pid=os.getpid(), taken_at=utc_now(), state=InstallationPhase.QUEUED)
