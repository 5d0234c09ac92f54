"""The Python in README.md and docs/embedding.md: all of it compiles; what is marked ``python runnable`` runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python( runnable)?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
BLOCKS = [
    pytest.param(match[2], match[1] is not None, id=f"{page}:{text.count(chr(10), 0, match.start()) + 1}")
    for page in ("README.md", "docs/embedding.md")
    for text in [(ROOT / page).read_text(encoding="utf-8")]
    for match in BLOCK.finditer(text)
]


@pytest.mark.parametrize(("code", "runnable"), BLOCKS)
def test_a_block_of_python_is_whole(code: str, runnable: bool, tmp_path: Path) -> None:
    compile(code, "block", "exec")
    if not runnable:
        return
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYGAME_HIDE_SUPPORT_PROMPT": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_pictures_that_the_readme_shows_are_there() -> None:
    for picture in re.findall(r"\((docs/[a-z-]+\.png)\)", (ROOT / "README.md").read_text(encoding="utf-8")):
        assert (ROOT / picture).read_bytes().startswith(b"\x89PNG")
