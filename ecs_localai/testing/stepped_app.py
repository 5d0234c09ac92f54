"""An app whose clock is moved by hand, and running it until something is the case."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

from ecs_localai.runtime import App, EventReader, SystemFailed

T = TypeVar("T")
E = TypeVar("E")
FRAME_SECONDS: Final = 1 / 60
NOT_READY_SECONDS: Final = 0.01
"""How long to wait before plugins that were not ready are asked again."""


class ConditionNotMet(AssertionError):
    """What a test waited for did not become true."""


class SteppedApp(App):
    """An `App` for tests: every frame is as long as it is told to be, however long it really takes.

    ``app.update()`` advances `frame_seconds`, ``app.update(dt)`` so many seconds (Bevy:
    ``TimeUpdateStrategy::ManualDuration``). Systems that fail are collected in `failures`.
    """

    def __init__(
        self, world: str | None = None, *, frame_seconds: float = FRAME_SECONDS, shuffle_seed: int | None = None
    ) -> None:
        super().__init__(world, shuffle_seed=shuffle_seed)
        self.frame_seconds = frame_seconds
        self.failures: list[SystemFailed] = []
        """What failed. Take out what your test expected: the fixture `app` fails the test for what is left."""
        self._captures: list[Callable[[], None]] = []
        self.set_error_handler(self.failures.append)

    def __enter__(self) -> SteppedApp:
        return self

    def update(self, dt: float | None = None) -> None:
        """Run one frame, `dt` seconds after the last one; `frame_seconds` when not told."""
        super().update(self.frame_seconds if dt is None else dt)
        for capture in self._captures:
            capture()

    def capture_events(self, kind: type[E]) -> list[E]:
        """A list that holds every event of this type, oldest first, and grows at the end of every `update`.

        It begins with what is still buffered.
        """
        caught: list[E] = []
        reader: EventReader[E] = self.events(kind).reader()
        self._captures.append(lambda: caught.extend(reader.read()))
        return caught


def run_until(
    app: App, condition: Callable[[], T], max_frames: int = 600, dt: float = FRAME_SECONDS, describe: str = ""
) -> T:
    """Run frames of `dt` seconds until `condition` returns something true, and return that. One is always run.

    While background tasks are in flight, a frame waits for what they bring, at most `dt` real seconds; otherwise the
    frames follow each other as fast as they can. So 600 frames are 10 s on the app's clock, at most about 10 s in
    real time, and milliseconds where nothing has to be waited for.

    Raises:
        ConditionNotMet: it was not true after `max_frames`; `describe` says in the message what was waited for.
    """
    arrived = threading.Event()
    begun = time.monotonic()
    app.tasks.set_wake(arrived.set)
    try:
        for _ in range(max_frames):
            arrived.clear()
            frame = app.time.frame
            app.update(dt)
            value = condition()
            if value:
                return value
            if app.time.frame == frame:
                arrived.wait(NOT_READY_SECONDS)
            elif app.tasks.in_flight and not app.tasks.pending:
                arrived.wait(dt)
    finally:
        app.tasks.set_wake(None)
    raise ConditionNotMet(_why(app, condition, max_frames, dt, describe, time.monotonic() - begun))


def _why(app: App, condition: Callable[[], object], frames: int, dt: float, describe: str, passed: float) -> str:
    code = getattr(condition, "__code__", None)
    where = f"the condition at {code.co_filename}:{code.co_firstlineno}" if code is not None else repr(condition)
    text = (
        f"Waited in vain for {describe or where}: not true after {frames} frames, {frames * dt:.2f} s on the app's "
        f"clock, {passed:.2f} s in real time."
    )
    if app.tasks.task_names:
        text += f" Still in flight: {', '.join(sorted(app.tasks.task_names))}."
    if isinstance(app, SteppedApp) and app.failures:
        first = app.failures[0]
        text += f" Systems failed, the first of them {first.system}: {first.error_type}: {first.message}"
    return text
