"""Looking into the file without opening the store: a connection of its own that changes and creates nothing.

For commands and for what is read later; it may take as long as the disk takes, so not for a frame.
"""

import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from ecs_localai.store.damage import has_orphaned_log, is_damage, primary_code
from ecs_localai.store.former import copies
from ecs_localai.store.looking import FAILURES, look
from ecs_localai.store.looking import is_open as is_open
from ecs_localai.store.migrations import SCHEMA_VERSION, schema_version
from ecs_localai.store.moments import from_microseconds
from ecs_localai.store.retention import KeptContext
from ecs_localai.store.state import StoredInstallation, checked_rows
from ecs_localai.store.tables import COLUMNS, WIPE_MARK, Table

T = TypeVar("T")

MOST_PROBLEMS = 20
"""So many of the things that are wrong are told one by one."""
_MOMENTS = frozenset(
    {
        Table.HISTORY,
        Table.REGISTRY,
        Table.MEASUREMENTS,
        Table.MEASUREMENT_MINUTES,
        Table.MEASUREMENT_HOURS,
    }
)
"""The tables whose ``at`` is when something happened."""
_context_decoder = msgspec.json.Decoder(KeptContext)


class ReadingError(Exception):
    """The file cannot be read as it is. The message is a sentence that says what to do."""


class TableSummary(msgspec.Struct, frozen=True):
    """What a table holds."""

    entries: int
    size: int
    """Bytes of keys and values; the file takes a little more for them."""
    oldest: datetime | None = None
    """When the first of it happened; None where the table does not say, or is empty."""
    newest: datetime | None = None


class Summary(msgspec.Struct, frozen=True):
    """What the file holds."""

    schema: int
    """Its version."""
    tables: dict[Table, TableSummary]


class Checked(msgspec.Struct, frozen=True):
    """What a check of the file found."""

    schema: int | None
    """Its version, 0 for a file that nothing was written to; None where even that cannot be read."""
    entries: int
    """So many rows were compared with their checksums."""
    problems: list[str]
    """A sentence for each thing that is wrong; of many the first, and how many more there are."""
    is_usable: bool = True
    """Whether the store can use the file as it is, but for rows that are spoiled, which it passes over."""


class CopyBeside(msgspec.Struct, frozen=True):
    """A copy of ours beside the file."""

    file: str
    size: int
    """Bytes."""
    what: str
    """What it is, in words."""


def read_summary(file: Path) -> Summary:
    """What each table holds.

    Raises:
        ReadingError: there is no file, it is of another version, or cannot be read.
    """
    return _look(file, _summary)


def check_file(file: Path) -> Checked:
    """Whether the file is sound: SQLite's own check of its structure, and each row against its checksum.

    Of a file of an older or a newer version only the structure can be checked. A problem of the file is no exception.

    Raises:
        ReadingError: there is no file, or the rights or the disk are against reading it.
    """
    if is_log_alone(file):
        return Checked(None, 0, ["The file is empty or missing, but its write-ahead log is not."], is_usable=False)
    try:
        return _look(file, _check)
    except ReadingError as error:
        if _is_content(error.__cause__):
            return Checked(None, 0, [f"SQLite cannot read the file ({error.__cause__})."], is_usable=False)
        raise


def read_history(file: Path, limit: int, before: str | None = None) -> list[StoredInstallation]:
    """Ended installations in the order in which they were kept, the newest first: `limit` of them at most.

    Those before the one with the id `before`, for the next page; none where there is no such one. Spoiled rows are left
    out. A file that is not there holds none.

    Raises:
        ReadingError: it is of another version, or cannot be read.
    """
    if not is_there(file):
        return []

    def read(connection: sqlite3.Connection) -> list[StoredInstallation]:
        _require_schema(connection, file)
        query = f"SELECT {COLUMNS} FROM {Table.HISTORY}"
        values: tuple[object, ...] = (limit,)
        if before is not None:
            query += " WHERE rowid < (SELECT rowid FROM history WHERE key = ?)"
            values = (before, limit)
        rows = checked_rows(connection, f"{query} ORDER BY rowid DESC LIMIT ?", Table.HISTORY, *values)
        return [
            StoredInstallation(row[0], moment, row[2].encode())
            for row in rows
            if not isinstance(row, str) and (moment := _moment(row[1])) is not None
        ]

    return _look(file, read)


def copies_beside(file: Path) -> list[CopyBeside]:
    """Copies of the file that lie beside it: from before a migration, and damaged ones that were set aside."""
    found: list[CopyBeside] = []
    try:
        paths = sorted(copies(file))
    except OSError:
        return found  # whoever reads the file says why
    for path in paths:
        name = path.name
        if name.startswith(f"{file.stem}.schema-"):
            what = "as it was before a newer version took it over"
        elif name.startswith(f"{file.stem}.damaged-"):
            what = "a damaged file that was set aside"
        else:
            what = "what was read out of a damaged file, not yet in use"
        try:
            found.append(CopyBeside(str(path), path.stat().st_size, what))
        except OSError:
            continue  # it has gone meanwhile
    return found


def is_there(file: Path) -> bool:
    """Whether there is a file; also where that cannot be found out, so that whoever reads it says why."""
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def is_log_alone(file: Path) -> bool:
    """Whether changes lie in a log whose file is missing or empty: damage, though there may be no file."""
    try:
        return has_orphaned_log(file)
    except OSError:
        return False  # whoever reads the file says why


def _look(file: Path, what: Callable[[sqlite3.Connection], T]) -> T:
    """As `look`, with a sentence for what goes wrong."""
    if not is_there(file):
        raise ReadingError(f"There is no file {file}: nothing has been kept yet.")
    try:
        return look(file, what)
    except (*FAILURES, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ReadingError(
            f"{file} cannot be read ({reason}). Check its permissions. “ecs-localai data check” tells damage."
        ) from error


def _require_schema(connection: sqlite3.Connection, file: Path) -> None:
    version = schema_version(connection)
    if version > SCHEMA_VERSION:
        raise ReadingError(f"{file} belongs to a newer version of ecs-localai, which this one cannot look into.")
    if version == 0:
        raise ReadingError(f"{file} is empty: nothing has been kept yet.")
    if version < SCHEMA_VERSION:
        raise ReadingError(
            f"{file} is of an older version of ecs-localai. The next start of the panel takes it over and keeps a copy."
        )


def _is_content(error: BaseException | None) -> bool:
    """Whether the file itself is to blame; SQLITE_ERROR is what a table of another shape gives."""
    if isinstance(error, sqlite3.Error):
        return is_damage(error) or primary_code(error) == sqlite3.SQLITE_ERROR
    return isinstance(error, UnicodeError)


def _summary(connection: sqlite3.Connection) -> Summary:
    (name,) = (row[2] for row in connection.execute("PRAGMA database_list") if row[1] == "main")
    _require_schema(connection, Path(name))
    return Summary(SCHEMA_VERSION, {table: _summary_of(connection, table) for table in Table})


def _summary_of(connection: sqlite3.Connection, table: Table) -> TableSummary:
    # Bytes, not characters; the mark of a deletion is nothing that a person has set.
    entries, size = connection.execute(
        "SELECT count(*), coalesce(sum(length(CAST(key AS BLOB)) + length(CAST(value AS BLOB))), 0)"
        f" FROM {table} WHERE key <> ?",
        (WIPE_MARK if table is Table.SETTINGS else "",),
    ).fetchone()
    if table in _MOMENTS:
        oldest, newest = connection.execute(f"SELECT min(at), max(at) FROM {table} WHERE at > 0").fetchone()
    elif table is Table.CONTEXT:
        read = [
            kept.read_at
            for row in checked_rows(connection, f"SELECT {COLUMNS} FROM {table}", table)
            if not isinstance(row, str) and (kept := _context(row[2])) is not None
        ]
        oldest, newest = min(read, default=None), max(read, default=None)
    else:
        oldest = newest = None
    return TableSummary(entries, size, _moment(oldest), _moment(newest))


def _context(value: str) -> KeptContext | None:
    try:
        return _context_decoder.decode(value)
    except msgspec.MsgspecError:
        return None


def _moment(at: object) -> datetime | None:
    try:
        return from_microseconds(at) if isinstance(at, int) else None
    except OverflowError:  # beyond the years that there are
        return None


def _check(connection: sqlite3.Connection) -> Checked:
    schema = schema_version(connection)
    verdicts = [str(verdict) for (verdict,) in connection.execute(f"PRAGMA integrity_check({MOST_PROBLEMS})")]
    problems = [f"The file's structure is damaged: {one.strip()}." for one in verdicts if one != "ok"]
    is_usable = not problems
    entries = 0
    if schema == SCHEMA_VERSION:
        there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for table in Table:
            if table not in there:
                problems.append(f"The table {table} is missing.")
                is_usable = False
                continue
            try:
                for row in checked_rows(connection, f"SELECT {COLUMNS} FROM {table}", table):
                    entries += 1
                    if isinstance(row, str):
                        problems.append(row)
            except FAILURES as error:
                if not _is_content(error):
                    raise
                problems.append(f"The table {table} cannot be read to its end ({error}).")
                is_usable = False
    more = len(problems) - MOST_PROBLEMS
    if more > 0:
        problems[MOST_PROBLEMS:] = [f"There {'is' if more == 1 else 'are'} {more} more."]
    return Checked(schema, entries, problems, is_usable)
