"""The tables of the file: all of one shape, each row with a checksum of its own.

The same shape everywhere means that a row is written, checked, copied and salvaged in one way, whatever it holds.
"""

import zlib
from enum import StrEnum


class Table(StrEnum):
    """What the file keeps. A row has a key, a moment or position (``at``), and a value that is JSON."""

    FLAGS = "flags"
    """Experimental features that were switched by hand, by id: true or false."""
    SETTINGS = "settings"
    """What a person set, by the setting's name."""
    HOSTS = "hosts"
    """The hosts, without secrets, by name; ``at`` is the position in the list."""
    QUEUE = "queue"
    """Installations that were asked for and have not ended, by id; ``at`` is the position in the queue."""
    HISTORY = "history"
    """Ended installations, by id; ``at`` is when. Their order is that of posting: a clock may jump."""
    MODEL_USAGE = "model_usage"
    """How often each model was used, and how it did, by the model's id."""
    REGISTRY = "registry_entries"
    """Manifests that a registry gave, by model name; ``at`` is when."""
    CAPABILITIES = "model_capabilities"
    """What models can do, by digest: that never changes."""
    BROWSERS = "paired_browsers"
    """The browsers that may talk to us, by id."""
    CONTEXT = "browser_context"
    """Text that a browser sent; ``at`` is when it is to be deleted, 0 for not before a person does so."""
    MEASUREMENTS = "measurements"
    """What was measured, second by second, for an hour; ``at`` is the beginning of the second."""
    MEASUREMENT_MINUTES = "measurement_minutes"
    """The same by the minute, for a day."""
    MEASUREMENT_HOURS = "measurement_hours"
    """The same by the hour, for a year."""


WIPE_MARK = "store.wipe"
"""The setting that is there from a deletion until no byte of what was deleted is left: a crash comes in between."""

COLUMNS = "key, at, value, sum"
"""The columns of every table, in their order in the file."""


def create_statement(table: Table) -> str:
    """The statement that makes a table. An ordinary rowid table: its rows are whole in one kind of page."""
    return (
        f"CREATE TABLE {table} (key TEXT PRIMARY KEY NOT NULL, at INTEGER NOT NULL,"
        " value TEXT NOT NULL, sum INTEGER NOT NULL)"
    )


def row_sum(table: str, key: str, at: int, value: str) -> int:
    """The checksum of a row (CRC-32, unsigned). SQLite itself has none: a flipped bit in a text would be believed."""
    return zlib.crc32(f"{table}\0{key}\0{at}\0{value}".encode())
