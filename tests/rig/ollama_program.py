"""Which Ollama program the tests run: the machine's own where it has one, else the one in ``.rig``."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.rig.parts import RIG_DIR, PartMissing


@dataclass(frozen=True)
class OllamaProgram:
    """An Ollama program and what its environment needs to run it."""

    path: Path
    environment: dict[str, str] = field(default_factory=dict)


def find_ollama(environment: Mapping[str, str] = os.environ) -> OllamaProgram:
    """Returns ``$OLLAMA_BIN``, else ``ollama`` from ``PATH``, else the one that ``make rig`` puts into ``.rig``.

    Raises PartMissing when there is none.
    """
    named = environment.get("OLLAMA_BIN")
    if named:
        if not os.access(named, os.X_OK):
            raise PartMissing(f"OLLAMA_BIN names {named}, which is not a program")
        return OllamaProgram(Path(named))
    own = shutil.which("ollama", path=environment.get("PATH"))
    if own is not None:
        return OllamaProgram(Path(own))
    fetched = rig_ollama()
    if fetched is None:
        raise PartMissing("there is no Ollama here; run `make rig` (Linux x86-64) or install Ollama")
    return fetched


def rig_ollama() -> OllamaProgram | None:
    """The Ollama in ``.rig``, or None where it was not set up."""
    program = RIG_DIR / "ollama" / "bin" / "ollama-lib"
    if not program.is_file():
        return None
    libraries = f"{RIG_DIR / 'ollama' / 'lib'}:{RIG_DIR / 'venv' / 'lib'}"
    return OllamaProgram(program, {"LD_LIBRARY_PATH": libraries})
