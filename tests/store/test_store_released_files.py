"""Files that each released version has written are taken over by this one, with all that is in them.

``released/`` holds such files as they were: closed in order, and as a killed program leaves them, with a log.
"""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ecs_localai.components.codec import decode
from ecs_localai.components.installation import InstallationRecord, InstallationStatus
from ecs_localai.store import ModelUsage, Store
from ecs_localai.store.migrations import SCHEMA_VERSION
from ecs_localai.store.opening import FILE_NAME
from tests.store.store_parts import fill, remount, rows, small_disk

RELEASED = Path(__file__).with_name("released")
FIRST = datetime(2026, 11, 1, 12, tzinfo=UTC)
FULL = ["schema-1-closed", "schema-1-killed"]


def copy_of(name: str, folder: Path) -> Path:
    """A folder with the files of a released version."""
    shutil.copytree(RELEASED / name, folder)
    return folder


def all_is_well(store: Store) -> bool:
    return store.notice is None


def kept_copies(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != FILE_NAME and path.suffix == ".sqlite3")


@pytest.mark.parametrize("name", FULL)
def test_everything_is_taken_over(name: str, tmp_path: Path) -> None:
    folder = copy_of(name, tmp_path / "data")
    with Store.open(folder) as store:
        assert store.notice is None
        assert not store.failures
        state = store.initial
    assert state.flags == {"custom_providers": True, "chat_branching": False}
    assert state.settings == {"greeting": {"text": "Grüße, 世界", "number": 3.5}}
    assert list(state.hosts) == ["This computer", "GPU box"]
    box = state.hosts["GPU box"]
    assert isinstance(box, dict)
    assert box["is_default"] is True
    assert isinstance(box["config"], dict)
    assert (box["config"]["host"], box["config"]["port"]) == ("gpu-box.local", 11500)
    usage = {
        f"http://127.0.0.1:11434 model-{number}:latest": ModelUsage(
            number, FIRST + timedelta(days=number) if number else None
        )
        for number in range(5)
    }
    assert state.model_usage == usage
    assert [row.installation_id for row in state.history] == [f"id-{number:03}" for number in range(249, 49, -1)]
    record = decode(state.history[0].data, InstallationRecord)
    assert record.status == InstallationStatus.failed("The disk is full.")
    assert record.finished_at == state.history[0].finished_at == FIRST + timedelta(minutes=249, seconds=7)
    assert rows(folder, "SELECT count(*) FROM history") == [(250,)]
    assert rows(folder, "PRAGMA user_version") == [(SCHEMA_VERSION,)]


def test_one_host_of_the_first_times_is_taken_over(tmp_path: Path) -> None:
    with Store.open(copy_of("schema-1-one-host", tmp_path / "data")) as store:
        assert store.initial.settings == {"host": "http://192.168.1.7:11434"}
        assert store.initial.flags == {"auto_models": False}


@pytest.mark.parametrize("name", [*FULL, "schema-1-one-host"])
def test_a_copy_of_the_file_as_it_was_is_kept(name: str, tmp_path: Path) -> None:
    folder = copy_of(name, tmp_path / "data")
    Store.open(folder).close()
    assert kept_copies(folder) == ["ecs-localai.schema-1.sqlite3"]
    (folder / FILE_NAME).unlink()
    (folder / "ecs-localai.schema-1.sqlite3").rename(folder / FILE_NAME)
    assert rows(folder, "PRAGMA user_version") == [(1,)]
    with Store.open(copy_of(name, tmp_path / "again")) as taken, Store.open(folder) as from_the_copy:
        assert from_the_copy.initial == taken.initial


def test_what_is_set_afterwards_is_saved(tmp_path: Path) -> None:
    folder = copy_of("schema-1-killed", tmp_path / "data")
    with Store.open(folder) as store:
        store.set_flag("custom_providers", False)
        store.add_history("new", FIRST, b"{}")
    with Store.open(folder) as store:
        assert store.initial.flags["custom_providers"] is False
        assert [row.installation_id for row in store.initial.history][:2] == ["new", "id-249"]


def test_on_a_disk_that_cannot_be_written_it_is_read_and_left_as_it_is(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        folder = copy_of("schema-1-closed", disk / "data")
        before = (folder / FILE_NAME).read_bytes()
        remount(disk, "ro")
        with Store.open(folder) as store:
            assert store.notice is not None
            assert "Nothing can be saved" in store.notice
            assert store.initial.flags == {"custom_providers": True, "chat_branching": False}
            assert list(store.initial.hosts) == ["This computer", "GPU box"]
        assert (folder / FILE_NAME).read_bytes() == before


def test_where_there_is_no_room_for_the_copy_nothing_is_changed_until_there_is(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        folder = copy_of("schema-1-closed", disk / "data")
        filler = fill(disk)
        with Store.open(folder) as store:
            assert store.notice is not None
            assert store.initial.flags == {"custom_providers": True, "chat_branching": False}
            store.set_flag("auto_models", True)
            assert not store.flush()
            assert (folder / FILE_NAME).read_bytes()[60:64] == b"\0\0\0\1"  # user_version, by SQLite's file format
            filler.unlink()
            assert store.flush()
            assert all_is_well(store)
        with Store.open(folder) as store:
            assert store.initial.flags == {"custom_providers": True, "chat_branching": False, "auto_models": True}
        assert kept_copies(folder) == ["ecs-localai.schema-1.sqlite3"]


@pytest.mark.parametrize("name", FULL)
def test_a_damaged_file_of_an_old_version_is_read_as_far_as_it_goes(name: str, tmp_path: Path) -> None:
    folder = copy_of(name, tmp_path / "data")
    for file in folder.iterdir():
        content = bytearray(file.read_bytes())
        if len(content) > 60_000:
            content[50_000:50_400] = bytes(400)
            file.write_bytes(content)
    with Store.open(folder) as store:
        assert store.initial.flags == {"custom_providers": True, "chat_branching": False}
        assert list(store.initial.hosts) == ["This computer", "GPU box"]
