"""The subcommands about models: on one host, on some, on all of the list."""

from __future__ import annotations

from typing import Annotated

import typer

from ecs_localai.commands.common_options import DataDirOption, HostOption, JsonOption, end, target_of
from ecs_localai.commands.completion import complete_host, complete_installed_model, complete_known_model
from ecs_localai.commands.install_command_options import (
    AnywayOption,
    AtOption,
    ContextOption,
    DryRunOption,
    TonightOption,
    moment_of,
)

OnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--on",
        metavar="HOST",
        help="On this host, by its name or address; several times for several.",
        autocompletion=complete_host,
    ),
]
AllHostsOption = Annotated[bool, typer.Option("--all-hosts", help="Of all hosts of the list, side by side.")]
InsecureOption = Annotated[
    bool,
    typer.Option(
        "--insecure", help="Plain HTTP to the registry: only for one of your own. One on localhost gets it anyway."
    ),
]
EverywhereOption = Annotated[bool, typer.Option("--everywhere", help="On all hosts of the list.")]
ModelsArgument = Annotated[list[str], typer.Argument(metavar="MODEL", autocompletion=complete_installed_model)]
ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", autocompletion=complete_installed_model)]
NewNameArgument = Annotated[str, typer.Argument(metavar="NEW-NAME", help="For example my-llama:1.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
HostsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="HOST", help="Names or addresses; all of the list if none is given.", autocompletion=complete_host
    ),
]

models_app = typer.Typer()


@models_app.command()
def install(
    context: typer.Context,
    models: Annotated[
        list[str],
        typer.Argument(metavar="MODEL", help="For example llama3.2:1b.", autocompletion=complete_known_model),
    ],
    on: OnOption = None,
    everywhere: EverywhereOption = False,
    tonight: TonightOption = False,
    at: AtOption = None,
    context_length: ContextOption = None,
    dry_run: DryRunOption = False,
    anyway: AnywayOption = False,
    insecure: InsecureOption = False,
    as_json: JsonOption = False,
    host: HostOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Install models, after saying what that means. Ctrl-C stops it; the same command continues it."""
    from ecs_localai.commands.install import InstallOptions, install_models

    _one_of(("--on", on), ("--everywhere", everywhere), ("--host", host))
    options = InstallOptions(
        insecure=insecure,
        as_json=as_json,
        context_length=context_length,
        dry_run=dry_run,
        anyway=anyway,
        not_before=moment_of(tonight, at),
    )
    target = target_of(context, host, data_dir)
    end(lambda: install_models(target, models, options, on or [], everywhere))


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
    model: ModelArgument,
    as_json: JsonOption = False,
    host: HostOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show what a model is."""
    from ecs_localai.commands.show import show_model

    target = target_of(context, host, data_dir)
    end(lambda: show_model(target, model, as_json))


@models_app.command()
def load(
    context: typer.Context,
    models: ModelsArgument,
    pin: Annotated[bool, typer.Option("--pin", help="Keep them loaded until somebody unloads them.")] = False,
    on: OnOption = None,
    everywhere: EverywhereOption = False,
    as_json: JsonOption = False,
    host: HostOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Load models into the server's memory, for five minutes after their last use."""
    from ecs_localai.commands.load import load_models

    _one_of(("--on", on), ("--everywhere", everywhere), ("--host", host))
    target = target_of(context, host, data_dir)
    end(lambda: load_models(target, models, pin, as_json, on or [], everywhere))


@models_app.command()
def pin(
    context: typer.Context,
    models: ModelsArgument,
    on: OnOption = None,
    everywhere: EverywhereOption = False,
    as_json: JsonOption = False,
    host: HostOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Load models and keep them loaded: the same as load --pin."""
    from ecs_localai.commands.load import load_models

    _one_of(("--on", on), ("--everywhere", everywhere), ("--host", host))
    target = target_of(context, host, data_dir)
    end(lambda: load_models(target, models, True, as_json, on or [], everywhere))


@models_app.command()
def unload(
    context: typer.Context,
    models: ModelsArgument,
    on: OnOption = None,
    everywhere: EverywhereOption = False,
    as_json: JsonOption = False,
    host: HostOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Take models out of the server's memory. They stay on its disk."""
    from ecs_localai.commands.unload import unload_models

    _one_of(("--on", on), ("--everywhere", everywhere), ("--host", host))
    target = target_of(context, host, data_dir)
    end(lambda: unload_models(target, models, as_json, on or [], everywhere))


@models_app.command()
def copy(
    context: typer.Context,
    model: ModelArgument,
    new_name: NewNameArgument,
    on: OnOption = None,
    as_json: JsonOption = False,
    host: HostOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Give a model another name as well. Takes no room on the disk."""
    from ecs_localai.commands.copy_model import copy_model

    _one_of(("--on", on), ("--host", host))
    target = target_of(context, host, data_dir)
    end(lambda: copy_model(target, model, new_name, as_json, on or []))


@models_app.command()
def rename(
    context: typer.Context,
    model: ModelArgument,
    new_name: NewNameArgument,
    on: OnOption = None,
    as_json: JsonOption = False,
    host: HostOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Give a model another name instead of its own."""
    from ecs_localai.commands.rename_model import rename_model

    _one_of(("--on", on), ("--host", host))
    target = target_of(context, host, data_dir)
    end(lambda: rename_model(target, model, new_name, as_json, on or []))


@models_app.command()
def history(
    context: typer.Context,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            metavar="N",
            min=1,
            help="So many at most. Otherwise 50, or all with --json and --csv.",
            show_default=False,
        ),
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only those that failed.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="For spreadsheets.")] = False,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """Show the installations that have ended, the newest first."""
    from ecs_localai.commands.history import show_history

    if as_csv and as_json:
        raise typer.BadParameter("--csv and --json do not go together.")
    target = target_of(context, None, data_dir)
    end(lambda: show_history(target.folder(), limit, failed, as_json, as_csv))


@models_app.command()
def remove(
    context: typer.Context,
    models: ModelsArgument,
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
def outdated(
    context: typer.Context,
    all_hosts: AllHostsOption = False,
    as_json: JsonOption = False,
    host: HostOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show which models have an update, without downloading anything."""
    from ecs_localai.commands.outdated import list_outdated

    target = target_of(context, host, data_dir)
    end(lambda: list_outdated(target, as_json, all_hosts))


@models_app.command()
def update(
    context: typer.Context,
    models: Annotated[
        list[str] | None, typer.Argument(metavar="MODEL", autocompletion=complete_installed_model)
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that surely have an update.")] = False,
    on: OnOption = None,
    everywhere: EverywhereOption = False,
    insecure: InsecureOption = False,
    as_json: JsonOption = False,
    host: HostOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Update models where their registry has another version. Ctrl-C stops it; the same command continues it."""
    from ecs_localai.commands.update import update_models

    _one_of(("--on", on), ("--everywhere", everywhere), ("--host", host))
    if bool(models) is everything:
        raise typer.BadParameter("Name the models to update, or say --all.")
    target = target_of(context, host, data_dir)
    end(lambda: update_models(target, models or [], everything, as_json, on or [], everywhere, insecure))


@models_app.command()
def find(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A part of the name.", show_default=False)] = "",
    tags: Annotated[
        str,
        typer.Option(
            "--tags",
            metavar="MODEL",
            help="Show the tags of this model instead.",
            show_default=False,
            autocompletion=complete_known_model,
        ),
    ] = "",
    as_json: JsonOption = False,
    host: HostOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show the models that are known by name: installed, recommended by Ollama, or seen before."""
    from ecs_localai.commands.find_models import find_models

    if text and tags:
        raise typer.BadParameter("A part of a name and --tags do not go together.")
    target = target_of(context, host, data_dir)
    end(lambda: find_models(target, text, tags, as_json))


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
