"""The frames of a write-ahead log, each checked by itself: what one of them lost does not cost those after it.

The format is that of https://www.sqlite.org/fileformat2.html, section 4 ("The Write-Ahead Log").
"""

import struct
from dataclasses import dataclass, field
from typing import BinaryIO

_HEADER = struct.Struct(">8I")  # magic, version, page size, checkpoint number, two salts, two checksums
_FRAME = struct.Struct(">6I")  # page number, pages after the commit or 0, two salts, two checksums
_MAGIC_LITTLE, _MAGIC_BIG = 0x377F0682, 0x377F0683  # says in which order of bytes the checksums are computed
_VERSION = 3007000
_MASK = 0xFFFFFFFF


@dataclass(slots=True)
class LogFrames:
    """What a log says of the database's pages, as places in the log."""

    pages: dict[int, int] = field(default_factory=dict)
    """By page number, where its newest committed content lies."""
    doubtful: dict[int, int] = field(default_factory=dict)
    """By page number, where a frame lies that does not match its checksum and that no later frame replaces. Its page
    number itself may be wrong."""
    page_count: int | None = None
    """How many pages the database has after the last commit; `None` where the log holds no commit."""
    damaged: int = 0
    """Frames before the last commit that do not match their checksums."""


def log_page_size(log: BinaryIO) -> int | None:
    """The size of the pages in a log, by its header; `None` where that is broken. Raises `OSError`."""
    log.seek(0)
    header = log.read(_HEADER.size)
    for order in "<>":
        if _is_sound_header(header, order):
            return _HEADER.unpack(header)[2]  # type: ignore[no-any-return]  # unpack() gives Any
    return None


def read_log(log: BinaryIO, page_size: int) -> LogFrames:
    """Which frames count, as SQLite decides it, but beyond a broken frame too.

    SQLite ends a log at the first frame whose checksum is wrong. Each checksum goes on from the one in the frame
    before, as that one *says*: so the frames after a broken one can still be proven. What comes after the last commit
    was never committed; frames with other salts are of an earlier round of the log. Raises `OSError`.
    """
    log.seek(0)
    header = log.read(_HEADER.size)
    for order in "<>":
        if _is_sound_header(header, order):
            _, _, _, _, salt, other_salt, first, second = _HEADER.unpack(header)
            return _read_frames(log, page_size, order, (salt, other_salt), (first, second))
    # Without a header: a round of the log begins at its first frame, so that one has the salts that count.
    found = LogFrames()
    start = log.read(_FRAME.size)
    if len(start) == _FRAME.size:
        _, _, salt, other_salt, _, _ = _FRAME.unpack(start)
        for order in "<>":
            found = _read_frames(log, page_size, order, (salt, other_salt), None)
            if found.page_count is not None:
                break
    return found


def _is_sound_header(header: bytes, order: str) -> bool:
    if len(header) < _HEADER.size:
        return False
    magic, version, page_size, *_, first, second = _HEADER.unpack(header)
    return (
        magic == (_MAGIC_LITTLE if order == "<" else _MAGIC_BIG)
        and version == _VERSION
        and is_page_size(page_size)
        and _checksum(header[:24], order, (0, 0)) == (first, second)
    )


def is_page_size(size: int) -> bool:
    """True for the sizes that a page of SQLite can have: powers of two from 512 to 65,536 bytes."""
    return 512 <= size <= 65536 and size & (size - 1) == 0


def _read_frames(
    log: BinaryIO, page_size: int, order: str, salts: tuple[int, int], before: tuple[int, int] | None
) -> LogFrames:
    committed = LogFrames()
    proven: dict[int, int] = {}  # since the last commit
    doubtful: dict[int, int] = {}
    damaged = 0
    place = _HEADER.size
    log.seek(place)
    while len(frame := log.read(_FRAME.size + page_size)) == _FRAME.size + page_size:
        page, page_count, salt, other_salt, first, second = _FRAME.unpack_from(frame)
        content = place + _FRAME.size
        is_ours = (salt, other_salt) == salts
        if is_ours and page and before is not None and _frame_checksum(frame, order, before) == (first, second):
            proven[page] = content
            doubtful.pop(page, None)
        else:
            damaged += 1
            page_count = 0
            if is_ours and page:
                doubtful[page] = content
        if page_count:
            committed.pages.update(proven)
            for number in proven:
                committed.doubtful.pop(number, None)
            committed.doubtful.update(doubtful)
            committed.page_count, committed.damaged = page_count, committed.damaged + damaged
            proven, doubtful, damaged = {}, {}, 0
        before = (first, second)
        place += len(frame)
    return committed


def _frame_checksum(frame: bytes, order: str, before: tuple[int, int]) -> tuple[int, int]:
    return _checksum(frame[_FRAME.size :], order, _checksum(frame[:8], order, before))


def _checksum(data: bytes, order: str, before: tuple[int, int]) -> tuple[int, int]:
    """SQLite's checksum over pairs of words, going on from an earlier one."""
    first, second = before
    words = iter(struct.unpack(f"{order}{len(data) // 4}I", data))
    for even, odd in zip(words, words, strict=True):
        first = (first + even + second) & _MASK
        second = (second + odd + first) & _MASK
    return first, second
