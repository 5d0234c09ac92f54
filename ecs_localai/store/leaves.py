"""Finds rows of our shape in a page's bytes, believing nothing that the page says of itself.

The format is that of https://www.sqlite.org/fileformat2.html, sections 1.6 ("B-tree Pages") and 2.1 ("Record Format").
"""

from collections.abc import Iterator
from itertools import accumulate, pairwise
from typing import NamedTuple

from ecs_localai.store.pages import Pages
from ecs_localai.store.tables import Table, row_sum

LEAF, INTERIOR = 0x0D, 0x05
"""The first byte of a page of a table's tree: with rows, or with the numbers of other pages."""
LEAF_HEADER, INTERIOR_HEADER = 8, 12
"""How many bytes the headers of the two take."""
OTHERS = frozenset({0x0A, 0x02, 0x00})
"""The first byte of other pages: an index's two kinds, and 0 for what is free or goes on with a long row."""

_INTEGER_SIZES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 8: 0, 9: 0}  # by serial type; 8 and 9 are the numbers 0 and 1
_LEAST_CELL = 6  # bytes that a cell and its place in the list take at least, by SQLite's own reckoning
_MOST_COLUMNS = 5  # no table in our file has more: those of SQLite's table of contents
_CHAIN_FACTOR = 8  # so many times as many pages as there are may be read for long rows; sound files need one


class SalvagedRow(NamedTuple):
    """A row that matches its checksum. The row's number, which gives the order, is not part of that."""

    table: Table
    rowid: int
    key: str
    at: int
    value: str


class _BrokenError(Exception):
    """The bytes are no cell or no record."""


def header_offset(number: int) -> int:
    """Where a page's own header begins: the first page has the file's header before it."""
    return 100 if number == 1 else 0


def cell_places(page: bytes, offset: int, header_size: int) -> Iterator[int | None]:
    """Where a tree page's cells begin, as its header at `offset` says; `None` for what cannot be."""
    count = int.from_bytes(page[offset + 3 : offset + 5], "big")
    most = (len(page) - 8) // _LEAST_CELL
    if count > most:
        yield None
    first = offset + header_size
    for pointer in range(first, min(first + 2 * min(count, most), len(page) - 1), 2):
        place = int.from_bytes(page[pointer : pointer + 2], "big")
        yield place if pointer + 2 <= place < len(page) else None


def varint(data: bytes, at: int) -> tuple[int, int] | None:
    """A number of 1 to 9 bytes and where it ends; `None` where the data ends before. Unsigned, of 64 bits."""
    if at < len(data) and data[at] < 0x80:
        return data[at], at + 1
    value = 0
    for index, byte in enumerate(data[at : at + 9]):
        if index == 8:
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + index + 1
    return None


class LeafReader:
    """Reads rows from pages, and follows the long ones through their other pages."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._usable = sorted(pages.usable_sizes(), reverse=True)
        self._page_count = len(pages.numbers())
        self._chain_budget = _CHAIN_FACTOR * self._page_count + 64
        self._tables = list(Table)

    def rows(self, page: bytes, number: int) -> tuple[list[SalvagedRow], bool]:
        """The intact rows of ours on a page with rows, and whether all of the page makes sense."""
        rows: list[SalvagedRow] = []
        sound = True
        for place in cell_places(page, header_offset(number), LEAF_HEADER):
            if place is None:
                sound = False
                continue
            try:
                row = self._row(page, place)
            except _BrokenError:
                sound = False
            else:
                if row is not None:
                    rows.append(row)
        return rows, sound

    def _row(self, page: bytes, place: int) -> SalvagedRow | None:
        """The row in a cell, `None` if it is sound but none of ours. Raises `_BrokenError`."""
        size, at = _varint(page, place)
        rowid, at = _varint(page, at)
        rowid -= (rowid >> 63) << 64
        types, header = _shape(page, at, size)
        if not _is_ours(types):
            return None
        # A short row lies in its page, however much of that is in use.
        for usable in self._usable if size > self._usable[-1] - 35 else self._usable[-1:]:
            try:
                key, moment, value, checksum = _values(self._payload(page, at, size, usable), types, header)
            except (_BrokenError, UnicodeDecodeError):
                continue
            table = self._table(key, moment, value, checksum)
            if table is not None:
                return SalvagedRow(table, rowid, key, moment, value)
        raise _BrokenError

    def _table(self, key: str, at: int, value: str, checksum: int) -> Table | None:
        """The table whose row it is, by the checksum. A neighbour's table is the likeliest."""
        for index, table in enumerate(self._tables):
            if row_sum(table, key, at, value) == checksum:
                if index:
                    self._tables.insert(0, self._tables.pop(index))
                return table
        return None

    def _payload(self, page: bytes, at: int, size: int, usable: int) -> bytes:
        """A cell's content: all in the page, or a first part, and the number of the page that goes on."""
        most = usable - 35
        if size <= most:
            return _slice(page, at, size)
        least = (usable - 12) * 32 // 255 - 23
        local = least + (size - least) % (usable - 4)
        if local > most:
            local = least
        first = int.from_bytes(_slice(page, at + local, 4), "big")
        return _slice(page, at, local) + self._chain(first, size - local, usable)

    def _chain(self, number: int, size: int, usable: int) -> bytes:
        """The rest of a long row. Raises `_BrokenError` for a chain that is longer than the file, or a circle."""
        if size > self._page_count * usable:
            raise _BrokenError
        parts: list[bytes] = []
        seen: set[int] = set()
        while size > 0:
            self._chain_budget -= 1
            page = None if number in seen or self._chain_budget < 0 else self._pages.read(number)
            if page is None:
                raise _BrokenError
            seen.add(number)
            number = int.from_bytes(page[:4], "big")
            part = page[4 : min(usable, 4 + size)]
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def record_types(page: bytes, at: int) -> tuple[list[int], int] | None:
    """What the columns of a record are (SQLite's "serial types") and where its header ends; `None` if it is none."""
    try:
        end, place = _varint(page, at)
        end += at
        types: list[int] = []
        while place < end and len(types) <= _MOST_COLUMNS:
            kind, place = _varint(page, place)
            types.append(kind)
    except _BrokenError:
        return None
    return (types, end) if place == end else None


def columns(data: bytes, types: list[int], at: int) -> list[bytes]:
    """The bytes of each column; the first begins at `at`. Short where the data ends before."""
    ends = list(accumulate(map(_type_size, types), initial=at))
    return [data[begin:end] for begin, end in pairwise(ends)]


def _type_size(kind: int) -> int:
    if kind >= 12:
        return (kind - 12) // 2
    return 8 if kind == 7 else _INTEGER_SIZES.get(kind, 0)


def _shape(page: bytes, at: int, size: int) -> tuple[list[int], int]:
    """A record's types and the size of its header, if they agree with the cell's size. Raises `_BrokenError`."""
    found = record_types(page, at)
    if found is None:
        raise _BrokenError
    types, end = found
    if end - at + sum(map(_type_size, types)) != size:
        raise _BrokenError
    return types, end - at


def _is_ours(types: list[int]) -> bool:
    if len(types) != 4:
        return False
    key, at, value, checksum = types
    return (
        key >= 13
        and key % 2 == 1
        and at in _INTEGER_SIZES
        and value >= 13
        and value % 2 == 1
        and (checksum in _INTEGER_SIZES)
    )


def _values(record: bytes, types: list[int], at: int) -> tuple[str, int, str, int]:
    """Raises `UnicodeDecodeError`."""
    key, moment, value, checksum = columns(record, types, at)
    return key.decode(), _integer(types[1], moment), value.decode(), _integer(types[3], checksum)


def _integer(kind: int, data: bytes) -> int:
    return kind - 8 if kind in (8, 9) else int.from_bytes(data, "big", signed=True)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    found = varint(data, at)
    if found is None:
        raise _BrokenError
    return found


def _slice(data: bytes, at: int, size: int) -> bytes:
    if at + size > len(data):
        raise _BrokenError
    return data[at : at + size]
