"""What a server that we run writes: a file of it in the data folder, and deleting that again."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import BinaryIO, Final

__all__ = ["LogFile", "delete_server_logs", "server_log", "server_logs"]

_NAME: Final = "ollama-serve.log"
_LOG_BYTES: Final = 4 * 1024 * 1024


def server_log(folder: Path) -> Path:
    """Where the output of a server goes whose data folder this is."""
    return folder / _NAME


def server_logs(folder: Path) -> list[Path]:
    """Those that are there: the one being written, and the one before it. It asks the disk."""
    paths = (server_log(folder), _older(server_log(folder)))
    return [path for path in paths if os.path.isfile(path)]  # unlike Path.is_file(), never an error


def delete_server_logs(folder: Path) -> list[str]:
    """Delete them; a sentence for each that is left. It asks the disk."""
    problems = []
    for path in server_logs(folder):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            problems.append(f"{path} could not be deleted ({error.strerror or error}); delete it yourself.")
    return problems


class LogFile:
    """A file that output is appended to, in threads; at 4 MB it becomes ``….1`` and a new one begins.

    A disk that can't take it stops the writing, not the server; `trouble` is then a sentence.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trouble = ""
        self._waiting: list[bytes] = []
        self._task: asyncio.Task[None] | None = None

    def write(self, data: bytes) -> None:
        """Append the data soon. Called on the loop."""
        if self.trouble:
            return
        self._waiting.append(data)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._write_all())

    async def drain(self) -> None:
        """Wait until all is written."""
        if self._task is not None:
            await self._task

    async def _write_all(self) -> None:
        while self._waiting and not self.trouble:
            data = b"".join(self._waiting)
            self._waiting.clear()
            try:
                await asyncio.to_thread(self._append, data)
            except OSError as error:
                self.trouble = f"The server's output is not written to {self.path} any more: {error.strerror or error}."

    def _append(self, data: bytes) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._opened() as file:
            is_full = file.tell() > 0 and file.tell() + len(data) > _LOG_BYTES
            if not is_full:
                file.write(data)
        if is_full:
            self.path.replace(_older(self.path))
            with self._opened() as file:
                file.write(data)

    def _opened(self) -> BinaryIO:
        """For this user's eyes only: a server's log tells what it is used for."""
        return os.fdopen(os.open(self.path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600), "ab")


def _older(path: Path) -> Path:
    return path.with_name(f"{path.name}.1")
