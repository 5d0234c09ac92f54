"""What happens when a system fails: the others still run, and somebody is told."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import esper

logger = logging.getLogger("ecs_localai")


@dataclass(frozen=True, slots=True)
class SystemFailed:
    """A system, a run condition, a command or a plain processor raised (Bevy: its error handler's context).

    An event, so that a panel or a test can read it, and the argument of the error handler.
    """

    system: str
    """The failing function's qualified name."""
    schedule: str
    """The schedule, and the set where there is one: ``Update/HOST_CONNECTION``."""
    error_type: str
    message: str
    traceback: str
    frame: int
    failures_in_a_row: int = 1
    """Of this system or condition, this one included. What is no system is not counted."""
    rests: bool = False
    """Whether it rests now, as the `FailurePolicy` says."""
    rests_seconds: float | None = None
    """How long, in real time; None where it does not rest, or rests until `App.resume_system`."""


ErrorHandler = Callable[[SystemFailed], None]


def describe_failure(
    system: str, schedule: str, error: BaseException, frame: int, *, failures_in_a_row: int = 1, rest: float = 0.0
) -> SystemFailed:
    """Turn a raised exception into the event that says so. `rest` is in seconds, 0 for none."""
    return SystemFailed(
        system=system,
        schedule=schedule,
        error_type=type(error).__name__,
        message=_message(error),
        traceback="".join(traceback.format_exception(error)),
        frame=frame,
        failures_in_a_row=failures_in_a_row,
        rests=rest > 0,
        rests_seconds=rest if 0 < rest < inf else None,
    )


def times_in_a_row(count: int) -> str:
    """For messages: how often something failed without working in between."""
    return "once" if count == 1 else f"{count} times in a row"


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as second:  # noqa: BLE001 - an exception's own __str__ is foreign code
        return f"(its message cannot be shown: {type(second).__name__})"


def dead_entity_error() -> RuntimeError | None:
    """Why no processor of the active world can run, if that is what is wrong with it.

    After `esper.delete_entity` of an entity that does not exist, esper 3.9 fails in every later `process`.
    """
    try:
        esper.clear_dead_entities()
    except KeyError as missing:
        return RuntimeError(
            f"esper.delete_entity was called for entity {missing}, which did not exist; esper cannot forget that, and "
            f"runs no plain processor in this world any more. Use World.despawn, or delete immediately."
        )
    return None


class LoggingErrorHandler:
    """The default handler: logs a failure in full when it is new, and quietly while it repeats."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()

    def __call__(self, failure: SystemFailed) -> None:
        """Log one failure."""
        key = (failure.system, failure.error_type)
        if key in self._seen:
            logger.debug("System %s failed again: %s", failure.system, failure.message)
            return
        self._seen.add(key)
        logger.error(
            "System %s (%s) failed in frame %d; the other systems go on.\n%s",
            failure.system,
            failure.schedule,
            failure.frame,
            failure.traceback,
        )
