"""Runs the command in a process of its own that need not import everything anew: it is forked from one that has.

Each run is the real command with its own arguments, environment, folder and standard streams, from
`ecs_localai.cli.main` to the interpreter's own end. Only the importing, half a second of it for each of a thousand
runs, happens once.
"""

from __future__ import annotations

import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOT_IMPORTED = {"window", "screenshot"}
"""Commands that load pygame."""
_LARGEST = 1 << 17
_ENDED_EARLY = "the command was not run to its end"


class ForkingServer:
    """The process that has imported everything, as the tests see it; one for all tests of a process."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [*command, str(theirs.fileno())],
                env=dict(environment),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # no terminal, whoever runs the tests: Python decides by that how it buffers
                pass_fds=[theirs.fileno()],
            )

    def run(
        self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, timeout: float
    ) -> tuple[int, str, str]:
        """Run the command to its end: its exit code as `subprocess` gives it, standard output and error.

        Raises:
            subprocess.TimeoutExpired: it took longer, and was killed.
        """
        request = json.dumps([list(arguments), dict(environment), str(folder)]).encode()
        reading, writing = os.pipe()
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, open(reading, "rb", 0) as result:
            try:
                with self._lock:
                    socket.send_fds(self._socket, [request], [out.fileno(), err.fileno(), writing])
            finally:
                os.close(writing)
            started = result.read(16)
            assert started, _ENDED_EARLY
            pid = int(started)
            if not select.select([result], [], [], timeout)[0]:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired([*arguments], timeout)
            code = result.read(16)
            assert code, _ENDED_EARLY
            return int(code), os.pread(out.fileno(), 1 << 26, 0).decode(), os.pread(err.fileno(), 1 << 26, 0).decode()

    def close(self) -> None:
        """End it."""
        self._socket.close()
        self._process.wait(10.0)


@dataclass(frozen=True)
class Request:
    """A run that is wanted."""

    arguments: list[str]
    environment: dict[str, str]
    folder: str
    out: int
    err: int
    result: int


def serve(descriptor: int) -> Request | None:
    """Fork for each request. Returns the request in the process that is to run the command; None at the very end."""
    with socket.socket(fileno=descriptor) as requests:
        while True:
            message, descriptors, _, _ = socket.recv_fds(requests, _LARGEST, 3)
            if not message:
                return None
            out, err, result = descriptors
            if os.fork() == 0:
                break
            for one in descriptors:
                os.close(one)
            os.wait3(os.WNOHANG)
    # The process between the two waits for the command, as its parent.
    pid = os.fork()
    if pid:
        os.write(result, f"{pid:<16}".encode())
        _, status = os.waitpid(pid, 0)
        os.write(result, f"{os.waitstatus_to_exitcode(status):<16}".encode())
        os._exit(0)
    arguments, environment, folder = json.loads(message)
    return Request(arguments, environment, folder, out, err, result)


def become(request: Request) -> None:
    """Have this process's arguments, environment, folder and streams be those of the request."""
    os.close(request.result)
    os.chdir(request.folder)
    for wanted, number in ((request.out, 1), (request.err, 2)):
        os.dup2(wanted, number)
        os.close(wanted)
    os.environ.clear()
    os.environ.update(request.environment)
    sys.argv = [sys.argv[0], *request.arguments]


def import_commands() -> None:
    """Everything that the commands import at some time or other, but for pygame and what asks the system much."""
    # Not "from ecs_localai import": that looks for names in all packages, of which the panel's sets a variable for
    # pygame, which the fork's own environment would lack.
    commands, systems = import_module("ecs_localai.commands"), import_module("ecs_localai.systems")
    for name in ("aiohttp", "pydantic.type_adapter", "rich.progress", "rich.table", "ecs_localai.ollama.client"):
        import_module(name)
    for name in dir(systems):
        getattr(systems, name)
    for module in pkgutil.iter_modules(commands.__path__):
        if module.name not in NOT_IMPORTED:
            import_module(f"{commands.__name__}.{module.name}")


if __name__ == "__main__":
    import_commands()
    wanted = serve(int(sys.argv[1]))
    if wanted is not None:
        become(wanted)
        from ecs_localai.cli import main

        main()
