"""Runs pytest as people do, in a process and a folder of its own, with the installed plugin."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    """What a run of pytest ended with."""

    code: int
    text: str

    def count(self, what: str) -> int:
        """How many tests "passed", "failed" or ended in "error", by pytest's last line."""
        found = re.search(rf"(\d+) {what}", self.text.strip().splitlines()[-1])
        return int(found[1]) if found else 0


def run_pytest(folder: Path, files: Mapping[str, str], *arguments: str, with_others: bool = False) -> Outcome:
    """Write the files into the folder and run pytest there, with warnings as errors.

    Of all installed plugins it loads only ours, by its name, which takes a third of the time; `with_others` lets
    pytest find them all by itself.
    """
    for name, text in files.items():
        (folder / name).write_text(textwrap.dedent(text))
    settings = "[pytest]\nfilterwarnings = error\naddopts = --strict-markers\n"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    if with_others:
        settings += "asyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
    else:
        environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        arguments = ("-p", "ecs_localai", *arguments)
    (folder / "pytest.ini").write_text(settings)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return Outcome(done.returncode, done.stdout + done.stderr)
