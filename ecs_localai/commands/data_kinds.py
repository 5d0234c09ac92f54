"""The kinds of data that people can tell apart, and the tables of the file that hold them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ecs_localai.store.reading import Summary
    from ecs_localai.store.tables import Table


class Kind(NamedTuple):
    """A kind of data."""

    tables: tuple[str, ...]
    """Their names in the file."""
    what: str
    """What it is, in words."""
    kept: str
    """For how long, in words."""
    settings: tuple[str, ...] = ()
    """Single settings that belong to it, by key."""


KINDS: Mapping[str, Kind] = {
    "hosts": Kind(("hosts",), "the list, without secrets", "until you change it", ("host",)),
    "features": Kind(("flags",), "those switched by hand", "until you switch them", ("feature_telemetry",)),
    "settings": Kind(("settings",), "the panel's look, privacy, …", "until you change them"),
    "queue": Kind(("queue",), "installations to go on with", "until they end"),
    "history": Kind(("history",), "installations that ended", "until you forget them"),
    "usage": Kind(("model_usage",), "of models, and their speed", "until you forget it"),
    "registry": Kind(("registry_entries", "model_capabilities"), "what is known of models", "until you forget it"),
    "browsers": Kind(("paired_browsers",), "those that may talk to us", "until you remove them"),
    "context": Kind(("browser_context",), "text that browsers sent", "as browser privacy says"),
    "measurements": Kind(
        ("measurements", "measurement_minutes", "measurement_hours"),
        "what this computer did",
        "by second 1 h, by minute 1 d, by hour 1 year",
    ),
}
"""By the name that is given to ``data forget``, in the order shown."""


def tables_of(name: str) -> tuple[Table, ...]:
    """The tables of a kind."""
    from ecs_localai.store.tables import Table

    return tuple(map(Table, KINDS[name].tables))


def entries_of(summary: Summary, name: str) -> int:
    """How many entries of a kind the file holds."""
    return sum(summary.tables[table].entries for table in tables_of(name))
