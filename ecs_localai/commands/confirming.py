"""Asking whether something is really wanted, where somebody can answer."""

from __future__ import annotations

import sys

import typer

from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.terminal import is_terminal, printable


def confirm(question: str, otherwise: str, refused: str) -> None:
    """Ask on the terminal. The question goes to standard error, which is not read by a program.

    Raises:
        CommandFailed: with `otherwise` nobody can be asked here; with `refused` the answer was no.
    """
    if not (is_terminal() and sys.stdin is not None and sys.stdin.isatty()):
        raise CommandFailed(f"Nobody can be asked here. {otherwise}")
    if not typer.confirm(printable(question), err=True):
        raise CommandFailed(refused)
