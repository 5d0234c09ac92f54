"""The options that several subcommands have, what was given of them, and how a subcommand ends."""

from __future__ import annotations

import gc
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecs_localai.commands.completion import complete_host

if TYPE_CHECKING:
    from ecs_localai.commands.target import Target


class ThemeChoice(StrEnum):
    """The panel's colours."""

    LIGHT = "light"
    DARK = "dark"
    SYSTEM = "system"


HostOption = Annotated[
    str | None,
    typer.Option(
        "--host",
        metavar="HOST",
        help="A name of the list of hosts, or an address. Otherwise OLLAMA_HOST, else the default one of the list.",
        show_default=False,
        autocompletion=complete_host,
    ),
]
DataDirOption = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        help="Where settings are kept. Otherwise ECS_LOCALAI_DATA_DIR.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")]
ThemeOption = Annotated[
    ThemeChoice | None,
    typer.Option(
        "--theme", help="The panel's colours in this run; otherwise those chosen in the panel.", show_default=False
    ),
]
ScaleOption = Annotated[
    float | None,
    typer.Option(
        "--scale",
        metavar="N",
        min=0.5,
        max=6.0,
        help="Pixels for each of the panel's points in this run: 2 for a high-density screen.",
        show_default=False,
    ),
]


class Given:
    """The common options given before the subcommand."""

    def __init__(self, target: Target, theme: ThemeChoice | None, scale: float | None, remote_port: int | None) -> None:
        self.target = target
        self.remote_port = remote_port
        self.theme = theme
        self.scale = scale


def given_of(context: typer.Context) -> Given:
    """What was given before the subcommand, which the command itself has read by then.

    Raises:
        TypeError: it has not: this is no context of the command's.
    """
    given = context.find_root().obj
    if not isinstance(given, Given):
        raise TypeError("The common options were not read before the subcommand.")
    return given


def target_of(context: typer.Context, host: str | None, data_dir: Path | None) -> Target:
    """The common options, given after the subcommand or before it."""
    from ecs_localai.commands.target import Target

    return Target(host, data_dir).or_else(given_of(context).target)


def looks_of(context: typer.Context, theme: ThemeChoice | None, scale: float | None) -> tuple[str | None, float | None]:
    """The theme's name and the scale, given after the subcommand or before it; None: as the person chose before."""
    given = given_of(context)
    chosen = theme or given.theme
    return None if chosen is None else chosen.value, given.scale if scale is None else scale


def end(work: Callable[[], int]) -> None:
    """Do a command's work and end with its exit code.

    Raises:
        typer.Exit: always, unless it is interrupted.
        KeyboardInterrupt: somebody wants it to end; `ecs_localai.cli.main` says so.
    """
    from ecs_localai.commands.failure import CommandFailed, OutputClosed
    from ecs_localai.commands.terminal import abandon_output, complain
    from ecs_localai.ollama.errors import OllamaError

    gc.freeze()  # what was imported so far stays to the end, and is never looked through for garbage
    gc.enable()  # `ecs_localai.cli.main` had switched it off
    try:
        code = work()
    except OutputClosed:
        abandon_output()
        code = 0
    except CommandFailed as failure:
        for line in failure.lines:
            complain(line)
        code = 1
    except OllamaError as error:
        complain(error.message)
        code = 1
    except typer.Abort as abort:  # Ctrl-C, or the end of the input, where an answer was wanted
        typer.echo(err=True)  # the question's line is not at its end
        raise KeyboardInterrupt from abort
    raise typer.Exit(code)
