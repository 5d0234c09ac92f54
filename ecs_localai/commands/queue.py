"""``ecs-localai queue``: what was asked for and has not ended yet, in its order; looking at it and changing it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ecs_localai.commands.clock_times import when_text
from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.host_book import HostBook
from ecs_localai.commands.kept_file import is_kept
from ecs_localai.commands.programs import program_text
from ecs_localai.commands.queue_file import entry_object, host_name, open_queue
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import say, say_json
from ecs_localai.components.installation import InstallationPhase
from ecs_localai.components.time_values import utc_now
from ecs_localai.components.wording import format_bytes
from ecs_localai.systems.queue_book import QueueEntry

EMPTY = "Nothing is in the queue. To put something into it: ecs-localai install MODEL --tonight"
PAUSED = "All that nobody sees to is paused. To have it go on: ecs-localai resume"
_STATES = {
    InstallationPhase.QUEUED: "waiting",
    InstallationPhase.DOWNLOADING: "downloading",
    InstallationPhase.EXTRACTING: "copying files",
    InstallationPhase.VERIFYING: "checking files",
    InstallationPhase.INSTALLING: "finishing",
    InstallationPhase.PAUSED: "paused",
}


def show_queue(target: Target, as_json: bool) -> int:
    """Print the queue, the next one first; returns the exit code. Nothing is created."""
    book, folder = target.book(), target.folder()
    if not is_kept(folder):
        entries: list[QueueEntry] = []
    else:
        with open_queue(folder) as queue:
            entries = queue.book.entries()
    if as_json:
        for entry in entries:
            say_json(entry_object(entry, book))
    else:
        _print(entries, book)
    return 0


def cancel_queued(target: Target, texts: Sequence[str], as_json: bool) -> int:
    """Take installations out of the queue; returns the exit code.

    Raises:
        CommandFailed: there is no such installation, or the queue cannot be changed.
    """
    book = target.book()
    with open_queue(target.folder()) as queue:
        gone = queue.book.cancel([entry.installation_id for entry in queue.find(texts)])
    for entry in gone:
        if as_json:
            say_json({**entry_object(entry, book), "state": InstallationPhase.CANCELLED.value})
        else:
            stays = " What has arrived of it stays on its host." if entry.bytes_done else ""
            say(f"{entry.model_name} is out of the queue.{stays}")
    return 0


def move_queued(target: Target, text: str, by: int, as_json: bool) -> int:
    """Have an installation stand elsewhere in the queue; returns the exit code.

    Raises:
        CommandFailed: there is no such installation, or several, or the queue cannot be changed.
    """
    book = target.book()
    with open_queue(target.folder()) as queue:
        entry = queue.book.move(_only(queue.find([text]), text).installation_id, by)
        count = len(queue.book.entries())
    _tell(entry, book, f"{entry.model_name} is number {entry.position} of {count} now.", as_json=as_json)
    return 0


def schedule_queued(target: Target, text: str, not_before: datetime, as_json: bool) -> int:
    """Have an installation go on no sooner than that; returns the exit code.

    Raises:
        CommandFailed: there is no such installation, or several, or the queue cannot be changed.
    """
    book = target.book()
    with open_queue(target.folder()) as queue:
        entry = queue.book.schedule(_only(queue.find([text]), text).installation_id, not_before)
    when = when_text(not_before, utc_now())
    _tell(entry, book, f"{entry.model_name} goes on {when}, if a program runs then.", as_json=as_json)
    return 0


def waits_for_its_time(entry: QueueEntry) -> bool:
    """Whether it goes on by itself, but later."""
    return entry.state is InstallationPhase.QUEUED and entry.not_before is not None and entry.not_before > utc_now()


def state_text(entry: QueueEntry) -> str:
    """``waiting``, ``begins tomorrow at 01:00``, ``downloading``, ``paused``."""
    if entry.not_before is not None and waits_for_its_time(entry):
        return f"begins {when_text(entry.not_before, utc_now())}"
    if entry.state is InstallationPhase.PAUSED and not entry.paused:
        return _STATES[InstallationPhase.QUEUED]  # somebody has resumed it, and it has not had its turn since
    return _STATES.get(entry.state, entry.state.value)


def progress_text(entry: QueueEntry) -> str:
    """``45 % of 1.3 GB``, and what of it has to be fetched again; the size alone before it has begun; or nothing."""
    if entry.total_bytes is None:
        return format_bytes(entry.bytes_done) if entry.bytes_done else ""
    if not entry.bytes_done:
        return format_bytes(entry.total_bytes)
    share = min(100, 100 * entry.bytes_done // entry.total_bytes)
    again = f", {format_bytes(entry.refetched_bytes)} fetched again" if entry.refetched_bytes else ""
    return f"{share} % of {format_bytes(entry.total_bytes)}{again}"


def _print(entries: Sequence[QueueEntry], book: HostBook) -> None:
    if not entries:
        say(EMPTY)
        return
    from ecs_localai.commands.tables import draw, table, text

    rows = (
        (
            str(entry.position),
            entry.model_name,
            host_name(book, entry.host),
            state_text(entry),
            progress_text(entry),
            program_text(entry.pid) if entry.has_owner else "nobody",
            entry.installation_id,
        )
        for entry in entries
    )
    drawn = table(("#", "model", "on", "state", "progress", "seen to by", "id"), rows, right=("#",))
    ours = [entry for entry in entries if not entry.has_owner]
    if not ours:
        draw(drawn)
    elif all(entry.paused for entry in ours):
        draw(drawn, "", text(PAUSED))
    else:
        hint = "What nobody sees to goes on when the panel starts, or here: ecs-localai queue --run"
        draw(drawn, "", text(hint))


def _tell(entry: QueueEntry, book: HostBook, sentence: str, *, as_json: bool) -> None:
    if as_json:
        say_json(entry_object(entry, book))
    else:
        say(sentence)


def _only(found: Sequence[QueueEntry], text: str) -> QueueEntry:
    """The one that is meant.

    Raises:
        CommandFailed: there are several.
    """
    if len(found) == 1:
        return found[0]
    numbers = ", ".join(str(entry.position) for entry in found)
    raise CommandFailed(f"{text} is in the queue {len(found)} times, for several hosts; say which: {numbers}.")
