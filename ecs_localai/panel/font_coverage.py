"""Which characters a font file has: its `cmap` table, read directly.

`pygame.font` doesn't tell, and `pygame.freetype` can't open fonts of colour bitmaps. Formats 4 and 12 of
the table are read (OpenType 1.9, "cmap"); every font with Unicode text has one of them.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from functools import cache
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

_UNICODE = {(0, 3): 4, (0, 4): 12, (0, 6): 12, (3, 1): 4, (3, 10): 12}
_CMAP = int.from_bytes(b"cmap", "big")


class Coverage:
    """The characters of one font, as sorted ranges."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, ranges: list[tuple[int, int]]) -> None:
        ranges = sorted(ranges)
        self._starts = [first for first, _ in ranges]
        self._ends = [last for _, last in ranges]

    def __contains__(self, point: int) -> bool:
        index = bisect_right(self._starts, point) - 1
        return index >= 0 and point <= self._ends[index]


@cache
def coverage_of(path: Path) -> Coverage:
    """The characters that a TrueType or OpenType file (or the first font of a collection) can draw.

    A file that cannot be read, or is no font, covers nothing.
    """
    try:
        with path.open("rb") as file:
            return Coverage(_ranges(file))
    except (OSError, struct.error, ValueError):
        return Coverage([])


def _read(file: BinaryIO, offset: int, layout: str) -> tuple[int, ...]:
    """Unsigned numbers at a place in the file. Raises `struct.error` at the file's end."""
    file.seek(offset)
    return struct.unpack(layout, file.read(struct.calcsize(layout)))


def _ranges(file: BinaryIO) -> list[tuple[int, int]]:
    start = 0
    file.seek(0)
    if file.read(4) == b"ttcf":
        (start,) = _read(file, 12, ">I")
    (tables,) = _read(file, start + 4, ">H")
    for index in range(tables):
        tag, _, offset, _ = _read(file, start + 12 + 16 * index, ">4I")
        if tag == _CMAP:
            return _cmap_ranges(file, offset)
    return []


def _cmap_ranges(file: BinaryIO, table: int) -> list[tuple[int, int]]:
    (count,) = _read(file, table + 2, ">H")
    best, best_format = 0, 0
    for index in range(count):
        platform, encoding, offset = _read(file, table + 4 + 8 * index, ">HHI")
        if _UNICODE.get((platform, encoding), 0) > best_format:
            (format_,) = _read(file, table + offset, ">H")
            if format_ in (4, 12):
                best, best_format = table + offset, format_
    if best_format == 12:
        (groups,) = _read(file, best + 12, ">I")
        data = _read(file, best + 16, f">{groups * 3}I")
        return list(zip(data[0::3], data[1::3], strict=True))
    if best_format == 4:
        (doubled,) = _read(file, best + 6, ">H")
        segments = doubled // 2
        ends = _read(file, best + 14, f">{segments}H")
        starts = _read(file, best + 16 + doubled, f">{segments}H")
        return [(first, last) for first, last in zip(starts, ends, strict=True) if first != 0xFFFF]
    return []
