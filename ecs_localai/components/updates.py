"""Whether an installed model is the newest of its name, as its registry tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from ecs_localai.components.time_values import Timestamp


class UpdateState(StrEnum):
    """What a registry has under a model's name, compared with what is installed."""

    CURRENT = "Current"
    OUTDATED = "Outdated"
    POSSIBLY = "Possibly"
    """The manifests differ, but that may be the way they are written: Ollama before 0.19 writes them anew, and what
    was made on the host ends in a line end. Or it may be another model of that name, made there
    (`ModelUpdate.may_be_another`)."""
    LOCAL = "Local"
    """No registry has it: it was made here, or taken away there."""
    UNKNOWN = "Unknown"
    """The registry could not be asked."""


class ModelUpdate(msgspec.Struct, frozen=True):
    """What was found out about one installed model."""

    model_name: str
    state: UpdateState
    digest: str = ""
    """Of the installed manifest that was compared: for another one this says nothing."""
    checked_at: Timestamp | None = None
    reason: str = ""
    """Why it is not known, or only possible, one sentence."""
    pushed_at: Timestamp | None = None
    """When the registry's version was put there, where it tells."""
    may_be_another: bool = False
    """Whether what is installed may be no version of the registry's model, which would replace it: `reason` says so."""


@dataclass(slots=True)
class HostUpdates:
    """What is known of newer versions of a host's models: a component on the host's entity."""

    by_name: dict[str, ModelUpdate] = field(default_factory=dict)
    """By `InstalledModel.name`."""
    is_checking: bool = False
    checked_at: Timestamp | None = None
    """When all were last compared; None: never."""
