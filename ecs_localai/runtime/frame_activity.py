"""Whether a frame has anything to do: what lets an idle world cost next to nothing.

Bevy has no counterpart: its systems run every frame and find out for themselves. Here a set that only reacts
(to arrivals, events, new or changed entities, timers) can be declared with ``run_if(activity)`` and is then
passed over as a whole, for the price of one attribute, in frames in which none of these happened.
"""

from __future__ import annotations

import esper

from ecs_localai.runtime.changes import ChangeMarks
from ecs_localai.runtime.resources import Res
from ecs_localai.runtime.structure import NeverAComponent, Structure
from ecs_localai.runtime.time import Time, Wakeups


class Activity:
    """Tells whether something happened since the frame before. A resource of every app."""

    __slots__ = ("_marks", "_structure", "_version", "_waiting", "happened")

    def __init__(self, marks: ChangeMarks, structure: Structure) -> None:
        self._marks = marks
        self._structure = structure
        self._version = -1
        self._waiting = marks.waiting
        self.happened = True
        """Set at the beginning of a frame; also when commands are applied in the middle of one."""

    def look(self, arrived: int, events: bool, time: Time, wakeups: Wakeups) -> bool:
        """Decide it for the frame that begins; returns whether the world's structure has changed.

        Needs the app's world to be active.
        """
        marks = self._marks
        marked = marks.unsettled or (any(self._waiting) if self._waiting else False)
        if marked:
            marks.settle()
        structure = self._structure
        if esper.get_component(NeverAComponent) is not structure.seen:  # spares most frames a call
            structure.look()
        if structure.version != self._version:
            self._version = structure.version
            self.happened = True
            wakeups.due(time)
            return True
        is_due = (wakeups.stale or time.real_elapsed_seconds >= wakeups.next_due) and wakeups.due(time)
        self.happened = is_due or events or marked or arrived > 0
        return False

    def is_outdated(self) -> bool:
        """Whether the world's structure has changed, or something was marked, since `look`.

        Needs the app's world to be active.
        """
        self._structure.look()
        return self._marks.is_waiting or self._structure.version != self._version


def activity(seen: Res[Activity]) -> bool:
    """A run condition: something arrived or was marked, an event is buffered, entities changed, or a timer is due.

    Changing a component or resource in place is not seen by itself: mark it (`Changes`, `World.mark_changed`,
    `World.mark_resource_changed`), write an event, or call `Wakeups.request_frame`.
    """
    return seen.happened
