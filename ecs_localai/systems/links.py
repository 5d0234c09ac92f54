"""What is under way with a host: the link between its entity and its background work."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from ecs_localai.ollama.errors import OllamaError
from ecs_localai.runtime import Task, TaskCancelled, Time, Timer, Wakeups

if TYPE_CHECKING:
    from ecs_localai.components.hosts import OllamaConfiguration
    from ecs_localai.ollama.deleting import Freed
    from ecs_localai.ollama.wire import TagEntry
    from ecs_localai.systems.host_probe import ProbeResult
    from ecs_localai.systems.model_sync import ModelsSnapshot
    from ecs_localai.systems.model_work import ModelWork

T = TypeVar("T")
logger = logging.getLogger("ecs_localai")
LEAST_BETWEEN_LOOKS = 2.0
"""Seconds. Asking ``/api/ps`` faster could crash servers before 0.32.4 (Ollama issue 17376)."""


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
    deletions: dict[str, Task[Freed]] = field(default_factory=dict)
    """By model name."""
    model_work: dict[str, ModelWork] = field(default_factory=dict)
    """What else is being done to models, by model name."""
    looks_wanted: list[float] = field(default_factory=list)
    """When the models are to be looked at besides, in `Time.real_elapsed_seconds`."""
    look_began: float = float("-inf")
    """When the last look at the models began, in `Time.real_elapsed_seconds`."""
    look_ended: float = float("-inf")
    """When it ended."""
    listed: dict[str, TagEntry] = field(default_factory=dict)
    """What the host told of its models the last time, by name."""
    asked_with: dict[str, TagEntry] = field(default_factory=dict)
    """What the look under way is compared with; empty where it is to tell everything."""

    def busy(self) -> dict[str, str]:
        """What is being done to which models, for example ``Deleting``."""
        doing = dict.fromkeys(self.deletions, "Deleting")
        return doing | {name: work.doing for name, work in self.model_work.items()}

    def take_over(self, former: HostLink) -> None:
        """Go on with what another link of the same host has under way with its models."""
        self.deletions.update(former.deletions)
        self.model_work.update(former.model_work)

    def look_again(self, time: Time, *after: float) -> None:
        """Have the models looked at in so many seconds, but not sooner after the last look than Ollama can bear."""
        self.looks_wanted.extend(time.real_elapsed_seconds + seconds for seconds in after)
        if self.sync is None:
            self.restart_sync_timer(time, max(0.0, self.sync_timer.due - time.real_elapsed_seconds))

    def restart_sync_timer(self, time: Time, at_most: float) -> None:
        """Have the models looked at in so many seconds, or sooner where somebody wants that."""
        now = time.real_elapsed_seconds
        self.looks_wanted = [due for due in self.looks_wanted if due > self.look_began]
        wanted = max(min(self.looks_wanted, default=float("inf")), self.look_ended + LEAST_BETWEEN_LOOKS)
        self.sync_timer.restart(time, min(at_most, max(0.0, wanted - now)))

    def ask_at_once(self) -> None:
        """Have the host probed in this frame, or else in one that comes at once."""
        self.probe_timer.stop()  # tells the timers that they have changed
        self.probe_timer.due = 0.0

    def drop_work(self) -> None:
        """Cancel the looks at the host that are under way: it is no longer the one meant. Work on models goes on."""
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
