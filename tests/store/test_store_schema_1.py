"""A file of the first version gives its rows in today's shape, whole or what is left of it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import msgspec
import pytest

from ecs_localai.store.salvage import SalvagedRow, SalvageError, salvage_former
from ecs_localai.store.schema_1 import FormerRow, read_schema_1
from ecs_localai.store.tables import Table
from tests.store.salvage_parts import FACTOR, PAGE, log_of, new_former_file

pytestmark = pytest.mark.timeout(120 * FACTOR)

MOMENT = "2025-06-01T12:00:00.000001+00:00"
MICROSECONDS = 1_748_779_200_000_001


def execute(connection: sqlite3.Connection, statement: str, *values: object) -> None:
    connection.execute(statement, values)


def add_history(connection: sqlite3.Connection, key: object, at: object = MOMENT, data: object = "{}") -> None:
    execute(
        connection,
        "INSERT OR REPLACE INTO history (installation_id, finished_at, data) VALUES (?, ?, ?)",
        key,
        at,
        data,
    )


def filled(file: Path) -> list[FormerRow]:
    """Enough rows for several pages in each table; returns what they are today."""
    rows: list[FormerRow] = []
    with closing(new_former_file(file)) as connection:
        connection.execute("BEGIN")
        for number in range(300):
            key = f"{number:04}"
            text = json.dumps(f"é{key}" * 30, ensure_ascii=False)
            execute(connection, "INSERT INTO flags VALUES (?, ?)", f"flag-{key}" + "f" * 40, number % 2)
            rows.append(FormerRow(Table.FLAGS, f"flag-{key}" + "f" * 40, 0, "true" if number % 2 else "false"))
            execute(connection, "INSERT INTO settings VALUES (?, ?)", f"setting-{key}", text)
            rows.append(FormerRow(Table.SETTINGS, f"setting-{key}", 0, text))
            add_history(connection, f"id-{key}", f"2025-06-01T12:00:00.{number:06}+00:00", text)
            rows.append(FormerRow(Table.HISTORY, f"id-{key}", MICROSECONDS - 1 + number, text))
            usage = f'{{"usage_count":{number},"last_used":null}}'
            execute(connection, "INSERT INTO model_usage VALUES (?, ?)", f"model-{key}" + "m" * 40, usage)
            rows.append(FormerRow(Table.MODEL_USAGE, f"model-{key}" + "m" * 40, 0, usage))
        connection.execute("COMMIT")
    order = list(Table)
    return sorted(rows, key=lambda row: (order.index(row.table), row.key))


def in_order(rows: list[FormerRow]) -> list[FormerRow]:
    order = list(Table)
    return sorted(rows, key=lambda row: order.index(row.table))


def without_numbers(rows: list[SalvagedRow]) -> list[FormerRow]:
    return [FormerRow(row.table, row.key, row.at, row.value) for row in rows]


def test_all_rows_are_converted(tmp_path: Path) -> None:
    expected = filled(tmp_path / "data.sqlite3")
    with closing(sqlite3.connect(tmp_path / "data.sqlite3")) as connection:
        rows, problems = read_schema_1(connection)
    assert problems == []
    assert in_order(rows) == expected


def test_history_keeps_the_order_of_posting(tmp_path: Path) -> None:
    with closing(new_former_file(tmp_path / "data.sqlite3")) as connection:
        for key in ("b", "c", "a", "b"):  # the last one posted again
            add_history(connection, key, "2020-01-01T02:00:00+02:00" if key == "a" else MOMENT)
        rows, problems = read_schema_1(connection)
    assert (rows, problems) == (
        [
            FormerRow(Table.HISTORY, "c", MICROSECONDS, "{}"),
            FormerRow(Table.HISTORY, "a", 1_577_836_800_000_000, "{}"),
            FormerRow(Table.HISTORY, "b", MICROSECONDS, "{}"),
        ],
        [],
    )


def test_the_list_of_hosts_becomes_a_row_for_each(tmp_path: Path) -> None:
    hosts = '[{"name":"Büro","port":1e2}, {"name":"x"},{"port":1},7,{"name":"x","is_default":true},{"name":3}]'
    with closing(new_former_file(tmp_path / "data.sqlite3")) as connection:
        execute(connection, "INSERT INTO settings VALUES ('hosts', ?), ('host', '\"former\"')", hosts)
        rows, problems = read_schema_1(connection)
    assert rows == [  # and not the former setting: the list counts
        FormerRow(Table.HOSTS, "Büro", 0, '{"name":"Büro","port":1e2}'),
        FormerRow(Table.HOSTS, "x", 1, '{"name":"x"}'),
        FormerRow(Table.HOSTS, "x 2", 4, '{"name":"x 2","is_default":true}'),
    ]
    assert len(problems) == 3
    assert all("Add the host again" in problem for problem in problems)


@pytest.mark.parametrize("value", ["null", "[]"])
def test_no_hosts_are_no_rows(value: str, tmp_path: Path) -> None:
    with closing(new_former_file(tmp_path / "data.sqlite3")) as connection:
        execute(connection, "INSERT INTO settings VALUES ('hosts', ?)", value)
        assert read_schema_1(connection) == ([], [])


def test_what_cannot_be_understood_is_left_out_and_named(tmp_path: Path) -> None:
    with closing(new_former_file(tmp_path / "data.sqlite3")) as connection:
        spoilt = "CAST(x'22ff22' AS TEXT)"
        connection.execute("INSERT INTO flags VALUES ('on', 1), ('odd', 'maybe'), (x'00', 1)")
        connection.execute(
            "INSERT INTO settings VALUES ('theme', '\"dark\"'), ('torn', '{\"a\":'), ('blob', x'31'), ('hosts', '7'),"
            f" ('spoilt', {spoilt}), ({spoilt}, '1'), ('deep', ?)",
            ("[" * 100_000,),
        )
        add_history(connection, "good")
        add_history(connection, "when", "yesterday")
        add_history(connection, "number", 7)
        connection.execute("INSERT INTO model_usage VALUES ('m', '{\"usage_count\":1}'), ('n', '')")
        factory = connection.text_factory
        rows, problems = read_schema_1(connection)
        assert connection.text_factory is factory
    assert rows == [
        FormerRow(Table.FLAGS, "on", 0, "true"),
        FormerRow(Table.SETTINGS, "theme", 0, '"dark"'),
        FormerRow(Table.HISTORY, "good", MICROSECONDS, "{}"),
        FormerRow(Table.MODEL_USAGE, "m", 0, '{"usage_count":1}'),
    ]
    assert len(problems) == 11
    for name in ("odd", "torn", "blob", "hosts", "spoilt", "deep", "when", "number", "'n'"):
        assert sum(name in problem for problem in problems) == 1
    msgspec.json.encode(problems)  # nothing in them is text that cannot be shown


def test_a_lock_is_no_damage(tmp_path: Path) -> None:
    filled(tmp_path / "data.sqlite3")
    with (
        closing(sqlite3.connect(tmp_path / "data.sqlite3", isolation_level=None)) as other,
        closing(sqlite3.connect(tmp_path / "data.sqlite3", timeout=0.01)) as connection,
    ):
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            read_schema_1(connection)


def test_a_sound_file_is_salvaged_whole_and_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "data.sqlite3"
    expected = filled(file)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    result = salvage_former(file)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert result.problems == []
    assert in_order(without_numbers(result.rows)) == expected
    assert [row.rowid for row in result.rows if row.table is Table.HISTORY] == list(range(1, 301))


def test_what_only_the_log_has_is_salvaged(tmp_path: Path) -> None:
    original, file = tmp_path / "original", tmp_path / "data.sqlite3"
    expected = filled(original)
    with closing(sqlite3.connect(original, isolation_level=None)) as connection:
        add_history(connection, "last")
        shutil.copy(original, file)
        shutil.copy(log_of(original), log_of(file))
    rows = without_numbers(salvage_former(file).rows)
    assert FormerRow(Table.HISTORY, "last", MICROSECONDS, "{}") in rows
    assert set(expected) < set(rows)


def test_both_ends_of_a_table_with_a_broken_page_are_salvaged(tmp_path: Path) -> None:
    file = tmp_path / "data.sqlite3"
    expected = filled(file)
    data = bytearray(file.read_bytes())
    page = data.index('"é0150é'.encode()) // PAGE * PAGE
    data[page : page + PAGE] = Random(1).randbytes(PAGE)
    file.write_bytes(data)
    result = salvage_former(file)
    rows = without_numbers(result.rows)
    assert result.problems
    assert set(rows) < set(expected)
    assert len(rows) > len(expected) - 50
    for table in (Table.FLAGS, Table.SETTINGS, Table.HISTORY, Table.MODEL_USAGE):
        of_table = [row for row in expected if row.table is table]
        assert {of_table[0], of_table[-1]} <= set(rows)


def test_a_description_that_is_no_text_is_damage(tmp_path: Path) -> None:
    """SQLite quotes it in its message, which Python then may not be able to read."""
    file = tmp_path / "data.sqlite3"
    filled(file)
    file.write_bytes(file.read_bytes().replace(b") WITHOUT ROWID", b") WITHOUT \xdfOWID"))
    with closing(sqlite3.connect(file)) as connection, pytest.raises((UnicodeDecodeError, sqlite3.Error)):
        connection.execute("SELECT * FROM flags")
    result = salvage_former(file)
    assert result.rows == []
    assert len(result.problems) == 4


def test_damage_anywhere_gives_what_is_left(tmp_path: Path) -> None:
    file = tmp_path / "data.sqlite3"
    expected = set(filled(file))
    data = file.read_bytes()
    random = Random(2)
    for _ in range(60 * FACTOR):
        damaged = bytearray(data)
        match random.randrange(3):
            case 0:
                damaged[random.randrange(len(data))] ^= 1 << random.randrange(8)
            case 1:
                start = random.randrange(len(data))
                damaged[start : start + 500] = random.randbytes(500)
            case _:
                del damaged[random.randrange(len(data)) :]
        file.write_bytes(damaged)
        rows = without_numbers(salvage_former(file).rows)
        assert len({(row.table, row.key) for row in rows}) == len(rows)
        for row in rows:
            (row.key + row.value).encode()
    file.write_bytes(data)
    assert set(without_numbers(salvage_former(file).rows)) == expected


@pytest.mark.parametrize("size", [0, 1, 511, 512, 5000, 50_000])
def test_noise_gives_nothing_and_a_sentence(size: int, tmp_path: Path) -> None:
    file = tmp_path / "data.sqlite3"
    for start in (b"", b"SQLite format 3\0"):
        file.write_bytes((start + Random(size).randbytes(size))[:size])
        result = salvage_former(file)
        assert result.rows == []
        assert result.problems


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(SalvageError, match="no file"):
        salvage_former(tmp_path)
