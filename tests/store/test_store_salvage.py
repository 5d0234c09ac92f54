"""Every intact row is saved from a damaged file, and nothing that was not written."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from ecs_localai.store.salvage import Salvage, SalvagedRow, SalvageError, salvage
from tests.store.salvage_parts import (
    FACTOR,
    PAGE,
    Written,
    content,
    keys_in,
    log_of,
    page_of,
    rows_by_sqlite,
    write_closed,
    write_open,
)

pytestmark = pytest.mark.timeout(120 * FACTOR)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return write_closed(tmp_path_factory.mktemp("written") / "data.sqlite3")


def by_key(rows: list[SalvagedRow]) -> dict[tuple[str, str], SalvagedRow]:
    return {(row.table, row.key): row for row in rows}


def assert_only_hit_rows_suffer(written: Written, saved: list[SalvagedRow], hit: set[str]) -> None:
    """Rows with a part in the damaged place may be lost; all others are there, and equal; nothing is invented."""
    found = by_key(saved)
    assert len(found) == len(saved)
    assert {content(row) for row in saved} <= written.ever
    for row in written.rows:
        if row.key not in hit:
            assert found.get((row.table, row.key)) == row


def test_all_rows_of_a_sound_file_are_found(written: Written) -> None:
    result = salvage(written.file)
    assert result.rows == written.rows
    assert result.pages == written.file.stat().st_size // PAGE
    assert result.pages_unreadable == result.frames_unreadable == 0
    assert len({row.table for row in result.rows}) == 13
    assert max(len(row.value) for row in result.rows) > 2 * PAGE


def test_the_file_and_its_folder_stay_as_they_are(tmp_path: Path) -> None:
    file = write_open(tmp_path / "data.sqlite3").file
    with file.open("r+b") as damaged:
        damaged.write(bytes(PAGE))
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()}
    assert salvage(file).rows
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("start", range(0, 100, 7))
def test_a_broken_first_page_costs_no_row(start: int, written: Written, tmp_path: Path) -> None:
    data = bytearray(written.file.read_bytes())
    data[start:PAGE] = bytes(PAGE - start) if start % 2 else Random(start).randbytes(PAGE - start)
    file = tmp_path / "data.sqlite3"
    file.write_bytes(data)
    result = salvage(file)
    assert result.rows == written.rows
    assert result.pages_unreadable == 1


def test_flipped_bits_cost_the_rows_that_they_hit(written: Written, tmp_path: Path) -> None:
    data = written.file.read_bytes()
    file = tmp_path / "data.sqlite3"
    random = Random(3)
    lost = 0
    for _ in range(60 * FACTOR):
        position = random.randrange(len(data))
        damaged = bytearray(data)
        damaged[position] ^= 1 << random.randrange(8)
        file.write_bytes(damaged)
        result = salvage(file)
        assert_only_hit_rows_suffer(written, result.rows, keys_in(page_of(data, position)))
        lost += len(written.rows) - len(result.rows)
    assert lost


def test_a_bit_of_text_that_is_flipped_is_noticed(written: Written, tmp_path: Path) -> None:
    """SQLite itself would give the wrong text."""
    row = written.rows[len(written.rows) // 2]
    data = bytearray(written.file.read_bytes())
    data[data.index(row.value.encode()) + len(row.value) // 2] ^= 1
    file = tmp_path / "data.sqlite3"
    file.write_bytes(data)
    result = salvage(file)
    assert result.rows == [other for other in written.rows if other != row]
    assert result.pages_unreadable == 1


@pytest.mark.parametrize("kind", [0x0C, 0x0F, 0x05, 0x8D, 0xFF])
def test_a_page_that_does_not_say_any_more_that_it_has_rows_is_searched(
    kind: int, written: Written, tmp_path: Path
) -> None:
    data = bytearray(written.file.read_bytes())
    leaves = [start for start in range(PAGE, len(data), PAGE) if data[start] == 0x0D]
    for start in leaves[::3]:
        data[start] = kind
    file = tmp_path / "data.sqlite3"
    file.write_bytes(data)
    result = salvage(file)
    assert result.rows == written.rows
    assert result.pages_unreadable == len(leaves[::3])


@pytest.mark.parametrize("fill", ["zeros", "noise", "another page"])
def test_spoilt_pages_cost_their_own_rows(fill: str, written: Written, tmp_path: Path) -> None:
    data = written.file.read_bytes()
    file = tmp_path / "data.sqlite3"
    random = Random(fill)
    for _ in range(15 * FACTOR):
        damaged = bytearray(data)
        hit: set[str] = set()
        for _ in range(random.randrange(1, 6)):
            start = random.randrange(len(data) // PAGE) * PAGE
            source = random.randrange(len(data) // PAGE) * PAGE
            noise = data[source : source + PAGE] if fill == "another page" else random.randbytes(PAGE)
            damaged[start : start + PAGE] = bytes(PAGE) if fill == "zeros" else noise
            hit |= keys_in(page_of(data, start))
        file.write_bytes(damaged)
        assert_only_hit_rows_suffer(written, salvage(file).rows, hit)


def test_what_is_before_the_end_of_a_cut_file_is_found(written: Written, tmp_path: Path) -> None:
    data = written.file.read_bytes()
    file = tmp_path / "data.sqlite3"
    random = Random(4)
    for length in [0, 1, 50, 100, PAGE - 1, PAGE, *(random.randrange(len(data)) for _ in range(30 * FACTOR))]:
        file.write_bytes(data[:length])
        assert_only_hit_rows_suffer(written, salvage(file).rows, keys_in(data[length // PAGE * PAGE :]))


def test_the_order_of_pages_does_not_matter(written: Written, tmp_path: Path) -> None:
    """Rows that lie in one page are found wherever that page is."""
    data = written.file.read_bytes()
    pages = [data[start : start + PAGE] for start in range(0, len(data), PAGE)]
    Random(5).shuffle(pages)
    file = tmp_path / "data.sqlite3"
    file.write_bytes(b"".join(pages))
    saved = by_key(salvage(file).rows)
    short = [row for row in written.rows if len(row.value) < 1000]
    assert [saved.get((row.table, row.key)) for row in short] == short


def test_noise_has_no_rows(written: Written, tmp_path: Path) -> None:
    file = tmp_path / "data.sqlite3"
    random = Random(6)
    start = written.file.read_bytes()[:100]
    for _ in range(30 * FACTOR):
        file.write_bytes(random.choice((b"", start)) + random.randbytes(random.randrange(40_000)))
        log_of(file).write_bytes(random.randbytes(random.randrange(20_000)))
        assert salvage(file).rows == []


def test_noise_that_says_it_is_rows_ends(tmp_path: Path) -> None:
    """Each page lists as many cells as can be."""
    file = tmp_path / "data.sqlite3"
    random = Random(7)
    pages = []
    for _ in range(20 * FACTOR):
        page = bytearray(random.randbytes(PAGE))
        page[0], page[3:5] = 0x0D, (680).to_bytes(2, "big")
        for cell in range(680):
            page[8 + 2 * cell : 10 + 2 * cell] = random.randrange(1400, PAGE).to_bytes(2, "big")
        pages.append(bytes(page))
    file.write_bytes(bytes(PAGE) + b"".join(pages))
    result = salvage(file)
    assert result.rows == []
    assert result.pages_unreadable == result.pages


def test_circles_among_pages_end(written: Written, tmp_path: Path) -> None:
    """Every page that goes on with a long row leads to itself, and every tree to its own beginning."""
    data = bytearray(written.file.read_bytes())
    long_keys: set[str] = set()
    for start in range(PAGE, len(data), PAGE):
        number = (start // PAGE + 1).to_bytes(4, "big")
        if data[start] == 0:
            long_keys |= keys_in(page_of(data, start))
            data[start : start + 4] = number
        elif data[start] == 0x05:
            data[start + 8 : start + 12] = number
    file = tmp_path / "data.sqlite3"
    file.write_bytes(data)
    result = salvage(file)
    assert long_keys
    assert {row.key for row in written.rows} - {row.key for row in result.rows} <= long_keys
    assert_only_hit_rows_suffer(written, result.rows, long_keys)


def test_of_two_versions_of_a_row_that_counts_to_which_the_tree_leads(written: Written, tmp_path: Path) -> None:
    """An old page is left behind the end, as a lost log or another program may leave it."""
    old = written.file.read_bytes()
    file = tmp_path / "data.sqlite3"
    newer = write_closed(file, seed=1, transactions=180)  # the same beginning, and then more
    with file.open("ab") as appended:
        appended.write(old)
    found = by_key(salvage(file).rows)
    assert [found[row.table, row.key] for row in newer.rows] == newer.rows
    assert any(row not in newer.rows for row in written.rows)


@pytest.mark.parametrize("size", [512, 1024, 8192, 65536])
def test_other_sizes_of_pages_are_known_from_the_header(size: int, written: Written, tmp_path: Path) -> None:
    file = tmp_path / "data.sqlite3"
    shutil.copy(written.file, file)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute(f"PRAGMA page_size = {size}")
        connection.execute("VACUUM")
        rows = rows_by_sqlite(connection)
    assert salvage(file).rows == rows


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(SalvageError, match="no file"):
        salvage(tmp_path)
    with pytest.raises(SalvageError, match="not there"):
        salvage(tmp_path / "nothing.sqlite3")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(SalvageError, match="no file"):
            salvage(tmp_path / "pipe")


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    file = tmp_path / "data.sqlite3"
    file.touch()
    assert salvage(file) == Salvage([], 0, 0, 0)
