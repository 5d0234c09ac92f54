"""``ecs-localai history``: the installations that have ended: what, from where, on which host, when, and how."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.terminal import printable, say, say_json, warn, write_bytes
from ecs_localai.components.codec import DecodeError, decode
from ecs_localai.components.installation import InstallationPhase, InstallationRecord
from ecs_localai.components.wording import format_bytes, format_duration, format_share
from ecs_localai.ollama.errors import InvalidModelName
from ecs_localai.ollama.names import parse_model_name
from ecs_localai.store.opening import FILE_NAME
from ecs_localai.store.reading import ReadingError, read_history
from ecs_localai.systems.view_history import made_of_text

SHOWN = 50
"""So many a table shows where nobody says how many. For programs and spreadsheets it is all."""
PAGE = 50
"""So many are read from the disk at a time."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would take for a formula."""
_HEADS = (
    "finished_utc", "started_utc", "model", "registry", "host", "outcome", "reason", "bytes_downloaded", "total_bytes",
    "seconds", "installation_id", "refetched_bytes", "made_of",
)  # fmt: skip


class HistoryLine(msgspec.Struct, frozen=True):
    """An installation that has ended, as ``history --json`` tells it."""

    installation_id: str
    model_name: str
    registry: str | None
    """Where it came from; None where the name is none, and for one that was made of files or of another model."""
    host: str
    """The base URL of the host it was for; empty where that was not known."""
    outcome: InstallationPhase
    """Completed, Failed or Cancelled."""
    reason: str | None
    """Why it failed."""
    started_at: datetime
    finished_at: datetime
    duration: timedelta
    """Measured with a clock that nobody sets; so not always the difference of the two moments."""
    bytes_downloaded: int
    """How many bytes of the model were on the host when it ended."""
    total_bytes: int | None
    """The model's size; None where it was never known."""
    refetched_bytes: int
    """What had to be fetched again."""
    source: str
    """The model that it was made of; empty for another one."""
    files: list[str]
    """The local files that it was made of; none for another one."""


def show_history(folder: Path, limit: int | None, failed_only: bool, as_json: bool, as_csv: bool) -> int:
    """Print the installations that have ended, the newest first; returns the exit code. Nothing is created.

    `limit` is how many at most; None: `SHOWN` as a table, all as JSON or CSV.

    Raises:
        CommandFailed: what is kept cannot be read.
    """
    most = limit if limit is not None or as_json or as_csv else SHOWN
    lines: list[HistoryLine] = []
    more = False
    reader = _Reader(folder / FILE_NAME)
    try:
        for line in reader.lines():
            if failed_only and line.outcome is not InstallationPhase.FAILED:
                continue
            if most is not None and len(lines) == most:
                more = True
                break
            lines.append(line)
    except ReadingError as error:
        raise CommandFailed(str(error)) from error
    if as_csv:
        write_bytes(_csv(lines))
    elif as_json:
        for line in lines:
            say_json(line)
    else:
        _print(lines, folder, failed_only=failed_only)
        if more and most is not None:
            say(f"There are more; to see more of them: ecs-localai history --limit {most * 4}")
    if reader.unreadable:
        count = reader.unreadable
        warn(
            f"{count} {'entry' if count == 1 else 'entries'} of the history cannot be read and {_are(count)} left out."
        )
    return 0


class _Reader:
    """Reads page after page, as far as it is wanted."""

    def __init__(self, file: Path) -> None:
        self.unreadable = 0
        """How many were passed over because they make no sense."""
        self._file = file

    def lines(self) -> Iterator[HistoryLine]:
        """All, the newest first.

        Raises:
            ReadingError: the file is of another version, or cannot be read.
        """
        before: str | None = None
        while page := read_history(self._file, PAGE, before):
            for row in page:
                try:
                    yield _line(decode(row.data, InstallationRecord))
                except DecodeError:
                    self.unreadable += 1
            before = page[-1].installation_id


def _line(record: InstallationRecord) -> HistoryLine:
    try:
        registry = None if record.was_made else parse_model_name(record.model_name).host
    except InvalidModelName:
        registry = None
    return HistoryLine(
        installation_id=record.installation_id,
        model_name=record.model_name,
        registry=registry,
        host=record.host,
        outcome=record.status.kind,
        reason=record.status.reason,
        started_at=record.started_at,
        finished_at=record.finished_at,
        duration=record.duration,
        bytes_downloaded=record.bytes_downloaded,
        total_bytes=record.total_bytes or None,
        refetched_bytes=record.refetched_bytes,
        source=record.source,
        files=record.files,
    )


def _print(lines: Sequence[HistoryLine], folder: Path, *, failed_only: bool) -> None:
    if not lines:
        what = "No installation has failed" if failed_only else "No installation has ended yet"
        say(f"{what}, as far as is kept in {folder}.")
        return
    from ecs_localai.commands.tables import draw, table

    heads = ("finished", "model", "from", "on", "size", "took", "outcome")
    draw(table(heads, map(_cells, lines), right=("size", "took")))


def _cells(line: HistoryLine) -> tuple[str, ...]:
    reason = f": {line.reason}" if line.reason else ""
    return (
        f"{line.finished_at.astimezone():%Y-%m-%d %H:%M}",
        line.model_name,
        line.registry or made_of_text(line.source, line.files) or "-",
        line.host.partition("://")[2] or line.host or "-",
        _size(line),
        format_duration(line.duration.total_seconds()),
        f"{line.outcome.value}{_again(line)}{reason}",
    )


def _again(line: HistoryLine) -> str:
    """``, 40 MB fetched again``; empty where nothing was."""
    return f", {format_bytes(line.refetched_bytes)} fetched again" if line.refetched_bytes else ""


def _size(line: HistoryLine) -> str:
    """``98 MB``, and ``44 MB of 98 MB`` where not all has arrived."""
    return format_share(line.bytes_downloaded, line.total_bytes or 0) or "-"


def _csv(lines: Sequence[HistoryLine]) -> bytes:
    """A table for spreadsheets (RFC 4180) in UTF-8; with moments in UTC, as they know them."""
    made = io.StringIO(newline="")
    writer = csv.writer(made)
    writer.writerow(_HEADS)
    for line in lines:
        writer.writerow(
            (
                _moment(line.finished_at),
                _moment(line.started_at),
                _text(line.model_name),
                _text(line.registry or ""),
                _text(line.host),
                line.outcome.value,
                _text(line.reason or ""),
                line.bytes_downloaded,
                line.total_bytes or "",
                f"{line.duration.total_seconds():.3f}",
                _text(line.installation_id),
                line.refetched_bytes,
                _text(line.source or ", ".join(line.files)),
            )
        )
    return made.getvalue().encode()


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _text(content: str) -> str:
    """A cell that is text, whatever a server or a registry has put into it."""
    shown = printable(content)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
