"""``ecs-localai data …``: the subcommands about what is kept on this computer."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

import typer

from ecs_localai.commands.common_options import DataDirOption, JsonOption, end, target_of
from ecs_localai.commands.data_kinds import KINDS

data_app = typer.Typer(
    help="What is kept on this computer: show it, check it, forget it.",
    context_settings={"help_option_names": ["--help", "-h"]},
    no_args_is_help=True,
)

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@data_app.command()
def show(context: typer.Context, as_json: JsonOption = False, data_dir: DataDirOption = None) -> None:
    """Show what is kept, where, and for how long."""
    from ecs_localai.commands.show_data import show_data

    target = target_of(context, None, data_dir)
    end(lambda: show_data(target, as_json))


@data_app.command()
def check(context: typer.Context, as_json: JsonOption = False, data_dir: DataDirOption = None) -> None:
    """Look whether what is kept is sound. Changes nothing; exit code 1 if it is not."""
    from ecs_localai.commands.check_data import check_data

    target = target_of(context, None, data_dir)
    end(lambda: check_data(target, as_json))


@data_app.command()
def measurements(
    context: typer.Context,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="How far back: 90s, 15m, 1h, 7d, 1d12h.")
    ] = "1h",
    series: Annotated[
        str | None, typer.Option("--series", metavar="NAME", help="Of one series only.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """Show what this computer did while the panel ran: processor, memory, GPU."""
    from ecs_localai.commands.measurements import show_measurements

    back = _duration(since)
    target = target_of(context, None, data_dir)
    end(lambda: show_measurements(target.folder(), back, series, as_json))


@data_app.command()
def forget(
    context: typer.Context,
    kinds: Annotated[
        list[str] | None, typer.Argument(metavar="KIND", help=f"What to forget: {', '.join(KINDS)}.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="All of it, the copies beside the file, and secrets in the keyring.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """Delete what is kept, so that no byte of it is left in the file. Asks first."""
    from ecs_localai.commands.forget_data import forget_data

    given = kinds or []
    for kind in given:
        if kind not in KINDS:
            raise typer.BadParameter(f"{kind!r} is nothing that is kept. There are: {', '.join(KINDS)}.")
    if everything == bool(given):
        raise typer.BadParameter("Say what to forget: kinds of data, or --everything.")
    target = target_of(context, None, data_dir)
    chosen = list(KINDS) if everything else [kind for kind in KINDS if kind in given]
    end(lambda: forget_data(target, chosen, everything=everything, yes=yes, as_json=as_json))


def _duration(text: str) -> timedelta:
    """``90s``, ``1h30m``, ``7d`` as a span of time.

    Raises:
        typer.BadParameter: it is none.
    """
    parts = re.findall(r"([0-9]{1,6})([smhd])", text.strip().lower())
    if not parts or "".join(number + unit for number, unit in parts) != text.strip().lower():
        raise typer.BadParameter(f"--since is a time like 90s, 15m, 1h or 7d, not {text!r}.")
    return sum((timedelta(**{_UNITS[unit]: int(number)}) for number, unit in parts), timedelta())
