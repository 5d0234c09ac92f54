"""What only the write-ahead log says is saved with the rest, though the log or the file may be broken."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from ecs_localai.store.salvage import SalvagedRow, salvage
from ecs_localai.store.tables import Table
from tests.store.salvage_parts import (
    FACTOR,
    FRAME,
    LOG_HEADER,
    PAGE,
    Author,
    Written,
    content,
    keys_in,
    log_of,
    rows_by_sqlite,
    write_open,
)

pytestmark = pytest.mark.timeout(120 * FACTOR)


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return write_open(tmp_path_factory.mktemp("crashed") / "data.sqlite3")


def copied(written: Written, folder: Path, log: bytes) -> Path:
    """The file with another log beside it."""
    file = folder / "data.sqlite3"
    shutil.copy(written.file, file)
    log_of(file).write_bytes(log)
    return file


def opened_by_sqlite(file: Path) -> list[SalvagedRow]:
    """What SQLite itself makes of the file and its log, of which it gets copies."""
    folder = file.parent / "by-sqlite"
    folder.mkdir(exist_ok=True)
    for path in (file, log_of(file)):
        shutil.copy(path, folder)
    with closing(sqlite3.connect(folder / file.name)) as connection:
        return rows_by_sqlite(connection)


def frame_at(log: bytes, index: int) -> bytes:
    start = LOG_HEADER + index * FRAME
    return log[start : start + FRAME]


def last_commit(log: bytes) -> int:
    """Which frame of the log's latest round, counted from 0, is the last with a commit."""
    count = (len(log) - LOG_HEADER) // FRAME
    salts = log[16:24]
    commits = (index for index in range(count) if frame_at(log, index)[4:8] != bytes(4))
    return max(index for index in commits if frame_at(log, index)[8:16] == salts)


def test_committed_changes_that_only_the_log_has_are_found(crashed: Written) -> None:
    result = salvage(crashed.file)
    assert result.rows == crashed.rows == opened_by_sqlite(crashed.file)
    assert result.pages_unreadable == result.frames_unreadable == 0


def test_a_torn_log_counts_up_to_its_last_commit_as_for_sqlite(crashed: Written, tmp_path: Path) -> None:
    log = log_of(crashed.file).read_bytes()
    random = Random(1)
    seen = set()
    for length in [0, 10, LOG_HEADER, len(log) - 1, *(random.randrange(len(log)) for _ in range(20 * FACTOR))]:
        tail = random.choice((b"", random.randbytes(random.randrange(3 * FRAME))))
        file = copied(crashed, tmp_path, log[:length] + tail)
        rows = salvage(file).rows
        assert rows == opened_by_sqlite(file)
        seen.add(len(rows))
    assert len(seen) > 5


def test_frames_of_an_earlier_round_of_the_log_do_not_count(tmp_path: Path) -> None:
    """After a checkpoint the log begins anew; what is behind its end is older than the file."""
    author = Author(tmp_path / "original", 5)
    with closing(author.connection) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        author.write(40)
        connection.execute("PRAGMA wal_checkpoint(RESTART)")
        author.write(5)
        file = tmp_path / "data.sqlite3"
        shutil.copy(tmp_path / "original", file)
        shutil.copy(tmp_path / "original-wal", log_of(file))
        rows = rows_by_sqlite(connection)
    log = log_of(file).read_bytes()
    assert len({frame_at(log, index)[8:16] for index in range((len(log) - LOG_HEADER) // FRAME)}) == 2
    assert salvage(file).rows == rows


def test_changes_that_were_rolled_back_are_not_found(tmp_path: Path) -> None:
    author = Author(tmp_path / "original", 6)
    with closing(author.connection) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        author.write(20)
        rows = rows_by_sqlite(connection)
        connection.execute("PRAGMA cache_size = 5")  # more than this goes to the log before the end
        connection.execute("BEGIN")
        connection.execute(f"UPDATE {Table.HISTORY} SET value = value || ' '")
        connection.execute(f"DELETE FROM {Table.SETTINGS}")
        file = tmp_path / "data.sqlite3"
        shutil.copy(tmp_path / "original", file)
        shutil.copy(tmp_path / "original-wal", log_of(file))
        connection.execute("ROLLBACK")
    log = log_of(file).read_bytes()
    assert last_commit(log) < (len(log) - LOG_HEADER) // FRAME - 1
    assert salvage(file).rows == rows


def test_a_broken_frame_costs_what_it_says_and_not_what_comes_after(crashed: Written, tmp_path: Path) -> None:
    """SQLite would forget all commits after it."""
    log = log_of(crashed.file).read_bytes()
    random = Random(2)
    less_by_sqlite = 0
    for _ in range(12 * FACTOR):
        index = random.randrange(last_commit(log))
        damaged = bytearray(log)
        damaged[LOG_HEADER + index * FRAME + random.randrange(FRAME)] ^= 1 << random.randrange(8)
        file = copied(crashed, tmp_path, bytes(damaged))
        result = salvage(file)
        assert result.frames_unreadable in (1, 2)
        assert {content(row) for row in result.rows} <= crashed.ever
        # With its checksum, a frame takes the proof away from the next one.
        hit = keys_in(frame_at(log, index)) | keys_in(frame_at(log, index + 1))
        found = set(result.rows)
        assert [row for row in crashed.rows if row not in found and row.key not in hit] == []
        less_by_sqlite += len(opened_by_sqlite(file)) < len(result.rows)
    assert less_by_sqlite


def test_the_other_rows_in_a_broken_frame_are_the_newest(tmp_path: Path) -> None:
    crashed = write_open(tmp_path / "crashed", in_log=1, changes=500)
    log = log_of(crashed.file).read_bytes()
    newest = {frame_at(log, index)[:4]: index for index in range(last_commit(log))}
    with_rows = [index for index in newest.values() if frame_at(log, index)[24] == 0x0D]
    for index in with_rows:
        key = min(keys_in(frame_at(log, index)))
        damaged = bytearray(log)
        damaged[log.index(key.encode(), LOG_HEADER + index * FRAME)] ^= 1
        found = set(salvage(copied(crashed, tmp_path, bytes(damaged))).rows)
        assert [row for row in crashed.rows if row not in found and row.key != key] == []


def test_where_only_a_checksum_is_broken_nothing_is_lost(tmp_path: Path) -> None:
    """New pages, which nothing but the log has; long rows go on in some of them."""
    crashed = write_open(tmp_path / "crashed", folded=5, in_log=1, changes=400)
    log = log_of(crashed.file).read_bytes()
    first_new = (crashed.file.stat().st_size // PAGE + 1).to_bytes(4, "big")
    new = [index for index in range(last_commit(log)) if frame_at(log, index)[:4] >= first_new]
    new = [index for index in new if index + 1 in new]  # the next frame loses its proof too
    assert any(frame_at(log, index)[24] == 0 for index in new)  # the rest of a long row
    for index in Random(6).sample(new, min(len(new), 10 * FACTOR)):
        damaged = bytearray(log)
        damaged[LOG_HEADER + index * FRAME + 20] ^= 1
        result = salvage(copied(crashed, tmp_path, bytes(damaged)))
        assert result.rows == crashed.rows
        assert result.frames_unreadable == 2


@pytest.mark.parametrize("spoilt", [4, LOG_HEADER])
def test_a_log_without_its_header_is_read(spoilt: int, crashed: Written, tmp_path: Path) -> None:
    log = log_of(crashed.file).read_bytes()
    file = copied(crashed, tmp_path, Random(3).randbytes(spoilt) + log[spoilt:])
    found = set(salvage(file).rows)
    assert [row for row in crashed.rows if row not in found and row.key not in keys_in(frame_at(log, 0))] == []


@pytest.mark.parametrize("noise", [0, 100, PAGE])
def test_the_log_counts_where_the_first_page_is_broken(noise: int, tmp_path: Path) -> None:
    written = write_open(tmp_path / "data.sqlite3", seed=8, folded=60, in_log=10)
    with written.file.open("r+b") as file:
        file.write(Random(4).randbytes(noise))
    assert salvage(written.file).rows == written.rows


@pytest.mark.parametrize("empty", [True, False])
def test_a_log_whose_file_is_gone_gives_its_rows(empty: bool, tmp_path: Path) -> None:
    written = write_open(tmp_path / "data.sqlite3", seed=9, folded=0, in_log=30)
    written.file.unlink()
    if empty:
        written.file.touch()
    # The folded beginning has no rows, and each table's first page is written again for its first row.
    assert salvage(written.file).rows == written.rows
