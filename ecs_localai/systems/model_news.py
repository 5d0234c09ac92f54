"""Making the world agree with what a host says of its models, and telling what is new."""

from __future__ import annotations

from ecs_localai.components.events import (
    InstalledModelsChanged,
    LoadedModelsChanged,
    UIUpdateEvent,
    UIUpdateKind,
)
from ecs_localai.components.models import HostModels, InstalledModel, ModelCapabilities, ModelRegistry
from ecs_localai.components.time_values import utc_now
from ecs_localai.runtime import EventWriter
from ecs_localai.store.state import ModelUsage
from ecs_localai.systems.model_sync import ModelsSnapshot
from ecs_localai.systems.persistence import SavedState


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

    def learn(self, model: InstalledModel) -> None:
        """Its host has told what a model can do that was just installed: it need not be asked again."""
        if model.capabilities != ModelCapabilities():
            self._keep(model.digest, model.capabilities)

    def _keep(self, digest: str, capabilities: ModelCapabilities) -> None:
        known = self._registry.capabilities_by_digest
        if known.get(digest) != capabilities:
            known[digest] = capabilities
            self._saved.set_capabilities(digest, capabilities)

    def take_in(self, snapshot: ModelsSnapshot, models: HostModels, base_url: str) -> None:
        """Make a host's models agree with the snapshot. What is newly loaded since the last one is being used."""
        for digest, capabilities in snapshot.capabilities.items():
            self._keep(digest, capabilities)
        before, loaded_before = models.installed, dict(models.loaded)
        changed = self._changed(snapshot, before)
        replaced = {name for name in changed.keys() & before.keys() if changed[name].digest != before[name].digest}
        told = self._describe(snapshot, before) or bool(changed)
        added = removed = sorted(replaced)
        if snapshot.names is None:
            before.update(changed)
        else:
            installed = {name: changed.get(name) or before[name] for name in snapshot.names}
            added = [name for name in snapshot.sorted_names if name not in before or name in replaced]
            removed = sorted((before.keys() - installed.keys()) | replaced)
            before.clear()  # it stays the same dictionary: the default host's is shared with `LocalModelManager`
            before.update(installed)
        loaded = {model.name: model for model in snapshot.loaded}
        newly_loaded = sorted(loaded.keys() - loaded_before.keys())
        unloaded = sorted(loaded_before.keys() - loaded.keys())
        if told or removed or loaded != loaded_before or not models.synced or models.error is not None:
            self._ui.write(UIUpdateEvent(UIUpdateKind.MODELS_CHANGED))
        if list(loaded.items()) != list(loaded_before.items()):
            models.loaded.clear()  # as above
            models.loaded.update(loaded)
        if added or removed:
            self._installed.write(InstalledModelsChanged(added, removed, base_url))
        if newly_loaded or unloaded:
            self._loaded.write(LoadedModelsChanged(newly_loaded, unloaded, base_url))
        if models.synced:  # what was loaded before we looked was not loaded while we looked
            there_before = {model.digest for model in loaded_before.values()}  # also of what was renamed meanwhile
            self._count_uses([name for name in newly_loaded if loaded[name].digest not in there_before], models)
        models.synced, models.error = True, None

    def _changed(self, snapshot: ModelsSnapshot, before: dict[str, InstalledModel]) -> dict[str, InstalledModel]:
        """The models that are new or otherwise than they were, with what their host does not tell carried over."""
        changed = snapshot.installed
        usage = self._saved.model_usage
        if usage:
            for name in changed.keys() - before.keys():
                _recall(changed[name], usage)
        for name in changed.keys() & before.keys():
            _carry_over(changed[name], before[name])
            if changed[name] == before[name]:
                del changed[name]
        return changed

    def _describe(self, snapshot: ModelsSnapshot, before: dict[str, InstalledModel]) -> bool:
        """Say of the models that were there already what was found out of them; whether there was something new."""
        if not snapshot.capabilities:
            return False
        told = False
        for model in before.values():
            capabilities = snapshot.capabilities.get(model.digest)
            if capabilities is not None and capabilities != model.capabilities:
                model.capabilities = capabilities
                told = True
        return told

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


def _recall(model: InstalledModel, kept: dict[str, ModelUsage]) -> None:
    """What is kept of a model's use."""
    usage = kept.get(model.model_id) or kept.get(model.name)
    if usage is not None:
        model.usage_count = usage.usage_count
        model.last_used = usage.last_used
        model.performance_metrics = usage.performance


def _carry_over(model: InstalledModel, before: InstalledModel) -> None:
    """What a host does not tell, from the same model at the look before."""
    model.usage_count = before.usage_count
    model.last_used = before.last_used
    if before.digest == model.digest:
        model.performance_metrics = before.performance_metrics
