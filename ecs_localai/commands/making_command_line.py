"""The subcommands that make models: of files, and of other models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecs_localai.commands.common_options import DataDirOption, HostOption, JsonOption, end, target_of
from ecs_localai.commands.completion import complete_host, complete_installed_model

OnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--on",
        metavar="HOST",
        help="On this host, by its name or address; several times for several.",
        autocompletion=complete_host,
    ),
]
ReplaceOption = Annotated[bool, typer.Option("--replace", help="Overwrite a model of this name.")]
AnywayOption = Annotated[bool, typer.Option("--anyway", help="Also where there is too little room on the disk.")]

making_app = typer.Typer()


@making_app.command("import")
def import_command(
    context: typer.Context,
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="GGUF files of one model, its folder, or a Modelfile.")
    ],
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="Of the model; otherwise made from the file.")
    ] = "",
    replace: ReplaceOption = False,
    anyway: AnywayOption = False,
    on: OnOption = None,
    as_json: JsonOption = False,
    host: HostOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Make a model of local files. One part of a split model is enough; the others are found beside it."""
    from ecs_localai.commands.import_model import import_files
    from ecs_localai.commands.making import MakeOptions

    if replace and not name:
        raise typer.BadParameter("--replace goes with --name only: say which model is to be overwritten.")
    _refuse_both(on, host)
    target = target_of(context, host, data_dir)
    end(lambda: import_files(target, files, MakeOptions(name, replace, on or [], as_json, anyway)))


@making_app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the new model, for example helper:1.")],
    source: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="MODEL",
            help="An installed model, or a GGUF file, to make it of.",
            autocompletion=complete_installed_model,
        ),
    ] = "",
    modelfile: Annotated[
        Path | None, typer.Option("--modelfile", "-f", metavar="FILE", help="As it says.", show_default=False)
    ] = None,
    system: Annotated[str, typer.Option("--system", metavar="TEXT", help="What it is told before all else.")] = "",
    template: Annotated[
        Path | None, typer.Option("--template", metavar="FILE", help="Its prompt template.", show_default=False)
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Such as temperature=0.2; stop several times."),
    ] = None,
    quantize: Annotated[str, typer.Option("--quantize", metavar="TYPE", help="Such as q4_K_M, of F16 or F32.")] = "",
    replace: ReplaceOption = False,
    anyway: AnywayOption = False,
    on: OnOption = None,
    as_json: JsonOption = False,
    host: HostOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Make a model of another one, or of a Modelfile, with parameters and texts of its own."""
    from ecs_localai.commands.create_model import Changes, create_model
    from ecs_localai.commands.making import MakeOptions

    if bool(source) == (modelfile is not None):
        raise typer.BadParameter("Say what it is made of: either --from or --modelfile.")
    _refuse_both(on, host)
    target = target_of(context, host, data_dir)
    changes = Changes(source, modelfile, system, template, parameter or [], quantize)
    end(lambda: create_model(target, changes, MakeOptions(name, replace, on or [], as_json, anyway)))


def _refuse_both(on: list[str] | None, host: str | None) -> None:
    if on and host:
        raise typer.BadParameter("--on and --host do not go together: each says on which hosts.")
