"""The subcommands about the queue: what waits to be installed, and what is under way."""

from __future__ import annotations

from typing import Annotated

import typer

from ecs_localai.commands.common_options import DataDirOption, JsonOption, end, target_of
from ecs_localai.commands.completion import complete_queued_model
from ecs_localai.commands.install_command_options import moment_at

QueuedArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="MODEL|ID",
        help="Names, numbers or ids, as queue shows them; all if none is given.",
        autocompletion=complete_queued_model,
    ),
]

queue_app = typer.Typer()


@queue_app.command()
def queue(
    context: typer.Context,
    run: Annotated[
        bool, typer.Option("--run", help="Work here on what nobody sees to, until nothing is left. Ctrl-C leaves it.")
    ] = False,
    cancel: Annotated[
        list[str] | None,
        typer.Option(
            "--cancel",
            metavar="MODEL|ID",
            help="Take it out of the queue; several times for several.",
            autocompletion=complete_queued_model,
        ),
    ] = None,
    move: Annotated[
        tuple[str, int] | None,
        typer.Option(
            "--move", metavar="MODEL|ID BY", help="So many places later; -1 is one earlier.", show_default=False
        ),
    ] = None,
    at: Annotated[
        tuple[str, str] | None,
        typer.Option("--at", metavar="HH:MM MODEL|ID", help="Let it go on no sooner than that.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """Show what is to be installed, in its order, and which program sees to it; or change that."""
    from ecs_localai.commands.queue import cancel_queued, move_queued, schedule_queued, show_queue

    given = [name for name, value in (("--run", run), ("--cancel", cancel), ("--move", move), ("--at", at)) if value]
    if len(given) > 1:
        raise typer.BadParameter(f"{given[0]} and {given[1]} do not go together: one after the other.")
    target = target_of(context, None, data_dir)
    if run:
        from ecs_localai.commands.queue_run import run_queue

        end(lambda: run_queue(target, as_json))
    if cancel:
        end(lambda: cancel_queued(target, cancel, as_json))
    if move is not None:
        end(lambda: move_queued(target, *move, as_json))
    if at is not None:
        moment = moment_at(at[0])
        end(lambda: schedule_queued(target, at[1], moment, as_json))
    end(lambda: show_queue(target, as_json))


@queue_app.command()
def pause(
    context: typer.Context,
    queued: QueuedArgument = None,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """Stop installations for now, also those that another program sees to. What has arrived stays."""
    from ecs_localai.commands.pause import pause_queued

    target = target_of(context, None, data_dir)
    end(lambda: pause_queued(target, queued or [], as_json))


@queue_app.command()
def resume(
    context: typer.Context,
    queued: QueuedArgument = None,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """Let installations go on that are paused, or, where they are named, that wait for a time."""
    from ecs_localai.commands.pause import resume_queued

    target = target_of(context, None, data_dir)
    end(lambda: resume_queued(target, queued or [], as_json))
