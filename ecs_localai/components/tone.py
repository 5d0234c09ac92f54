"""The moods that words on the panel may have."""

from __future__ import annotations

from enum import StrEnum


class Tone(StrEnum):
    """The mood of a pill, a badge or a line: chosen with words, never instead of them."""

    NEUTRAL = "neutral"
    OK = "ok"
    WARN = "warn"
    DANGER = "danger"
    ACCENT = "accent"
