"""What is under way with a host: the link between its entity and its background work."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from ecs_localai.ollama.errors import OllamaError
from ecs_localai.runtime import Task, TaskCancelled, Timer

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
