"""What can go wrong with saving and loading a world, each with where and what to do about it."""

from __future__ import annotations


class SavedWorldError(Exception):
    """Base of the errors of saving and loading. The message is a sentence that says where, what and what to do."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        """What is wrong and what to do, without the place."""
        self.path: list[str | int] = []
        """Where it is, from the outside in: names of fields, keys, and positions in lists."""

    def within(self, *steps: str | int) -> None:
        """Say that the place is inside of another: these steps come before the path so far."""
        self.path[:0] = steps

    @property
    def where(self) -> str:
        """The path as text: ``entities.7.game.Position.x[2]``; empty for the whole."""
        text = ""
        for step in self.path:
            text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
        return text

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}" if self.path else self.reason


class SaveError(SavedWorldError):
    """Something in the world has no place in a file."""


class RunningWorkError(SaveError):
    """A value belongs to the running program: a task, a channel, a timer. `save_world` leaves its component out."""


class LoadError(SavedWorldError):
    """The data is damaged, was written by a newer version, or does not fit the program's types."""


class UnknownTypeError(LoadError, LookupError):
    """The data names a type that the program has not registered."""
