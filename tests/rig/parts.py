"""Where the rig's parts lie on disk, and what is raised when one of them is not there."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""
RIG_DIR = ROOT / ".rig"
"""What ``scripts/rig_setup.py`` and ``scripts/system_packages.sh`` fetched."""


class PartMissing(Exception):
    """A real part is not on this machine; the text says which one and how to get it."""


def find_program(name: str, *, extra: Path | None = None, remedy: str) -> Path:
    """Returns the program ``name`` from ``PATH``, or ``extra`` where that file exists.

    Raises PartMissing, with ``remedy`` in its text, when there is neither.
    """
    found = shutil.which(name)
    if found is not None:
        return Path(found)
    if extra is not None and extra.is_file():
        return extra
    raise PartMissing(f"the program {name} is not installed; {remedy}")
