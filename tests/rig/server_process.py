"""A server program as a child process: own process group, output to a file, never left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from tests.rig import orphan_guard
from tests.rig.waiting import wait_until


class ServerDied(RuntimeError):
    """A server program ended while it was starting; the text holds the end of its output."""


class ServerProcess:
    """Starts a server program in a process group of its own and appends its output to ``log``.

    ``start`` returns when ``ready()`` is true. ``end_group`` also ends what the program started, even after the
    program itself was killed.
    """

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._groups: list[int] = []

    @property
    def pid(self) -> int:
        """The process id. Raises RuntimeError when the program was not started."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the program itself runs now."""
        return self._process is not None and self._process.poll() is None

    def start(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        ready: Callable[[], bool],
        *,
        timeout: float = 30.0,
        keep: Sequence[int] = (),
    ) -> None:
        """Starts ``command`` and waits for ``ready``; ``keep`` are file descriptors that it inherits.

        Raises ServerDied when the program ends before that, DeadlinePassed when it takes more than ``timeout`` seconds.
        """
        if self.running:
            raise RuntimeError(f"{self.name} is running already")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                list(command),
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=tuple(keep),
            )
        self._groups.append(self._process.pid)
        orphan_guard.guard(self._process.pid)
        try:
            wait_until(
                lambda: self._alive() and ready(), timeout, lambda: f"{self.name} to be ready\n{self.log_tail()}"
            )
        except BaseException:
            self.end_group()
            raise

    def _alive(self) -> bool:
        if not self.running:
            raise ServerDied(f"{self.name} ended while it was starting:\n{self.log_tail()}")
        return True

    def log_text(self) -> str:
        """All that the program has written so far, over all its starts."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of the output."""
        return "\n".join(self.log_text().splitlines()[-lines:])

    def signal_and_wait(self, number: signal.Signals, timeout: float = 10.0) -> int:
        """Sends a signal to the program alone (not to its children) and waits for its end; returns its exit status.

        A program that ended already is no error. Raises RuntimeError when it was never started, and
        subprocess.TimeoutExpired when it doesn't end within ``timeout`` seconds.
        """
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)
        return self._process.wait(timeout)

    def end_group(self) -> None:
        """Ends the program, first politely, and every process that it left behind. A second call does nothing."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGCONT)  # a stopped process would not see the SIGTERM
            try:
                self.signal_and_wait(signal.SIGTERM, timeout=5.0)
            except subprocess.TimeoutExpired:
                self.signal_and_wait(signal.SIGKILL)
        for group in self._groups:
            orphan_guard.kill_group(group)
            what = f"the processes that {self.name} had started to end"
            wait_until(partial(_ended, group), 10.0, what)
            orphan_guard.release(group)
        self._groups.clear()


def _ended(group: int) -> bool:
    """Whether no process of the group is left but zombies (process 1 reaps an orphan's zombie in its own time)."""
    if not orphan_guard.group_exists(group):
        return True
    if not Path("/proc/self/stat").exists():
        return False
    for stat in Path("/proc").glob("[0-9]*/stat"):
        # A process may end while we look at it.
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[2]) == group and fields[0] != "Z":
                return False
    return True
