"""What the panel remembers about how a person uses it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class InstallationView(StrEnum):
    """Which installations the panel lists."""

    ACTIVE = "Active"
    HISTORY = "History"
    ALL = "All"


@dataclass(slots=True)
class LocalModelsPanel:
    """One panel: a component, so that several can look at the same world."""

    selected_model: str | None = None
    """The name of the model whose details are shown. Nothing reads it yet."""
    installation_view: InstallationView = InstallationView.ACTIVE
    """Which installations are listed. Nothing reads it yet: the panel lists those at work and the latest ended."""
    show_experimental_features: bool = True
    install_error: str | None = None
    """Why the name in the install field was refused, one sentence; None when it was not."""
    host_error: str | None = None
    """Why the last request to add or change a host was refused, one sentence; None when it was not."""
