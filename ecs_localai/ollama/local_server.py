"""Starts and stops an ``ollama serve`` on this machine. No ECS: coroutines on the running loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from .address import DEFAULT_HOST, DEFAULT_PORT, HostAddress, parse_host
from .client import OllamaClient
from .errors import ErrorKind, InvalidHost, OllamaError
from .local_program import ChildServer, Output
from .server_log import LogFile, server_log

__all__ = ["LocalServerFailed", "LocalServerProcess", "find_program"]

START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.1
_PORT_TAKEN: Final = ("address already in use", "only one usage of each socket address")


class LocalServerFailed(OllamaError):
    """The server could not be started; ``detail`` holds the last lines that it wrote."""


def find_program(environment: Mapping[str, str] = os.environ) -> Path | None:
    """The Ollama program: ``OLLAMA_BIN``, else ``ollama`` on ``PATH``, else where its installers put it; else None.

    Looks at the disk. Raises LocalServerFailed where ``OLLAMA_BIN`` names something that is no program.
    """
    if named := environment.get("OLLAMA_BIN", ""):
        if not _is_program(Path(named)):
            raise LocalServerFailed(f"OLLAMA_BIN names {named}, which is not a program; correct it or take it away.")
        return Path(named)
    if found := shutil.which("ollama", path=environment.get("PATH")):
        return Path(found)
    return next((place for place in _usual_places(environment) if _is_program(place)), None)


def _usual_places(environment: Mapping[str, str]) -> list[Path]:
    home = Path(environment.get("HOME") or Path.home())
    if sys.platform == "win32":
        folders = {"LOCALAPPDATA": "Programs/Ollama", "PROGRAMFILES": "Ollama"}
        return [Path(base, rest, "ollama.exe") for name, rest in folders.items() if (base := environment.get(name))]
    if sys.platform == "darwin":
        inside = "Applications/Ollama.app/Contents/Resources/ollama"
        return [Path("/", inside), home / inside, Path("/opt/homebrew/bin/ollama"), Path("/usr/local/bin/ollama")]
    return [
        Path("/usr/local/bin/ollama"),
        Path("/usr/bin/ollama"),
        home / ".local/bin/ollama",
        Path("/snap/bin/ollama"),
        Path("/home/linuxbrew/.linuxbrew/bin/ollama"),
    ]


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


class LocalServerProcess:
    """One ``ollama serve`` that we start, and stop again.

    It inherits our environment (so ``OLLAMA_MODELS`` and the like hold) but for ``OLLAMA_HOST``, and runs in a process
    group of its own, so that a Ctrl-C for us is none for it. What it writes is kept as `output`, the last lines of it,
    and with `log_folder` also in a file there, of at most two times 4 MB.

    `on_exit` is called on the loop, with a sentence, when a server that had started ends by itself; runners that it
    leaves behind are ended then.

    Leave running pulls *before* `stop`: a server that ends in the middle of a transfer loses what its open parts had
    received, even where partial files are kept (seen with 0.9.3).

    Stop it before its event loop is closed. A server that is still there when Python ends is stopped then (`atexit`).
    Where our process is killed outright, nobody can stop it: on Linux and macOS it lives until it writes its next line,
    because nobody reads that any more (each request makes one); on Windows until somebody ends it.
    """

    def __init__(
        self,
        program: Path,
        *,
        log_folder: Path | None = None,
        on_exit: Callable[[str], None] | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self.on_exit = on_exit
        self._program = program
        self._environment = environment
        self._log = None if log_folder is None else LogFile(server_log(log_folder))
        self._running: ChildServer | None = None
        self._output = Output(None)
        self._is_starting = False
        self._is_stop_wanted = False
        self._message = ""

    @property
    def pid(self) -> int | None:
        """The process id of the server that we started; None while none runs."""
        return self._running.pid if self._running is not None and self.is_ours else None

    @property
    def is_ours(self) -> bool:
        """Whether a server runs that we started; False where `start` found one that was there already."""
        return self._running is not None and not self._running.ended.is_set()

    @property
    def message(self) -> str:
        """A sentence where `start` found a server that was there already; else empty."""
        return self._message

    @property
    def output(self) -> str:
        """The last lines that the server wrote; they stay after its end."""
        return self._output.text

    async def start(self, host_port: str = f"{DEFAULT_HOST}:{DEFAULT_PORT}", *, within: float = START_SECONDS) -> str:
        """Start the server and return its base URL when it answers.

        Where another Ollama answers at the address already, nothing is started: that one's URL is returned, `is_ours`
        is False and `message` says so. Cancelling ends what was started. Raises InvalidHost for an address at which no
        server can listen, LocalServerFailed when it ends, is stopped or gives no answer `within` these seconds.
        """
        address = _listening_address(host_port)
        if self._running is not None or self._is_starting:
            raise LocalServerFailed("The server was started already; stop it before starting it again.")
        self._is_starting, self._is_stop_wanted = True, False
        try:
            return await self._start(host_port.strip(), address, within)
        finally:
            self._is_starting = False

    async def _start(self, host_port: str, address: HostAddress, within: float) -> str:
        self._message = ""
        if await self._is_there_already(address):
            return address.base_url
        self._output = Output(self._log)
        running = self._running = await self._launch(host_port)
        try:
            if self._is_stop_wanted:
                await self.stop()
            async with asyncio.timeout(within):
                await _until_answer(address, running)
        except TimeoutError:
            await self.stop()
            text = f"{self._program} gave no answer at {address.display} within {within:g} seconds; try it again."
            raise LocalServerFailed(text, ErrorKind.TIMED_OUT, True, detail=self.output) from None
        except BaseException:
            await self.stop()
            raise
        if not running.ended.is_set():
            running.on_end = self._ended_by_itself
            return address.base_url
        await running.clear_up()
        if self._running is running:
            self._running = None
        if self._is_taken() and await self._is_there_already(address):  # it came at the same time as ours
            return address.base_url
        raise self._failure(running, address)

    async def _is_there_already(self, address: HostAddress) -> bool:
        version = await _version_at(address)
        if version is not None:
            self._message = f"An Ollama {version} runs at {address.display} already; it is used as it is."
        return version is not None

    async def _launch(self, host_port: str) -> ChildServer:
        environment = {**self._environment, "OLLAMA_HOST": host_port}
        try:
            return await ChildServer.launch(self._program, self._output, environment)
        except OSError as error:
            raise LocalServerFailed(f"{self._program} could not be run: {error.strerror or error}.") from error

    async def stop(self, *, within: float = STOP_SECONDS) -> None:
        """Stop the server if we started it: politely, and after `within` seconds by force. Else do nothing.

        Leave its pulls before (see the class). On Windows there is no polite way for a program without a window.
        """
        self._is_stop_wanted = True
        running = self._running
        if running is None:
            return
        running.ask_to_end()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await running.ended.wait()
        finally:
            await running.clear_up()
            if self._running is running:
                self._running = None

    def _ended_by_itself(self) -> None:
        running, self._running = self._running, None
        if running is not None and self.on_exit is not None:
            self.on_exit(
                f"The local Ollama ended by itself, {running.ending}{_quoted(self._output.last_words)} Start it again."
            )

    def _is_taken(self) -> bool:
        return any(words in self.output.lower() for words in _PORT_TAKEN)

    def _failure(self, running: ChildServer, address: HostAddress) -> LocalServerFailed:
        if running.is_stopped:
            text = "The server was stopped while it was starting."
        elif self._is_taken():
            text = (
                f"Something that is not an Ollama uses the port {address.port} already; choose another port, "
                "or end that program."
            )
        else:
            text = f"{self._program} ended while it was starting, {running.ending}{_quoted(self._output.last_words)}"
        return LocalServerFailed(text, detail=self.output)


def _quoted(words: str) -> str:
    return f". Its last words: {words.rstrip('.')}." if words else ", and wrote nothing that tells why."


def _listening_address(host_port: str) -> HostAddress:
    """The address at which a server is to listen. Raises InvalidHost."""
    address = parse_host(host_port)
    if address.scheme != "http" or address.base_path:
        raise InvalidHost(
            f"Ollama can't listen at {host_port!r}, because it speaks plain http without a path; "
            f"write it like {DEFAULT_HOST}:{DEFAULT_PORT}."
        )
    return address


async def _version_at(address: HostAddress) -> str | None:
    try:
        async with OllamaClient(address.base_url, connect_timeout=1.0, timeout=2.0) as client:
            return await client.version()
    except OllamaError:
        return None


async def _until_answer(address: HostAddress, running: ChildServer) -> None:
    """Return when the server answers, or has ended."""
    while not running.ended.is_set() and await _version_at(address) is None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_POLL_SECONDS):
                await running.ended.wait()
