"""What another process has changed is told, all of it, and nothing that was changed here seems undone."""

from __future__ import annotations

import threading
from collections import deque
from pathlib import Path

import pytest

from ecs_localai.store import Store, Table
from ecs_localai.store.news import StoredNews
from tests.store.store_parts import remount, small_disk, wait_until, write_row


def last(news: deque[StoredNews]) -> StoredNews:
    wait_until(lambda: bool(news), "news")
    return news[-1]


def test_what_another_process_has_changed_is_told(tmp_path: Path) -> None:
    news: deque[StoredNews] = deque()
    with Store.open(tmp_path, on_news=news.append) as store:
        with Store.open(tmp_path) as other:
            other.set_flag("theirs", True)
        assert last(news).state.flags == {"theirs": True}
        assert store.knows_all(last(news))
        assert last(news).losses == 0


def test_another_one_s_measurements_are_no_news(tmp_path: Path) -> None:
    news: deque[StoredNews] = deque()
    with Store.open(tmp_path, on_news=news.append), Store.open(tmp_path) as other:
        write_row(tmp_path, Table.MEASUREMENTS, "7", '{"cpu":[1,1.0,1.0,1.0]}', 7_000_000)
        other.set_setting("theme", "dark")
        wait_until(lambda: any(one.state.settings == {"theme": "dark"} for one in news), "the setting")
        assert len(news) == 1


@pytest.mark.parametrize("table", [Table.QUEUE, Table.FLAGS])
def test_what_another_process_puts_back_as_it_was_is_news(tmp_path: Path, table: Table) -> None:
    """Kept here, and taken out elsewhere: the file says then what it said when it was looked at last."""
    news: deque[StoredNews] = deque()
    with Store.open(tmp_path, on_news=news.append) as store, Store.open(tmp_path) as other:
        other.set_setting("theme", "dark")
        told = last(news).state
        for _ in range(2):
            store.put(table, "ours", True)
            if table is Table.FLAGS:
                told.flags["ours"] = True  # as whoever is told does, but not with the queue
            assert store.flush(10)
            other.remove(table, "ours")
            wait_until(lambda: len(news) > 1, "news")
            news.popleft()
            told = last(news).state
            assert (told.queue, told.flags) == ({}, {})


def test_news_that_came_before_a_change_of_our_own_are_asked_for_again(tmp_path: Path) -> None:
    news: deque[StoredNews] = deque()
    with Store.open(tmp_path, on_news=news.append) as store:
        write_row(tmp_path, Table.FLAGS, "theirs", "true")
        first = last(news)
        store.set_flag("ours", True)
        assert not store.knows_all(first)
        wait_until(lambda: news[-1].state.flags == {"theirs": True, "ours": True}, "both flags")
        assert store.knows_all(news[-1])


def test_news_are_complete_whichever_thread_posts(tmp_path: Path) -> None:
    news: deque[StoredNews] = deque()
    with Store.open(tmp_path, on_news=news.append) as store:

        def post(name: str) -> None:
            for number in range(500):
                store.set_flag(f"{name}-{number}", True)

        threads = [threading.Thread(target=post, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        write_row(tmp_path, Table.FLAGS, "theirs", "true")
        wait_until(lambda: bool(news) and store.knows_all(news[-1]), "news that know all")
        assert len(news[-1].state.flags) == 2001


def test_what_could_not_be_read_at_the_start_is_told_once_it_can_be(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        with Store.open(disk / "data") as store:
            store.set_setting("theme", "dark")
        hidden = (disk / "data").rename(disk / "hidden")
        (disk / "data").write_text("in the way")
        remount(disk, "ro")
        news: deque[StoredNews] = deque()
        with Store.open(disk / "data", on_news=news.append) as store:
            assert store.initial.settings == {}
            remount(disk, "rw")
            (disk / "data").unlink()
            hidden.rename(disk / "data")
            store.set_flag("ours", True)
            news_now = last(news)
            assert news_now.state.settings == {"theme": "dark"}
            assert news_now.state.flags == {"ours": True}
            assert news_now.losses == 0


def test_another_file_in_its_place_is_told_as_a_loss(tmp_path: Path) -> None:
    news: deque[StoredNews] = deque()
    with Store.open(tmp_path, on_news=news.append) as store:
        store.set_flag("ours", True)
        store.initial.flags["ours"] = True  # as the systems do
        assert store.flush()
        for file in tmp_path.iterdir():
            file.unlink()
        store.set_setting("theme", "dark")
        assert last(news).state.flags == {}
        assert last(news).state.settings == {"theme": "dark"}
        assert last(news).losses == 1


def test_a_row_is_swapped_by_one_of_several(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.put(Table.QUEUE, "a", {"pid": 1})
        store.put(Table.QUEUE, "b", {"pid": 1})
    with Store.open(tmp_path) as store, Store.open(tmp_path) as other:
        wanted = {key: (row, {"pid": 2}) for key, row in store.initial.queue.items()}
        assert store.swap(Table.QUEUE, wanted) == {"a", "b"}
        assert other.swap(Table.QUEUE, {"a": ({"pid": 1}, {"pid": 3}), "c": (1, 2)}) == set()
    with Store.open(tmp_path) as store:
        assert store.initial.queue == {"a": {"pid": 2}, "b": {"pid": 2}}


def test_a_row_of_a_thousand_lists_in_each_other_is_skipped_and_named(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.set_setting("theme", "dark")
    write_row(tmp_path, Table.SETTINGS, "deep", "[" * 100_000 + "]" * 100_000)
    with Store.open(tmp_path) as store:
        assert store.initial.settings == {"theme": "dark"}
        assert "'deep'" in store.initial.unreadable[0]
