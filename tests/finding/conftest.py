"""The fixtures of finding: the Ollama program itself, and a program of that name on a path of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.finding.finding_parts import install
from tests.rig.ollama_program import OllamaProgram, find_ollama
from tests.rig.parts import PartMissing


@pytest.fixture(scope="session")
def program() -> OllamaProgram:
    """The rig's Ollama; where there is none the test is skipped, or in CI fails."""
    try:
        return find_ollama()
    except PartMissing as missing:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(f"a real part is missing in CI: {missing}")
        pytest.skip(str(missing))


@pytest.fixture
def installed(program: OllamaProgram, tmp_path: Path) -> Path:
    """A program ``ollama`` in a folder of its own, which runs the rig's."""
    return install(program, tmp_path / "bin")
