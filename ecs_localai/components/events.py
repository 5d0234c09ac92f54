"""What happened, as events of the world: written by the systems, read by anybody."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

import msgspec

from ecs_localai.components.forgetting import Forgettable
from ecs_localai.components.installation import (
    InstallationErrorKind,
    InstallationProgress,
    InstallationStatus,
)
from ecs_localai.components.models import InstalledModel
from ecs_localai.components.preflight import Preflight
from ecs_localai.components.updates import ModelUpdate


class ModelInstallationStarted(msgspec.Struct, frozen=True):
    """A host has begun to install a model."""

    model_name: str
    installation_id: str
    estimated_size: int | None = None
    """Bytes to download; None when that is not known yet."""


class ModelInstallationProgress(msgspec.Struct, frozen=True):
    """An installation has come further, or its status changed."""

    installation_id: str
    progress: InstallationProgress
    model_name: str
    status: InstallationStatus
    fraction: float | None = None
    """0.0 to 1.0, never going back within one installation; None while the size is unknown."""


class ModelInstallationCompleted(msgspec.Struct, frozen=True):
    """A model is installed and was seen on its host."""

    installation_id: str
    model: InstalledModel
    installation_time: timedelta
    """From the start of the work to the model's appearance, as measured."""
    refetched_bytes: int = 0
    """What had to be fetched again for it, in bytes."""


class ModelInstallationFailed(msgspec.Struct, frozen=True):
    """An installation ended without its model."""

    installation_id: str
    model_name: str
    error_message: str
    """One sentence: what happened and what to do."""
    kind: InstallationErrorKind
    retryable: bool
    """Whether trying again, with nothing changed, may succeed."""


class ModelInstallationCancelled(msgspec.Struct, frozen=True):
    """An installation was stopped because somebody asked for it."""

    installation_id: str
    model_name: str
    resumable: bool
    """Whether installing it again goes on from what is there."""


class ModelInstallationPaused(msgspec.Struct, frozen=True):
    """An installation was paused because somebody asked for it. What has arrived stays on the host."""

    installation_id: str
    model_name: str


class ModelInstallationResumed(msgspec.Struct, frozen=True):
    """A paused installation is in the queue again."""

    installation_id: str
    model_name: str


class ModelDeleted(msgspec.Struct, frozen=True):
    """A model was removed from its host."""

    model_name: str
    freed_bytes: int | None
    """What that freed on the host's disk: files that other models share stay. None where that is not known."""
    host: str = ""
    """The base URL of the host."""
    unknown_reason: str = ""
    """Why it is not known what that freed, one sentence."""


class ModelDeleteFailed(msgspec.Struct, frozen=True):
    """A model could not be removed."""

    model_name: str
    error_message: str
    """One sentence: what happened and what to do."""
    host: str = ""
    """The base URL of the host; empty where there was no such host."""


class ModelAction(StrEnum):
    """What was done to a model, where that failed."""

    LOAD = "load"
    UNLOAD = "unload"
    COPY = "copy"
    RENAME = "rename"


class ModelLoaded(msgspec.Struct, frozen=True):
    """A model was loaded because somebody asked for it; one that was loaded already is kept as was asked."""

    model_name: str
    load_time: timedelta
    """From the request until the host said that it is there; measured here, as Ollama does not tell it."""
    pinned: bool
    """Whether it stays until somebody unloads it."""
    host: str
    """The base URL of the host."""


class ModelUnloaded(msgspec.Struct, frozen=True):
    """A model was taken out of a host's memory because somebody asked for it."""

    model_name: str
    host: str


class ModelCopied(msgspec.Struct, frozen=True):
    """A model has another name as well, or, if it was moved, instead."""

    model_name: str
    new_name: str
    moved: bool
    host: str


class ModelActionFailed(msgspec.Struct, frozen=True):
    """A model could not be loaded, unloaded, copied or renamed."""

    action: ModelAction
    model_name: str
    error_message: str
    """One sentence: what happened and what to do."""
    host: str = ""
    """The base URL of the host; empty where there was no such host."""


class PreflightDone(msgspec.Struct, frozen=True):
    """It is known what an installation would mean: its registry has been asked, or cannot be.

    What a registry said some minutes ago stands in `Preflights.done` until then; no event tells of it.
    """

    preflight: Preflight


class UpdatesChecked(msgspec.Struct, frozen=True):
    """A host's models, or one of them, were compared with what their registries have."""

    host: str
    """The base URL of the host."""
    updates: list[ModelUpdate]
    """Those that were compared."""


class RequiredModelReady(msgspec.Struct, frozen=True):
    """What an entity needs (`RequiresModel`) is there."""

    entity: int
    model_name: str
    """The model that is there: the one that was asked for, or a fallback."""
    host: str
    """The base URL of the host."""


class RequiredModelLost(msgspec.Struct, frozen=True):
    """What an entity needs was there and is not any more: it was deleted, or its host is gone."""

    entity: int
    model_name: str
    host: str
    reason: str
    """One sentence."""


class InstalledModelsChanged(msgspec.Struct, frozen=True):
    """Models have come or gone on a host, by whomever. A replaced model is in both lists."""

    added: list[str]
    removed: list[str]
    host: str = ""
    """The base URL of the host."""


class LoadedModelsChanged(msgspec.Struct, frozen=True):
    """Models were loaded into a host's memory, or unloaded."""

    added: list[str]
    removed: list[str]
    host: str = ""
    """The base URL of the host."""


class OllamaConnectionStatusChanged(msgspec.Struct, frozen=True):
    """A host appeared (`new_status`), disappeared, or is not there for another reason than before.

    The first look at a host that is not there tells so too, with both statuses False.
    """

    old_status: bool
    new_status: bool
    error_message: str | None = None
    """Why it is gone, one sentence; None when it appeared."""
    host: str = ""
    """Its base URL."""


class HostAdded(msgspec.Struct, frozen=True):
    """A host is in the list that was not there before."""

    host: str
    """Its base URL."""
    name: str


class HostRemoved(msgspec.Struct, frozen=True):
    """A host is not in the list any more."""

    host: str
    """Its base URL."""
    name: str


class HostChanged(msgspec.Struct, frozen=True):
    """A host's name, place, address or settings were changed, or it is, or is not any more, the default one."""

    host: str
    """Its base URL, the new one."""
    name: str
    is_default: bool
    former_host: str = ""
    """Its base URL before, where that has changed."""


class HostsFound(msgspec.Struct, frozen=True):
    """Looking for hosts has ended, or come on; `HostSearch.found` has them."""

    count: int
    """How many hosts are found by now that are not in the list."""
    finished: bool


class LocalServerChanged(msgspec.Struct, frozen=True):
    """The Ollama of this machine that we start and stop has come further."""

    state: str
    """A `LocalServerState`."""
    message: str | None = None
    """One sentence where something went wrong."""


class FeatureFlagToggled(msgspec.Struct, frozen=True):
    """A feature was switched."""

    feature_id: str
    old_state: bool
    new_state: bool
    user_initiated: bool
    """By a person, not by the program."""


class DataForgotten(msgspec.Struct, frozen=True):
    """Kept data was deleted, because a person asked for it."""

    what: Forgettable
    is_gone: bool
    """Whether no byte of it is left in the data folder."""
    message: str
    """One sentence or two: how it went, and where something may be left."""


class SettingsExported(msgspec.Struct, frozen=True):
    """The settings were written to a file, or could not be."""

    file: str
    """Where it lies; empty where there is none."""
    error_message: str | None = None
    """One sentence: what happened and what to do."""


class SettingsImported(msgspec.Struct, frozen=True):
    """A settings file was taken over, or could not be."""

    file: str
    changes: int
    """How many things are set otherwise now."""
    error_message: str | None = None
    """One sentence or more: what happened and what to do."""


class UIUpdateKind(StrEnum):
    """What in the panel is out of date."""

    EXPERIMENTAL_FEATURE_CHANGED = "ExperimentalFeatureChanged"
    HOST_CHANGED = "HostChanged"
    MODELS_CHANGED = "ModelsChanged"
    INSTALLATIONS_CHANGED = "InstallationsChanged"
    MEASUREMENTS_CHANGED = "MeasurementsChanged"
    DATA_CHANGED = "DataChanged"
    PREFLIGHT_CHANGED = "PreflightChanged"
    REQUIREMENTS_CHANGED = "RequirementsChanged"
    KNOWN_MODELS_CHANGED = "KnownModelsChanged"
    MODEL_TEXTS_CHANGED = "ModelTextsChanged"
    NOTICE = "Notice"


class UIUpdateEvent(msgspec.Struct, frozen=True):
    """Something that the panel shows has changed. Raises `ValueError` where the kind's field is missing."""

    kind: UIUpdateKind
    feature_id: str | None = None
    """Which feature, for `EXPERIMENTAL_FEATURE_CHANGED`."""
    enabled: bool | None = None
    """Its new state, for `EXPERIMENTAL_FEATURE_CHANGED`."""
    text: str | None = None
    """The sentence to show, for `NOTICE`."""

    def __post_init__(self) -> None:
        if self.kind is UIUpdateKind.EXPERIMENTAL_FEATURE_CHANGED:
            if self.feature_id is None or self.enabled is None:
                raise ValueError("A changed feature needs its id and its new state.")
        elif self.kind is UIUpdateKind.NOTICE and not self.text:
            raise ValueError("A notice needs a text.")
