"""The options that ``install`` alone has."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

TonightOption = Annotated[bool, typer.Option("--tonight", help="Begin at 1 in the night: the same as --at 01:00.")]
AtOption = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="HH:MM",
        help="Begin at that time, today or tomorrow: it waits in the queue until then.",
        show_default=False,
    ),
]
ContextOption = Annotated[
    int | None,
    typer.Option(
        "--context",
        metavar="N",
        min=1,
        help="Say whether there is memory for so many tokens; otherwise for as many as Ollama gives a model.",
        show_default=False,
    ),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say only what it would mean, and install nothing.")]
AnywayOption = Annotated[
    bool,
    typer.Option(
        "--anyway",
        help="Also where there is too little memory to run it, too little room on the disk, or a model that its "
        "registry does not show the successor of. Asks nothing.",
    ),
]


def moment_of(tonight: bool, at: str | None) -> datetime | None:
    """When it is to begin; None: now.

    Raises:
        typer.BadParameter: that is no time of day, or both were given.
    """
    if tonight and at is not None:
        raise typer.BadParameter("--tonight and --at do not go together: each says when.")
    text = _tonight() if tonight else at
    return None if text is None else moment_at(text)


def moment_at(text: str) -> datetime:
    """The next moment at which the clocks show it.

    Raises:
        typer.BadParameter: that is no time of day.
    """
    from ecs_localai.commands.clock_times import next_moment
    from ecs_localai.components.time_values import utc_now

    try:
        return next_moment(text, utc_now())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _tonight() -> str:
    """The same time that the panel offers."""
    from ecs_localai.systems.view_preflight import NIGHT_HOUR

    return f"{NIGHT_HOUR:02}:00"
