"""Opens the file, whatever state it is in, and always comes back with something the program can work with."""

import os
import sqlite3
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

from ecs_localai.store.damage import (
    DamagedFileError,
    beside,
    has_orphaned_log,
    is_damage,
    primary_code,
    repairing,
    set_aside,
)
from ecs_localai.store.migrations import SCHEMA_VERSION, NewerSchemaError, migrate, schema_version
from ecs_localai.store.state import StoredState, read_state

FILE_NAME = "ecs-localai.sqlite3"

_BUSY_SECONDS = 5.0  # so long a connection waits for another process' transaction


class Access(Enum):
    """What can be done with the file."""

    WRITABLE = auto()
    NEWER = auto()
    """A newer version wrote it: it is read and never written."""
    UNAVAILABLE = auto()
    """It cannot be written now (rights, a full disk, a lock held too long): worth another try later."""


@dataclass(slots=True)
class OpenedFile:
    """The outcome of opening. `connection` is there exactly if `access` is WRITABLE; its owner closes it."""

    access: Access
    connection: sqlite3.Connection | None = None
    state: StoredState = field(default_factory=StoredState)
    notice: str | None = None
    identity: tuple[int, int] | None = None
    """Device and inode: tells whether the path still leads to the file that is open."""


def open_file(file: Path) -> OpenedFile:
    """Opens, creates, migrates or sets aside; reads the state. Takes milliseconds, or seconds on a held lock.

    Raises nothing that the disk, the rights or the file's content can cause: `notice` says it in a sentence.
    """
    try:
        return _open_or_set_aside(file)
    except (OSError, sqlite3.Error, DamagedFileError) as error:
        return _unavailable(file, error)


def file_identity(file: Path) -> tuple[int, int] | None:
    """Device and inode, or `None` if there is no such file now."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _open_or_set_aside(file: Path) -> OpenedFile:
    try:
        return _open_sound(file)
    except DamagedFileError:
        pass  # looked at again below, where no other process can be repairing it
    with repairing(file):
        try:
            return _open_sound(file)
        except DamagedFileError as error:
            reason = str(error)
            old = set_aside(file)
        opened = _open_sound(file)
    opened.notice = (
        f"The saved data was damaged ({reason}), so a fresh file was begun. "
        f"The old one was not deleted; it now lies at {old}."
    )
    return opened


def _open_sound(file: Path) -> OpenedFile:
    """Raises `DamagedFileError`, `sqlite3.Error`, `OSError`."""
    if has_orphaned_log(file):
        raise DamagedFileError("the file is empty or missing, but its write-ahead log is not")
    _create_private(file)
    try:
        if file.stat().st_size > 0 and (newer := _open_newer(file)) is not None:
            return newer
        return _open_writable(file)
    except NewerSchemaError:  # another process, a newer version of us, was quicker by a moment
        return OpenedFile(Access.NEWER, notice=_newer_notice(file))
    except sqlite3.Error as error:
        if is_damage(error):
            raise DamagedFileError(str(error)) from error
        raise


def _create_private(file: Path) -> None:
    """Other users of the machine can't look in. SQLite gives the log the rights of the file beside it."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return


def _open_newer(file: Path) -> OpenedFile | None:
    """Reads a newer version's file; `None` if it is not newer.

    The connection is read-only: a writing one would fold the log into the file when it closes.
    """
    with closing(_connect_read_only(file)) as connection:
        if schema_version(connection) <= SCHEMA_VERSION:
            return None
        try:
            state = read_state(connection)
        except sqlite3.OperationalError:  # no such table or column: the newer version keeps it elsewhere
            notice = f"{_newer_notice(file)} This version cannot read it and starts with its defaults."
            return OpenedFile(Access.NEWER, notice=notice)
    return OpenedFile(Access.NEWER, state=state, notice=_newer_notice(file))


def _newer_notice(file: Path) -> str:
    return (
        f"The saved data in {file} belongs to a newer version of ecs-localai and is left as it is: "
        "changes made now are not kept. Install the newer version, or choose another folder with --data-dir."
    )


def _open_writable(file: Path) -> OpenedFile:
    identity = file_identity(file)
    # Opened here, used by the writer's thread from then on, never by two at once.
    connection = sqlite3.connect(file, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    with ExitStack() as undo:
        undo.callback(connection.close)
        _use_log(connection)
        # FULL: a commit survives a power cut, not only the end of the process. It costs 0.2 ms instead of
        # 0.03 ms, on a thread that nobody waits for, at most twenty times a second.
        connection.execute("PRAGMA synchronous = FULL")
        _check(connection)
        migrate(connection)
        state = read_state(connection)
        undo.pop_all()
    return OpenedFile(Access.WRITABLE, connection, state, identity=identity)


def _use_log(connection: sqlite3.Connection) -> None:
    """WAL mode. SQLite doesn't wait by itself when two processes switch a new file at the same moment."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _check(connection: sqlite3.Connection) -> None:
    """Walks through every page (8 ms for 10,000 rows of history): damage should be found now, not in use."""
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise DamagedFileError(str(verdict).replace("\n", " "))


def _connect_read_only(file: Path, options: str = "") -> sqlite3.Connection:
    return sqlite3.connect(
        f"{file.absolute().as_uri()}?mode=ro{options}", uri=True, timeout=_BUSY_SECONDS, isolation_level=None
    )


def _unavailable(file: Path, error: Exception) -> OpenedFile:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    state = _read_what_is_there(file)
    notice = (
        f"Nothing can be saved in {file.parent} now ({reason}). The program works and keeps changes in "
        "memory; they are saved once that folder can be written. Free space there and check its permissions, "
        "or choose another with --data-dir."
    )
    if state is None:
        notice += " What was saved there before could not be read."
    return OpenedFile(Access.UNAVAILABLE, state=state or StoredState(), notice=notice)


def _read_what_is_there(file: Path) -> StoredState | None:
    """What a file that can't be written says; an empty state if there is none, `None` if it can't be read."""
    try:
        if not file.exists() or file.stat().st_size == 0:
            return StoredState()
        log = beside(file, "-wal")
        # Reading along with writers needs a lock file, which a full or read-only folder can't hold. Without a
        # log the file says everything, nobody is writing, and it can be read as it lies.
        unwritten = not log.exists() or log.stat().st_size == 0
    except OSError:
        return None
    for options in ("", "&immutable=1") if unwritten else ("",):
        try:
            with closing(_connect_read_only(file, options)) as connection:
                return read_state(connection)
        except sqlite3.Error:
            continue
    return None
