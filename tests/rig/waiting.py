"""Waiting for a condition with a deadline, instead of sleeping and hoping."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Steppable(Protocol):
    """What ``run_frames_until`` needs of an ``ecs_localai.runtime.App``."""

    def update(self, dt: float | None = None) -> object:
        """Runs one frame."""


class DeadlinePassed(AssertionError):
    """A condition did not come true in time: a failure of the test, not of the rig."""


def wait_until(
    condition: Callable[[], T], timeout: float = 10.0, describe: str | Callable[[], str] = "", poll: float = 0.01
) -> T:
    """Calls ``condition`` every ``poll`` seconds until it returns something true, and returns that.

    Raises DeadlinePassed after ``timeout`` seconds; its text holds ``describe`` (a text, or a function that makes
    one from what is then the case).
    """
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise DeadlinePassed(_failure(timeout, describe, condition))
        time.sleep(poll)


async def wait_until_async(
    condition: Callable[[], T], within: float = 10.0, describe: str | Callable[[], str] = "", poll: float = 0.01
) -> T:
    """``wait_until`` for coroutines: the event loop runs on between two looks at the condition.

    ``within`` is the deadline in seconds.
    """
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise DeadlinePassed(_failure(within, describe, condition))
        await asyncio.sleep(poll)


def run_frames_until(
    app: Steppable,
    condition: Callable[[], T],
    timeout: float = 10.0,
    describe: str | Callable[[], str] = "",
    pause: float = 0.01,
) -> T:
    """Runs frames of ``app`` until ``condition`` returns something true, and returns that.

    At least one frame is run. Between frames it gives way for ``pause`` seconds, so that the background thread gets
    the interpreter as it would beside a real frame rate. Raises DeadlinePassed after ``timeout`` seconds.
    """
    deadline = time.monotonic() + timeout
    frames = 0
    while True:
        app.update()
        frames += 1
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise DeadlinePassed(f"{_failure(timeout, describe, condition)} ({frames} frames were run)")
        time.sleep(pause)


def _failure(timeout: float, describe: str | Callable[[], str], condition: Callable[[], object]) -> str:
    text = describe() if callable(describe) else describe
    if not text:
        code = getattr(condition, "__code__", None)
        where = f"{code.co_filename}:{code.co_firstlineno}" if code is not None else repr(condition)
        text = f"the condition at {where}"
    return f"waited {timeout:g} s in vain for: {text}"
