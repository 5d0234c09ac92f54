"""What is read at the start, and the reading of it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TypeAlias

import msgspec

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"  # what JSON can say

HISTORY_READ = 200
"""So many of the newest installations are read at the start; the file keeps all of them."""


class ModelUsage(msgspec.Struct, frozen=True):
    """How often a model was used, and when last (`None`: never)."""

    usage_count: int = 0
    last_used: datetime | None = None


class StoredInstallation(msgspec.Struct, frozen=True):
    """One finished installation; `data` is the JSON that was handed to `Store.add_history`."""

    installation_id: str
    finished_at: datetime
    data: bytes


class StoredState(msgspec.Struct, frozen=True):
    """Everything the file said at the start. `history` is newest first, in the order it was posted.

    The order does not come from `finished_at`: a clock that jumps back must not hide what happened last.
    """

    flags: dict[str, bool] = {}
    settings: dict[str, JsonValue] = {}
    history: list[StoredInstallation] = []
    model_usage: dict[str, ModelUsage] = {}
    unreadable: list[str] = []
    """A sentence for each row that could not be understood; the row itself stays in the file."""


_usage_decoder = msgspec.json.Decoder(ModelUsage)


def read_state(connection: sqlite3.Connection) -> StoredState:
    """Reads what a start needs. Raises `sqlite3.Error`; a row that makes no sense is skipped and named."""
    # Text that a bad disk spoiled must not hide the rest, as it would with Python's own strict decoding.
    connection.text_factory = _spoiled_or_not
    state = StoredState()
    for feature_id, enabled in connection.execute("SELECT feature_id, enabled FROM flags"):
        with _skipping(state, f"the flag {feature_id!r}"):
            state.flags[_sound(feature_id)] = bool(enabled)
    for key, value in connection.execute("SELECT key, value FROM settings"):
        with _skipping(state, f"the setting {key!r}"):
            state.settings[_sound(key)] = msgspec.json.decode(value)
    for name, data in connection.execute("SELECT name, data FROM model_usage"):
        with _skipping(state, f"the usage of the model {name!r}"):
            state.model_usage[_sound(name)] = _usage_decoder.decode(data)
    newest = "SELECT installation_id, finished_at, data FROM history ORDER BY seq DESC LIMIT ?"
    for installation_id, finished_at, data in connection.execute(newest, (HISTORY_READ,)):
        with _skipping(state, f"the installation {installation_id!r}"):
            at = datetime.fromisoformat(finished_at)
            state.history.append(StoredInstallation(_sound(installation_id), at, data.encode()))
    return state


@contextmanager
def _skipping(state: StoredState, what: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, AttributeError) as error:
        state.unreadable.append(f"Saved data holds something unreadable: {what} was skipped ({error}).")


def _spoiled_or_not(text: bytes) -> str:
    return text.decode(errors="surrogateescape")


def _sound(text: str) -> str:
    text.encode()  # raises for spoiled text
    return text
