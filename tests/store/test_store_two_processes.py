"""Processes that share one store each find all of their changes in it."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from ecs_localai.store import Store, Table
from ecs_localai.store.opening import FILE_NAME
from tests.store.store_parts import answer, ask, rows, start_child, write_row

ROUNDS = 400


def test_processes_that_begin_and_write_at_once_lose_nothing(tmp_path: Path) -> None:
    names = ["first", "second", "third"]
    children = [start_child("share", str(tmp_path / "new"), name, str(ROUNDS)) for name in names]
    assert [answer(child) for child in children] == ["ready"] * len(names)
    for child in children:
        ask(child, "go")
    answers = [child.communicate(timeout=60)[0] for child in children]
    assert answers == ["True []\n"] * len(names)
    for name in names:
        own = f"SELECT key FROM history WHERE key LIKE '{name}-%' ORDER BY rowid"
        assert rows(tmp_path / "new", own) == [(f"{name}-{number}",) for number in range(ROUNDS)]
    with Store.open(tmp_path / "new") as store:
        assert store.notice is None
        assert len(store.initial.flags) == ROUNDS * len(names)
        assert store.initial.settings["shared"] in names
    left = {file.name for file in (tmp_path / "new").iterdir()}
    assert left == {FILE_NAME}


def test_a_store_begun_by_several_at_the_same_moment_is_whole(tmp_path: Path) -> None:
    children = [start_child("begin", str(tmp_path)) for _ in range(3)]
    assert [answer(child) for child in children] == ["ready"] * len(children)
    for number in range(40):
        for child in children:
            ask(child, str(number))
        assert [answer(child) for child in children] == ["True None []"] * len(children)
        assert rows(tmp_path / str(number), "SELECT key, value FROM flags") == [("auto_models", "true")]
    for child in children:
        child.communicate(timeout=60)


def test_only_rows_that_were_changed_are_written(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.set_setting("theme", "dark")
        store.set_setting("scale", 1)
    with Store.open(tmp_path) as store:
        write_row(tmp_path, Table.SETTINGS, "scale", "2")
        write_row(tmp_path, Table.FLAGS, "theirs", "true")
        store.set_setting("theme", "light")
    with Store.open(tmp_path) as store:
        assert store.initial.settings == {"theme": "light", "scale": 2}
        assert store.initial.flags == {"theirs": True}


def test_two_stores_of_one_program_begun_at_the_same_moment_share_too(tmp_path: Path) -> None:
    together = threading.Barrier(3)
    notices: list[str | None] = []

    def begin(name: str) -> None:
        for number in range(40):
            together.wait(30)
            with Store.open(tmp_path / str(number)) as store:
                store.set_flag(name, True)
            notices.append(store.notice)

    threads = [threading.Thread(target=begin, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert notices == [None] * 120
    for number in range(40):
        assert rows(tmp_path / str(number), "SELECT key FROM flags ORDER BY key") == [("a",), ("b",), ("c",)]


def test_two_stores_in_one_process_share_too(tmp_path: Path) -> None:
    with Store.open(tmp_path) as one, Store.open(tmp_path) as two:
        for number in range(200):
            one.set_setting(f"one-{number}", number)
            two.set_setting(f"two-{number}", number)
            if number % 50 == 0:
                assert one.flush()
                assert two.flush()
    assert rows(tmp_path, "SELECT count(*) FROM settings") == [(400,)]


def test_a_file_that_another_process_is_just_beginning_is_waited_for(tmp_path: Path) -> None:
    opened: list[Store] = []
    opener = threading.Thread(target=lambda: opened.append(Store.open(tmp_path)))
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        opener.start()
        opener.join(0.3)  # long enough to give up
        assert opener.is_alive()
        other.execute("ROLLBACK")
    opener.join()
    with opened[0] as store:
        assert store.notice is None
