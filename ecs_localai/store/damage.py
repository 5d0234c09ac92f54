"""A file that SQLite cannot understand is set aside under a new name. Nothing is ever deleted."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

_COMPANIONS = ("-wal", "-shm", "-journal")  # what SQLite keeps beside a file, by its documentation


class DamagedFileError(Exception):
    """The file is not a sound SQLite database."""


def is_damage(error: sqlite3.Error) -> bool:
    """True where the file itself is bad, not the disk, the rights or another process."""
    return primary_code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def primary_code(error: sqlite3.Error) -> int | None:
    """SQLite's primary result code (the extended one's low byte); `None` if Python raised the error."""
    code: object = getattr(error, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else None


def has_orphaned_log(file: Path) -> bool:
    """True where changes lie in a write-ahead log whose database is missing or empty.

    SQLite would delete that log on opening. A database in use is never empty: switching to WAL writes its
    first page before a log exists; so the log is looked at first.
    """
    return _size(beside(file, "-wal")) > 0 and _size(file) == 0


def beside(file: Path, companion: str) -> Path:
    """The file that SQLite keeps beside the database under this suffix."""
    return file.with_name(file.name + companion)


@contextmanager
def repairing(file: Path) -> Iterator[None]:
    """Only one process repairs at a time. SQLite's own lock, on an empty file ends with the process.

    Raises `sqlite3.OperationalError` if another process holds it for more than 5 s.
    """
    lock = file.with_name("ecs-localai.lock")
    with closing(sqlite3.connect(lock, timeout=5.0, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield


def set_aside(file: Path) -> Path:
    """Renames a damaged file and what SQLite keeps beside it; returns the new name. Raises `OSError`.

    Call it inside `repairing`, having seen the damage there: otherwise it may be a fresh file that is moved.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    number = 1
    while True:
        suffix = "" if number == 1 else f"-{number}"
        target = file.with_name(f"{file.stem}.damaged-{stamp}{suffix}{file.suffix}")
        if not any(beside(target, companion).exists() for companion in ("", *_COMPANIONS)):
            break
        number += 1
    # The log goes first: killed in between, the next start finds a damaged file, not an orphaned log.
    for companion in (*_COMPANIONS, ""):
        source = beside(file, companion)
        if source.exists():
            source.rename(beside(target, companion))
    return target if target.exists() else beside(target, "-wal")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
