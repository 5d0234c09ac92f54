"""One flipped bit, anywhere in the file: the store opens, believes only what was written, and says what is lost."""

from __future__ import annotations

import os
import random
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ecs_localai.store import HISTORY_READ, ModelUsage, Store, StoredInstallation, StoredState, Table
from ecs_localai.store.opening import FILE_NAME

FLIPS = 1000 if os.environ.get("ECS_LOCALAI_FUZZ") else 150
ROWS = 60
"""In each table, and at most so many in a page."""
AT = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a closed store in which every table has rows, some of them long."""
    folder = tmp_path_factory.mktemp("sound")
    with Store.open(folder) as store:
        for number in range(ROWS):
            store.set_flag(f"flag_{number}", number % 2 == 0)
            store.set_setting(f"setting {number}", {"text": "x" * (number * 40), "number": number})
            store.put(Table.HOSTS, f"host {number}", {"name": f"host {number}", "config": {"port": number + 1}}, number)
            store.put(Table.QUEUE, f"queued {number}", {"number": number}, number)
            store.put(Table.REGISTRY, f"model {number}", {"layers": list(range(number))})
            store.put(Table.CAPABILITIES, f"digest {number}", {"capabilities": ["completion"] * (number % 5)})
            store.put(Table.BROWSERS, f"browser {number}", {"browser_id": f"browser {number}"})
            store.set_model_usage(f"model {number}", ModelUsage(number, AT + timedelta(hours=number)))
            store.put_context(f"context {number}", b'"%s"' % (b"text " * number), AT, None)
        for number in range(400):
            store.add_history(f"id {number}", AT + timedelta(minutes=number), b'{"number":%d}' % number)
            store.add_measurements(AT + timedelta(seconds=3 * number), {"cpu_percent": float(number)})
        assert store.flush(30)
    return folder


def parts_of(state: StoredState) -> dict[str, dict[str, object]]:
    """What a start reads, by table and key."""
    return {
        "flags": dict(state.flags),
        "settings": dict(state.settings),
        "hosts": dict(state.hosts),
        "queue": dict(state.queue),
        "registry": dict(state.registry),
        "capabilities": dict(state.capabilities),
        "browsers": dict(state.browsers),
        "model_usage": dict(state.model_usage),
        "history": {row.installation_id: row for row in state.history},
    }


def test_a_flipped_bit_is_never_believed_and_what_is_lost_is_said(sound: Path, tmp_path: Path) -> None:
    with Store.open(sound) as store:
        written = parts_of(store.initial)
    content = (sound / FILE_NAME).read_bytes()
    chance = random.Random(len(content))
    for number in range(FLIPS):
        place, bit = chance.randrange(len(content)), chance.randrange(8)
        flipped = bytearray(content)
        flipped[place] ^= 1 << bit
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / FILE_NAME).write_bytes(flipped)
        with Store.open(folder) as store:
            store.set_setting("afterwards", number)
            assert store.flush(30), (place, bit, list(store.failures))
            found = parts_of(store.initial)
            is_said = store.notice is not None or bool(store.failures)
        believed = {
            (table, key)
            for table, values in found.items()
            for key, value in values.items()
            if table != "history"
            if written[table].get(key) != value
        }
        assert not believed, (place, bit, believed)
        lost = {
            (table, key)
            for table, values in written.items()
            for key in values.keys() - found[table].keys()
            if table != "history"
        }
        assert is_said or (not lost and len(found["history"]) == HISTORY_READ), (place, bit, lost)
        assert len(lost) <= ROWS, (place, bit, lost)  # what lies in one page
        for key, row in found["history"].items():
            assert isinstance(row, StoredInstallation)
            number_of_row = int(key.removeprefix("id "))
            assert row == StoredInstallation(
                key, AT + timedelta(minutes=number_of_row), b'{"number":%d}' % number_of_row
            )
        with Store.open(folder) as store:
            assert store.initial.settings["afterwards"] == number, (place, bit)
        shutil.rmtree(folder)
