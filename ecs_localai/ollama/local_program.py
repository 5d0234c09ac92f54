"""A server program as our child: its output, its end, and that nothing of it stays behind. For `local_server`."""

from __future__ import annotations

import asyncio
import atexit
import codecs
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from .server_log import LogFile

__all__ = ["ChildServer", "Output"]

_TAIL_LINES: Final = 200
_LINE_LENGTH: Final = 2000
_WORDS_LENGTH: Final = 300
_GROUP_SECONDS: Final = 1.0
_PIPE_SECONDS: Final = 5.0
_AT_EXIT_SECONDS: Final = 3.0
_TELLING: Final = ("Error:", "panic:", "fatal error:")
_LOGGED_ERROR: Final = "level=ERROR"
_EVERYDAY: Final = ("[GIN]", "time=")
"""How Ollama's log of requests and of what it does begins: nothing in it says why it ended (0.9.3)."""

_children: set[ChildServer] = set()


class Output:
    """The last lines that a program wrote: at most 200, each of at most 2000 characters."""

    def __init__(self, log: LogFile | None) -> None:
        self._log = log
        self._lines: deque[str] = deque(maxlen=_TAIL_LINES)
        self._open_line = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes) -> None:
        """Take what the program wrote."""
        if self._log is not None:
            self._log.write(data)
        *lines, rest = (self._open_line + self._decoder.decode(data)).split("\n")
        self._lines.extend(line.rstrip("\r")[:_LINE_LENGTH] for line in lines)
        self._open_line = rest[:_LINE_LENGTH]

    @property
    def text(self) -> str:
        """All of them."""
        return "\n".join([*self._lines, self._open_line] if self._open_line else self._lines)

    @property
    def last_words(self) -> str:
        """The line that most likely says why the program ended; empty where it wrote nothing."""
        lines = [line.strip() for line in self.text.splitlines() if line.strip()]
        telling = [line for line in lines if line.startswith(_TELLING) or _LOGGED_ERROR in line]
        others = [line for line in lines if not line.startswith(_EVERYDAY)]
        return (telling or others or [""])[-1][:_WORDS_LENGTH]

    async def drain(self) -> None:
        """Wait until the file, if there is one, has all of it."""
        if self._log is not None:
            await self._log.drain()


class ChildServer(asyncio.SubprocessProtocol):
    """One running program, with all the processes that it starts: on POSIX they are one process group."""

    def __init__(self, output: Output) -> None:
        self.output = output
        self.ended = asyncio.Event()
        self.is_stopped = False
        """Whether its end is our doing."""
        self.on_end: Callable[[], None] | None = None
        """Called when it has ended by itself and all that it wrote was read."""
        self._transport: asyncio.SubprocessTransport | None = None
        self._owner = os.getpid()
        self._is_closed = asyncio.Event()
        self._is_gone = False

    @classmethod
    async def launch(cls, program: Path, output: Output, environment: Mapping[str, str]) -> ChildServer:
        """Start ``program serve``. Raises OSError."""
        new_group = 0
        if sys.platform == "win32":
            new_group = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        _, child = await asyncio.get_running_loop().subprocess_exec(
            lambda: cls(output),
            str(program),
            "serve",
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=sys.platform != "win32",
            creationflags=new_group,
        )
        return child

    @property
    def pid(self) -> int:
        """Its process id, which on POSIX is also that of its group."""
        return -1 if self._transport is None else self._transport.get_pid()

    @property
    def ending(self) -> str:
        """How it ended, in words."""
        code = None if self._transport is None else self._transport.get_returncode()
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                return f"by {signal.Signals(-code).name}"
        return f"with status {code}"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It runs."""
        if isinstance(transport, asyncio.SubprocessTransport):
            self._transport = transport
            if not _children:
                atexit.register(_end_children)
            _children.add(self)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """It wrote something."""
        self.output.feed(data)

    def process_exited(self) -> None:
        """It has ended. What it leaves behind (runners of a server that was killed) would hold memory for nothing."""
        self.ended.set()
        if not self.is_stopped:
            self.kill()
            # Its last lines are still to be read; but a process that left the group may hold the pipe for ever.
            asyncio.get_running_loop().call_later(_PIPE_SECONDS, self._report)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended, and nobody can write to its pipe any more."""
        self._is_closed.set()
        self._close()
        self._report()

    def _report(self) -> None:
        on_end, self.on_end = self.on_end, None
        if on_end is not None and not self.is_stopped:
            on_end()

    def ask_to_end(self) -> None:
        """SIGTERM for the whole group: the program may be a script that runs the server. On Windows, its plain end."""
        self.is_stopped = True
        if not self.ended.is_set():
            self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End what is left of the group at once."""
        self._signal(signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._is_gone:  # the number may be another process's by now
            return
        if sys.platform == "win32":
            _terminate_tree(self.pid)
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: not permitted for a zombie
            os.killpg(self.pid, number)

    async def clear_up(self) -> None:
        """Wait a moment for the processes that ended politely, end the others, and close the pipe."""
        try:
            if self.ended.is_set():
                await self._group_gone()
        finally:
            self.kill()
        try:
            async with asyncio.timeout(_PIPE_SECONDS):
                await self.ended.wait()
                await self._is_closed.wait()
                await self.output.drain()
        except TimeoutError:  # a process outside the group holds the pipe
            pass
        finally:
            self._close()

    async def _group_gone(self) -> None:
        deadline = time.monotonic() + _GROUP_SECONDS
        while sys.platform != "win32" and time.monotonic() < deadline:
            try:
                os.killpg(self.pid, 0)
            except (ProcessLookupError, PermissionError):
                return
            await asyncio.sleep(0.01)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()
        if self.ended.is_set():
            self._is_gone = True
        _children.discard(self)
        if not _children:
            atexit.unregister(_end_children)

    def end_without_a_loop(self) -> None:
        """End it when the program ends and its loop turns no more: politely, then by force."""
        if self._owner != os.getpid() or self._transport is None:  # a fork of the program that started it
            return
        process = self._transport.get_extra_info("subprocess")
        if not isinstance(process, subprocess.Popen) or process.poll() is not None:
            return
        self.ask_to_end()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_AT_EXIT_SECONDS)
        self.kill()


def _end_children() -> None:
    for child in list(_children):
        child.end_without_a_loop()


def _terminate_tree(pid: int) -> None:
    """Windows: the process and those that it started. Ollama's runners are such."""
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in [*parent.children(recursive=True), parent]:
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                process.terminate()
