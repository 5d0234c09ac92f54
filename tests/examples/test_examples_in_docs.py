"""The Python in README.md and docs/: it runs, word for word.

The blocks of a page in docs/ are one program: each may use what those before it defined, and a failure names the
page's line. In README.md a block marked ``python runnable`` runs by itself; the others need a model or a window, and
are compiled. docs/testing.md has files of tests instead, which `tests/testing` runs.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import esper
import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python( runnable)?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(?:#([^)]*))?\)")
PAGES = sorted((ROOT / "docs").glob("*.md"))
RUN_PAGES = [page for page in PAGES if page.name != "testing.md" and BLOCK.search(page.read_text(encoding="utf-8"))]
README = ROOT / "README.md"


def blocks(page: Path) -> list[tuple[str, bool]]:
    """Each block of Python, moved down to the line where it stands in the page, and whether it is marked to be run."""
    text = page.read_text(encoding="utf-8")
    return [
        ("\n" * text.count("\n", 0, match.start(2)) + match[2], match[1] is not None) for match in BLOCK.finditer(text)
    ]


def run(page: Path, programs: list[str], folder: Path) -> None:
    """Run these, one after the other, in one process; they say nothing and raise nothing."""
    source = folder / "program.py"
    source.write_text(
        f"names = {{'__name__': '__main__'}}\n"
        f"for program in {programs!r}:\n    exec(compile(program, {str(page)!r}, 'exec'), names)\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", source],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYGAME_HIDE_SUPPORT_PROMPT": "1", "SDL_VIDEODRIVER": "dummy"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done.stderr


@pytest.mark.parametrize("page", RUN_PAGES, ids=lambda page: page.stem)
def test_the_python_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    run(page, [program for program, _ in blocks(page)], tmp_path)


@pytest.mark.parametrize(("program", "runnable"), blocks(README))
def test_a_block_of_the_readme_is_whole(program: str, runnable: bool, tmp_path: Path) -> None:
    compile(program, "README.md", "exec")
    if runnable:
        run(README, [program], tmp_path)


@pytest.mark.parametrize("page", [README, ROOT / "examples" / "README.md", *PAGES], ids=lambda page: page.stem)
def test_what_a_page_links_to_is_there(page: Path) -> None:
    for file, heading in LINK.findall(page.read_text(encoding="utf-8")):
        target = page.parent / file
        assert target.exists(), file
        if heading:
            assert heading in headings(target), f"{file}#{heading}"


def headings(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_readme_lists_every_page() -> None:
    listed = re.findall(r"\]\(docs/([a-z-]+\.md)\)", README.read_text(encoding="utf-8"))
    assert set(listed) == {page.name for page in PAGES}


def test_the_guide_from_esper_has_every_function_of_esper() -> None:
    guide = (ROOT / "docs" / "esper-to-ecs-localai.md").read_text(encoding="utf-8")
    own = [name for name, value in vars(esper).items() if getattr(value, "__module__", "") == "esper"]
    missing = [name for name in own if not name.startswith("_") and not re.search(rf"`{name}\b", guide)]
    assert missing == []


def test_the_pictures_that_the_readme_shows_are_there() -> None:
    for picture in re.findall(r"\((docs/[a-z-]+\.png)\)", README.read_text(encoding="utf-8")):
        assert (ROOT / picture).read_bytes().startswith(b"\x89PNG")
