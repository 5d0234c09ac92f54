"""Making the world agree with what a host says of its models, and telling what is new."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from ecs_localai.components.events import (
    InstalledModelsChanged,
    LoadedModelsChanged,
    UIUpdateEvent,
    UIUpdateKind,
)
from ecs_localai.components.models import HostModels, InstalledModel, LoadedModel, ModelCapabilities, ModelRegistry
from ecs_localai.components.time_values import utc_now
from ecs_localai.runtime import EventWriter
from ecs_localai.store.state import ModelUsage
from ecs_localai.systems.model_sync import ModelsSnapshot
from ecs_localai.systems.persistence import SavedState

T = TypeVar("T")


class ModelNews:
    """Writes what is new of the models into the world, and tells it."""

    __slots__ = ("_installed", "_loaded", "_registry", "_saved", "_ui")

    def __init__(
        self,
        registry: ModelRegistry,
        saved: SavedState,
        installed: EventWriter[InstalledModelsChanged],
        loaded: EventWriter[LoadedModelsChanged],
        ui: EventWriter[UIUpdateEvent],
    ) -> None:
        self._registry = registry
        self._saved = saved
        self._installed = installed
        self._loaded = loaded
        self._ui = ui

    def forget_loaded(self, models: HostModels, base_url: str) -> None:
        """A host that is not there has nothing loaded."""
        if models.loaded:
            self._loaded.write(LoadedModelsChanged([], sorted(models.loaded), base_url))
            models.loaded.clear()
            self._ui.write(UIUpdateEvent(UIUpdateKind.MODELS_CHANGED))

    def take_in(self, snapshot: ModelsSnapshot, models: HostModels, base_url: str) -> None:
        """Make a host's models agree with the snapshot. What is newly loaded since the last one is being used."""
        known = self._registry.capabilities_by_digest
        for digest, capabilities in snapshot.capabilities.items():
            if known.get(digest) != capabilities:
                known[digest] = capabilities
                self._saved.set_capabilities(digest, capabilities)
        before, loaded_before = dict(models.installed), dict(models.loaded)
        after = {model.name: model for model in snapshot.installed}
        for name, model in after.items():
            self._remember(model, before.get(name), known.get(model.digest))
        replaced = {name for name in after.keys() & before.keys() if after[name].digest != before[name].digest}
        added = sorted((after.keys() - before.keys()) | replaced)
        removed = sorted((before.keys() - after.keys()) | replaced)
        loaded = {model.name: model for model in _as_installed(snapshot.loaded, after)}
        newly_loaded = sorted(loaded.keys() - loaded_before.keys())
        unloaded = sorted(loaded_before.keys() - loaded.keys())
        if after != before or loaded != loaded_before or not models.synced or models.error is not None:
            self._ui.write(UIUpdateEvent(UIUpdateKind.MODELS_CHANGED))
        _become(models.installed, after)
        _become(models.loaded, loaded)
        if added or removed:
            self._installed.write(InstalledModelsChanged(added, removed, base_url))
        if newly_loaded or unloaded:
            self._loaded.write(LoadedModelsChanged(newly_loaded, unloaded, base_url))
        if models.synced:  # what was loaded before we looked was not loaded while we looked
            there_before = {model.digest for model in loaded_before.values()}  # also of what was renamed meanwhile
            self._count_uses([name for name in newly_loaded if loaded[name].digest not in there_before], models)
        models.synced, models.error = True, None

    def _remember(
        self, model: InstalledModel, before: InstalledModel | None, capabilities: ModelCapabilities | None
    ) -> None:
        """Carry over what a host does not tell."""
        if capabilities is not None:
            model.capabilities = capabilities
        if before is not None:
            model.usage_count = before.usage_count
            model.last_used = before.last_used
            if before.digest == model.digest:
                model.performance_metrics = before.performance_metrics
            return
        usage = self._saved.model_usage.get(model.model_id) or self._saved.model_usage.get(model.name)
        if usage is not None:
            model.usage_count = usage.usage_count
            model.last_used = usage.last_used
            model.performance_metrics = usage.performance

    def _count_uses(self, names: list[str], models: HostModels) -> None:
        """A model that was loaded since we looked last is being used."""
        for name in names:
            model = models.installed.get(name)
            if model is not None:
                saved = self._saved.model_usage.get(model.model_id)
                # Another program that looks at this host counts the same use; it may have seen some that we have not.
                model.usage_count = max(model.usage_count + 1, saved.usage_count if saved is not None else 0)
                model.last_used = utc_now()
                usage = ModelUsage(model.usage_count, model.last_used, model.performance_metrics)
                self._saved.set_model_usage(model.model_id, usage)


def _as_installed(loaded: Iterable[LoadedModel], installed: dict[str, InstalledModel]) -> list[LoadedModel]:
    """A model that was renamed is listed by the name that it was loaded by (Ollama 0.9.3): call it what it is now.

    Of several names for the same it is the newest one, as ``/api/tags`` lists that first.
    """
    names = {model.digest: name for name, model in reversed(installed.items())}
    return [
        model
        if model.name in installed or model.digest not in names
        else msgspec.structs.replace(model, name=names[model.digest])
        for model in loaded
    ]


def _become(there: dict[str, T], wanted: dict[str, T]) -> None:
    """Change a dictionary in place: the default host's is shared with `LocalModelManager`."""
    if list(there.items()) != list(wanted.items()):
        there.clear()
        there.update(wanted)
