"""What is read at the start, and the reading of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import msgspec

from ecs_localai.components.models import ModelPerformanceMetrics
from ecs_localai.store.moments import from_microseconds
from ecs_localai.store.tables import COLUMNS, WIPE_MARK, Table, row_sum

if TYPE_CHECKING:
    import sqlite3

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"  # what JSON can say

_T = TypeVar("_T")

HISTORY_READ = 200
"""So many of the newest installations are read at the start; the file keeps all of them."""


class ModelUsage(msgspec.Struct, frozen=True):
    """How often a model was used, when last (`None`: never), and how it did."""

    usage_count: int = 0
    last_used: datetime | None = None
    performance: ModelPerformanceMetrics = msgspec.field(default_factory=ModelPerformanceMetrics)


class StoredInstallation(msgspec.Struct, frozen=True):
    """One finished installation; `data` is the JSON that was handed to `Store.add_history`."""

    installation_id: str
    finished_at: datetime
    data: bytes


class StoredState(msgspec.Struct, frozen=True):
    """Everything the file said at one moment that a start needs. `history` is newest first, in the order it was posted.

    The order does not come from `finished_at`: a clock that jumps back must not hide what happened last.
    """

    flags: dict[str, bool] = {}
    settings: dict[str, JsonValue] = {}
    hosts: dict[str, JsonValue] = {}
    """By name, in the order of the list."""
    host_positions: dict[str, int] = {}
    """By name; two that were added at once have the same."""
    queue: dict[str, JsonValue] = {}
    """By installation id, the next one first."""
    queue_positions: dict[str, int] = {}
    """By installation id."""
    history: list[StoredInstallation] = []
    model_usage: dict[str, ModelUsage] = {}
    registry: dict[str, JsonValue] = {}
    capabilities: dict[str, JsonValue] = {}
    browsers: dict[str, JsonValue] = {}
    unreadable: list[str] = []
    """A sentence for each row that could not be understood; the row itself stays in the file."""


_WHAT = {
    Table.FLAGS: "the flag",
    Table.SETTINGS: "the setting",
    Table.HOSTS: "the host",
    Table.QUEUE: "the waiting installation",
    Table.HISTORY: "the installation",
    Table.MODEL_USAGE: "the usage of the model",
    Table.REGISTRY: "what is known of the model",
    Table.CAPABILITIES: "what the model can do, of",
    Table.BROWSERS: "the paired browser",
}
READ_AT_START = tuple(_WHAT)
"""The tables of which a `StoredState` is made."""
_decode_flag = msgspec.json.Decoder(bool).decode
_decode_usage = msgspec.json.Decoder(ModelUsage).decode
_decode_any: Callable[[str], JsonValue] = msgspec.json.decode


def read_state(connection: sqlite3.Connection) -> StoredState:
    """Reads what a start needs. Raises `sqlite3.Error`; a row that makes no sense is skipped and named."""
    connection.text_factory = _spoiled_or_not
    state = StoredState()
    _read(connection, Table.FLAGS, state, lambda key, _, value: _put(state.flags, key, _decode_flag(value)))
    _read(
        connection, Table.MODEL_USAGE, state, lambda key, _, value: _put(state.model_usage, key, _decode_usage(value))
    )
    for table, values in (
        (Table.SETTINGS, state.settings),
        (Table.REGISTRY, state.registry),
        (Table.CAPABILITIES, state.capabilities),
        (Table.BROWSERS, state.browsers),
    ):
        _read(connection, table, state, _into(values))
    state.settings.pop(WIPE_MARK, None)
    _read(connection, Table.HOSTS, state, _placed_into(state.hosts, state.host_positions))
    _read(connection, Table.QUEUE, state, _placed_into(state.queue, state.queue_positions))
    _read(connection, Table.HISTORY, state, lambda *row: state.history.append(_installation(*row)))
    return state


def checked_rows(
    connection: sqlite3.Connection, query: str, table: Table, *values: object
) -> Iterator[tuple[str, int, str] | str]:
    """The rows of a query for `COLUMNS` as key, at and value; for one that was spoiled, a sentence instead.

    Raises `sqlite3.Error`.
    """
    for key, at, value, check in connection.execute(query, values):
        try:
            sound = row_sum(table, key, at, value) == check
        except UnicodeError:  # spoiled text; see `_spoiled_or_not`
            sound = False
        yield (key, at, value) if sound else _spoiled(table, key, "it is not what was written")


def _read(
    connection: sqlite3.Connection, table: Table, state: StoredState, take: Callable[[str, int, str], None]
) -> None:
    if table is Table.HISTORY:
        rows = checked_rows(
            connection, f"SELECT {COLUMNS} FROM {table} ORDER BY rowid DESC LIMIT ?", table, HISTORY_READ
        )
    else:
        rows = checked_rows(connection, f"SELECT {COLUMNS} FROM {table} ORDER BY at, rowid", table)
    for row in rows:
        if isinstance(row, str):
            state.unreadable.append(row)
            continue
        try:
            take(*row)
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            state.unreadable.append(_spoiled(table, row[0], str(error)))


def _into(values: dict[str, JsonValue]) -> Callable[[str, int, str], None]:
    return lambda key, _, value: _put(values, key, _decode_any(value))


def _placed_into(values: dict[str, JsonValue], positions: dict[str, int]) -> Callable[[str, int, str], None]:
    def take(key: str, at: int, value: str) -> None:
        values[key], positions[key] = _decode_any(value), at

    return take


def _put(values: dict[str, _T], key: str, value: _T) -> None:
    values[key] = value


def _installation(installation_id: str, at: int, value: str) -> StoredInstallation:
    return StoredInstallation(installation_id, from_microseconds(at), value.encode())


def _spoiled(table: Table, key: object, reason: str) -> str:
    return f"Saved data holds something unreadable: {_WHAT.get(table, table)} {key!r} was skipped ({reason})."


def _spoiled_or_not(text: bytes) -> str:
    return text.decode(errors="surrogateescape")
