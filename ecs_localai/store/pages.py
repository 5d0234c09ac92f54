"""The pages of a database file that may be damaged, as they are after its write-ahead log. Nothing is written."""

import errno
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from ecs_localai.store.damage import beside
from ecs_localai.store.log_frames import LogFrames, is_page_size, log_page_size, read_log

_OUR_PAGE_SIZE = 4096  # SQLite's default since 3.12, which we leave as it is
_HEADER_SIZE = 100
_APPLES_RESERVE = 12  # so many bytes at the end of each page does macOS' own SQLite keep for itself


class Pages:
    """Reads pages by number, the first being 1, from the log where it has them, else from the file.

    The log is looked up, not copied into anything: that needs no room on a disk that may be full.
    """

    def __init__(self, file: BinaryIO | None, log: BinaryIO | None, page_size: int) -> None:
        self.page_size = page_size
        self._file = file
        self._log = log
        self._frames = LogFrames() if log is None else read_log(log, page_size)
        self.damaged_frames = self._frames.damaged
        """Committed frames of the log that are broken."""

    def numbers(self) -> list[int]:
        """The numbers of all pages there are, in order; also of one that was cut off. Raises `OSError`."""
        in_file = -(-_size(self._file) // self.page_size)
        # Each page beyond the file's end is in the log: a count that says more is wrong.
        in_log = self._frames.pages.keys() | self._frames.doubtful.keys()
        count = min(self._frames.page_count or in_file, in_file + len(in_log))
        return [*range(1, min(in_file, count) + 1), *sorted(number for number in in_log if in_file < number <= count)]

    def read(self, number: int) -> bytes | None:
        """A page, with zeros for what was cut off; `None` where there is none, or the disk does not give it."""
        if number < 1:
            return None
        if number in self._frames.pages:
            return self._read(self._log, self._frames.pages[number])
        if self._frames.page_count is not None and number > self._frames.page_count:
            return None
        page = self._read(self._file, (number - 1) * self.page_size)
        if page is None and number in self._frames.doubtful:
            return self._read(self._log, self._frames.doubtful[number])
        return page

    def doubtful(self) -> Iterator[tuple[int, bytes]]:
        """Pages in broken frames of the log, newer than what `read` gives for the same number."""
        for number, place in self._frames.doubtful.items():
            page = self._read(self._log, place)
            if page is not None:
                yield number, page

    def is_outdated(self, number: int) -> bool:
        """True if `read` gives what a broken frame of the log was to replace."""
        return number in self._frames.doubtful

    def image(self) -> bytes:
        """The whole database as one file; pages that cannot be read are zeros. Raises `OSError`."""
        numbers = self.numbers()
        empty = bytes(self.page_size)
        return b"".join(self.read(number) or empty for number in range(1, numbers[-1] + 1)) if numbers else b""

    def usable_sizes(self) -> tuple[int, ...]:
        """How many bytes of each page may be in use; more than one answer, as the header may be wrong.

        It decides how much of a long row lies in its own page.
        """
        header = self.read(1) or bytes(_HEADER_SIZE)
        reserves = dict.fromkeys((header[20], 0, _APPLES_RESERVE))
        return tuple(self.page_size - reserve for reserve in reserves if self.page_size - reserve >= 480)

    def _read(self, source: BinaryIO | None, place: int) -> bytes | None:
        if source is None:
            return None
        try:
            source.seek(place)
            content = source.read(self.page_size)
        except OSError:  # a bad sector: the pages round it may be sound
            return None
        return content.ljust(self.page_size, b"\0") if content else None


@contextmanager
def open_pages(file: Path) -> Iterator[list[Pages]]:
    """The pages of a file with the log beside it, once for each size that they may have, the likeliest first.

    A file or a log that is not there is empty. Raises `OSError`.
    """
    with ExitStack() as stack:
        content = _open(file, stack)
        log = _open(beside(file, "-wal"), stack)
        if content is None and log is None:
            raise FileNotFoundError(errno.ENOENT, "it is not there")
        sizes = [log_page_size(log)] if log is not None else []
        if content is not None:
            sizes.append(_header_page_size(content))
        sizes.append(_OUR_PAGE_SIZE)
        yield [Pages(content, log, size) for size in dict.fromkeys(sizes) if size is not None]


def _open(file: Path, stack: ExitStack) -> BinaryIO | None:
    try:
        if not stat.S_ISREG(file.stat().st_mode):  # opening a pipe would wait for somebody to write into it
            raise OSError(errno.EINVAL, "it is no file")
        return stack.enter_context(file.open("rb"))
    except FileNotFoundError:
        return None


def _header_page_size(file: BinaryIO) -> int | None:
    header = file.read(_HEADER_SIZE)
    size = int.from_bytes(header[16:18], "big")
    size = 65536 if size == 1 else size  # two bytes cannot say it otherwise
    return size if is_page_size(size) else None


def _size(file: BinaryIO | None) -> int:
    return 0 if file is None else file.seek(0, 2)
