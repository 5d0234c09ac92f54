"""What the panel remembers about how a person uses it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec

SMALLEST_SCALE, LARGEST_SCALE = 0.5, 6.0
_LONGEST_SIDE = 100_000
_FURTHEST = 1_000_000


class InstallationView(StrEnum):
    """Which installations the panel lists."""

    ACTIVE = "Active"
    HISTORY = "History"
    ALL = "All"


class ThemeChoice(StrEnum):
    """The panel's colours. The values are the names of the themes."""

    SYSTEM = "system"
    """Those that the system is set to."""
    LIGHT = "light"
    DARK = "dark"


class ModelSort(StrEnum):
    """What the list of models is in order of. Equal ones are in the order of their names."""

    NAME = "Name"
    """From A to Z."""
    SIZE = "Size"
    """The largest first."""
    MODIFIED = "Modified"
    """The one that was installed or updated last first."""
    LAST_USED = "LastUsed"
    """Those that are loaded first, then the one that was used last; those that never were come at the end."""


class WindowPlace(msgspec.Struct, frozen=True):
    """Where the window was and how large. Raises `ValueError` for a size that no window has, and for half a place."""

    width: int
    """Of its contents, in logical pixels; of a maximised window, what it goes back to."""
    height: int
    x: int | None = None
    """The left edge of its contents, in the unit of the desktop (pixels on X11, points elsewhere) from the corner of
    the first screen; None where the window system doesn't tell (Wayland)."""
    y: int | None = None
    maximized: bool = False

    def __post_init__(self) -> None:
        if not (0 < self.width <= _LONGEST_SIDE and 0 < self.height <= _LONGEST_SIDE):
            raise ValueError(f"A window cannot be {self.width} by {self.height} pixels large.")
        if (self.x is None) != (self.y is None):
            raise ValueError("A window's place needs both its x and its y, or neither.")
        if max(abs(self.x or 0), abs(self.y or 0)) > _FURTHEST:
            raise ValueError(f"No screen reaches to {self.x}, {self.y}.")


class PanelSettings(msgspec.Struct, frozen=True):
    """How a person wants the panel. Raises `ValueError` for a scale that nothing could be read at."""

    theme: ThemeChoice = ThemeChoice.SYSTEM
    scale: float | None = None
    """Pixels for each logical pixel, 0.5 to 6; None: as the system is set."""
    window: WindowPlace | None = None
    """None: it was never moved."""
    model_sort: ModelSort = ModelSort.LAST_USED
    sort_reversed: bool = False
    """The other way round: from Z to A, the smallest first, the oldest first."""

    def __post_init__(self) -> None:
        if self.scale is not None and not SMALLEST_SCALE <= self.scale <= LARGEST_SCALE:
            raise ValueError(f"The scale must be from {SMALLEST_SCALE} to {LARGEST_SCALE}, not {self.scale}.")


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
