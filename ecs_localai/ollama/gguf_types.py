"""The smallest parts of a GGUF file: its types of values, and the window through which it is read."""

from __future__ import annotations

import os
import struct
from typing import BinaryIO, Final

__all__ = ["ARRAY", "BOOL", "NUMBERS", "STRING", "Broken", "DataEnded", "Window"]

BOOL: Final = 7
STRING: Final = 8
ARRAY: Final = 9
NUMBERS: Final = {
    0: ("B", 1), 1: ("b", 1), 2: ("H", 2), 3: ("h", 2), 4: ("I", 4), 5: ("i", 4),
    6: ("f", 4), BOOL: ("B", 1), 10: ("Q", 8), 11: ("q", 8), 12: ("d", 8),
}  # fmt: skip
"""The letters of `struct`, and the bytes, of the types that have a fixed size (``enum gguf_metadata_value_type``)."""
_LONGEST: Final = 1 << 40
"""No single value is longer than this, in bytes: what claims to be is broken, not cut off."""
_LENGTH = struct.Struct("<Q")


class DataEnded(Exception):
    """The data ends before what it should hold does."""


class Broken(Exception):
    """The data cannot be what it claims; the text says why, as the middle of a sentence."""


class Window:
    """Reads a file forwards, with a clear end. Nothing longer than what is asked for is ever in memory."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self.position = 0

    def peek(self, most: int) -> bytes:
        """The first bytes, which are read again afterwards. Only at the beginning."""
        data = self._file.read(most)
        self._file.seek(0)
        return data

    def take(self, count: int) -> bytes:
        """So many bytes. Raises DataEnded, Broken."""
        self._refuse(count)
        data = self._file.read(count)
        self.position += count
        if len(data) < count:  # it has become shorter meanwhile
            raise DataEnded
        return data

    def number(self, layout: str) -> int:
        """A whole number in `struct`'s layout. Raises DataEnded."""
        (value,) = struct.unpack(layout, self.take(struct.calcsize(layout)))
        return int(value)

    def skip(self, count: int) -> None:
        """Pass over so many bytes. Raises DataEnded, Broken."""
        self._refuse(count)
        self._file.seek(count, os.SEEK_CUR)
        self.position += count

    def skip_texts(self, count: int) -> None:
        """Pass over so many texts, each with its length before it. Raises DataEnded, Broken."""
        if count * _LENGTH.size > self._size - self.position:
            raise DataEnded
        for _ in range(count):
            self.skip(_LENGTH.unpack(self.take(_LENGTH.size))[0])

    def _refuse(self, count: int) -> None:
        if count > _LONGEST:
            raise Broken(f"a value in it claims to have {count:,} bytes")
        if count > self._size - self.position:
            raise DataEnded
