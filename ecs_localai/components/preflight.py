"""What an installation would mean, found out before any byte of it moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from ecs_localai.components.registry import RegistryLayer
from ecs_localai.components.time_values import Timestamp

DEFAULT_CONTEXT = 4096
"""Tokens that Ollama gives a model where nobody asks for others (since 0.6; ``OLLAMA_CONTEXT_LENGTH``)."""
DISK_RESERVE = 1_000_000_000
"""Bytes that are to stay free on the models' disk."""


class Fit(StrEnum):
    """Whether a model will run in the memory that is free now."""

    FITS = "Fits"
    TIGHT = "Tight"
    """It fits, with little left; or only in main and GPU memory together, which is slow."""
    WONT_RUN = "WontRun"
    UNKNOWN = "Unknown"


class MemoryNeed(msgspec.Struct, frozen=True):
    """What a model needs in memory, in bytes: a sum, each part of which is None where it cannot be told."""

    weights: int | None = None
    cache: int | None = None
    """The KV cache for `context_length` tokens at 16 bits."""
    context_length: int = DEFAULT_CONTEXT
    reason: str = ""
    """Why a part cannot be told, one sentence."""
    is_bound: bool = False
    """Whether the cache may be smaller: some layers look back only so far, and the file does not tell which."""

    @property
    def total(self) -> int | None:
        """The sum; None where a part is."""
        return None if self.weights is None or self.cache is None else self.weights + self.cache


class MemoryVerdict(msgspec.Struct, frozen=True):
    """Whether it fits, and the numbers that say so. Sizes in bytes; None where they are not ours to see."""

    fit: Fit = Fit.UNKNOWN
    text: str = ""
    """The sum in words: ``1.3 GB weights + 0.1 GB cache for 4,096 tokens, of 9.8 GB free``, or why it is unknown."""
    ram_free: int | None = None
    vram_free: int | None = None
    """Of all GPUs together; None where there is none or it cannot be measured."""


class Preflight(msgspec.Struct, frozen=True):
    """What is known of installing one model on one host before it begins. Sizes in bytes."""

    model_name: str
    """In its usual form, with its tag."""
    host: str
    """The base URL of the host."""
    layers: list[RegistryLayer] = []
    """All files, the configuration last; empty where the registry did not tell."""
    total_bytes: int | None = None
    download_bytes: int | None = None
    """What the host does not have yet; None where it could not be asked."""
    license: str = ""
    """The first line of the licence; empty where there is none, or it was not read."""
    family: str = ""
    parameter_size: str = ""
    quantization: str = ""
    max_context_length: int | None = None
    parameters: dict[str, str] = {}
    """The parameters that the model brings along."""
    disk_free: int | None = None
    """None where the disk is not ours to see: `disk_reason` says why."""
    disk_reason: str = ""
    need: MemoryNeed = MemoryNeed()
    verdict: MemoryVerdict = MemoryVerdict()
    replaces: str = ""
    """What is there under this name already, one sentence; empty where nothing is."""
    is_current: bool = False
    """Whether the host has exactly this already, and the registry has just said that it is still this."""
    was_current: bool = False
    """Whether the host has exactly what the registry had at `fetched_at`, where it was not asked just now."""
    problem: str | None = None
    """Why it cannot be installed, one sentence that says what to do; None where it can."""
    lacks_only_room: bool = False
    """Whether `problem` is the models' disk alone; with `DownloadConfig.ignores_room` it is installed all the same."""
    lacks_only_look: bool = False
    """Whether `problem` is alone that the registry does not show what would replace the model that is there; with
    `DownloadConfig.replaces_unread` it is installed all the same."""
    fetched_at: Timestamp | None = None
    """When the registry said all that, where it was not asked just now; None: just now."""
    is_old: bool = False
    """Whether the registry cannot be asked now, so that this is what it said at `fetched_at`."""
    notes: list[str] = []
    """What else is to be said, a sentence each: that it runs elsewhere, or what could not be read."""

    @property
    def can_go_anyway(self) -> bool:
        """Whether a person who knows better can have it installed all the same."""
        return self.lacks_only_room or self.lacks_only_look

    @property
    def is_remembered(self) -> bool:
        """Whether the registry has not been asked: this is what it said at `fetched_at`, and may be so no more."""
        return self.fetched_at is not None and not self.is_old


@dataclass(slots=True)
class Preflights:
    """The preflight that a person is looking at: a resource."""

    asked: list[str] = field(default_factory=list)
    """The names of the models, in the order in which they were typed; empty: nothing is looked at."""
    hosts: list[str] = field(default_factory=list)
    """As in `InstallRequested.hosts`."""
    context_length: int | None = None
    """The context that was chosen; None: `DEFAULT_CONTEXT`."""
    done: list[Preflight] = field(default_factory=list)
    """What is known by now: for each model and each host one."""
    is_running: bool = False
