"""What is under way with a host: the link between its entity and its background work."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from ecs_localai.ollama.errors import OllamaError
from ecs_localai.runtime import Task, TaskCancelled, Timer, Wakeups

if TYPE_CHECKING:
    from ecs_localai.components.hosts import OllamaConfiguration
    from ecs_localai.systems.host_probe import ProbeResult
    from ecs_localai.systems.model_sync import ModelsSnapshot

T = TypeVar("T")
logger = logging.getLogger("ecs_localai")


@dataclass(slots=True)
class HostLink:
    """What the systems have under way with one host: a component beside its `OllamaHostManager`."""

    probe_timer: Timer
    sync_timer: Timer
    probe: Task[ProbeResult] | None = None
    sync: Task[ModelsSnapshot] | None = None
    config: OllamaConfiguration | None = None
    """The configuration that was seen last, to notice when a program has replaced it."""
    is_guests: bool = False
    """Whether a host program has spawned the entity: what it brought stays there when the app ends."""
    healthy_since: float | None = None
    """In `Time.real_elapsed_seconds`."""
    edited: OllamaConfiguration | None = None
    """What `OllamaHosts.edit` made of the configuration, and has told: only what a program did is told later."""
    interval: float = 0.0
    """Seconds between the last two probes, before chance had its share."""
    changes: deque[float] = field(default_factory=lambda: deque(maxlen=16))
    """When the host came or went, in `Time.real_elapsed_seconds`, the newest last."""
    answers_in_a_row: int = 0
    sync_wanted: bool = False
    """Whether something changed that the next look at the models, not one under way, is to see."""
    deletions: dict[str, Task[None]] = field(default_factory=dict)
    """By model name."""

    def ask_at_once(self) -> None:
        """Have the host probed in this frame, or else in one that comes at once."""
        self.probe_timer.stop()  # tells the timers that they have changed
        self.probe_timer.due = 0.0

    def drop_work(self) -> None:
        """Cancel the looks at the host that are under way: it is no longer the one meant. Deletions go on."""
        self.drop_probe()
        self.drop_sync()
        self.sync_wanted = False

    def drop_probe(self) -> None:
        """Cancel the probe that is under way: what it asks with is out of date."""
        _let_go(self.probe)
        self.probe = None

    def drop_sync(self) -> None:
        """Cancel the look at the models that is under way."""
        _let_go(self.sync)
        self.sync = None


class HostLinks:
    """The links that were made, so that none outlives its entity, which a host program may delete. A resource."""

    def __init__(self, wakeups: Wakeups) -> None:
        self._wakeups = wakeups
        self._links: list[HostLink] = []

    def make(self) -> HostLink:
        """A link with nothing under way, whose first probe is due, and whose models are wanted once it is there."""
        link = HostLink(self._wakeups.timer(), self._wakeups.timer(float("inf")), sync_wanted=True)
        self._links.append(link)
        return link

    def end_others(self, links: Iterable[HostLink]) -> None:
        """End those that are none of these: their timers would be due for ever, their work would be for nobody."""
        kept = {id(link): link for link in links}
        if kept.keys() == {id(link) for link in self._links}:
            return
        for link in self._links:
            if id(link) not in kept:
                link.drop_work()
                link.probe_timer.drop()
                link.sync_timer.drop()
        self._links = list(kept.values())


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


def _let_go(task: Task[T] | None) -> None:
    """How a task has failed that nobody wants any more is not logged, unless the mistake is ours."""
    if task is None:
        return
    task.cancel()  # before the look: it may fail in between, because its client is being closed
    try:
        if task.is_finished():
            settle(task)
    except Exception:  # logged: whoever lets go of it can do nothing about it
        logger.exception("The background task %s failed in an unexpected way.", task.name)
