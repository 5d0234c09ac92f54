"""What is known of models in a registry, and for how long it may be believed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from ecs_localai.components.model_facts import ModelFacts
from ecs_localai.components.time_values import Timestamp


class RegistryLayer(msgspec.Struct, frozen=True):
    """One file of a model, as its manifest lists it."""

    digest: str
    """For example ``sha256:74701a…``."""
    size: int
    """Bytes."""
    media_type: str = ""


class RegistryEntry(msgspec.Struct, frozen=True):
    """A model's manifest, as a registry gave it."""

    model_name: str
    digest: str
    """Of the manifest itself."""
    layers: list[RegistryLayer]
    """All layers and, last, the configuration."""
    fetched_at: Timestamp
    facts: ModelFacts | None = None
    """What its files say, where that was read as well."""

    @property
    def total_bytes(self) -> int:
        """What a first download takes: every distinct file once."""
        return sum({layer.digest: layer.size for layer in self.layers}.values())


@dataclass(slots=True)
class ModelRegistryCache:
    """Manifests by model name, each believed for `lifetime` after it was fetched."""

    entries: dict[str, RegistryEntry] = field(default_factory=dict)
    lifetime: timedelta = timedelta(minutes=10)
    facts: dict[str, ModelFacts] = field(default_factory=dict)
    """What the files of a manifest say, by its digest: that never changes."""

    def fresh(self, model_name: str, now: datetime) -> RegistryEntry | None:
        """The entry of this model, or None where there is none or it is too old."""
        entry = self.entries.get(model_name)
        return entry if entry is not None and now - entry.fetched_at < self.lifetime else None

    def forget_old(self, now: datetime) -> None:
        """Drops what is too old to be believed."""
        old = [name for name, entry in self.entries.items() if now - entry.fetched_at >= self.lifetime]
        for name in old:
            del self.entries[name]
