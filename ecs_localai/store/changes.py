"""A change that waits for the writer: checked and encoded when posted, so that the writer can't choke on it.

Encoding at once also takes a snapshot: what the caller changes afterwards does not reach the file.
"""

from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from ecs_localai.store.state import ModelUsage

REFUSALS = (TypeError, AttributeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError)
"""What the functions here raise for a value that cannot be kept."""

_FLAG = "INSERT OR REPLACE INTO flags (feature_id, enabled) VALUES (?, ?)"
_SETTING = "INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)"
# REPLACE gives a record that comes again a new place in the order, as the newest.
_HISTORY = "INSERT OR REPLACE INTO history (installation_id, finished_at, data) VALUES (?, ?, ?)"
_USAGE = "INSERT OR REPLACE INTO model_usage (name, data) VALUES (?, ?)"

_encoder = msgspec.json.Encoder()
_raw_decoder = msgspec.json.Decoder(msgspec.Raw)  # checks the grammar, builds nothing


class Change(NamedTuple):
    """One row to write. A later change with the same statement and key replaces an earlier one."""

    statement: str
    key: str
    values: tuple[str | int, ...]


def flag_change(feature_id: str, enabled: bool) -> Change:
    """A feature flag switched. Raises one of `REFUSALS`."""
    return Change(_FLAG, _checked(feature_id), (feature_id, 1 if enabled else 0))


def setting_change(key: str, value: object) -> Change:
    """A setting, anything that JSON (through msgspec) can say. Raises one of `REFUSALS`."""
    return Change(_SETTING, _checked(key), (key, _encoder.encode(value).decode()))


def history_change(installation_id: str, finished_at: datetime, data: bytes) -> Change:
    """A finished installation; `data` must be JSON. Raises one of `REFUSALS`."""
    _raw_decoder.decode(data)
    at = finished_at.astimezone(UTC).isoformat(timespec="microseconds")
    return Change(_HISTORY, _checked(installation_id), (installation_id, at, data.decode()))


def usage_change(name: str, usage: ModelUsage) -> Change:
    """How often a model was used. Raises one of `REFUSALS`."""
    return Change(_USAGE, _checked(name), (name, _encoder.encode(usage).decode()))


def _checked(key: str) -> str:
    key.encode()  # lone surrogates cannot be stored as text: SQLite's is UTF-8
    return key
