"""The command line of ``ecs-localai``: its subcommands and options. What each does is in a file beside this one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from ecs_localai._version import __version__
from ecs_localai.commands.common_options import (
    DataDirOption,
    Given,
    HostOption,
    JsonOption,
    ScaleOption,
    ThemeChoice,
    ThemeOption,
    end,
    given_of,
    looks_of,
    target_of,
)
from ecs_localai.commands.data_command_line import data_app
from ecs_localai.commands.hosts_command_line import hosts_app, serve_app
from ecs_localai.commands.making_command_line import making_app
from ecs_localai.commands.models_command_line import models_app
from ecs_localai.commands.queue_command_line import queue_app
from ecs_localai.commands.remote_options import AttachOption, RemoteOption, RemotePortOption, chosen_port
from ecs_localai.commands.settings_command_line import settings_app

app = typer.Typer(
    name="ecs-localai",
    help="See, install, measure and remove local AI models on an Ollama server. Without a command: the panel.",
    context_settings={"help_option_names": ["--help", "-h"]},
    pretty_exceptions_enable=False,
)
app.add_typer(models_app)
app.add_typer(making_app)
app.add_typer(queue_app)
app.add_typer(hosts_app, name="hosts")
app.add_typer(serve_app)
app.add_typer(settings_app, name="settings")
app.add_typer(data_app, name="data")


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

    context.obj = Given(Target(host, data_dir), theme, scale, chosen_port(remote, remote_port))
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

    target = target_of(context, host, data_dir)
    port = given_of(context).remote_port if port is None else port
    end(lambda: run_headless(target, frames, 60.0 if hz is None else hz, as_json, port))


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
    target, (chosen_theme, chosen_scale) = target_of(context, host, data_dir), looks_of(context, theme, scale)
    picture = Picture(out, chosen_theme, chosen_scale or 1.0, _size(size), full_page, watch)
    end(lambda: take_screenshot(target, picture))


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

    target = target_of(context, host, data_dir)
    end(lambda: examine(target, as_json))


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
        end(lambda: inspect_running(port, as_json))
    target = target_of(context, host, data_dir)
    end(lambda: inspect_world(target, frames, timing, as_json))


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
        end(lambda: show_saved(file, as_json))
    target = target_of(context, host, data_dir)
    end(lambda: save_to_file(target, file, frames, force, as_json))


def _open_window(
    context: typer.Context,
    host: str | None,
    data_dir: Path | None,
    theme: ThemeChoice | None,
    scale: float | None,
    remote_port: int | None,
) -> None:
    from ecs_localai.commands.window import open_window

    target, (chosen_theme, chosen_scale) = target_of(context, host, data_dir), looks_of(context, theme, scale)
    port = given_of(context).remote_port if remote_port is None else remote_port
    end(lambda: open_window(target, chosen_theme, chosen_scale, port))
