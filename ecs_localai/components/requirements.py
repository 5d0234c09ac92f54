"""Models that something in the world needs, whoever owns that: a game's dialogue, an editor's assistant."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec


class RequiresModel(msgspec.Struct, frozen=True):
    """A component on any entity: it needs a model. `RequiredModel` is put beside it, and says whether it is there.

    Raises `ValueError` for a limit that no model could keep to.
    """

    model_name: str
    """What it needs. One of Ollama's names, such as ``qwen3:4b``."""
    fallback: list[str] = []
    """What does as well, the best first, where that is there and `model_name` is not, or is too large."""
    max_gb: float | None = None
    """Nothing larger is installed for it, in units of 1,000,000,000 bytes on disk; None: no limit."""
    install: bool = False
    """Whether the installation begins by itself; else a person is asked in the panel."""
    host: str = ""
    """The name or the base URL of the host that is to have it; empty: the default one."""
    who: str = ""
    """Who needs it, as people know it, for example ``The innkeeper's small talk``; empty: the entity's number."""

    def __post_init__(self) -> None:
        if self.max_gb is not None and self.max_gb <= 0:
            raise ValueError(f"A model cannot be limited to {self.max_gb:g} GB; give a number above zero, or None.")


class RequirementPhase(StrEnum):
    """How a requirement stands."""

    LOOKING = "Looking"
    """It is not known yet what the host has."""
    WAITING = "Waiting"
    """The model is not there, and nobody installs it."""
    INSTALLING = "Installing"
    READY = "Ready"
    FAILED = "Failed"
    """It cannot be met as it is: too large, no such name, the installation failed."""


@dataclass(slots=True)
class RequiredModel:
    """How an entity's `RequiresModel` stands: a component beside it, put there and kept true by the systems."""

    phase: RequirementPhase = RequirementPhase.LOOKING
    model_name: str = ""
    """The model that is there, is being installed, or would be: the one that was asked for, or a fallback. Empty while
    that is not known, and where none of them can be."""
    host: str = ""
    """The base URL of the host."""
    fraction: float | None = None
    """How far its installation is, 0.0 to 1.0; None while that is not known, and where there is none."""
    reason: str = ""
    """Why it is not ready, one sentence; empty once it is."""
    installation_id: str = ""
    """Of the installation that meets it; empty where there is none."""

    @property
    def is_ready(self) -> bool:
        """Whether the model can be used now."""
        return self.phase is RequirementPhase.READY
