"""Wiping: the file is written anew and the log emptied, after which no piece of what was deleted can be found.

And what delays that: somebody who reads, a full disk.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ecs_localai.store import Store, Table
from ecs_localai.store.changes import put_row
from ecs_localai.store.opening import FILE_NAME
from ecs_localai.store.retention import empty_log, mark_for_wiping, rewrite, take_mark_away, wipe_mark
from ecs_localai.store.tables import create_statement
from tests.store.forgetting_parts import (
    BEGIN,
    WINDOW,
    keep,
    kept,
    pieces,
    random_text,
    start_forgetting,
)
from tests.store.store_parts import answer, ask, fill, rows, small_disk, wait_until


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    """Else the tests here would prove nothing: any piece of a text is found, in the file and beside it."""
    chance = random.Random(0)
    texts = [random_text(chance) for _ in range(40)]
    with Store.open(tmp_path) as store:
        for number, text in enumerate(texts):
            keep(store, f"{number}", text, BEGIN, None)
        assert store.flush()
        assert [text for text in texts if not any(FILE_NAME in found for found in pieces(tmp_path, [text]))] == []
    long = max(texts, key=len).encode()
    for begin in range(8, 40):
        (tmp_path / "other").write_bytes(b"\0" * (50 - begin) + long[begin : begin + WINDOW] + b"\0" * 5)
        found = [found for found in pieces(tmp_path, [long.decode()]) if "in other" in found]
        assert found
        assert all(one.startswith(repr(long[begin : begin + WINDOW])) for one in found)
    assert not pieces(tmp_path, [random_text(chance)])


def test_rows_that_were_moved_leave_copies_until_the_file_is_written_anew(tmp_path: Path) -> None:
    """``secure_delete`` zeroes a row where it lies, and not where it had lain before the pages were balanced."""
    for seed in range(8):
        folder = tmp_path / str(seed)
        folder.mkdir()
        chance = random.Random(seed)
        alive: dict[str, str] = {}
        gone: list[str] = []
        with closing(sqlite3.connect(folder / FILE_NAME, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute(create_statement(Table.CONTEXT))
            for key, text in small_changes(chance, alive, gone):
                if text is None:
                    connection.execute("DELETE FROM browser_context WHERE key = ?", (key,))
                else:
                    put_row(connection, Table.CONTEXT, key, 0, text)
            assert empty_log(connection)
            left = pieces(folder, gone)
            rewrite(connection)
            assert empty_log(connection)
            assert not pieces(folder, gone)
            assert dict(connection.execute("SELECT key, value FROM browser_context")) == alive
        if left:
            return
    pytest.fail("SQLite leaves no copies: then the file need not be written anew")


def small_changes(chance: random.Random, alive: dict[str, str], gone: list[str]) -> Iterator[tuple[str, str | None]]:
    """Small texts that are kept, replaced, and (None) taken out, at random; says what lives and what does not."""
    for _ in range(3_000):
        key = chance.choice(list(alive)) if alive and chance.random() < 0.4 else random_text(chance, (16, 60))
        text = random_text(chance, (20, chance.choice((60, 400, 1_500))))
        if key in alive:
            gone.append(alive.pop(key))
            if chance.random() < 0.5:
                gone.append(key)
                yield key, None
                continue
        alive[key] = text
        yield key, text


def test_many_small_texts_taken_out_in_any_order_are_nowhere(tmp_path: Path) -> None:
    alive: dict[str, str] = {}
    gone: list[str] = []
    with Store.open(tmp_path) as store:
        for number, (key, text) in enumerate(small_changes(random.Random(11), alive, gone)):
            if text is None:
                store.remove(Table.CONTEXT, key)
            else:
                keep(store, key, text, BEGIN, None)
            if number % 50 == 0:  # else what is replaced at once never gets to the file
                wait_until(lambda: len(kept(tmp_path)) == len(alive), "it is written")
        assert store.flush()
        assert kept(tmp_path) == alive
        assert not pieces(tmp_path, gone)


def test_the_mark_of_what_another_process_deleted_meanwhile_stays(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as connection:
        mark_for_wiping(connection, copies=True)
        mark = wipe_mark(connection)
        assert mark is not None
        with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as other:
            mark_for_wiping(other)
        take_mark_away(connection, mark)
        mark = wipe_mark(connection)
        assert mark is not None
        assert mark.copies
        take_mark_away(connection, mark)
        assert wipe_mark(connection) is None


def test_somebody_who_reads_delays_the_wiping_and_that_is_said(tmp_path: Path) -> None:
    chance = random.Random(2)
    texts = {random_text(chance, (20, 40)): random_text(chance) for _ in range(60)}
    with Store.open(tmp_path) as store:
        for key, text in texts.items():
            keep(store, key, text, BEGIN, None)
        assert store.flush()
        reader = start_forgetting("read", str(tmp_path))
        assert answer(reader) == "60"
        store.forget(Table.CONTEXT)
        assert not store.flush()
        assert "another process is reading it" in store.failures.popleft()
        assert kept(tmp_path) == {}
        store.set_setting("meanwhile", 1)  # only the wiping waits
        wait_until(lambda: rows(tmp_path, "SELECT 1 FROM settings WHERE key = 'meanwhile'") == [(1,)], "it is saved")
        assert pieces(tmp_path, texts.values())
        ask(reader, "enough")
        reader.communicate(timeout=20)
        wait_until(lambda: not pieces(tmp_path, [*texts, *texts.values()]), "the store tries again by itself")
        assert store.flush()


def test_what_could_not_be_wiped_at_the_end_is_wiped_at_the_next_start(tmp_path: Path) -> None:
    chance = random.Random(3)
    texts = [random_text(chance) for _ in range(60)]
    store = Store.open(tmp_path)
    for number, text in enumerate(texts):
        keep(store, f"{number}", text, BEGIN, None)
    assert store.flush()
    reader = start_forgetting("read", str(tmp_path))
    assert answer(reader) == "60"
    store.forget(Table.CONTEXT)
    assert not store.close()
    assert pieces(tmp_path, texts)
    ask(reader, "enough")
    reader.communicate(timeout=20)
    with Store.open(tmp_path) as store:
        wait_until(lambda: not pieces(tmp_path, texts), "it is wiped without being asked")
        assert store.flush()


def test_a_full_disk_delays_the_wiping_until_there_is_room(tmp_path: Path) -> None:
    chance = random.Random(6)
    texts = [random_text(chance) for _ in range(200)]
    with small_disk(tmp_path / "disk", "4m") as disk, Store.open(disk) as store:
        for number, text in enumerate(texts):
            keep(store, f"{number}", text, BEGIN, None)
        assert store.flush()
        filler = fill(disk)
        store.remove(Table.CONTEXT, "0")
        for number in range(1, 100):
            store.remove(Table.CONTEXT, f"{number}")
        assert not store.flush()
        assert store.failures
        filler.unlink()
        wait_until(store.flush, "there is room")
        assert sorted(kept(disk).values()) == sorted(texts[100:])
        assert not pieces(disk, texts[:100])


def test_the_history_keeps_its_order_and_its_numbers_when_the_file_is_written_anew(tmp_path: Path) -> None:
    """Their order is that of the row numbers; SQLite lets ``VACUUM`` change them for some tables."""
    chance = random.Random(9)
    numbers = "SELECT rowid, key FROM history ORDER BY rowid"
    with Store.open(tmp_path) as store:
        for number in range(600):  # about half of them come again, as the newest
            text = random_text(chance, (1, 200))
            store.add_history(f"id-{chance.randint(0, 399)}", BEGIN, json.dumps(text, ensure_ascii=False).encode())
            if number % 30 == 0:
                assert store.flush()
        for number in range(0, 400, 3):
            store.remove(Table.HISTORY, f"id-{number}")
        keep(store, "key", "text", BEGIN, None)
        assert store.flush()
        before = rows(tmp_path, numbers)
        assert len(before) != before[-1][0]  # there are gaps
        store.remove(Table.CONTEXT, "key")
        assert store.flush()
        assert rows(tmp_path, numbers) == before
        store.add_history(str(before[5][1]), BEGIN, b"{}")
        assert store.flush()
        after = rows(tmp_path, numbers)
        assert [key for _, key in after] == [key for _, key in before if key != before[5][1]] + [before[5][1]]
    with Store.open(tmp_path) as store:
        assert [one.installation_id for one in store.initial.history] == [key for _, key in reversed(after)][:200]


def test_every_table_has_the_index_that_keeps_its_row_numbers(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        assert store.flush()
        for table in Table:
            assert rows(tmp_path, f"SELECT count(*) FROM pragma_index_list('{table}')") == [(1,)]


def test_what_was_never_committed_is_not_left_in_the_log(tmp_path: Path) -> None:
    """A program that is killed while it writes leaves pages that nobody will ever read, and that no row leads to."""
    with Store.open(tmp_path) as store:
        keep(store, "kept", "stays", BEGIN, None)
    child = start_forgetting("spill", str(tmp_path))
    texts = answer(child).split()
    child.kill()
    child.communicate(timeout=20)
    assert pieces(tmp_path, texts)
    with Store.open(tmp_path) as store:
        wait_until(lambda: not pieces(tmp_path, texts), "the log is emptied without being asked")
        assert store.flush()
        assert kept(tmp_path) == {"kept": "stays"}
