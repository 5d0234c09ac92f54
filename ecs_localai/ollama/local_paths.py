"""Paths of this machine: as a person writes them, and what is said of those that can't be read."""

from __future__ import annotations

from pathlib import Path

from .errors import InvalidRequest

__all__ = ["local_path", "unreadable"]


def local_path(text: str) -> Path:
    """A path whose ``~`` is a home, where somebody has one of that name: a file, too, may be called ``~draft.gguf``."""
    try:
        return Path(text).expanduser()
    except RuntimeError:  # nobody of that name
        return Path(text)


def unreadable(path: Path, error: OSError) -> InvalidRequest:
    """The error for a file of ours that can't be read."""
    why = (error.strerror or "it can't be opened").lower()
    return InvalidRequest(f"The file {path} can't be read ({why}); check its name and its permissions.")
