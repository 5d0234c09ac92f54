"""Content that is put together from pieces of files and of memory, read in threads so that the loop never waits."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final, Self

from msgspec import Struct

from .errors import InvalidRequest
from .local_paths import unreadable
from .whole_threads import to_whole_thread

__all__ = ["Span", "SpanPieces"]

_PIECE: Final = 1024 * 1024


class Span(Struct, frozen=True):
    """Bytes of a file, or of memory."""

    path: Path | None
    start: int
    size: int
    data: bytes = b""

    @classmethod
    def of(cls, data: bytes) -> Span:
        """Bytes of memory."""
        return cls(None, 0, len(data), data)


class SpanPieces:
    """The content in pieces. Read it once, and `close` it afterwards.

    Raises InvalidRequest, when a file can't be read or has become shorter.
    """

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = list(reversed(spans))
        self._file: BinaryIO | None = None
        self._path: Path | None = None
        self._reading = threading.Lock()
        self._is_closed = False
        self.size = sum(span.size for span in spans)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        piece = await to_whole_thread(self._read)
        if not piece:
            raise StopAsyncIteration
        return piece

    def close(self) -> None:
        """Close what is open, for good; a second call does nothing.

        What still sends a body whose request has failed may ask for another piece: there is none any more.
        """
        self._is_closed = True
        if self._reading.acquire(blocking=False):  # else the reader closes it when it has its piece
            self._close_file()
            self._reading.release()

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        self._path = None

    def _read(self) -> bytes:
        """About a piece. Empty at the end, and once it is closed."""
        with self._reading:
            piece = b"" if self._is_closed else self._read_piece()
        if self._is_closed:
            self.close()
        return piece

    def _read_piece(self) -> bytes:
        """Small spans come together."""
        piece = bytearray()
        while self._spans and len(piece) < _PIECE:
            span = self._spans.pop()
            if span.path is None:
                piece += span.data
                continue
            part = min(span.size, _PIECE - len(piece))
            piece += self._read_file(span.path, span.start, part)
            if part < span.size:
                self._spans.append(Span(span.path, span.start + part, span.size - part))
        return bytes(piece)

    def _read_file(self, path: Path, start: int, size: int) -> bytes:
        try:
            if self._file is None or path != self._path:
                self._close_file()
                self._file, self._path = path.open("rb"), path
            self._file.seek(start)
            data = self._file.read(size)
        except OSError as error:
            raise unreadable(path, error) from error
        if len(data) < size:
            raise InvalidRequest(f"{path.name} became shorter while it was being read; wait until it is complete.")
        return data
