"""The command line of ``ecs-localai``: its subcommands and options. What each does is in a file beside this one."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecs_localai._version import __version__
from ecs_localai.commands.remote_options import AttachOption, RemoteOption, RemotePortOption, chosen_port

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
        metavar="URL",
        help="The Ollama server. Otherwise OLLAMA_HOST, else the panel's.",
        show_default=False,
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
    ThemeChoice | None, typer.Option("--theme", help="The panel's colours; system by default.", show_default=False)
]
ScaleOption = Annotated[
    float | None,
    typer.Option(
        "--scale",
        metavar="N",
        min=0.5,
        max=6.0,
        help="Pixels for each of the panel's points: 2 for a high-density screen.",
        show_default=False,
    ),
]

app = typer.Typer(
    name="ecs-localai",
    help="See, install, measure and remove local AI models on an Ollama server. Without a command: the panel.",
    context_settings={"help_option_names": ["--help", "-h"]},
    pretty_exceptions_enable=False,
)


class _Given:
    """The common options given before the subcommand."""

    def __init__(self, target: Target, theme: ThemeChoice | None, scale: float | None, remote_port: int | None) -> None:
        self.target = target
        self.remote_port = remote_port
        self.theme = theme
        self.scale = scale


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ecs-localai {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def panel(
    context: typer.Context,
    host: HostOption = None,
    data_dir: DataDirOption = None,
    theme: ThemeOption = None,
    scale: ScaleOption = None,
    remote: RemoteOption = False,
    remote_port: RemotePortOption = None,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """See, install, measure and remove local AI models on an Ollama server. Without a command: the panel."""
    from ecs_localai.commands.target import Target

    context.obj = _Given(Target(host, data_dir), theme, scale, chosen_port(remote, remote_port))
    if context.invoked_subcommand is None:
        _open_window(context, host, data_dir, theme, scale, None)
    elif context.obj.remote_port is not None and context.invoked_subcommand != "run":
        raise typer.BadParameter("--remote goes with the panel and with run only.")


@app.command()
def run(
    context: typer.Context,
    headless: Annotated[bool, typer.Option("--headless", help="Without a window: print what happens.")] = False,
    frames: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="End after so many.", show_default=False)
    ] = None,
    hz: Annotated[
        float | None, typer.Option(metavar="N", min=0.001, help="Frames a second; 60 by default.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
    theme: ThemeOption = None,
    scale: ScaleOption = None,
    remote: RemoteOption = False,
    remote_port: RemotePortOption = None,
    host: HostOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Open the panel, or run the same world headless."""
    port = chosen_port(remote, remote_port)
    if not headless:
        for name, given in (("--frames", frames), ("--hz", hz), ("--json", as_json or None)):
            if given is not None:
                raise typer.BadParameter(f"{name} goes with --headless only.")
        _open_window(context, host, data_dir, theme, scale, port)
    from ecs_localai.commands.run import run_headless

    target = _target(context, host, data_dir)
    port = _given(context).remote_port if port is None else port
    _end(lambda: run_headless(target, frames, 60.0 if hz is None else hz, as_json, port))


@app.command()
def install(
    context: typer.Context,
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help="For example llama3.2:1b.")],
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Plain HTTP to the registry: only for one of your own.")
    ] = False,
    as_json: JsonOption = False,
    host: HostOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Install models. Ctrl-C stops it; the same command continues it."""
    from ecs_localai.commands.install import install_models

    target = _target(context, host, data_dir)
    _end(lambda: install_models(target, models, insecure, as_json))


@app.command("list")
def list_command(
    context: typer.Context, as_json: JsonOption = False, host: HostOption = None, data_dir: DataDirOption = None
) -> None:
    """List the installed models."""
    from ecs_localai.commands.list_models import list_models

    target = _target(context, host, data_dir)
    _end(lambda: list_models(target, as_json))


@app.command()
def ps(
    context: typer.Context, as_json: JsonOption = False, host: HostOption = None, data_dir: DataDirOption = None
) -> None:
    """List the models in the server's memory."""
    from ecs_localai.commands.ps import list_loaded

    target = _target(context, host, data_dir)
    _end(lambda: list_loaded(target, as_json))


@app.command()
def show(
    context: typer.Context,
    model: Annotated[str, typer.Argument(metavar="MODEL")],
    as_json: JsonOption = False,
    host: HostOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show what a model is."""
    from ecs_localai.commands.show import show_model

    target = _target(context, host, data_dir)
    _end(lambda: show_model(target, model, as_json))


@app.command()
def remove(
    context: typer.Context,
    models: Annotated[list[str], typer.Argument(metavar="MODEL...")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: JsonOption = False,
    host: HostOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Remove models from the server's disk. Asks first on a terminal."""
    from ecs_localai.commands.remove import remove_models

    target = _target(context, host, data_dir)
    _end(lambda: remove_models(target, models, yes, as_json))


@app.command()
def screenshot(
    context: typer.Context,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The PNG file to write.")],
    theme: ThemeOption = None,
    scale: ScaleOption = None,
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="Of the panel, in points: 900x1100.", show_default=False)
    ] = None,
    full_page: Annotated[bool, typer.Option("--full-page", help="As high as the whole page.")] = False,
    watch: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.0, max=600.0, help="Measure so long before drawing.")
    ] = 0.0,
    host: HostOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Draw the panel as it would look now, without a display."""
    from ecs_localai.commands.screenshot import Picture, take_screenshot

    if out.suffix.lower() != ".png":
        raise typer.BadParameter(f"--out is a PNG file, so its name ends with .png, not {out.name!r}.")
    target, (chosen_theme, chosen_scale) = _target(context, host, data_dir), _looks(context, theme, scale)
    picture = Picture(out, chosen_theme, chosen_scale or 1.0, _size(size), full_page, watch)
    _end(lambda: take_screenshot(target, picture))


def _size(text: str | None) -> tuple[int, int] | None:
    """``900x1100`` as numbers.

    Raises:
        typer.BadParameter: it is none.
    """
    if text is None:
        return None
    match = re.fullmatch(r"([1-9][0-9]{0,4})[x×]([1-9][0-9]{0,4})", text.strip().lower())
    if match is None:
        raise typer.BadParameter(f"--size is a width and a height in whole numbers, like 900x1100, not {text!r}.")
    return int(match[1]), int(match[2])


@app.command()
def doctor(
    context: typer.Context, as_json: JsonOption = False, host: HostOption = None, data_dir: DataDirOption = None
) -> None:
    """Check the server, the display, the GPU and the data folder, and say what to do."""
    from ecs_localai.commands.doctor import examine

    target = _target(context, host, data_dir)
    _end(lambda: examine(target, as_json))


@app.command()
def inspect(
    context: typer.Context,
    frames: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="Run so many; otherwise until the server answered.", show_default=False),
    ] = None,
    timing: Annotated[bool, typer.Option("--timing", help="Measure each system.")] = False,
    attach: AttachOption = False,
    remote_port: RemotePortOption = None,
    as_json: JsonOption = False,
    host: HostOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show the world from inside: plugins, systems in the order they run, entities, events, tasks."""
    from ecs_localai.commands.inspect import inspect_running, inspect_world

    port = chosen_port(attach, remote_port)
    if port == 0:
        raise typer.BadParameter("--remote-port 0 is for the program that is looked into. Give the port that it told.")
    if port is not None:
        for name, given in (("--frames", frames), ("--timing", timing or None)):
            if given is not None:
                raise typer.BadParameter(f"{name} goes without --attach only.")
        _end(lambda: inspect_running(port, as_json))
    target = _target(context, host, data_dir)
    _end(lambda: inspect_world(target, frames, timing, as_json))


@app.command()
def save(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="For example world.json.")],
    show: Annotated[bool, typer.Option("--show", help="Save nothing: print what is in FILE.")] = False,
    frames: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="Run so many; otherwise until the server answered.", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it is there.")] = False,
    as_json: JsonOption = False,
    host: HostOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Save the world to a file, or show what such a file contains. Secrets are never in it."""
    from ecs_localai.commands.save import save_to_file, show_saved

    if show:
        for name, given in (("--frames", frames), ("--force", force or None), ("--host", host)):
            if given is not None:
                raise typer.BadParameter(f"{name} does not go with --show, which only reads the file.")
        _end(lambda: show_saved(file, as_json))
    target = _target(context, host, data_dir)
    _end(lambda: save_to_file(target, file, frames, force, as_json))


def _open_window(
    context: typer.Context,
    host: str | None,
    data_dir: Path | None,
    theme: ThemeChoice | None,
    scale: float | None,
    remote_port: int | None,
) -> None:
    from ecs_localai.commands.window import open_window

    target, (chosen_theme, chosen_scale) = _target(context, host, data_dir), _looks(context, theme, scale)
    port = _given(context).remote_port if remote_port is None else remote_port
    _end(lambda: open_window(target, chosen_theme, chosen_scale, port))


def _given(context: typer.Context) -> _Given:
    given = context.find_root().obj
    if not isinstance(given, _Given):
        raise TypeError("The common options were not read before the subcommand.")
    return given


def _target(context: typer.Context, host: str | None, data_dir: Path | None) -> Target:
    """The common options, given after the subcommand or before it."""
    from ecs_localai.commands.target import Target

    return Target(host, data_dir).or_else(_given(context).target)


def _looks(context: typer.Context, theme: ThemeChoice | None, scale: float | None) -> tuple[str, float | None]:
    """The theme's name and the scale, given after the subcommand or before it."""
    given = _given(context)
    return (theme or given.theme or ThemeChoice.SYSTEM).value, given.scale if scale is None else scale


def _end(work: Callable[[], int]) -> None:
    """Do a command's work and end with its exit code.

    Raises:
        typer.Exit: always, unless it is interrupted.
        KeyboardInterrupt: somebody wants it to end; `ecs_localai.cli.main` says so.
    """
    from ecs_localai.commands.failure import CommandFailed, OutputClosed
    from ecs_localai.commands.terminal import abandon_output, complain
    from ecs_localai.ollama.errors import OllamaError

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
