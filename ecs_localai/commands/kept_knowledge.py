"""What is kept in the data folder about models, for a command: read, and added to. Nothing is created."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ecs_localai.commands.kept_file import is_kept
from ecs_localai.components.registry import RegistryEntry
from ecs_localai.components.updates import HostUpdates
from ecs_localai.systems.known_models import installed_before
from ecs_localai.systems.persistence import SavedState


@dataclass(slots=True)
class KeptKnowledge:
    """What is known of models from before, and what was learnt meanwhile, which is kept."""

    registry: dict[str, RegistryEntry] = field(default_factory=dict)
    """What registries said, by model name."""
    installed: dict[str, RegistryEntry] = field(default_factory=dict)
    """What installed models consist of, by the digest that hosts list them by."""
    before: list[str] = field(default_factory=list)
    """Models that were installed from registries, the one that was last first."""
    used: list[str] = field(default_factory=list)
    """Models that were seen in use on hosts."""
    learnt: list[RegistryEntry] = field(default_factory=list)
    """To be kept with `registry`."""
    recognised: list[RegistryEntry] = field(default_factory=list)
    """To be kept with `installed`."""
    updates_of: Callable[[str], HostUpdates | None] = lambda base_url: None
    """What was found out about newer versions of a host's models, by its base URL."""
    compared: dict[str, HostUpdates] = field(default_factory=dict)
    """To be kept in its place."""


@contextmanager
def kept_knowledge(folder: Path) -> Iterator[KeptKnowledge]:
    """What is kept in this folder; nothing where nothing was kept."""
    knowledge = KeptKnowledge()
    if not is_kept(folder):
        yield knowledge
        return
    saved = SavedState(folder)
    try:
        knowledge.registry = saved.registry_entries()
        knowledge.installed = saved.installed_manifests()
        knowledge.before = list(dict.fromkeys(installed_before(reversed(saved.history()))))
        knowledge.updates_of = saved.host_updates
        knowledge.used = [_name_of(key) for key in saved.model_usage]
        yield knowledge
        for entry in knowledge.learnt:
            saved.set_registry_entry(entry)
        for entry in knowledge.recognised:
            saved.set_installed_manifest(entry)
        for base_url, updates in knowledge.compared.items():
            saved.set_host_updates(base_url, updates)
    finally:
        saved.close()


def _name_of(model_id: str) -> str:
    """The model's name in `InstalledModel.model_id`, which begins with the base URL of its host."""
    parts = model_id.split("://", 1)
    return parts[0] if len(parts) == 1 else parts[1].partition("/")[2]
