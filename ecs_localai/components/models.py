"""Models: those installed on a host, those loaded into its memory, what they can do and how they do it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Annotated

import msgspec

from ecs_localai.components.hosts import OllamaConfiguration
from ecs_localai.components.installation import ModelInstallation
from ecs_localai.components.monitoring import ModelResourceMonitor
from ecs_localai.components.registry import ModelRegistryCache, RegistryEntry, RegistryLayer
from ecs_localai.components.time_values import Timestamp
from ecs_localai.runtime.saving.marks import NotSaved

__all__ = [
    "HostModels",
    "InstalledModel",
    "LoadedModel",
    "LocalModelManager",
    "ModelCapabilities",
    "ModelPerformanceMetrics",
    "ModelRegistry",
    "ModelRegistryCache",
    "RegistryEntry",
    "RegistryLayer",
]


class ModelCapabilities(msgspec.Struct, frozen=True):
    """What a model can do, as its host tells at ``/api/show``; None where the host does not say.

    Ollama names capabilities since 0.6.4 (its docs, ``/api/show``).
    """

    max_context_length: int | None = None
    """Tokens that the model was made for; a host may load it with fewer."""
    supports_streaming: bool | None = None
    supports_function_calling: bool | None = None
    """Ollama calls it ``tools``."""
    supports_vision: bool | None = None
    supported_languages: list[str] = []
    """Empty when unknown."""
    model_architecture: str = ""
    """For example ``llama``; empty when unknown."""
    parameter_count: int | None = None
    capabilities: list[str] = []
    """The host's own words, for example ``["completion", "tools"]``."""


@dataclass(slots=True)
class ModelPerformanceMetrics:
    """How a model performs on this machine; None until measured, or where it cannot be."""

    inference_time_ms: float | None = None
    """The whole of the last request, in milliseconds."""
    tokens_per_second: float | None = None
    """Generated tokens a second in the last request, as the host timed it."""
    memory_peak_mb: float | None = None
    """In units of 1,000,000 bytes."""
    cpu_utilization_percent: float | None = None
    """Of the whole machine, 0 to 100."""
    gpu_utilization_percent: float | None = None
    """0 to 100."""
    total_requests: int = 0
    successful_requests: int = 0
    failed_requests: int = 0


@dataclass(slots=True)
class InstalledModel:
    """A model on a host, as ``/api/tags`` and ``/api/show`` describe it."""

    model_id: str
    """What tells it from all others: the host's base URL and the full name."""
    name: str
    """As the host spells it, always with a tag, for example ``llama3.2:1b``."""
    version: str
    """The tag, for example ``1b``: Ollama has no other version."""
    size: int | None
    """Bytes on disk, shared files counted in full; None where the host does not say (it is no Ollama)."""
    install_date: Timestamp
    """The host's ``modified_at``: every pull moves it, also one that changes nothing."""
    last_used: Timestamp | None = None
    """None when it was not used while we looked."""
    usage_count: int = 0
    performance_metrics: ModelPerformanceMetrics = field(default_factory=ModelPerformanceMetrics)
    capabilities: ModelCapabilities = field(default_factory=ModelCapabilities)
    digest: str = ""
    """sha256 of the manifest as the host keeps it, in hexadecimal, without a prefix."""
    quantization: str = ""
    """For example ``Q4_K_M``; empty when unknown."""
    family: str = ""
    """For example ``llama``; empty when unknown."""
    parameter_size: str = ""
    """As the host writes it, for example ``1.2B``; empty when unknown."""
    is_cloud: bool = False
    """Runs elsewhere: what is installed is a stub of a few hundred bytes."""
    host: str = ""
    """The base URL of its host."""


class LoadedModel(msgspec.Struct, frozen=True):
    """A model in a host's memory, as ``/api/ps`` shows it."""

    name: str
    digest: str
    size: int
    """Bytes of main and GPU memory together."""
    size_vram: int
    """Bytes of GPU memory."""
    context_length: int | None = None
    """Tokens it is loaded with; None from hosts that do not say (Ollama before 0.10)."""
    expires_at: Timestamp | None = None
    """When the host will unload it; None for never, or when the host did not say."""
    pinned: bool = False
    """Stays loaded until somebody unloads it."""
    shared_by: tuple[str, ...] = ()
    """Other installed models that are in memory by this, as they have the same weights: a host lists that by one name
    alone (Ollama 0.9.3)."""


@dataclass(slots=True)
class HostModels:
    """The models of one host: a component on its entity."""

    installed: dict[str, InstalledModel] = field(default_factory=dict)
    """By `InstalledModel.name`. What was seen last, also while the host is not there."""
    loaded: dict[str, LoadedModel] = field(default_factory=dict)
    """By `LoadedModel.name`; empty while the host is not there."""
    synced: bool = False
    """Whether `installed` has been read from the host since it was connected to."""
    error: str | None = None
    """Why the models could not be listed the last time, one sentence; None when they could."""


@dataclass(slots=True)
class ModelRegistry:
    """A registry of models, and what is remembered of it and of the models themselves."""

    base_url: str = "https://registry.ollama.ai"
    cache: ModelRegistryCache = field(default_factory=ModelRegistryCache)
    capabilities_by_digest: dict[str, ModelCapabilities] = field(default_factory=dict)
    """A digest's capabilities never change, so each is asked for once. Keys are `InstalledModel.digest`."""
    manifests_by_digest: dict[str, RegistryEntry] = field(default_factory=dict)
    """What installed models consist of, as far as that was seen. Keys, and the entries' `digest`, are
    `InstalledModel.digest`: a host before Ollama 0.19 writes a manifest anew, so the registry's digest is another."""


@dataclass(slots=True)
class LocalModelManager:
    """The resource at the middle: the default host, its models and what is about to be installed.

    The other hosts' models are on their entities, as `HostModels`.
    """

    ollama_config: OllamaConfiguration = field(default_factory=OllamaConfiguration)
    """Of the default host."""
    installed_models: dict[str, InstalledModel] = field(default_factory=dict)
    """Those of the default host, by `InstalledModel.name`."""
    model_registry: ModelRegistry = field(default_factory=ModelRegistry)
    installation_queue: Annotated[deque[ModelInstallation], NotSaved()] = field(default_factory=deque)
    """Waiting for their turn, the next one first."""
    resource_monitor: ModelResourceMonitor = field(default_factory=ModelResourceMonitor)
    loaded_models: dict[str, LoadedModel] = field(default_factory=dict)
    """Those of the default host, by `LoadedModel.name`."""
