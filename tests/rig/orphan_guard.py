"""Makes sure that no server and no temporary folder of the rig outlives the test run, even one that is killed.

A death signal (``PR_SET_PDEATHSIG``) would be sent when the *thread* that started the server ends, which is wrong for
servers started from helper threads. So one small process holds the other end of a pipe: when the pipe closes, because
this process ended in whatever way, it kills the process groups and removes the folders that it was told about.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

_GUARD = """
import os, shutil, signal, sys
held = set()
for line in sys.stdin:
    (held.add if line[0] == "+" else held.discard)(line[1:].rstrip("\\n"))
for group in (int(entry[6:]) for entry in held if entry.startswith("group ")):
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        pass
for entry in held:
    if entry.startswith("folder "):
        shutil.rmtree(entry[7:], ignore_errors=True)
"""

_lock = threading.Lock()
_guard: subprocess.Popen[str] | None = None


def guard(group: int) -> None:
    """The process group ``group`` is to be killed when this process ends, unless it is released before."""
    _tell(f"+group {group}\n")


def release(group: int) -> None:
    """The process group ``group`` is gone: nothing is left to kill."""
    _tell(f"-group {group}\n")


def temporary_folder(what: str) -> Path:
    """Makes a temporary folder that is removed when this process ends, unless ``remove_folder`` did it before."""
    folder = Path(tempfile.mkdtemp(prefix=f"ecs-localai-{what}-"))
    _tell(f"+folder {folder}\n")
    return folder


def remove_folder(folder: Path) -> None:
    """Removes a folder of ``temporary_folder`` with all that is in it. A second call does nothing."""
    shutil.rmtree(folder, ignore_errors=True)
    _tell(f"-folder {folder}\n")


def guard_pid() -> int | None:
    """The process id of the guard, or None while there is nothing to guard yet."""
    return None if _guard is None else _guard.pid


def kill_group(group: int) -> None:
    """Kills every process of the group at once; quietly does nothing when there is none."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def group_exists(group: int) -> bool:
    """Whether any process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _tell(line: str) -> None:
    global _guard
    with _lock:
        if _guard is None or _guard.poll() is not None:
            atexit.register(close)
            _guard = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _GUARD],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                text=True,
                start_new_session=True,  # a Ctrl-C at the terminal is not for it
            )
        if _guard.stdin is not None:
            _guard.stdin.write(line)
            _guard.stdin.flush()


def close() -> None:
    """Ends the guard (which kills what is still registered). Called at the end of a test run."""
    global _guard
    with _lock:
        if _guard is not None and _guard.stdin is not None:
            _guard.stdin.close()
            _guard.wait(timeout=10)
        _guard = None
    atexit.unregister(close)
