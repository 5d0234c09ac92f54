"""What is under way with a host: the link between its entity and its background work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from ecs_localai.ollama.errors import OllamaError
from ecs_localai.runtime import Task, TaskCancelled, Timer, Wakeups

if TYPE_CHECKING:
    from ecs_localai.systems.host_probe import ProbeResult
    from ecs_localai.systems.model_sync import ModelsSnapshot

T = TypeVar("T")


@dataclass(slots=True)
class HostLink:
    """What the systems have under way with one host: a component beside its `OllamaHostManager`."""

    probe_timer: Timer
    sync_timer: Timer
    probe: Task[ProbeResult] | None = None
    sync: Task[ModelsSnapshot] | None = None
    healthy_since: float | None = None
    """In `Time.real_elapsed_seconds`."""
    synced: bool = False
    """Whether the host's models have been seen: what was loaded before that was not loaded while we looked."""
    sync_error: str | None = None
    """Why the models could not be listed the last time, one sentence; None when they could."""
    sync_wanted: bool = False
    """Whether something changed that the next look at the models, not one under way, is to see."""
    deletions: dict[str, Task[None]] = field(default_factory=dict)
    """By model name."""

    def drop_work(self) -> None:
        """Cancel what is under way: the host it was for is no longer the one meant."""
        self.probe = None
        self.sync = None
        self.synced = False
        self.sync_error = None
        self.sync_wanted = False
        self.deletions.clear()


class HostLinks:
    """The links that were made, so that none outlives its entity, which a host program may delete. A resource."""

    def __init__(self, wakeups: Wakeups) -> None:
        self._wakeups = wakeups
        self._links: list[HostLink] = []

    def make(self) -> HostLink:
        """A link with nothing under way, whose first probe is due."""
        link = HostLink(self._wakeups.timer(), self._wakeups.timer(float("inf")))
        self._links.append(link)
        return link

    def end_others(self, links: Iterable[HostLink]) -> None:
        """End those that are none of these: their timers would be due for ever, their work would be for nobody."""
        kept = list(links)
        for link in self._links:
            if all(link is not one for one in kept):
                link.drop_work()
                link.probe_timer.drop()
                link.sync_timer.drop()
        self._links = kept


def settle(task: Task[T]) -> T | OllamaError | None:
    """A finished task's result, or the failure it ended with; None when it was cancelled.

    Raises whatever else the task raised: that would be a mistake of ours, which the frame isolates.
    """
    try:
        return task.check_ready()
    except OllamaError as error:
        return error
    except TaskCancelled:
        return None
