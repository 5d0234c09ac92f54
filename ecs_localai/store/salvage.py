"""Saves the intact rows of a damaged file, whatever is broken round them. The file itself is only read."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from ecs_localai.store.leaves import (
    INTERIOR,
    INTERIOR_HEADER,
    LEAF,
    LEAF_HEADER,
    OTHERS,
    LeafReader,
    SalvagedRow,
    cell_places,
    columns,
    header_offset,
    record_types,
    varint,
)
from ecs_localai.store.pages import Pages, open_pages
from ecs_localai.store.schema_1 import read_schema_1
from ecs_localai.store.tables import Table

__all__ = ["FormerSalvage", "Salvage", "SalvageError", "SalvagedRow", "salvage", "salvage_former"]

_MAGIC = b"SQLite format 3\0"


class SalvageError(Exception):
    """The file cannot be read at all now: it is gone, or the rights or the disk are against it."""


class Salvage(NamedTuple):
    """What could be saved."""

    rows: list[SalvagedRow]
    """Table by table, each in the order of its row numbers; each key once in a table."""
    pages: int
    """So many pages the file and its log have."""
    pages_unreadable: int
    """So many of them make no sense, or hold something that does not. Zero does not prove that nothing was lost."""
    frames_unreadable: int
    """So many committed pages in the write-ahead log do not match their checksums."""


class FormerSalvage(NamedTuple):
    """What could be saved of a file of schema 1."""

    rows: list[SalvagedRow]
    """In the order to insert them; the row numbers count up from 1 in each table."""
    problems: list[str]
    """A sentence for each thing that could not be read."""


def salvage(file: Path) -> Salvage:
    """Finds every intact row of ours in a file of schema 2 and the write-ahead log beside it.

    Each page that may hold rows is searched, whether or not a way leads to it, and a row is believed if it matches its
    checksum: so no interior page, list of free pages or table of contents needs to be sound. The log is applied page
    by page, beyond its broken frames too (see `log_frames`). Nothing is written, neither to the file nor beside it.

    A key can be found twice in a table, where an older copy of a page is left, as after a power cut in the midst of a
    checkpoint, or a broken frame of the log. Then the first of these that tells them apart counts: a page that the
    table's tree leads to; a page's newest content, though its frame in the log be broken elsewhere, before the content
    that such a frame was to replace; the higher row number (that of the later insertion); the higher ``at``. What no
    tree leads to is kept where the key is not found otherwise: the way to it may be what is broken.

    Whatever the content is, there is a result, perhaps without rows. Raises `SalvageError` if the file cannot be
    opened, and if there is neither a file nor a log.
    """
    try:
        with open_pages(file) as candidates:
            results = []
            for pages in candidates:
                results.append(_salvage_pages(pages))
                if results[-1].rows:
                    return results[-1]
            return results[0]
    except OSError as error:
        raise _error(file, error) from error


def salvage_former(file: Path) -> FormerSalvage:
    """Reads what can be read of a file of schema 1 and the log beside it, as rows of today.

    Schema 1 has no checksums, so SQLite reads it, from a copy in memory, as far as it understands it. A file without a
    readable beginning gives no rows. Nothing is written. Raises `SalvageError` as `salvage` does.
    """
    try:
        with open_pages(file) as candidates:
            image = bytearray(candidates[0].image())
    except OSError as error:
        raise _error(file, error) from error
    if len(image) < 512:
        return FormerSalvage([], ["The saved data is empty."])
    image[18:20] = b"\x01\x01"  # the log is in it already: a database in memory has none
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        if not hasattr(connection, "deserialize"):  # SQLite can be built without it
            return FormerSalvage([], ["This Python's SQLite cannot look into a damaged file of the former version."])
        try:
            connection.deserialize(bytes(image))
            found, problems = read_schema_1(connection)
        except (sqlite3.Error, OverflowError) as error:
            return FormerSalvage([], [f"The saved data cannot be understood ({error})."])
    counts = dict.fromkeys(Table, 0)
    rows = []
    for table, key, at, value in found:
        counts[table] += 1
        rows.append(SalvagedRow(table, counts[table], key, at, value))
    return FormerSalvage(rows, problems)


def _error(file: Path, error: OSError) -> SalvageError:
    reason = error.strerror or str(error)
    return SalvageError(f"Nothing could be saved from {file} ({reason}). It was left as it is; check its permissions.")


def _salvage_pages(pages: Pages) -> Salvage:
    reader = LeafReader(pages)
    reached = _reached_pages(pages)
    best: dict[tuple[Table, str], tuple[tuple[bool, int, int, int], SalvagedRow]] = {}

    def keep(rows: list[SalvagedRow], number: int, freshness: int) -> None:
        for row in rows:
            rank = (number in reached.get(row.table, ()), freshness, row.rowid, row.at)
            known = best.get((row.table, row.key))
            if known is None or rank > known[0]:
                best[row.table, row.key] = rank, row

    numbers = pages.numbers()
    unreadable = 0
    for number in numbers:
        page = pages.read(number)
        rows, sound = ([], False) if page is None else _rows_of(reader, page, number)
        keep(rows, number, 0 if pages.is_outdated(number) else 1)
        unreadable += not sound
    for number, page in pages.doubtful():
        rows, _ = _rows_of(reader, page, number)
        keep(rows, number, 2)
    order = {table: index for index, table in enumerate(Table)}
    rows = sorted((row for _, row in best.values()), key=lambda row: (order[row.table], row.rowid, row.key))
    return Salvage(rows, len(numbers), unreadable, pages.damaged_frames)


def _rows_of(reader: LeafReader, page: bytes, number: int) -> tuple[list[SalvagedRow], bool]:
    """The rows on a page, and whether it makes sense. A page that says it is of no kind may have been one with rows."""
    kind = page[header_offset(number)]
    if number == 1 and (not page.startswith(_MAGIC) or kind == 0):
        return reader.rows(page, number)[0], False
    if kind in OTHERS:
        return [], True
    rows, sound = reader.rows(page, number)
    if kind == INTERIOR:
        return rows, not rows
    return rows, sound and kind == LEAF


def _reached_pages(pages: Pages) -> dict[Table, set[int]]:
    """The pages with rows to which each table's tree leads, as far as it can be walked."""
    names = {str(table): table for table in Table}
    reached: dict[Table, set[int]] = {}
    for number in _leaves_below(pages, 1):
        page = pages.read(number)
        for name, root in _schema_entries(page or b"", number):
            if name in names:
                reached.setdefault(names[name], set()).update(_leaves_below(pages, root))
    return reached


def _leaves_below(pages: Pages, root: int) -> set[int]:
    leaves: set[int] = set()
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        number = waiting.pop()
        if number in seen or (page := pages.read(number)) is None:
            continue
        seen.add(number)
        offset = header_offset(number)
        if page[offset] == LEAF:
            leaves.add(number)
        elif page[offset] == INTERIOR:
            waiting.append(int.from_bytes(page[offset + 8 : offset + 12], "big"))
            places = cell_places(page, offset, INTERIOR_HEADER)
            waiting.extend(int.from_bytes(page[place : place + 4], "big") for place in places if place is not None)
    return leaves


def _schema_entries(page: bytes, number: int) -> Iterator[tuple[str, int]]:
    """Names of tables and the pages where their trees begin, from SQLite's table of contents."""
    for place in cell_places(page, header_offset(number), LEAF_HEADER):
        start = None if place is None else varint(page, place)
        start = None if start is None else varint(page, start[1])
        record = None if start is None else record_types(page, start[1])
        if record is None or len(record[0]) != 5:
            continue
        kind_of, name, _, root, _ = columns(page, *record)
        if kind_of == b"table":
            yield name.decode(errors="replace"), int.from_bytes(root, "big")
