"""Whether there is a data folder with something in it: a command that only looks creates none."""

from __future__ import annotations

from pathlib import Path

from ecs_localai.store.opening import FILE_NAME


def is_kept(folder: Path) -> bool:
    """Whether anything is kept in this folder; what cannot be looked at counts as nothing."""
    try:
        return (folder / FILE_NAME).exists()
    except OSError:
        return False
