"""Opens the file, whatever state it is in, and always comes back with something the program can work with."""

import shutil
import sqlite3
import time
from contextlib import ExitStack, closing, suppress
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
from ecs_localai.store.former import create_private, keep_copy, salvaged_file, take_salvaged, write_salvaged
from ecs_localai.store.looking import look
from ecs_localai.store.migrations import SCHEMA_VERSION, NewerSchemaError, migrate, schema_version
from ecs_localai.store.state import StoredState, read_state
from ecs_localai.store.tables import Table

FILE_NAME = "ecs-localai.sqlite3"

_LATER = frozenset(
    {Table.CONTEXT, Table.MEASUREMENTS, Table.MEASUREMENT_MINUTES, Table.MEASUREMENT_HOURS}
)  # what no start reads
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


def open_file(file: Path, *, thorough: bool = False) -> OpenedFile:
    """Opens, creates, migrates or sets aside; reads the state. Takes milliseconds, or seconds on a held lock.

    `thorough` compares the indexes with the tables as well, which takes longer: for a file that failed in use.
    Raises nothing that the disk, the rights or the file's content can cause: `notice` says it in a sentence.
    """
    try:
        return _open_or_set_aside(file, thorough)
    except (OSError, sqlite3.Error, DamagedFileError) as error:
        return _unavailable(file, error)


def file_identity(file: Path) -> tuple[int, int] | None:
    """Device and inode, or `None` if there is no such file now."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _open_or_set_aside(file: Path, thorough: bool) -> OpenedFile:
    try:
        return _open_sound(file, thorough)
    except DamagedFileError:
        pass  # looked at again below, where no other process can be repairing it
    with repairing(file):
        try:
            return _open_sound(file, thorough)
        except DamagedFileError as error:
            reason = str(error)
            saved = write_salvaged(file)
            old = set_aside(file)
            take_salvaged(file)
        opened = _open_sound(file, thorough)
    opened.notice = (
        f"The saved data was damaged ({reason}). {saved} The damaged file was not deleted; it now lies at {old}."
    )
    return opened


def _open_sound(file: Path, thorough: bool) -> OpenedFile:
    """Raises `DamagedFileError`, `sqlite3.Error`, `OSError`."""
    if salvaged_file(file).exists() and not file.exists():
        take_salvaged(file)  # we were killed between the two renamings
    if has_orphaned_log(file):
        raise DamagedFileError("the file is empty or missing, but its write-ahead log is not")
    _create_private(file)
    try:
        if file.stat().st_size > 0 and (newer := _open_newer(file)) is not None:
            return newer
        return _open_writable(file, thorough)
    except NewerSchemaError:  # another process, a newer version of us, was quicker by a moment
        return OpenedFile(Access.NEWER, notice=_newer_notice(file))
    except UnicodeDecodeError as error:  # Python's, from SQLite's words about a broken table of contents
        raise DamagedFileError("its table of contents is broken") from error
    except sqlite3.Error as error:
        if is_damage(error) or primary_code(error) == sqlite3.SQLITE_TOOBIG:  # nothing of ours is that big
            raise DamagedFileError(str(error)) from error
        raise


def _create_private(file: Path) -> None:
    """Other users of the machine can't look in. SQLite gives the log the rights of the file beside it."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        create_private(file)


def _open_newer(file: Path) -> OpenedFile | None:
    """Reads a newer version's file; `None` if it is not newer.

    Only reading: a writing connection would fold the log into the file when it closes.
    """
    return look(file, lambda connection: _read_newer(file, connection))


def _read_newer(file: Path, connection: sqlite3.Connection) -> OpenedFile | None:
    try:
        if schema_version(connection) <= SCHEMA_VERSION:
            return None
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_READONLY_ROLLBACK:
            raise
        return None  # the power went while the file was begun: only a writing connection can finish that
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


def _open_writable(file: Path, thorough: bool) -> OpenedFile:
    identity = file_identity(file)
    # Opened here, used by the writer's thread from then on, never by two at once.
    connection = sqlite3.connect(file, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    with ExitStack() as undo:
        undo.callback(connection.close)
        _use_log(connection)
        # FULL: a commit survives a power cut, not only the end of the process. It costs 0.2 ms instead of
        # 0.03 ms, on a thread that nobody waits for, at most twenty times a second.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten with zeros
        connection.execute("PRAGMA temp_store = MEMORY")  # `VACUUM` would leave a copy of everything in /var/tmp
        _check(connection, thorough)
        copy = None
        if 0 < schema_version(connection) < SCHEMA_VERSION:
            copy = keep_copy(connection, file)
        unreadable = migrate(connection)
        state = read_state(connection)
        state.unreadable.extend(unreadable)
        undo.pop_all()
    notice = None
    if copy is not None and unreadable:
        notice = f"Some of the saved data could not be taken over from an older version; a copy lies at {copy}."
    return OpenedFile(Access.WRITABLE, connection, state, notice, identity)


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


def is_sound(connection: sqlite3.Connection) -> bool:
    """Whether every page of the file makes sense. Takes 20 ms with a year of measurements."""
    try:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except UnicodeDecodeError:  # as above
        return False
    except sqlite3.Error as error:
        return not is_damage(error)
    return bool(verdict == "ok")


def _check(connection: sqlite3.Connection, thorough: bool) -> None:
    """Walks through every page that a start reads (8 ms for 10,000 rows of history), or through all.

    Damage should be found now, not in use. The writer looks at the rest when the program has started.
    """
    if thorough or schema_version(connection) != SCHEMA_VERSION:
        checks = ["integrity_check(1)"]
    else:
        checks = [f"quick_check({table})" for table in Table if table not in _LATER]
    for check in checks:
        (verdict,) = connection.execute(f"PRAGMA {check}").fetchone()
        if verdict != "ok":
            raise DamagedFileError(str(verdict).replace("\n", " "))


def _connect_read_only(file: Path, options: str = "") -> sqlite3.Connection:
    return sqlite3.connect(
        f"{file.absolute().as_uri()}?mode=ro{options}", uri=True, timeout=_BUSY_SECONDS, isolation_level=None
    )


def _unavailable(file: Path, error: Exception) -> OpenedFile:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    if isinstance(error, sqlite3.Error) and _is_disk_full(file.parent):
        reason = "the disk is full"  # SQLite says “disk I/O error” where its shared memory has no room
    state = _read_what_is_there(file)
    notice = (
        f"Nothing can be saved in {file.parent} now ({reason}). The program works and keeps changes in "
        "memory; they are saved once that folder can be written. Free space there and check its permissions, "
        "or choose another with --data-dir."
    )
    if state is None:
        notice += " What was saved there before could not be read."
    return OpenedFile(Access.UNAVAILABLE, state=state or StoredState(), notice=notice)


def _is_disk_full(folder: Path) -> bool:
    """Whether it has no room for the few pages that a start needs."""
    try:
        return shutil.disk_usage(folder).free < 128 * 1024
    except OSError:
        return False


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
                return _read_any_schema(connection)
        except sqlite3.Error:
            continue
    return None


def _read_any_schema(connection: sqlite3.Connection) -> StoredState:
    """The state of a file that can't be written, of this schema or an older one. Raises `sqlite3.Error`."""
    version = schema_version(connection)
    if version == 0 or version >= SCHEMA_VERSION:
        return read_state(connection)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as memory:
        connection.backup(memory)
        migrate(memory)
        return read_state(memory)
