"""The copies that lie beside the file: of what it was before a migration, and of what was read out of a damaged one."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from ecs_localai.store.changes import put_row
from ecs_localai.store.damage import beside
from ecs_localai.store.migrations import migrate, roll_back, schema_version
from ecs_localai.store.salvage import SalvageError, salvage, salvage_former


def keep_copy(connection: sqlite3.Connection, file: Path) -> Path:
    """Keep the whole file as it is before it is migrated; returns where. One copy of each schema, the first.

    Raises `OSError`, `sqlite3.Error`: then nothing may be migrated.
    """
    version = schema_version(connection)
    copy = file.with_name(f"{file.stem}.schema-{version}{file.suffix}")
    unfinished = copy.with_name(f"{copy.name}.{os.getpid()}.part")
    try:
        unfinished.unlink(missing_ok=True)
        create_private(unfinished)
        with closing(sqlite3.connect(unfinished, isolation_level=None)) as target:
            connection.backup(target)
            migrated_meanwhile = schema_version(target) != version  # by another process, which has kept its copy
        if not copy.exists() and not migrated_meanwhile:
            _to_disk(unfinished)
            unfinished.rename(copy)
            _names_to_disk(copy.parent)
    finally:
        unfinished.unlink(missing_ok=True)
    return copy


def create_private(file: Path) -> None:
    """Begin a file that other users of the machine can't look into. Raises `OSError`, also where it is there."""
    os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def salvaged_file(file: Path) -> Path:
    """Where what was read out of a damaged file waits to take its place."""
    return file.with_name(f"{file.stem}.salvaged{file.suffix}")


def write_salvaged(file: Path) -> str:
    """Read what can be read out of a damaged file, into a fresh one beside it; returns a sentence that says how much.

    Raises `OSError`, `sqlite3.Error`: the disk, not the damage.
    """
    try:
        rows = salvage(file).rows or salvage_former(file).rows
    except SalvageError as error:
        raise OSError(str(error)) from error
    target = salvaged_file(file)
    unfinished = target.with_name(target.name + ".part")
    for leftover in (unfinished, beside(unfinished, "-journal"), target):
        leftover.unlink(missing_ok=True)
    if not rows:
        return "Nothing could be read out of it, so a fresh file was begun."
    create_private(unfinished)
    with closing(sqlite3.connect(unfinished, isolation_level=None)) as connection:
        migrate(connection)
        connection.execute("BEGIN IMMEDIATE")
        try:
            for row in rows:
                put_row(connection, row.table, row.key, row.at, row.value)
            connection.execute("COMMIT")
        finally:
            roll_back(connection)
    _to_disk(unfinished)
    unfinished.rename(target)
    return _what_was_saved(len(rows))


def take_salvaged(file: Path) -> None:
    """Let the fresh file take the damaged one's place, which has been set aside. Raises `OSError`."""
    salvaged = salvaged_file(file)
    if salvaged.exists():
        salvaged.rename(file)
        _names_to_disk(file.parent)


def copies(file: Path) -> Iterator[Path]:
    """Everything of ours that lies beside the file and may hold what it held: for a person who wants it all gone."""
    for pattern in (f"{file.stem}.schema-*", f"{file.stem}.damaged-*", f"{file.stem}.salvaged*"):
        yield from file.parent.glob(pattern)


def set_aside_files(file: Path) -> list[Path]:
    """The damaged files that lie beside it."""
    return sorted(file.parent.glob(f"{file.stem}.damaged-*{file.suffix}"))


def remove_copies(file: Path, fail: Callable[[str], None]) -> bool:
    """Delete all of them, because a person wants everything forgotten; says which one could not be.

    False if one of them is still there.
    """
    all_gone = True
    for copy in list(copies(file)):
        try:
            copy.unlink(missing_ok=True)
        except OSError as error:
            all_gone = False
            fail(f"{copy} could not be deleted ({error.strerror or error}); delete it yourself.")
    return all_gone


def _what_was_saved(count: int) -> str:
    return (
        f"{count} entries could be read out of it and are kept." if count != 1 else "One entry could be read out of it."
    )


def _to_disk(file: Path) -> None:
    """A file that is to take another's place must be on the disk before it does."""
    with file.open("rb+") as opened:
        os.fsync(opened.fileno())


def _names_to_disk(folder: Path) -> None:
    """A name that was given must survive a power cut before anything relies on it (POSIX: ``fsync`` of the folder)."""
    if os.name == "nt":
        return  # folders cannot be opened there; NTFS keeps names in its journal
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
