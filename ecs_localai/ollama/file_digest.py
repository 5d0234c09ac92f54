"""The digest of a big file, counted in a thread with progress, and whether the file is still the same afterwards."""

from __future__ import annotations

import asyncio
import hashlib
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from .errors import InvalidRequest
from .local_paths import unreadable
from .spans import Span, SpanPieces
from .whole_threads import to_whole_thread

if TYPE_CHECKING:
    from io import FileIO

__all__ = ["FileState", "digest_of_spans", "digest_with_progress", "refuse_changed", "state_of"]

_PIECE: Final = 4 * 1024 * 1024


class FileState(Struct, frozen=True):
    """What tells that a file has been changed: its size in bytes, when it was written last, and which file it is."""

    size: int
    modified_ns: int
    inode: int


def state_of(path: Path) -> FileState:
    """A file's state now. It asks the disk: not for the loop or a frame.

    Raises:
        InvalidRequest: it is not there, or no ordinary file.
    """
    try:
        what = path.stat()
    except OSError as error:
        raise unreadable(path, error) from error
    if not stat.S_ISREG(what.st_mode):
        raise InvalidRequest(f"{path} is not an ordinary file; name one.")
    return FileState(what.st_size, what.st_mtime_ns, what.st_ino)


async def digest_with_progress(path: Path, on_bytes: Callable[[int], None]) -> str:
    """A file's digest as Ollama names its blobs. `on_bytes` is told on the loop how many more were counted.

    Raises:
        InvalidRequest: it cannot be read.
    """
    counting = _Counting(path)
    try:
        while count := await to_whole_thread(counting.count):
            on_bytes(count)
    except OSError as error:
        raise unreadable(path, error) from error
    finally:
        counting.close()
    return f"sha256:{counting.digest.hexdigest()}"


async def digest_of_spans(spans: Sequence[Span], on_bytes: Callable[[int], None]) -> str:
    """The same of content that is put together from several files.

    Raises:
        InvalidRequest: one cannot be read, or has become shorter.
    """
    digest = hashlib.sha256()
    pieces = SpanPieces(spans)
    try:
        async for piece in pieces:
            await asyncio.to_thread(digest.update, piece)
            on_bytes(len(piece))
    finally:
        pieces.close()
    return f"sha256:{digest.hexdigest()}"


class _Counting:
    """Counts a file's digest, a piece at a time, in whatever thread it is called."""

    def __init__(self, path: Path) -> None:
        self.digest = hashlib.sha256()
        self._path = path
        self._file: FileIO | None = None
        self._buffer = memoryview(bytearray(_PIECE))

    def count(self) -> int:
        """Count a piece, and say how many bytes it has: none at the end. Raises OSError."""
        if self._file is None:
            self._file = self._path.open("rb", buffering=0)
        count = self._file.readinto(self._buffer) or 0
        self.digest.update(self._buffer[:count])
        return count

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def refuse_changed(files: Sequence[tuple[Path, FileState]]) -> None:
    """See that files are as they were. It asks the disk: not for the loop or a frame.

    Raises:
        InvalidRequest: one has been changed meanwhile, or is gone.
    """
    for path, before in files:
        if state_of(path) != before:
            raise InvalidRequest(
                f"{path.name} was changed while it was being read; wait until it is complete, then try again."
            )
