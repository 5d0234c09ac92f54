"""``ecs-localai data show``: what is kept on this computer, where and for how long."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from ecs_localai.commands.data_kinds import KINDS, entries_of, tables_of
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import say, say_json, warn
from ecs_localai.components.wording import format_bytes
from ecs_localai.ollama.server_log import server_logs
from ecs_localai.store.damage import beside
from ecs_localai.store.opening import FILE_NAME
from ecs_localai.store.reading import CopyBeside, ReadingError, Summary, copies_beside, is_open, is_there, read_summary


class KindShown(msgspec.Struct, frozen=True):
    """One kind of data."""

    kind: str
    """As ``data forget`` calls it."""
    what: str
    entries: int
    size: int
    """Bytes."""
    oldest: datetime | None
    """None where there is nothing, or it does not say when it happened."""
    newest: datetime | None
    kept: str
    """For how long, in words."""


class LogBeside(msgspec.Struct, frozen=True):
    """A file of what a server wrote that this program ran (``ecs-localai serve``)."""

    file: str
    size: int
    """Bytes."""


class DataShown(msgspec.Struct, frozen=True):
    """What ``data show --json`` tells."""

    folder: str
    file: str
    size: int | None
    """Bytes, with what lies in the log beside it; None: there is no file, or it cannot be looked at."""
    schema: int | None
    """The version of its shape; None where it cannot be looked into."""
    is_open: bool
    """Whether a program has it open, or was killed while it had."""
    kinds: list[KindShown]
    copies: list[CopyBeside]
    logs: list[LogBeside]
    problem: str | None
    """Why the file cannot be looked into."""


def show_data(target: Target, as_json: bool) -> int:
    """Print what is kept; returns the exit code: 1 where there is a file that cannot be looked into."""
    folder = target.folder()
    shown = _look(folder)
    if as_json:
        say_json(shown)
    else:
        _print(shown)
    return 0 if shown.problem is None else 1


def _look(folder: Path) -> DataShown:
    file = folder / FILE_NAME
    summary: Summary | None = None
    problem: str | None = None
    if is_there(file):
        try:
            summary = read_summary(file)
        except ReadingError as error:
            problem = str(error)
    return DataShown(
        folder=str(folder),
        file=str(file),
        size=_size(file),
        schema=None if summary is None else summary.schema,
        is_open=is_open(file),
        kinds=[] if summary is None else [_kind(summary, name) for name in KINDS],
        copies=copies_beside(file),
        logs=[LogBeside(str(log), log.stat().st_size) for log in server_logs(folder)],
        problem=problem,
    )


def _kind(summary: Summary, name: str) -> KindShown:
    tables = [summary.tables[table] for table in tables_of(name)]
    return KindShown(
        kind=name,
        what=KINDS[name].what,
        entries=entries_of(summary, name),
        size=sum(table.size for table in tables),
        oldest=min((table.oldest for table in tables if table.oldest is not None), default=None),
        newest=max((table.newest for table in tables if table.newest is not None), default=None),
        kept=KINDS[name].kept,
    )


def _size(file: Path) -> int | None:
    try:
        size = file.stat().st_size
    except OSError:
        return None
    try:
        return size + beside(file, "-wal").stat().st_size
    except OSError:
        return size


def _print(shown: DataShown) -> None:
    from ecs_localai.commands.tables import draw, table

    if shown.size is None and shown.problem is None:
        say(f"Nothing is kept in {shown.folder}: there is no {FILE_NAME}.")
    elif shown.size is not None:
        used = ", which a program has open, or had when it was killed" if shown.is_open else ""
        say(f"{shown.file}: {format_bytes(shown.size)}{used}")
    if shown.problem is not None:
        warn(shown.problem)
    if shown.kinds:
        heads = ("kind", "entries", "size", "oldest", "newest", "what it is", "kept")
        draw("", table(heads, map(_cells, shown.kinds), right=("entries", "size")))
    others = [(copy.size, copy.file, copy.what) for copy in shown.copies]
    others += [(log.size, log.file, "what an Ollama wrote that was run from here") for log in shown.logs]
    if others:
        rows = [(format_bytes(size), file, what) for size, file, what in others]
        draw("", "Beside it:", table(("size", "file", "what it is"), rows, right=("size",)))


def _cells(kind: KindShown) -> tuple[str, ...]:
    return (
        kind.kind,
        f"{kind.entries:,}" if kind.entries else "-",
        format_bytes(kind.size) if kind.entries else "-",
        _moment(kind.oldest),
        _moment(kind.newest),
        kind.what,
        kind.kept,
    )


def _moment(moment: datetime | None) -> str:
    """In this computer's time zone."""
    return "-" if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M}"
