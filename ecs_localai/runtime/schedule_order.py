"""The order of a frame's schedules, as data (Bevy: ``MainScheduleOrder`` in ``bevy_app/src/main_schedule.rs``)."""

from __future__ import annotations

from ecs_localai.runtime.errors import RuntimeSetupError
from ecs_localai.runtime.schedule import FRAME_ORDER, STARTUP_ORDER, ScheduleLabel, Update


class ScheduleOrder:
    """Which schedules an app runs, and when."""

    __slots__ = ("frame", "startup")

    def __init__(self) -> None:
        self.startup = list(STARTUP_ORDER)
        """Run once, in the first update, before everything else."""
        self.frame = list(FRAME_ORDER)
        """Run in every update."""

    @property
    def all(self) -> list[ScheduleLabel]:
        """Every schedule once: the startup's, then the frame's."""
        return [*self.only_startup, *self.frame]

    @property
    def only_startup(self) -> list[ScheduleLabel]:
        """Those that run once and never again."""
        return [label for label in self.startup if label not in self.frame]

    @property
    def before_update(self) -> list[ScheduleLabel]:
        """Those of the frame before `Update`."""
        return self.frame[: self.frame.index(Update)]

    @property
    def after_update(self) -> list[ScheduleLabel]:
        """Those of the frame after `Update`."""
        return self.frame[self.frame.index(Update) + 1 :]

    def insert(self, label: ScheduleLabel, *, after: ScheduleLabel | None, before: ScheduleLabel | None) -> None:
        """Run `label` right after, or right before, another schedule.

        Raises:
            RuntimeSetupError: it is there already, the other is not, or not exactly one of the two is given.
        """
        check_label(label)
        other = after if before is None else before
        if other is None or (after is not None and before is not None):
            raise RuntimeSetupError(f"Say where {label} is to run: give either after=… or before=….")
        if label in self.startup or label in self.frame:
            raise RuntimeSetupError(f"The schedule {label} has its place already: insert each one once.")
        for order in (self.frame, self.startup):
            if other in order:
                order.insert(order.index(other) + (before is None), label)
                return
        known = ", ".join(one.name for one in self.all)
        raise RuntimeSetupError(f"{label} is to run next to {other}, which is none of the schedules: {known}.")


def check_label(label: object) -> None:
    """See that something is a schedule's label.

    Raises:
        RuntimeSetupError: it is not.
    """
    if not isinstance(label, ScheduleLabel):
        shown = getattr(label, "__qualname__", repr(label))
        raise RuntimeSetupError(
            f"{shown} is not a schedule: the schedule comes first, as in add_systems(Update, move). One of your own is "
            f"ScheduleLabel({shown if isinstance(label, str) else repr('Physics')})."
        )
