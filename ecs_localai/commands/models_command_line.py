"""The subcommands about models: on one host, on some, on all of the list."""

from __future__ import annotations

from typing import Annotated

import typer

from ecs_localai.commands.common_options import DataDirOption, HostOption, JsonOption, end, target_of

OnOption = Annotated[
    list[str] | None,
    typer.Option("--on", metavar="HOST", help="On this host, by its name or address; several times for several."),
]
AllHostsOption = Annotated[bool, typer.Option("--all-hosts", help="Of all hosts of the list, side by side.")]
InsecureOption = Annotated[
    bool, typer.Option("--insecure", help="Plain HTTP to the registry: only for one of your own.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
HostsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[HOST...]", help="Names or addresses; all of the list if none is given."),
]

models_app = typer.Typer()


@models_app.command()
def install(
    context: typer.Context,
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help="For example llama3.2:1b.")],
    on: OnOption = None,
    everywhere: Annotated[bool, typer.Option("--everywhere", help="On all hosts of the list.")] = False,
    insecure: InsecureOption = False,
    as_json: JsonOption = False,
    host: HostOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Install models. Ctrl-C stops it; the same command continues it."""
    from ecs_localai.commands.install import install_models

    _one_of(("--on", on), ("--everywhere", everywhere), ("--host", host))
    target = target_of(context, host, data_dir)
    end(lambda: install_models(target, models, insecure, as_json, on or [], everywhere))


@models_app.command("list")
def list_command(
    context: typer.Context,
    all_hosts: AllHostsOption = False,
    as_json: JsonOption = False,
    host: HostOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """List the installed models."""
    from ecs_localai.commands.list_models import list_models

    target = target_of(context, host, data_dir)
    end(lambda: list_models(target, as_json, all_hosts))


@models_app.command()
def ps(
    context: typer.Context,
    all_hosts: AllHostsOption = False,
    as_json: JsonOption = False,
    host: HostOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """List the models in the server's memory."""
    from ecs_localai.commands.ps import list_loaded

    target = target_of(context, host, data_dir)
    end(lambda: list_loaded(target, as_json, all_hosts))


@models_app.command()
def show(
    context: typer.Context,
    model: Annotated[str, typer.Argument(metavar="MODEL")],
    as_json: JsonOption = False,
    host: HostOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show what a model is."""
    from ecs_localai.commands.show import show_model

    target = target_of(context, host, data_dir)
    end(lambda: show_model(target, model, as_json))


@models_app.command()
def remove(
    context: typer.Context,
    models: Annotated[list[str], typer.Argument(metavar="MODEL...")],
    on: OnOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
    host: HostOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Remove models from the server's disk. Asks first on a terminal."""
    from ecs_localai.commands.remove import remove_models

    _one_of(("--on", on), ("--host", host))
    target = target_of(context, host, data_dir)
    end(lambda: remove_models(target, models, yes, as_json, on or []))


@models_app.command()
def diff(
    context: typer.Context,
    hosts: HostsArgument = None,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """Show which host lacks which of the others' models."""
    from ecs_localai.commands.difference import show_difference

    target = target_of(context, None, data_dir)
    end(lambda: show_difference(target, hosts or [], as_json))


@models_app.command()
def sync(
    context: typer.Context,
    hosts: HostsArgument = None,
    yes: YesOption = False,
    insecure: InsecureOption = False,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """Install on each host what the others have. Asks first."""
    from ecs_localai.commands.difference import even_out

    target = target_of(context, None, data_dir)
    end(lambda: even_out(target, hosts or [], yes, insecure, as_json))


def _one_of(*given: tuple[str, object]) -> None:
    """Refuse options that contradict each other.

    Raises:
        typer.BadParameter: more than one is given.
    """
    names = [name for name, value in given if value]
    if len(names) > 1:
        raise typer.BadParameter(f"{names[0]} and {names[1]} do not go together: each says on which hosts.")
