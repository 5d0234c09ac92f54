"""Which of the app's processors there are in its esper world, in which order, and what each of them runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import esper

from ecs_localai.runtime.errors import RuntimeSetupError
from ecs_localai.runtime.processors import (
    FIRST_PRIORITY,
    PRIORITY_STEP,
    FrameEnd,
    FramePart,
    FrameStart,
    SetProcessor,
)
from ecs_localai.runtime.schedule import ScheduleLabel, Update
from ecs_localai.runtime.schedule_order import ScheduleOrder
from ecs_localai.runtime.sets import SystemSet
from ecs_localai.runtime.steps import InTurn, Segment
from ecs_localai.runtime.world import World


class FrameLayout:
    """The processors of one app: the frame's beginning, its visible sets, its end."""

    def __init__(self, world: World, begin: Callable[..., None], end: Callable[..., None]) -> None:
        self._world = world
        self._begin_frame = begin
        self._end_frame = end
        self.start = FrameStart()
        self.start.process = begin
        self.end = FrameEnd()
        self.end.set_parts((end,))
        self.segments: tuple[Segment, ...] = ()
        """What a frame runs between its beginning and its end."""
        self.processors: list[FramePart] = [self.start, self.end]
        """In the order in which they run."""
        self._notes_runs = False  # whether it is noted which sets a frame has come to
        self.install()

    def add(self, processors: tuple[SetProcessor, ...]) -> None:
        """Put these before the frame's end.

        Raises:
            RuntimeSetupError: a set or a class of processor is there already, or one names no set.
        """
        for added in processors:
            if not isinstance(added, SetProcessor) or not isinstance(getattr(added, "system_set", None), SystemSet):
                shown = added.__name__ if isinstance(added, type) else type(added).__name__
                raise RuntimeSetupError(
                    f"{shown} shows no set: give an instance of a subclass of SetProcessor that names one, as in class "
                    f"Movement(SetProcessor): system_set = Step.MOVE, and add_set_processors(Movement())."
                )
            for there in self.processors:
                if type(there) is type(added):
                    raise RuntimeSetupError(
                        f"There is a processor {type(added).__name__} already: add each class once."
                    )
                if isinstance(there, SetProcessor) and there.system_set is added.system_set:
                    raise RuntimeSetupError(
                        f"{type(added).__name__} and {type(there).__name__} are both for {added.system_set}: a set "
                        f"has one processor."
                    )
            self.processors.insert(-1, added)
        self.install()

    def arrange(
        self, segments: Mapping[ScheduleLabel, list[Segment]], schedules: ScheduleOrder, in_turn: InTurn
    ) -> list[Segment]:
        """Share the schedules' segments out to the processors; returns those that come before all sets.

        Segments of `Update` that belong to no visible set run with the processor before them, so that the
        processors in the world stay the same ones.
        """
        parts: dict[FramePart, list[Segment]] = {processor: [] for processor in self.processors}
        by_set = {one.system_set: one for one in self.processors if isinstance(one, SetProcessor)}
        for label in schedules.before_update:
            parts[self.start] += segments[label]
        current: FramePart = self.start
        order: list[FramePart] = [self.start]
        for segment in segments[Update]:
            if segment.system_set is not None:
                current = by_set[segment.system_set]
                order.append(current)
            parts[current].append(segment)
        order.append(self.end)
        if order != self.processors:
            self.remove()
            self.processors = order
            self.install()
        for processor in order[1:-1]:
            processor.set_parts((partial(in_turn, parts[processor]),))
        self._notes_runs = False
        self.start.process = self._begin_frame
        at_end = [segment for label in schedules.after_update for segment in segments[label]]
        self.end.set_parts((partial(in_turn, at_end), self._end_frame))
        in_sets = [segment for processor in order[1:-1] for segment in parts[processor]]
        self.segments = (*in_sets, *at_end)
        return parts[self.start]

    def run(self, dt: float | None) -> None:
        """Run one frame of all our processors, as esper would. Needs the world to be active."""
        self.start.process(dt)
        for processor in self.processors[1:]:
            processor.process()

    def is_alone(self) -> bool:
        """Whether `esper.process` would run our processors, in their order, and do nothing else.

        What it would do is not public. Should a later esper not have these names, the answer is no, and frames cost
        what `esper.process` costs for a handful of processors.
        """
        try:
            return esper._processors == self.processors and not (esper._dead_entities or self._notes_runs)
        except AttributeError:
            return False

    def finish(self) -> None:
        """Run what is left of a frame that was broken off: the sets that it did not come to, and its end.

        The first time nobody knows which those were, and only the end is run. From then on it is noted.
        """
        sets = self.processors[1:-1]
        for processor in sets:
            if not processor.has_run:
                processor.process()
        if not self._notes_runs:
            self._notes_runs = True
            for processor in sets:
                processor.note_runs()
            self.start.process = self._begin_noting
        self.end.process()

    def _begin_noting(self, *args: object, **kwargs: object) -> None:
        self._begin_frame(*args, **kwargs)
        if self._notes_runs:  # the beginning may have arranged everything anew
            for processor in self.processors[1:-1]:
                processor.has_run = False

    def processor_name(self, system_set: SystemSet) -> str:
        """The class of the processor that shows a visible set."""
        return next(
            type(one).__name__
            for one in self.processors
            if isinstance(one, SetProcessor) and one.system_set is system_set
        )

    def install(self) -> None:
        """Put the processors into the world, in their order."""
        self.remove()
        with self._world.active():
            for position, processor in enumerate(self.processors):
                esper.add_processor(processor, FIRST_PRIORITY - position * PRIORITY_STEP)

    def restore(self) -> bool:
        """Put back the processors that somebody has removed; whether there were any. Needs the world to be active.

        May be called while `esper.process` runs one of them: those that are there keep their place in its list.
        """
        missing = False
        for position, processor in enumerate(self.processors):
            if esper.get_processor(type(processor)) is not processor:
                esper.remove_processor(type(processor))
                esper.add_processor(processor, FIRST_PRIORITY - position * PRIORITY_STEP)
                missing = True
        return missing

    def remove(self) -> None:
        """Take the processors out of the world."""
        if self._world.name in esper.list_worlds():
            with self._world.active():
                for processor in self.processors:
                    esper.remove_processor(type(processor))
