"""Closing saves what waits and leaves nothing behind; changes are saved soon without being asked for."""

import os
import sys
import threading
from pathlib import Path

import pytest

from ecs_localai.store import Store
from ecs_localai.store.opening import FILE_NAME
from tests.store.store_parts import rows, start_child, wait_until


def writer_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "ecs-localai-store"]


def test_changes_are_saved_without_a_flush(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.set_flag("auto_models", True)
        wait_until(lambda: bool(rows(tmp_path, "SELECT * FROM flags")), "the writer commits by itself")


def test_close_saves_what_waits_and_ends_the_thread(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    assert len(writer_threads()) == 1
    for number in range(3000):
        store.set_setting(f"key-{number}", number)
    assert store.close()
    assert not writer_threads()
    assert rows(tmp_path, "SELECT count(*) FROM settings") == [(3000,)]
    assert [file.name for file in tmp_path.iterdir()] == [FILE_NAME]


def test_closing_twice_and_flushing_after_it_are_harmless(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    assert store.close()
    assert store.close()
    assert not store.flush()


def test_a_change_after_closing_is_named(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.close()
    store.set_setting("theme", "dark")
    assert "'theme'" in store.failures[0]
    assert rows(tmp_path, "SELECT * FROM settings") == []


def test_changes_posted_by_many_threads_are_all_saved(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:

        def post(name: int) -> None:
            for number in range(500):
                store.set_setting(f"{name}-{number}", number)

        threads = [threading.Thread(target=post, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert rows(tmp_path, "SELECT count(*) FROM settings") == [(2000,)]


def test_a_program_that_forgets_to_close_saves_at_its_end(tmp_path: Path) -> None:
    child = start_child("forget", str(tmp_path))
    child.communicate(timeout=60)
    assert child.returncode == 0
    with Store.open(tmp_path) as store:
        assert store.initial.settings == {"last": 1000}
    assert rows(tmp_path, "SELECT count(*) FROM history") == [(1000,)]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="open files are listed in /proc")
def test_no_file_stays_open(tmp_path: Path) -> None:
    for _ in range(3):
        with Store.open(tmp_path) as store:
            store.set_flag("auto_models", True)
    descriptors = Path("/proc/self/fd")
    leading = {os.path.realpath(descriptor) for descriptor in descriptors.iterdir()}
    assert not [name for name in leading if name.startswith(str(tmp_path))]
