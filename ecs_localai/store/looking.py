"""Opening the file to read it, beside the store: a connection of its own that changes and creates nothing."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from ecs_localai.store.damage import beside

T = TypeVar("T")

FAILURES = (sqlite3.Error, UnicodeError)
"""What reading raises; the second where SQLite's own message names a column by bytes that are no text any more."""
_BUSY_SECONDS = 5.0


def look(file: Path, what: Callable[[sqlite3.Connection], T]) -> T:
    """What `what` reads with a connection of its own; read a second time where a program began to write meanwhile.

    Raises:
        sqlite3.Error: it cannot be read; also `UnicodeError`, see `FAILURES`.
        OSError: what lies beside it cannot be looked at.
    """
    at_rest = _is_at_rest(file)
    try:
        with _read_only(file, at_rest=at_rest) as connection:
            return what(connection)
    except FAILURES:
        if not at_rest or _is_at_rest(file):
            raise
    with _read_only(file, at_rest=False) as connection:
        return what(connection)


def is_open(file: Path) -> bool:
    """Whether a program has the file open, as far as can be seen: SQLite's shared memory lies beside it.

    It is also left behind by a program that was killed.
    """
    return os.path.exists(beside(file, "-shm"))  # unlike Path.exists(), never an error


def _is_at_rest(file: Path) -> bool:
    """True where nothing of SQLite's lies beside the file: nobody has it open, and it says everything."""
    log = beside(file, "-wal")
    return not is_open(file) and (not log.exists() or log.stat().st_size == 0)


@contextmanager
def _read_only(file: Path, *, at_rest: bool) -> Iterator[sqlite3.Connection]:
    # SQLite makes a log and its index beside a file in WAL mode even for one who only reads, and leaves them there;
    # not if it is told that nobody writes (https://sqlite.org/uri.html#uriimmutable).
    options = "mode=ro&immutable=1" if at_rest else "mode=ro"
    uri = f"{file.absolute().as_uri()}?{options}"
    with closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
        connection.text_factory = _spoiled_or_not
        connection.execute("BEGIN")  # all that is read is of one moment, while others write
        yield connection


def _spoiled_or_not(text: bytes) -> str:
    return text.decode(errors="surrogateescape")
