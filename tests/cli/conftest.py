"""The command as a fixture."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.cli_parts import Cli


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """``ecs-localai`` with a data folder of the test's own."""
    return Cli(tmp_path)
