"""Sending a file to the server: its digest, its pieces, and how far it is."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

from msgspec import Struct

from .local_paths import unreadable

if TYPE_CHECKING:
    from .watchdog import Watchdog

__all__ = ["FilePieces", "SentPieces", "UploadProgress", "digest_of"]

PIECE = 1024 * 1024


class UploadProgress(Struct, frozen=True):
    """How far an upload is, in bytes. ``total_bytes`` is None where the source does not say how much there is."""

    bytes_sent: int
    total_bytes: int | None

    @property
    def fraction(self) -> float | None:
        """From 0 to 1; None while the total is not known."""
        return None if not self.total_bytes else min(1.0, self.bytes_sent / self.total_bytes)


class FilePieces:
    """A file's content in pieces, read in threads so that the loop never waits for the disk. Read it once."""

    def __init__(self, path: Path, file: BinaryIO, size: int) -> None:
        self._path = path
        self._file = file
        self.size = size

    @classmethod
    async def open(cls, path: Path) -> FilePieces:
        """Open a file. Raises InvalidRequest when it can't be read."""
        try:
            file = await asyncio.to_thread(path.open, "rb")
            size = (await asyncio.to_thread(path.stat)).st_size
        except OSError as error:
            raise unreadable(path, error) from error
        return cls(path, file, size)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._file.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            piece = await asyncio.to_thread(self._file.read, PIECE)
        except OSError as error:
            raise unreadable(self._path, error) from error
        if not piece:
            raise StopAsyncIteration
        return piece


class SentPieces:
    """Passes pieces on, counting each when the next one is asked for: by then the connection has taken it.

    What the pieces' source, or the caller's callback, raises is kept in ``failure``: it is not the server's.
    """

    def __init__(
        self,
        pieces: AsyncIterable[bytes],
        total: int | None,
        on_progress: Callable[[UploadProgress], None] | None,
    ) -> None:
        self._pieces: AsyncIterator[bytes] = aiter(pieces)
        self.total = total
        self._on_progress = on_progress
        self._under_way = 0
        self.sent = 0
        self.failure: Exception | None = None
        self.watch: Watchdog | None = None  # told of each piece that is taken

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            self._count()
            piece = await anext(self._pieces)
            while not piece:  # an empty piece would end a chunked body
                piece = await anext(self._pieces)
        except StopAsyncIteration:
            raise
        except Exception as error:
            self.failure = error
            raise
        self._under_way = len(piece)
        return piece

    def _count(self) -> None:
        if not self._under_way:
            return
        self.sent += self._under_way
        self._under_way = 0
        if self.watch is not None:
            self.watch.moved()
        if self._on_progress is not None:
            self._on_progress(UploadProgress(self.sent, self.total))


async def digest_of(path: Path) -> str:
    """The digest of a file as Ollama names its blobs, ``sha256:`` and 64 hexadecimal digits.

    Read and counted in threads, a piece at a time. Raises InvalidRequest when it can't be read.
    """
    pieces = await FilePieces.open(path)
    try:
        digest = hashlib.sha256()
        async for piece in pieces:
            await asyncio.to_thread(digest.update, piece)
    finally:
        pieces.close()
    return f"sha256:{digest.hexdigest()}"
