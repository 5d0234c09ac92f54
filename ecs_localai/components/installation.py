"""Installing a model: asking for it, waiting, watching, and what is remembered afterwards."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

import msgspec

from ecs_localai.components.installation_errors import InstallationError, InstallationErrorKind
from ecs_localai.components.recipe import ModelRecipe
from ecs_localai.components.registry import ModelRegistryCache
from ecs_localai.components.time_values import Timestamp, utc_now
from ecs_localai.runtime.entity import Entity

if TYPE_CHECKING:
    from ecs_localai.components.models import InstalledModel
    from ecs_localai.runtime.tasks import Task

__all__ = [
    "DownloadConfig",
    "DownloadRequest",
    "DownloadRetry",
    "InstallationError",
    "InstallationErrorKind",
    "InstallationPhase",
    "InstallationProgress",
    "InstallationRecord",
    "InstallationStatus",
    "LayerProgress",
    "ModelInstallRequest",
    "ModelInstallation",
    "ModelInstallationManager",
    "ModelInstallationTask",
    "WaitReason",
]

HISTORY_LIMIT = 200
"""How many ended installations are remembered; the oldest goes first."""


class InstallationPhase(StrEnum):
    """Where an installation stands, without the reason of a failure."""

    QUEUED = "Queued"
    DOWNLOADING = "Downloading"
    EXTRACTING = "Extracting"
    VERIFYING = "Verifying"
    INSTALLING = "Installing"
    PAUSED = "Paused"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class InstallationStatus(msgspec.Struct, frozen=True):
    """Where an installation stands; a failed one carries its reason.

    ``status == InstallationStatus.COMPLETED``, ``InstallationStatus.failed("The disk is full.")``,
    ``status.kind is InstallationPhase.FAILED``. Raises `ValueError` for a failure without a reason and
    for a reason without a failure.
    """

    QUEUED: ClassVar[InstallationStatus]
    DOWNLOADING: ClassVar[InstallationStatus]
    EXTRACTING: ClassVar[InstallationStatus]
    VERIFYING: ClassVar[InstallationStatus]
    INSTALLING: ClassVar[InstallationStatus]
    PAUSED: ClassVar[InstallationStatus]
    COMPLETED: ClassVar[InstallationStatus]
    CANCELLED: ClassVar[InstallationStatus]

    kind: InstallationPhase
    reason: str | None = None

    def __post_init__(self) -> None:
        if self.kind is InstallationPhase.FAILED:
            if not self.reason:
                raise ValueError("A failed installation needs a reason.")
        elif self.reason is not None:
            raise ValueError(f"Only a failed installation has a reason; this one is {self.kind.value}.")

    @classmethod
    def failed(cls, reason: str) -> InstallationStatus:
        """The status of an installation that failed for this reason, a sentence."""
        return cls(InstallationPhase.FAILED, reason)

    @property
    def is_failed(self) -> bool:
        """Whether it failed; `reason` says why."""
        return self.kind is InstallationPhase.FAILED

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen by itself: completed, failed or cancelled."""
        return self.kind in _FINISHED

    @property
    def is_running(self) -> bool:
        """Whether a host is at work on it now."""
        return self.kind in _RUNNING


InstallationStatus.QUEUED = InstallationStatus(InstallationPhase.QUEUED)
InstallationStatus.DOWNLOADING = InstallationStatus(InstallationPhase.DOWNLOADING)
InstallationStatus.EXTRACTING = InstallationStatus(InstallationPhase.EXTRACTING)
InstallationStatus.VERIFYING = InstallationStatus(InstallationPhase.VERIFYING)
InstallationStatus.INSTALLING = InstallationStatus(InstallationPhase.INSTALLING)
InstallationStatus.PAUSED = InstallationStatus(InstallationPhase.PAUSED)
InstallationStatus.COMPLETED = InstallationStatus(InstallationPhase.COMPLETED)
InstallationStatus.CANCELLED = InstallationStatus(InstallationPhase.CANCELLED)

_FINISHED = frozenset({InstallationPhase.COMPLETED, InstallationPhase.FAILED, InstallationPhase.CANCELLED})
_RUNNING = frozenset(
    {
        InstallationPhase.DOWNLOADING,
        InstallationPhase.EXTRACTING,
        InstallationPhase.VERIFYING,
        InstallationPhase.INSTALLING,
    }
)


class DownloadRetry(msgspec.Struct, frozen=True):
    """A download is being tried again, because of what may pass."""

    attempt: int
    """Which try this is: 2 for the first one after a failure."""
    attempts: int
    """How many there are at the most, unless one gets further than those before: then they count anew."""
    reason: str
    """Why the one before came to nothing, without an end: ``The registry's download server failed``."""


class InstallationProgress(msgspec.Struct, frozen=True):
    """How far a download is. A value: a new one replaces the old, so an event may hold on to it."""

    bytes_downloaded: int = 0
    total_bytes: int = 0
    """Zero while the size is unknown."""
    download_speed: float = 0.0
    """Bytes per second."""
    eta: timedelta | None = None
    """The time left; None while it cannot be told."""
    rolled_back_bytes: int = 0
    """Of `bytes_downloaded`, what the host has thrown away and is fetching again: it never goes back itself."""
    still_for: timedelta | None = None
    """How long a download has stood still, in whole seconds; None while bytes come, and before some seconds without."""
    retry: DownloadRetry | None = None
    """Why and how often it is tried again; None in the first try, and once that brings bytes."""

    @property
    def fraction(self) -> float | None:
        """0.0 to 1.0, or None while the size is unknown."""
        return min(1.0, self.bytes_downloaded / self.total_bytes) if self.total_bytes > 0 else None


class DownloadConfig(msgspec.Struct, frozen=True):
    """How a model is to be downloaded. Raises `ValueError` for senseless numbers."""

    insecure: bool = False
    """Plain HTTP to the registry, whatever its host: only for a registry of your own."""
    max_retries: int = 3
    """How often a failure that may pass is tried again before it counts."""
    stall_timeout: timedelta = timedelta(seconds=90)
    """Without a new byte for this long, the download counts as stalled and is started again.
    Ollama's own retries can take 63 seconds, so less would disturb them."""
    ignores_room: bool = False
    """Whether it is begun also where the models' disk is too small for it, as far as that can be seen."""
    replaces_unread: bool = False
    """Whether a model that is there is pulled over also where its registry does not show us what would replace it."""

    def __post_init__(self) -> None:
        if self.max_retries < 0:
            raise ValueError(f"The number of retries must be zero or more, not {self.max_retries}.")
        if self.stall_timeout <= timedelta(0):
            raise ValueError("The time after which a download counts as stalled must be longer than zero.")


class LayerProgress(msgspec.Struct, frozen=True):
    """How far one file of a model is. Sizes in bytes."""

    digest: str
    size: int
    """Zero while it is unknown."""
    downloaded: int = 0
    is_done: bool = False


class WaitReason(StrEnum):
    """Why an installation that is queued, or paused, does not go on."""

    TURN = "Turn"
    """Others are before it."""
    HOST = "Host"
    """Its host is not there. It goes on by itself when the host is."""
    SHARED_LAYER = "SharedLayer"
    """Another installation on the host is fetching a file that it needs, too."""
    SCHEDULED = "Scheduled"
    """Its time has not come (`ModelInstallation.not_before`)."""
    PAUSED = "Paused"
    """Somebody has paused it."""
    ELSEWHERE = "Elsewhere"
    """Another program sees to it."""
    ROOM = "Room"
    """What its host is downloading now will take the room on the disk. It is looked at again when that has ended."""


class ModelInstallRequest(msgspec.Struct, frozen=True):
    """A component that asks for a model: spawn it, and the model is installed.

    The name is looked at by the installation, so that a wrong one ends as a failed installation.
    """

    model_name: str
    download_config: DownloadConfig = DownloadConfig()
    host: str = ""
    """The name or the base URL of the host that is to install it; empty for the default one."""
    not_before: Timestamp | None = None
    """When it may begin; None: as soon as it is its turn."""
    paused: bool = False
    """Whether it waits until somebody resumes it."""
    recipe: ModelRecipe | None = None
    """What it is made of; None: it is downloaded from the registry that its name says."""


class DownloadRequest(msgspec.Struct, frozen=True):
    """A download waiting for its turn."""

    model_name: str
    installation_id: str
    host: str = ""
    """The base URL of the host that is to download it."""
    download_config: DownloadConfig = DownloadConfig()
    requested_at: Timestamp = msgspec.field(default_factory=utc_now)
    not_before: Timestamp | None = None
    paused: bool = False
    recipe: ModelRecipe | None = None


@dataclass(slots=True)
class ModelInstallation:
    """One installation: a component on an entity of its own."""

    model_name: str
    installation_id: str
    status: InstallationStatus = InstallationStatus.QUEUED
    progress: InstallationProgress = field(default_factory=InstallationProgress)
    started_at: Timestamp = field(default_factory=utc_now)
    """When it was asked for, or, once it has had its turn, when that began."""
    estimated_completion: Timestamp | None = None
    error_message: str | None = None
    """One sentence; None unless it failed."""
    host: str = ""
    """The base URL of the host that installs it."""
    request_entities: list[Entity] = field(default_factory=list)
    """The entities whose `ModelInstallRequest` it answers: several may ask for the same model."""
    download_config: DownloadConfig = field(default_factory=DownloadConfig)
    error_kind: InstallationErrorKind | None = None
    """None unless it failed."""
    finished_at: Timestamp | None = None
    """None until `status` is finished."""
    waits_for: WaitReason | None = None
    """Why it does not go on; None while it runs and once it has ended."""
    waits_behind: str = ""
    """With `WaitReason.SHARED_LAYER`: the id of the installation that is before it."""
    not_before: Timestamp | None = None
    recipe: ModelRecipe | None = None
    layers: list[LayerProgress] = field(default_factory=list)
    """The files that it downloads, in the order in which the host fetches them; empty until they are known."""
    refetched_bytes: int = 0
    """What had to be fetched again by now, in bytes: the host, or the program, ended at the wrong moment."""


class InstallationRecord(msgspec.Struct, frozen=True):
    """What is remembered of an installation that ended."""

    installation_id: str
    model_name: str
    status: InstallationStatus
    """A finished one; raises `ValueError` for another."""
    started_at: Timestamp
    finished_at: Timestamp
    duration: timedelta
    """Measured with a clock that nobody sets; so not always the difference of the two moments."""
    bytes_downloaded: int = 0
    total_bytes: int = 0
    host: str = ""
    refetched_bytes: int = 0
    """What had to be fetched again, in bytes."""
    files: list[str] = []
    """The local files that it was made of; empty for one that was downloaded."""
    source: str = ""
    """The model that it was made of; empty for one that was downloaded, or made of files."""

    @property
    def was_made(self) -> bool:
        """Whether it was made of files or of another model: no registry has it."""
        return bool(self.files or self.source)

    def __post_init__(self) -> None:
        if not self.status.is_finished:
            raise ValueError(f"An installation that is {self.status.kind.value} has not ended yet.")


@dataclass(slots=True)
class ModelInstallationManager:
    """All installations: running, waiting and ended."""

    active_installations: dict[str, ModelInstallation] = field(default_factory=dict)
    """By `ModelInstallation.installation_id`."""
    installation_history: deque[InstallationRecord] = field(default_factory=deque)
    """The newest last; never more than `HISTORY_LIMIT`."""
    download_queue: deque[DownloadRequest] = field(default_factory=deque)
    """The next one first."""
    registry_cache: ModelRegistryCache = field(default_factory=ModelRegistryCache)

    def __post_init__(self) -> None:
        self.installation_history = deque(self.installation_history, maxlen=HISTORY_LIMIT)


class ModelInstallationTask:
    """The background work of one installation: a component beside its `ModelInstallation`.

    The task belongs to this run of the program and is never saved: what is read back has none.
    """

    __slots__ = ("model_name", "progress_tracker", "task")

    def __init__(
        self,
        model_name: str,
        task: Task[InstalledModel] | None = None,
        progress_tracker: InstallationProgress | None = None,
    ) -> None:
        self.model_name = model_name
        self.task = task
        """Ends with the installed model or raises `InstallationError`."""
        self.progress_tracker = InstallationProgress() if progress_tracker is None else progress_tracker
        """How far it is."""

    def to_data(self) -> dict[str, object]:
        """What may be written down: everything but the task."""
        return {"model_name": self.model_name, "progress_tracker": msgspec.to_builtins(self.progress_tracker)}

    @classmethod
    def from_data(cls, data: object) -> ModelInstallationTask:
        """The opposite of `to_data`, without a task. Raises `ValueError` for other data."""
        saved = msgspec.convert(data, _SavedTask)
        return cls(saved.model_name, None, saved.progress_tracker)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ModelInstallationTask):
            return NotImplemented
        return (
            self.model_name == other.model_name
            and self.task is other.task
            and self.progress_tracker == other.progress_tracker
        )

    __hash__ = None  # type: ignore[assignment]  # mutable, as a dataclass would be

    def __repr__(self) -> str:
        return (
            f"ModelInstallationTask(model_name={self.model_name!r}, task={self.task!r}, "
            f"progress_tracker={self.progress_tracker!r})"
        )


class _SavedTask(msgspec.Struct, frozen=True):
    model_name: str
    progress_tracker: InstallationProgress
