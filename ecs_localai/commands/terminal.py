"""Standard output and standard error: lines for people, JSON for programs, nothing that a terminal would obey."""

from __future__ import annotations

import os
import sys

import typer

from ecs_localai.commands.failure import OutputClosed
from ecs_localai.components.codec import encode


def printable(text: str) -> str:
    """The text on one line and without control characters.

    Names and messages come from servers: an escape sequence in one must not reach the terminal.
    """
    return "".join(char if char.isprintable() else " " for char in text)


def say(text: str) -> None:
    """Print a line on standard output.

    Raises:
        OutputClosed: nobody reads it any more.
    """
    write_text(printable(text) + "\n")


def say_json(value: object) -> None:
    """Print one of our data types, or plain data, as one line of JSON in UTF-8.

    Raises:
        OutputClosed: nobody reads it any more.
    """
    write_bytes(encode(value) + b"\n")


def write_bytes(data: bytes) -> None:
    """Write to standard output, whatever its encoding, at once.

    Raises:
        OutputClosed: nobody reads it any more.
    """
    if sys.stdout is None:  # the program was started with standard output closed
        raise OutputClosed
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    except BrokenPipeError:
        raise OutputClosed from None


def write_text(text: str) -> None:
    """Write lines that may be shown as they are, at once.

    Raises:
        OutputClosed: nobody reads standard output any more.
    """
    if sys.stdout is None:
        raise OutputClosed
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise OutputClosed from None


def complain(text: str, label: str = "Error:", colour: str = "red") -> None:
    """Print one line on standard error."""
    shown = label if os.environ.get("NO_COLOR") else typer.style(label, fg=colour)
    typer.echo(f"{shown} {printable(text)}", err=True)


def warn(text: str) -> None:
    """Print a line on standard error about something that does not keep the command from its work."""
    complain(text, "Note:", "yellow")


def is_terminal() -> bool:
    """Whether a person sees standard output as it is written."""
    return sys.stdout is not None and sys.stdout.isatty()


def abandon_output() -> None:
    """Make what is still buffered go nowhere, so that Python does not fail on it while it ends."""
    if sys.stdout is None:
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
