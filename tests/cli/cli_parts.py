"""What the tests of the command share: the real command as a process of its own."""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType

from tests.cli.forked_command import ForkingServer
from tests.rig.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-W", "error", "-m", "ecs_localai")
"""With warnings as errors: a socket, a file or a coroutine that is left behind shows on standard error.

Not in Python's development mode, in which asyncio complains of the time that importing aiohttp takes.
"""

_READ_LATE = {
    "COLUMNS", "OLLAMA_HOST", "OLLAMA_BIN", "ECS_LOCALAI_DATA_DIR", "TOKEN", "PYTHON_KEYRING_BACKEND", "XDG_DATA_HOME",
}  # fmt: skip
"""Variables that are read when the command has begun; some others Python and libraries read when they are imported.

keyring reads its own when it is imported, which `forked_command` leaves to the fork.
"""
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """The lines of standard output."""
        return self.out.splitlines()

    @property
    def objects(self) -> list[dict[str, object]]:
        """Standard output as JSON, one object a line."""
        return [json_object(line) for line in self.lines]

    @property
    def error(self) -> str:
        """The sentence of a command that failed: the only line on standard error, without its label."""
        assert self.code == 1, self
        label, _, sentence = self.err.partition(" ")
        assert label == "Error:", self.err
        assert self.err.count("\n") == 1, self.err
        assert self.err.endswith("\n"), self.err
        return sentence.rstrip()


def json_object(line: str) -> dict[str, object]:
    """A line of JSON that holds an object."""
    value = json.loads(line)
    assert isinstance(value, dict), line
    return value


def environment(data_dir: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The tests' own environment, with our data in `data_dir` and no colours forced upon anybody."""
    kept = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "NO_COLOR", "COLUMNS")}
    return kept | {"ECS_LOCALAI_DATA_DIR": str(data_dir), "PYTHONPATH": str(ROOT)} | dict(extra or {})


@cache
def _server() -> ForkingServer:
    server = ForkingServer([*COMMAND[:-1], "tests.cli.forked_command"], environment(ROOT))
    atexit.register(server.close)
    return server


class Cli:
    """Runs ``ecs-localai``; each test has a data folder of its own.

    Args:
        fresh: every run begins with an empty interpreter, as a person's; otherwise what `run` runs is forked from a
            process that has imported everything, which is several times as fast. The others always begin afresh.
    """

    def __init__(self, data_dir: Path, *, fresh: bool = "ECS_LOCALAI_FUZZ" in os.environ) -> None:
        self.data_dir = data_dir
        self._fresh = fresh or sys.platform != "linux"

    def run(self, *arguments: str, env: Mapping[str, str] | None = None, timeout: float = 60.0) -> Ended:
        """Run it to its end."""
        if not self._fresh and set(env or ()) <= _READ_LATE:
            return Ended(*_server().run(arguments, environment(self.data_dir, env), self.data_dir, timeout))
        done = subprocess.run(
            [*COMMAND, *arguments],
            env=environment(self.data_dir, env),
            cwd=self.data_dir,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> Running:
        """Start it and look at it while it runs; use it in a ``with`` statement."""
        return Running([*COMMAND, *arguments], environment(self.data_dir, env), self.data_dir)

    def on_terminal(
        self,
        *arguments: str,
        keys: bytes = b"",
        after: str = "",
        env: Mapping[str, str] | None = None,
        timeout: float = 60.0,
    ) -> Ended:
        """Run it to its end on a terminal of 120 columns; both outputs come as one.

        `keys` are typed ahead, or as soon as `after` is shown: what is asked for hidden cannot be typed ahead.
        """
        controller, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            env=environment(self.data_dir, {"TERM": "xterm-256color", **(env or {})}),
            cwd=self.data_dir,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,  # or what is asked for hidden is read from the terminal of whoever runs the tests
        )
        os.close(terminal)
        collected: list[bytes] = []
        reader = threading.Thread(target=_read_terminal, args=(controller, collected))
        reader.start()
        try:
            if after:
                wait_until(lambda: after.encode() in b"".join(collected), timeout, lambda: f"{after} in {collected}")
            if keys:
                os.write(controller, keys)
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        finally:
            process.wait()
            reader.join(10.0)
            os.close(controller)
        return Ended(code, b"".join(collected).decode(), "")


def _read_terminal(controller: int, collected: list[bytes]) -> None:
    while True:
        try:
            data = os.read(controller, 65536)
        except OSError:  # Linux's way of saying that nobody has the terminal open any more
            return
        if not data:
            return
        collected.append(data)


def without_escapes(text: str) -> str:
    """What a terminal was told, without colours and movements; each redrawing begins a new line."""
    return _ESCAPE.sub("", text).replace("\r", "\n")


class Running:
    """A command that runs."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], folder: Path) -> None:
        self._out = tempfile.TemporaryFile()  # noqa: SIM115 - closed at the end of our own with statement
        self._err = tempfile.TemporaryFile()  # noqa: SIM115 - as above
        # A test run in the background of a shell may ignore Ctrl-C, and a program inherits that.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            self.process = subprocess.Popen(
                command, env=env, cwd=folder, stdin=subprocess.DEVNULL, stdout=self._out, stderr=self._err
            )
        finally:
            signal.signal(signal.SIGINT, before)

    @property
    def out(self) -> str:
        """Standard output so far, whole lines only."""
        text = os.pread(self._out.fileno(), 1 << 26, 0).decode()
        return text[: text.rfind("\n") + 1]

    @property
    def err(self) -> str:
        """Standard error so far."""
        return os.pread(self._err.fileno(), 1 << 26, 0).decode()

    @property
    def objects(self) -> list[dict[str, object]]:
        """Standard output so far as JSON, one object a line."""
        return [json_object(line) for line in self.out.splitlines()]

    def wait_for_event(self, name: str, timeout: float = 30.0) -> dict[str, object]:
        """The first event of this name that is printed."""

        def look() -> dict[str, object] | None:
            found = next((one for one in self.objects if one["event"] == name), None)
            if found is None and self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode} before {name}: {self.out}{self.err}")
            return found

        found = wait_until(look, timeout, lambda: f"{name} among\n{self.out}{self.err}")
        assert found is not None
        return found

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> Ended:
        """Send it a signal, Ctrl-C's unless told otherwise, and wait for its end."""
        self.process.send_signal(number)
        return self.end()

    def end(self, timeout: float = 30.0) -> Ended:
        """Wait for its end."""
        code = self.process.wait(timeout)
        return Ended(code, self.out, self.err)

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._out.close()
        self._err.close()
