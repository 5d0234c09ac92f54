"""``ecs-localai pause`` and ``resume``: installations stop for now and go on, whichever program sees to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from ecs_localai.commands.kept_file import is_kept
from ecs_localai.commands.programs import program_text
from ecs_localai.commands.queue import EMPTY, progress_text, state_text, waits_for_its_time
from ecs_localai.commands.queue_file import OpenQueue, entry_object, open_queue
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import say, say_json
from ecs_localai.components.installation import InstallationPhase
from ecs_localai.systems.queue_book import QueueEntry
from ecs_localai.systems.queue_rows import QueuedInstallation, program_lives


@dataclass(frozen=True, slots=True)
class _Outcome:
    entry: QueueEntry
    """As it stands now."""
    has_followed: bool
    """Whether the program that sees to it has done it, or there is none."""
    is_gone: bool = False
    """Whether it has ended meanwhile."""


def pause_queued(target: Target, texts: Sequence[str], as_json: bool) -> int:
    """Pause installations, all where none is named, and wait until that is so; returns the exit code.

    Raises:
        CommandFailed: there is no such installation, or the queue cannot be changed.
    """
    return _change(target, texts, as_json, to_pause=True)


def resume_queued(target: Target, texts: Sequence[str], as_json: bool) -> int:
    """Have installations go on, all that are paused where none is named; returns the exit code.

    One that is named goes on also where it waits for a time.

    Raises:
        CommandFailed: there is no such installation, or the queue cannot be changed.
    """
    return _change(target, texts, as_json, to_pause=False)


def _change(target: Target, texts: Sequence[str], as_json: bool, *, to_pause: bool) -> int:
    book, folder = target.book(), target.folder()
    if not texts and not is_kept(folder):
        if not as_json:
            say(EMPTY)
        return 0
    with open_queue(folder) as queue:
        named = queue.find(texts)
        ids = [entry.installation_id for entry in named] if texts else []
        changed = (queue.book.pause if to_pause else queue.book.resume)(ids)
        outcomes = _followed(queue, changed, to_pause=to_pause)
    for outcome in outcomes:
        if as_json:
            followed = {"has_followed": outcome.has_followed, "has_ended": outcome.is_gone}
            say_json({**entry_object(outcome.entry, book), **followed})
        else:
            say(_paused_text(outcome) if to_pause else _resumed_text(outcome))
    if not as_json and (texts or not outcomes):
        done = {outcome.entry.installation_id for outcome in outcomes}
        _say_of_others([entry for entry in named if entry.installation_id not in done], texts, to_pause=to_pause)
    return 0


def _followed(queue: OpenQueue, changed: Sequence[QueueEntry], *, to_pause: bool) -> list[_Outcome]:
    """What has become of these, once the programs that see to them have followed, or were given the time to."""

    def has_followed(entry: QueueEntry) -> bool:
        row = queue.row(entry.installation_id)
        if not entry.has_owner or row is None:
            return True
        return not row.is_at_work if to_pause else row.state is not InstallationPhase.PAUSED

    queue.wait_until(lambda: all(has_followed(entry) for entry in changed))
    return [_outcome(entry, queue.row(entry.installation_id), has_followed(entry)) for entry in changed]


def _outcome(entry: QueueEntry, row: QueuedInstallation | None, has_followed: bool) -> _Outcome:
    if row is None:
        return _Outcome(entry, has_followed, is_gone=True)
    has_owner = program_lives(entry.installation_id, row)  # it may have ended meanwhile, without a word in its row
    state = row.state if has_owner else InstallationPhase.QUEUED
    now = msgspec.structs.replace(
        entry,
        state=InstallationPhase.PAUSED if entry.paused else state,
        has_owner=has_owner,
        pid=row.pid,
        bytes_done=row.bytes_done,
        total_bytes=row.total_bytes or None,
    )
    return _Outcome(now, has_followed or not has_owner)


def _paused_text(outcome: _Outcome) -> str:
    entry = outcome.entry
    if outcome.is_gone:
        return f"{entry.model_name} has ended meanwhile; `ecs-localai history` tells how."
    if not outcome.has_followed:
        return f"{entry.model_name} is to be paused, but {program_text(entry.pid)} has not done that yet."
    return f"{entry.model_name} is paused{_at(entry)}. To go on: ecs-localai resume"


def _resumed_text(outcome: _Outcome) -> str:
    entry = outcome.entry
    if outcome.is_gone:
        return f"{entry.model_name} has ended meanwhile; `ecs-localai history` tells how."
    if not outcome.has_followed:
        return f"{entry.model_name} is to go on in {program_text(entry.pid)} when it is its turn."
    if not entry.has_owner:
        if waits_for_its_time(entry):
            return f"{entry.model_name} {state_text(entry)} if the panel runs then, or this: ecs-localai queue --run"
        return f"{entry.model_name} goes on when the panel starts, or here: ecs-localai queue --run"
    return f"{entry.model_name} goes on in {program_text(entry.pid)}: {state_text(entry)}{_at(entry)}."


def _at(entry: QueueEntry) -> str:
    return f" at {progress_text(entry)}" if entry.bytes_done else ""


def _say_of_others(others: Sequence[QueueEntry], texts: Sequence[str], *, to_pause: bool) -> None:
    """What was named and is as it was to be, or that there was nothing to do."""
    if texts:
        for entry in others:
            said = "is paused already" if to_pause else f"was not paused: {state_text(entry)}"
            say(f"{entry.model_name} {said}.")
    elif not others:
        say(EMPTY)
    else:
        say("All that is in the queue is paused already." if to_pause else "Nothing in the queue is paused.")
