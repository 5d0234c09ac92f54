"""Each command in an interpreter of its own, as a person starts it: what a command needs, it imports itself.

Most tests run commands in processes that have imported everything (`forked_command`), where this would not show.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperCommand, TyperGroup

from ecs_localai.commands.built_when_asked import command_of
from ecs_localai.commands.command_line import app
from tests.cli.cli_parts import Cli, Ended
from tests.rig.odd_servers import closed_port

UNTIL_INTERRUPTED = {"run", "serve"}
"""Commands that other tests start in processes of their own, as everything that runs until it is told to end."""
DONE = {
    "data check": "",
    "data forget": "history --yes",
    "data measurements": "",
    "data show": "",
    "history": "",
    "hosts": "",
    "hosts add": "gpu.example",
    "hosts find": "",
    "inspect": "",
    "pause": "",
    "queue": "",
    "resume": "",
    "save": "world.json",
    "screenshot": "--out panel.png",
    "settings export": "",
    "settings show": "",
}
"""Commands that need no server, with what is given to them."""
REFUSED = {
    "copy": "tiny other",
    "create": "mine --from tiny",
    "diff": "",
    "doctor": "",
    "find": "",
    "hosts check": "nobody",
    "hosts default": "nobody",
    "hosts edit": "nobody --name other",
    "hosts move": "nobody up",
    "hosts remove": "nobody",
    "import": "missing.gguf",
    "install": "tiny",
    "list": "",
    "load": "tiny",
    "outdated": "",
    "pin": "tiny",
    "ps": "",
    "remove": "tiny --yes",
    "rename": "tiny other",
    "settings import": "missing.json",
    "show": "tiny",
    "sync": "",
    "unload": "tiny",
    "update": "tiny",
}
"""Commands that cannot do what they are told, as their server is not there: they say so in a sentence."""


def subcommands(group: TyperGroup, before: str = "") -> Iterator[str]:
    """The names of all commands below a group that do something by themselves."""
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from subcommands(command, f"{before}{name} ")
            if command.invoke_without_command:
                yield before + name
        else:
            assert isinstance(command, TyperCommand)
            yield before + name


def test_no_command_is_left_out() -> None:
    assert sorted(subcommands(command_of(app))) == sorted({*UNTIL_INTERRUPTED, *DONE, *REFUSED})


def run(folder: Path, command: str, more: str) -> Ended:
    """Run it in an interpreter of its own, with a server that is not there."""
    ended = Cli(folder, fresh=True).run(
        *command.split(), *more.split(), env={"OLLAMA_HOST": f"127.0.0.1:{closed_port()}"}
    )
    assert "Traceback" not in ended.err, ended.err
    return ended


@pytest.mark.parametrize("command", DONE)
def test_what_needs_no_server_is_done(tmp_path: Path, command: str) -> None:
    ended = run(tmp_path, command, DONE[command])
    assert (ended.code, ended.err) == (0, ""), ended


@pytest.mark.parametrize("command", REFUSED)
def test_what_needs_one_says_so(tmp_path: Path, command: str) -> None:
    ended = run(tmp_path, command, REFUSED[command])
    assert ended.code == 1, ended
    assert ended.err.splitlines()[-1].startswith("Error: "), ended
