"""How a person wants downloads to go."""

from __future__ import annotations

import msgspec

MOST_AT_ONCE = 16
"""Downloads of one host at a time; more would only slow each other down."""


class DownloadSettings(msgspec.Struct, frozen=True):
    """What is kept of how downloads are to go. Raises `ValueError` for a number that cannot be."""

    at_once: int = 2
    """So many installations run at a time on each host. Ollama itself would take any number at once."""

    def __post_init__(self) -> None:
        if not 1 <= self.at_once <= MOST_AT_ONCE:
            raise ValueError(f"From 1 to {MOST_AT_ONCE} downloads run at once, not {self.at_once}.")
