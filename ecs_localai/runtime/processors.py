"""The app as plain esper sees it: processors in the world, in order of priority."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, Final

import esper

from ecs_localai.runtime.sets import SystemSet

if TYPE_CHECKING:
    from ecs_localai.runtime.app import App

FIRST_PRIORITY = 1000
"""The frame's first processor. A host's own processors, at esper's default of 0, run after all of ours."""
PRIORITY_STEP = 10
LONGEST_STEP_SECONDS: Final = 86_400.0
"""A day. What is longer is taken for a mistake, such as the time of day instead of the time since the last frame."""


def delta_of(first: object) -> float | None:
    """How long the frame is, in seconds, where a host has said so first thing in its `esper.process`, as games do.

    None if it is no such number: below 0, infinite, no number at all, or longer than `LONGEST_STEP_SECONDS`. It is
    the host's own then, and real time is measured.
    """
    if first.__class__ is not float and (isinstance(first, bool) or not isinstance(first, (int, float))):
        return None
    return first if 0 <= first <= LONGEST_STEP_SECONDS else None


class FramePart(esper.Processor):
    """Base of the app's processors: each runs a stretch of the frame.

    They are visible with plain esper, and `esper.process` in the app's world runs the same frame as
    `App.update`.
    """

    process: Callable[..., None]
    """What esper calls."""

    _run: Callable[..., None]
    has_run: bool
    """Whether it has run in this frame; always True unless `note_runs` was asked for."""

    def __init__(self) -> None:
        self.set_parts(())

    def set_parts(self, parts: Sequence[Callable[[], None]]) -> None:
        """Choose what to run."""
        self._run = self.process = _in_turn(tuple(parts))
        self.has_run = True

    def note_runs(self) -> None:
        """Keep `has_run` true to the facts from now on, at the price of a call in every frame."""
        self.process = self._noted

    def _noted(self, *_args: object, **_kwargs: object) -> None:
        self.has_run = True
        self._run()


def _in_turn(parts: tuple[Callable[[], None], ...]) -> Callable[..., None]:
    def run(*_args: object, **_kwargs: object) -> None:  # what a host passes to `esper.process` is for its own
        for part in parts:
            part()

    return run


class SetProcessor(FramePart):
    """One system set as one esper processor. Subclass it once for each visible set. Bevy needs none: it has no esper.

    ``class Movement(SetProcessor): system_set = Step.MOVE``, then ``app.add_set_processors(Movement())``.
    """

    system_set: ClassVar[SystemSet]


class FrameStart(FramePart):
    """Begins the frame: clock, arrivals, events; then the startup schedules (once), First and PreUpdate."""


class FrameEnd(FramePart):
    """Ends the frame: PostUpdate and Last."""


class AppProcessor(esper.Processor):
    """A bridge: added to a host's world, it runs one update of the app's own world a frame."""

    def __init__(self, app: App) -> None:
        self.app = app

    def process(self, *args: object, **_kwargs: object) -> None:
        """Run one update. Nothing that goes wrong in it reaches the host's frame."""
        self.app.update_contained(delta_of(args[0] if args else None))
