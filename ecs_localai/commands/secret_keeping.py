"""A subcommand that refuses secrets given as plain text, and repeats none of what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from typer.core import TyperCommand

if TYPE_CHECKING:
    from typer import Context

SECRETS_STAY_OUT = (
    "A secret is not given on the command line: every user of this machine sees it there in the list of programs, and "
    "the shell keeps it in its history."
)
ASKING = ("--bearer", "--password", "--key-password")
"""The options that ask for a secret on the terminal."""
_LIKELY = ("--token", "--api-key", "--bearer-token", "--secret", "--auth", "--authorization")
_INSTEAD = "Use {option}-env VAR, {option}-file FILE or {option}-keyring ENTRY; {option} alone asks for it, hidden."


class SecretKeepingCommand(TyperCommand):
    """Looks at the arguments before they are read: an error of the parser's own would repeat them."""

    # Typer may bring a click of its own, whose contexts have no public name but that of this subclass.
    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:  # type: ignore[override]  # see above
        """Read the arguments.

        Raises:
            typer.BadParameter: one of them is, or may be, a secret.
        """
        for number, argument in enumerate(args):
            option, equals, _ = argument.partition("=")
            if option in _LIKELY:
                raise typer.BadParameter(f"{SECRETS_STAY_OUT} {_INSTEAD.format(option='--bearer')}")
            follower = args[number + 1] if number + 1 < len(args) else "-"
            if option in ASKING and (equals or not follower.startswith("-")):
                raise typer.BadParameter(
                    f"{SECRETS_STAY_OUT} {_INSTEAD.format(option=option)} Arguments stand before {option}."
                )
        return list(super().parse_args(ctx, args))


def refuse_extra(context: typer.Context) -> None:
    """Refuse what is left over, without repeating it.

    Raises:
        typer.BadParameter: something is.
    """
    if context.args:
        raise typer.BadParameter("There is one argument too many, which is not repeated here: it may be a secret.")
