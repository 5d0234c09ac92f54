"""How large models are, asked of their registries in the background."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from ecs_localai.components.models import LocalModelManager
from ecs_localai.components.registry import RegistryEntry
from ecs_localai.components.time_values import utc_now
from ecs_localai.ollama.errors import OllamaError, PullFailure
from ecs_localai.ollama.names import ModelName
from ecs_localai.ollama.registry import Manifest, entry_of, fetch_manifest
from ecs_localai.runtime import App, Task, Time, Timer
from ecs_localai.systems.installation_desk import is_local_registry
from ecs_localai.systems.links import settle
from ecs_localai.systems.persistence import SavedState

ASK_AGAIN_SECONDS = 60.0
"""After this long a registry that could not tell is asked again."""


class ModelSize(msgspec.Struct, frozen=True):
    """What is known of a model's size."""

    size: int | None
    """Bytes on disk: every distinct file once. None where it is not known."""
    reason: str = ""
    """Why it is not known, one sentence."""
    is_missing: bool = False
    """Whether the registry has no such model."""


@dataclass(slots=True)
class _Known:
    size: ModelSize
    until: float
    """In `Time.real_elapsed_seconds`."""


class ModelSizes:
    """Sizes by model name: each is looked up once, and kept with what is remembered of registries. A resource."""

    def __init__(self, app: App, saved: SavedState) -> None:
        self._app = app
        self._saved = saved
        self._known: dict[str, _Known] = {}
        self._looks: dict[str, Task[Manifest]] = {}
        self._timer: Timer | None = None

    def of(self, name: ModelName, time: Time) -> ModelSize | None:
        """How large a model is; None while that is being found out, which ends with something that arrives.

        What was remembered of the registry counts as long as it is fresh, and also when the registry cannot be asked.
        """
        key = name.key
        cache = self._app.world.resource(LocalModelManager).model_registry.cache
        entry = cache.fresh(name.short, utc_now())
        if entry is not None:
            self._known[key] = _Known(ModelSize(entry.total_bytes), float("inf"))
        known = self._known.get(key)
        if known is not None and time.real_elapsed_seconds < known.until:
            return known.size
        look = self._looks.get(key)
        if look is None:
            work = fetch_manifest(name, insecure=is_local_registry(name.host))
            look = self._looks[key] = self._app.tasks.spawn(work, f"size of {name.short}")
        if not look.is_finished():
            return known.size if known is not None else None
        del self._looks[key]
        answer = settle(look)
        size = self._take(name, answer, cache.entries.get(name.short))
        lifetime = float("inf") if size.size is not None else ASK_AGAIN_SECONDS
        self._known[key] = _Known(size, time.real_elapsed_seconds + lifetime)
        if size.size is None and not size.is_missing:
            self._wake_later(time)
        return size

    def is_due(self, time: Time) -> bool:
        """Whether a registry that could not tell may be asked again; true once."""
        timer = self._timer
        if timer is None or time.real_elapsed_seconds < timer.due:
            return False
        timer.drop()
        self._timer = None
        return True

    def forget_looks(self) -> None:
        """Nobody needs a model any more: give up what is being looked up."""
        for look in self._looks.values():
            look.cancel()  # before the look at it: it may end in between
            if look.is_finished():
                settle(look)
        self._looks.clear()
        if self._timer is not None:
            self._timer.drop()
            self._timer = None

    def _take(
        self, name: ModelName, answer: Manifest | OllamaError | None, remembered: RegistryEntry | None
    ) -> ModelSize:
        if isinstance(answer, Manifest):
            entry = entry_of(name, answer)
            self._app.world.resource(LocalModelManager).model_registry.cache.entries[name.short] = entry
            self._saved.set_registry_entry(entry)
            return ModelSize(entry.total_bytes)
        if answer is not None and answer.kind is PullFailure.NOT_FOUND:
            return ModelSize(None, answer.message, is_missing=True)
        if remembered is not None:
            return ModelSize(remembered.total_bytes)
        return ModelSize(None, answer.message if answer is not None else f"Looking {name.short} up was stopped.")

    def _wake_later(self, time: Time) -> None:
        if self._timer is None:
            self._timer = self._app.wakeups.timer(float("inf"))
        self._timer.restart(time, ASK_AGAIN_SECONDS)
