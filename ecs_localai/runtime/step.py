"""One call of a frame, and whoever holds it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, Protocol


class _PassedOver:
    """What a step returns that did not run. False, as a condition that was not asked does not hold."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "PASSED_OVER"


PASSED_OVER: Final = _PassedOver()
"""What a step returns when its conditions, or a rest after many failures, kept it from running."""


class Step(Protocol):
    """One call of a frame: ``step.call(*step.args)``."""

    name: str
    call: Callable[..., object]
    args: tuple[object, ...]


def bound(step: Step) -> Callable[[], object]:
    """The step as one call without arguments, which is as cheap as a call can be. Right until `step.call` changes."""
    return partial(step.call, *step.args) if step.args else step.call


class StepHolder(Protocol):
    """What runs steps and can be handed another one in the place of one of them.

    `FailingSystems` asks for that when a step fails, and again when it works.
    """

    def replace_step(self, old: Step, new: Step) -> None:
        """Run `new` where `old` was. Does nothing where it is not held any more."""


def system_behind(step: object) -> object:
    """The system that a step runs, whatever was put around it. Other steps stand for themselves."""
    return getattr(step, "system", step)
