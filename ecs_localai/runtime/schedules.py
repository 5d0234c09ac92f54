"""All schedules of an app, by their labels (Bevy: ``Schedules``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ecs_localai.runtime.errors import RuntimeSetupError
from ecs_localai.runtime.fixed import FixedLoop, FixedTime
from ecs_localai.runtime.schedule import (
    FixedUpdate,
    Schedule,
    ScheduleLabel,
    StateTransition,
)
from ecs_localai.runtime.schedule_order import ScheduleOrder, check_label
from ecs_localai.runtime.steps import Segment

if TYPE_CHECKING:
    from random import Random

    from ecs_localai.runtime.app import App
    from ecs_localai.runtime.state_transitions import StateTransitions


class Schedules:
    """Those of the frame, which are always there, and those of state transitions, which come as they are named."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.order = ScheduleOrder()
        self._by_label = {label: Schedule(label, app) for label in self.order.all}
        self.fixed_time = FixedTime()
        self._transitions: StateTransitions | None = None
        self._is_started = False

    @property
    def transitions(self) -> StateTransitions:
        """What changes states; made, and imported, for programs that have some."""
        if self._transitions is None:
            from ecs_localai.runtime.state_transitions import StateTransitions

            self._transitions = StateTransitions(self._app)
        return self._transitions

    def insert(self, label: ScheduleLabel, *, after: ScheduleLabel | None, before: ScheduleLabel | None) -> None:
        """Have one more schedule; for what it raises see `ScheduleOrder.insert`."""
        self.order.insert(label, after=after, before=before)
        self._by_label[label] = Schedule(label, self._app)

    def __iter__(self) -> Iterator[Schedule]:
        """All schedules in the order they run; those that are run from one of these come last."""
        labels = dict.fromkeys((*self.order.all, *self._by_label))
        return iter([self._by_label[label] for label in labels])

    def compile_for_looking(self) -> None:
        """Compile all schedules, without shuffling, for a look at their segments.

        Raises:
            ScheduleError: an order is impossible.
        """
        for schedule in self:
            schedule.compile(None)

    def get(self, label: ScheduleLabel) -> Schedule:
        """The schedule to add systems to.

        Raises:
            RuntimeSetupError: there is none with this label, or it is not a label.
        """
        check_label(label)
        schedule = self._by_label.get(label)
        if schedule is None and label.is_of_transitions:
            schedule = self._by_label[label] = Schedule(label, self._app)
        if schedule is None:
            known = ", ".join(one.name for one in self._by_label if not one.is_of_transitions)
            raise RuntimeSetupError(
                f"There is no schedule {label}. Use one of {known}, or OnEnter, OnExit or OnTransition of a state; "
                f"for one of your own call App.insert_schedule first."
            )
        return schedule

    def compile(self, shuffle: Random | None) -> dict[ScheduleLabel, list[Segment]]:
        """What each schedule runs, in the order to run it.

        Raises:
            ScheduleError: an order is impossible, or a transition's states are none of the app's.
        """
        segments = {label: schedule.compile(shuffle) for label, schedule in self._by_label.items()}
        if self._transitions is not None or any(label.is_of_transitions for label in segments):
            segments[StateTransition] = self.transitions.place(segments) + segments[StateTransition]
        if segments[FixedUpdate]:
            loop = FixedLoop(self._app.time, self.fixed_time, segments[FixedUpdate])
            segments[FixedUpdate] = [Segment("FixedUpdate", None, [loop], [], self._app)]
        return segments

    def startup(self, segments: dict[ScheduleLabel, list[Segment]], shuffle: Random | None) -> list[Segment]:
        """What is still to run of the startup's schedules: all of it, and later what late plugins have added.

        Raises:
            ScheduleError: an order is impossible.
        """
        if not self._is_started:
            return [segment for label in self.order.startup for segment in segments[label]]
        return [segment for label in self.order.only_startup for segment in self._by_label[label].compile_new(shuffle)]

    def started(self) -> None:
        """Remember that the startup's schedules have run, with all the systems they have."""
        self._is_started = True
        for label in self.order.only_startup:
            self._by_label[label].mark_run()
