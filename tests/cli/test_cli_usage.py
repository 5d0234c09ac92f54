"""The command itself: version, help, wrong usage, and no display."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ecs_localai import __version__
from tests.cli.cli_parts import ROOT, Cli, environment

COMMANDS = {
    *("run", "screenshot", "doctor", "inspect", "save", "serve", "hosts", "settings", "data"),
    *("list", "ps", "show", "diff", "sync", "find", "outdated", "update"),
    *("install", "queue", "pause", "resume", "import", "create", "history"),
    *("load", "pin", "unload", "copy", "rename", "remove"),
}
"""All that there are, as the help lists them."""


def test_version_and_help(cli: Cli) -> None:
    ended = cli.run("--version")
    assert (ended.code, ended.out, ended.err) == (0, f"ecs-localai {__version__}\n", "")
    ended = cli.run("--help", env={"COLUMNS": "200"})
    assert (ended.code, ended.err) == (0, "")
    assert set(re.findall(r"^│ ([a-z]+) ", ended.out, re.MULTILINE)) == COMMANDS
    for option in ("--host", "--data-dir"):
        assert option in ended.out
    ended = cli.run("hosts", "--help", env={"COLUMNS": "200"})
    assert (ended.code, ended.err) == (0, "")
    for word in ("add", "edit", "remove", "default", "move", "find", "check"):
        assert word in ended.out
    for command in ("run", "screenshot"):
        ended = cli.run(command, "--help", env={"COLUMNS": "200"})
        assert (ended.code, ended.err) == (0, "")
        assert "--host" in ended.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("lst",),
        ("list", "--nonsense"),
        ("install",),
        ("run", "--frames", "3"),
        ("run", "--headless", "--frames", "-1"),
        ("screenshot", "--out", "x.png", "--size", "big"),
        ("screenshot", "--out", "x.png", "--theme", "green"),
        ("screenshot", "--out", "x.jpg"),
    ],
)
def test_wrong_usage_is_code_2_with_a_hint(cli: Cli, arguments: tuple[str, ...]) -> None:
    ended = cli.run(*arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert "--help" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("arguments", [("--theme", "dark", "--scale", "2"), ("run",)])
def test_without_a_display_the_window_says_what_to_do_instead(cli: Cli, arguments: tuple[str, ...]) -> None:
    ended = cli.run(*arguments, env=dict.fromkeys(("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"), ""))
    assert "--headless" in ended.error  # the only line: SDL's libraries say nothing of their own
    assert ended.out == ""


def test_help_needs_nothing_heavy(tmp_path: Path) -> None:
    program = (
        "import sys, ecs_localai.cli, ecs_localai.commands.command_line\n"
        "heavy = ('aiohttp', 'pygame', 'psutil', 'pynvml', 'rich', 'keyring', 'zeroconf', 'cryptography')\n"
        "print(*(name for name in heavy if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(tmp_path),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert done.stdout.strip() == ""
