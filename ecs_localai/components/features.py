"""Experimental features: flags, who gets them, and the five of the specification."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from ecs_localai.components.drawing import Color, Vec2
from ecs_localai.components.time_values import Timestamp
from ecs_localai.components.toggles import (
    FeatureToggle,
    FeatureToggleGroup,
    InteractionState,
    ToggleLayout,
    ToggleStyle,
)

__all__ = [
    "Color",
    "ExperimentalFeaturesManager",
    "ExperimentalPhase",
    "ExperimentalPreferences",
    "FeatureFlag",
    "FeatureRiskLevel",
    "FeatureTelemetry",
    "FeatureToggle",
    "FeatureToggleGroup",
    "InteractionState",
    "RolloutConfiguration",
    "SpecificFeatureFlags",
    "ToggleLayout",
    "ToggleStyle",
    "Vec2",
    "default_feature_flags",
]

_FEATURE_ID = re.compile(r"[a-z][a-z0-9_]{0,63}")


class ExperimentalPhase(StrEnum):
    """How far a feature has come."""

    DEVELOPMENT = "Development"
    ALPHA = "Alpha"
    BETA = "Beta"
    RELEASE_CANDIDATE = "ReleaseCandidate"
    DEPRECATED = "Deprecated"


class FeatureRiskLevel(StrEnum):
    """What may go wrong: nothing much, something that can be undone, or something that cannot."""

    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"


@dataclass(slots=True)
class FeatureFlag:
    """A feature that can be switched. Raises `ValueError` for a bad id, prerequisite or percentage."""

    feature_id: str
    """Lower-case letters, digits and underscores, a letter first, at most 64 characters."""
    name: str
    description: str
    """One sentence: what is allowed while it is on. A flag is a permission that programs look up."""
    enabled: bool = False
    rollout_percentage: float = 100.0
    """The share of people who are offered it, 0.0 to 100.0."""
    prerequisites: list[str] = field(default_factory=list)
    """The ids of the features that must be on first."""
    risk_level: FeatureRiskLevel = FeatureRiskLevel.LOW
    experimental_phase: ExperimentalPhase = ExperimentalPhase.DEVELOPMENT

    def __post_init__(self) -> None:
        for feature_id in (self.feature_id, *self.prerequisites):
            if not _FEATURE_ID.fullmatch(feature_id):
                raise ValueError(
                    f"A feature's id is made of lower-case letters, digits and underscores, a letter first, "
                    f"at most 64 characters; {feature_id!r} is not."
                )
        if self.feature_id in self.prerequisites:
            raise ValueError(f"The feature {self.feature_id!r} cannot be its own prerequisite.")
        if not 0.0 <= self.rollout_percentage <= 100.0:
            raise ValueError(f"A rollout percentage is from 0 to 100, not {self.rollout_percentage}.")


@dataclass(slots=True)
class ExperimentalPreferences:
    """What the person at this machine chose."""

    overrides: dict[str, bool] = field(default_factory=dict)
    """The features that were switched by hand, by id: on or off, whatever the default is."""
    hidden_phases: list[ExperimentalPhase] = field(default_factory=list)
    """Features of these phases are not shown. Nothing reads it yet."""


@dataclass(slots=True)
class RolloutConfiguration:
    """How it is decided who is offered a feature that is not for everybody. Nothing reads it yet."""

    seed: str = ""
    """A random text made once for this machine, from which every feature's draw follows; empty until made.
    It is never sent anywhere."""
    respect_percentages: bool = True
    """When False every feature is offered, whatever its percentage."""


@dataclass(slots=True)
class FeatureTelemetry:
    """Counts of what was switched. They stay on this machine: nothing here sends them."""

    enabled: bool = True
    toggle_counts: dict[str, int] = field(default_factory=dict)
    """How often each feature was switched, by id."""
    last_toggled: dict[str, Timestamp] = field(default_factory=dict)
    """When each was switched last, by id."""


class SpecificFeatureFlags(msgspec.Struct, frozen=True):
    """The five features of the specification, each on or off as it says."""

    auto_models: bool = True
    chat_branching: bool = True
    custom_providers: bool = False
    mcp_http_servers: bool = True
    ai_extensions_ollama: bool = True


def default_feature_flags(specific: SpecificFeatureFlags | None = None) -> dict[str, FeatureFlag]:
    """The five features of the specification as new flags by their ids, in the order shown.

    `specific` says which are on; without it they are as the specification has them.
    """
    on = SpecificFeatureFlags() if specific is None else specific
    flags = (
        FeatureFlag(
            "auto_models",
            "Auto models",
            "Programs may choose an installed model by themselves where you have not chosen one.",
            enabled=on.auto_models,
            risk_level=FeatureRiskLevel.LOW,
            experimental_phase=ExperimentalPhase.BETA,
        ),
        FeatureFlag(
            "chat_branching",
            "Chat branching",
            "Chats may go on from any earlier message and keep what followed it.",
            enabled=on.chat_branching,
            risk_level=FeatureRiskLevel.LOW,
            experimental_phase=ExperimentalPhase.BETA,
        ),
        FeatureFlag(
            "custom_providers",
            "Custom providers",
            "Servers other than Ollama may be used: what you write is sent to those that you add.",
            enabled=on.custom_providers,
            risk_level=FeatureRiskLevel.HIGH,
            experimental_phase=ExperimentalPhase.ALPHA,
        ),
        FeatureFlag(
            "mcp_http_servers",
            "MCP HTTP servers",
            "Models may use tools that MCP servers offer over HTTP, on this machine or elsewhere.",
            enabled=on.mcp_http_servers,
            risk_level=FeatureRiskLevel.MEDIUM,
            experimental_phase=ExperimentalPhase.BETA,
        ),
        FeatureFlag(
            "ai_extensions_ollama",
            "AI extensions with Ollama models",
            "Extensions may run on local models, which Auto models chooses for them.",
            enabled=on.ai_extensions_ollama,
            prerequisites=["auto_models"],
            risk_level=FeatureRiskLevel.MEDIUM,
            experimental_phase=ExperimentalPhase.ALPHA,
        ),
    )
    return {flag.feature_id: flag for flag in flags}


@dataclass(slots=True)
class ExperimentalFeaturesManager:
    """The resource of the experimental features; it starts with the five of the specification."""

    feature_flags: dict[str, FeatureFlag] = field(default_factory=default_feature_flags)
    """By `FeatureFlag.feature_id`, in the order shown."""
    user_preferences: ExperimentalPreferences = field(default_factory=ExperimentalPreferences)
    rollout_config: RolloutConfiguration = field(default_factory=RolloutConfiguration)
    telemetry_collector: FeatureTelemetry = field(default_factory=FeatureTelemetry)
