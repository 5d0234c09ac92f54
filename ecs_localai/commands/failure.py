"""How a command ends other than well."""

from __future__ import annotations


class CommandFailed(Exception):
    """The command could not do what it was asked; each line is a sentence for standard error. Exit code 1."""

    def __init__(self, *lines: str) -> None:
        super().__init__(" ".join(lines))
        self.lines = lines


class OutputClosed(Exception):
    """Nobody reads standard output any more, as with ``| head``. Nothing went wrong, and nothing is left to say."""
