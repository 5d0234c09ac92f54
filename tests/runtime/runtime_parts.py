"""What the runtime's tests share: components, sets, and systems that leave a trace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import auto

from ecs_localai.runtime import App, SetProcessor, SystemFailed, SystemSet


@dataclass(eq=False)
class Position:
    """A component."""

    x: float = 0.0


@dataclass(eq=False)
class Velocity:
    """Another component."""

    x: float = 1.0


@dataclass(eq=False)
class Frozen:
    """A third component, used as a mark."""


@dataclass
class Clock:
    """A resource."""

    ticks: int = 0


@dataclass(frozen=True)
class Ping:
    """An event."""

    number: int = 0


class Stage(SystemSet):
    """Sets that no processor shows."""

    INPUT = auto()
    MOVE = auto()
    DRAW = auto()
    WORLD = auto()
    UNUSED = auto()


class Shown(SystemSet):
    """Sets that are processors of their own."""

    ONE = auto()
    TWO = auto()
    THREE = auto()


class One(SetProcessor):
    """Shows `Shown.ONE`."""

    system_set = Shown.ONE


class Two(SetProcessor):
    """Shows `Shown.TWO`."""

    system_set = Shown.TWO


class Three(SetProcessor):
    """Shows `Shown.THREE`."""

    system_set = Shown.THREE


def noting(log: list[str], text: str) -> Callable[[], None]:
    """A system that writes `text` into `log`, and is called so in messages."""

    def note() -> None:
        log.append(text)

    note.__qualname__ = text
    return note


class Broken(Exception):
    """What failing systems raise."""


def broken(name: str = "broken") -> Callable[[], bool]:
    """A system, or a condition, that always fails."""

    def fail() -> bool:
        raise Broken(f"{name} is broken")

    fail.__qualname__ = name
    return fail


def the_failure(failures: list[SystemFailed]) -> SystemFailed:
    """The only failure so far, which the test expected; taken out, so that the `app` fixture is content."""
    assert len(failures) == 1, failures
    return failures.pop()


class Gate:
    """Awaited in the background, opened from the frame."""

    def __init__(self) -> None:
        self._opened = asyncio.Event()

    async def passed(self, value: int = 0) -> int:
        """Wait for the opening; returns `value`."""
        await self._opened.wait()
        return value

    def open(self, app: App) -> None:
        """Open it. Returns at once."""
        app.tasks.spawn(self._open(), "open a gate").detach()

    async def _open(self) -> None:
        self._opened.set()


async def forever() -> None:
    """Work without an end, for cancelling."""
    await asyncio.Event().wait()
