"""``ecs-localai settings …``: the subcommands about what a person has set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecs_localai.commands.common_options import DataDirOption, JsonOption, end, target_of

settings_app = typer.Typer(
    help="What you have set: show it, carry it to a file and back.",
    context_settings={"help_option_names": ["--help", "-h"]},
    no_args_is_help=True,
)


@settings_app.command()
def show(context: typer.Context, as_json: JsonOption = False, data_dir: DataDirOption = None) -> None:
    """Show what is set: hosts, features, the panel, what a browser may tell."""
    from ecs_localai.commands.show_settings import show_settings

    target = target_of(context, None, data_dir)
    end(lambda: show_settings(target, as_json))


@settings_app.command()
def export(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="[FILE|-]", help="Standard output by default.")] = "-",
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it is there.")] = False,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """Write the settings as JSON that people can read. Secrets are never in it."""
    from ecs_localai.commands.export_settings import export_settings

    target = target_of(context, None, data_dir)
    end(lambda: export_settings(target, file, force, as_json))


@settings_app.command("import")
def import_command(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="That export wrote; - is standard input.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    replace_hosts: Annotated[
        bool, typer.Option("--replace-hosts", help="Have the file's hosts alone in the list, not added to it.")
    ] = False,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """Take over settings from a file, after saying what changes. What the file does not say stays."""
    from ecs_localai.commands.import_settings import import_settings

    if file != "-" and not file.strip():
        raise typer.BadParameter("Name the file.")
    target = target_of(context, None, data_dir)
    source = None if file == "-" else Path(file)
    end(lambda: import_settings(target, source, dry_run=dry_run, yes=yes, replace_hosts=replace_hosts, as_json=as_json))
