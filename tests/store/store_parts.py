"""What several of the store's tests need: child programs on a real store, real small disks, a look into the file."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import ecs_localai
from ecs_localai.store.changes import put_row
from ecs_localai.store.opening import FILE_NAME
from ecs_localai.store.tables import Table

CHILD = Path(__file__).with_name("store_child.py")


def start_child(*args: str) -> "subprocess.Popen[str]":
    """Runs `store_child.py` with this interpreter and this package."""
    root = str(Path(ecs_localai.__file__).parent.parent)
    environment = os.environ | {"PYTHONPATH": root}
    return subprocess.Popen(
        [sys.executable, "-W", "error", str(CHILD), *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def ask(child: "subprocess.Popen[str]", line: str) -> None:
    """Sends a line to a child."""
    if child.stdin is None:
        pytest.fail("the child has no input")
    child.stdin.write(f"{line}\n")
    child.stdin.flush()


def answer(child: "subprocess.Popen[str]") -> str:
    """The next line a child says."""
    if child.stdout is None:
        pytest.fail("the child has no output")
    return child.stdout.readline().rstrip("\n")


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    """What a plain SQLite connection finds in the store's file."""
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
        return list(connection.execute(query))


def execute(folder: Path, statement: str, *values: object) -> None:
    """Changes the store's file by a plain SQLite connection, as another program would."""
    with closing(sqlite3.connect(folder / FILE_NAME, isolation_level=None)) as connection:
        connection.execute(statement, values)


def write_row(folder: Path, table: Table, key: str, value: str, at: int = 0) -> None:
    """Writes a row as another process of ours would."""
    with closing(sqlite3.connect(folder / FILE_NAME, isolation_level=None)) as connection:
        put_row(connection, table, key, at, value)


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """Waits for something that must come; fails the test, saying what, if it doesn't."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds} s in vain: {what}")
        time.sleep(0.005)


@contextmanager
def small_disk(where: Path, size: str = "1m") -> Iterator[Path]:
    """A real file system of this size (tmpfs); skips the test where mounting isn't allowed."""
    if not sys.platform.startswith("linux") or shutil.which("mount") is None:
        pytest.skip("mounting a tmpfs needs Linux")
    where.mkdir()
    mounted = _run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(where))
    if mounted.returncode != 0:
        pytest.skip(f"mounting a tmpfs isn't allowed here: {mounted.stderr.strip()}")
    try:
        yield where
    finally:
        unmounted = _run("umount", str(where))
        if unmounted.returncode != 0:
            pytest.fail(f"a file on {where} is still open: {unmounted.stderr.strip()}")


def remount(where: Path, option: str) -> None:
    """Makes a mounted file system read-only (`ro`) or writable again (`rw`)."""
    result = _run("mount", "-o", f"remount,{option}", str(where))
    if result.returncode != 0:
        pytest.skip(f"remounting isn't allowed here: {result.stderr.strip()}")


def fill(disk: Path) -> Path:
    """Writes until nothing more goes in; removing the returned file frees the space."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while file.write(b"\0" * size):
                    pass
            except OSError:
                continue
    return filler


def random_bytes(seed: int, count: int) -> bytes:
    """The same bytes for the same seed."""
    return random.Random(seed).randbytes(count)


def _run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
