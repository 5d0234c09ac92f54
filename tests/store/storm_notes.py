"""What a storm notes while it goes on, in memory that outlives it: a file that both processes map.

A killed process can't say anything any more, and what it said last may lie in a pipe; a number that it has written into
a shared map is there. Each number is written whole: eight aligned bytes.
"""

from __future__ import annotations

import mmap
import time
from pathlib import Path
from types import TracebackType

_OPENED, _POSTED, _SAVED, _SEEN, _HEADER = range(5)
MOMENTS = 1 << 16
"""The moments of so many newest changes are kept."""


class StormNotes:
    """Numbers count changes: with 7 the first seven are meant."""

    def __init__(self, file: Path, *, begin: int | None = None) -> None:
        """With ``begin`` the notes are wiped: so many changes are in the file already."""
        size = 8 * (_HEADER + MOMENTS)
        if begin is not None:
            file.write_bytes(bytes(size))
        with file.open("r+b") as opened:
            self._map = mmap.mmap(opened.fileno(), size)
        self._numbers = memoryview(self._map).cast("q")
        if begin is not None:
            for place in (_POSTED, _SAVED, _SEEN):
                self._numbers[place] = begin

    @property
    def opened(self) -> bool:
        """The store is open."""
        return self._numbers[_OPENED] != 0

    @property
    def posted(self) -> int:
        """So many changes were handed to the store."""
        return self._numbers[_POSTED]

    @property
    def saved(self) -> int:
        """So many were acknowledged: by ``flush`` or ``close``."""
        return self._numbers[_SAVED]

    @property
    def seen(self) -> int:
        """So many were seen in the file, over another connection."""
        return self._numbers[_SEEN]

    def note_opened(self) -> None:
        """The store is open now."""
        self._numbers[_OPENED] = 1

    def note_moment(self, index: int) -> None:
        """The change with this number is about to be posted."""
        self._numbers[_HEADER + index % MOMENTS] = time.monotonic_ns()

    def note_posted(self, count: int) -> None:
        """So many are posted."""
        self._numbers[_POSTED] = count

    def note_saved(self, count: int) -> None:
        """So many are acknowledged."""
        self._numbers[_SAVED] = count

    def note_seen(self, count: int) -> None:
        """So many were seen."""
        self._numbers[_SEEN] = max(count, self._numbers[_SEEN])

    def moment_of(self, index: int) -> int | None:
        """When the change was posted, in the nanoseconds of ``time.monotonic_ns``; None where that is forgotten."""
        if not self.posted - MOMENTS <= index < self.posted:
            return None
        return self._numbers[_HEADER + index % MOMENTS]

    def close(self) -> None:
        """Ends the map."""
        self._numbers.release()
        self._map.close()

    def __enter__(self) -> StormNotes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
