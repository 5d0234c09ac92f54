"""Fields of a row that are written for themselves: what another process has in the others stays."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from ecs_localai.store import Store, Table


def row_of(folder: Path, key: str = "a") -> object:
    """What the file says of a row of the queue."""
    with Store.open(folder) as store:
        return store.initial.queue.get(key)


def test_two_processes_write_their_own_fields(tmp_path: Path) -> None:
    with Store.open(tmp_path) as one, Store.open(tmp_path) as other:
        one.put(Table.QUEUE, "a", {"paused": False, "bytes": 0}, 7)
        assert one.flush()
        for number in range(50):
            one.amend(Table.QUEUE, "a", {"bytes": number})
            other.amend(Table.QUEUE, "a", {"paused": number % 2 == 0})
        assert one.flush()
        assert other.flush()
    assert row_of(tmp_path) == {"paused": False, "bytes": 49}


def test_the_position_changes_only_where_one_is_given(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.put(Table.QUEUE, "a", {"n": 1}, 7)
        store.amend(Table.QUEUE, "a", {"n": 2})
        assert store.flush()
    with Store.open(tmp_path) as store:
        assert store.initial.queue_positions == {"a": 7}
        store.amend(Table.QUEUE, "a", {}, 9)
        assert store.flush()
    with Store.open(tmp_path) as store:
        assert (store.initial.queue, store.initial.queue_positions) == ({"a": {"n": 2}}, {"a": 9})


def test_a_row_that_is_gone_stays_gone_and_one_that_is_no_object_stays_as_it_is(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.put(Table.QUEUE, "list", [1, 2])
        store.amend(Table.QUEUE, "gone", {"n": 1})
        store.amend(Table.QUEUE, "list", {"n": 1})
        assert store.flush()
    assert row_of(tmp_path, "gone") is None
    assert row_of(tmp_path, "list") == [1, 2]


def test_what_was_posted_before_is_there_and_what_comes_after_counts(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.put(Table.QUEUE, "a", {"n": 1})
        store.amend(Table.QUEUE, "a", {"m": 2})
        store.put(Table.QUEUE, "b", {"n": 1})
        store.amend(Table.QUEUE, "b", {"m": 2})
        store.remove(Table.QUEUE, "b")
        assert store.flush()
    assert row_of(tmp_path) == {"n": 1, "m": 2}
    assert row_of(tmp_path, "b") is None


def test_a_value_that_cannot_be_kept_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.amend(Table.QUEUE, "a", {"n": object()})
        assert "cannot be saved" in store.failures[0]


def test_of_several_that_want_to_begin_the_same_only_one_may(tmp_path: Path) -> None:
    """Each looks at what all others say and writes that it begins, with nothing in between."""
    stores = [Store.open(tmp_path) for _ in range(4)]
    for number, store in enumerate(stores):
        store.put(Table.QUEUE, f"i{number}", {"running": False})
        assert store.flush()

    def one_runs(rows: Mapping[str, object]) -> bool:
        return any(isinstance(row, dict) and row["running"] for row in rows.values())

    got: list[bool] = []

    def begin(store: Store, key: str) -> None:
        got.append(store.amend_unless(Table.QUEUE, key, {"running": True}, one_runs))

    threads = [threading.Thread(target=begin, args=(store, f"i{number}")) for number, store in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for store in stores:
        assert store.close()
    assert sorted(got) == [False, False, False, True]
    with Store.open(tmp_path) as store:
        assert sorted(str(row) for row in store.initial.queue.values()) == ["{'running': False}"] * 3 + [
            "{'running': True}"
        ]


def test_a_store_in_memory_lets_everything_begin() -> None:
    with Store.open(None) as store:
        assert store.amend_unless(Table.QUEUE, "a", {"n": 1}, lambda _: True)
