"""Questions about the app itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import msgspec

from ecs_localai.remote.question import Question
from ecs_localai.remote.reading import WorldReader


class ScheduleNames(msgspec.Struct, frozen=True):
    """What `ListSchedules` is answered with."""

    schedule_labels: list[str]
    unavailable_schedule_labels: list[str]
    """Empty: unlike Bevy, we never take a schedule out of the world to run it."""
    empty_schedule_labels: list[str]
    """Those that have no system."""


class DescribeApp(Question):
    """``app.describe``: what `App.describe` returns. Bevy has nothing like it."""

    summary: ClassVar[str] = "The app from inside: plugins, systems in the order they run, entities, events, tasks."

    def pieces(self, reader: WorldReader) -> Iterator[object]:
        """One."""
        yield reader.describe()


class ListSchedules(Question):
    """``schedule.list`` (in Bevy since 0.19)."""

    summary: ClassVar[str] = "The names of all schedules."

    def pieces(self, reader: WorldReader) -> Iterator[object]:
        """One."""
        schedules = reader.describe().schedules
        empty = [schedule.name for schedule in schedules if not schedule.stages]
        yield ScheduleNames([schedule.name for schedule in schedules if schedule.stages], [], empty)
