"""The guide to testing: its code runs, word for word."""

from __future__ import annotations

import re
from pathlib import Path

from tests.testing.pytest_child import run_pytest

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "testing.md"


def test_the_code_of_the_guide_runs(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    files: dict[str, str] = {}
    for block in blocks:
        named = re.match(r"# (\w+\.py)\n", block)
        assert named is not None, block
        files[named[1]] = block
    outcome = run_pytest(tmp_path, files, with_others=True)
    assert outcome.code == 0, outcome.text
    assert outcome.count("passed") == sum(block.count("def test_") for block in blocks)
