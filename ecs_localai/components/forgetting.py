"""What a person can have forgotten of what is kept."""

from __future__ import annotations

from enum import StrEnum


class Forgettable(StrEnum):
    """One of the kinds of data that are deleted together."""

    HISTORY_AND_USAGE = "HistoryAndUsage"
    """The installations that ended, and how often, when and how well models were used."""
    MEASUREMENTS = "Measurements"
    """What this computer was measured to do."""
    EVERYTHING = "Everything"
    """All that is kept, what the person set too: afterwards all is as on the first day."""
