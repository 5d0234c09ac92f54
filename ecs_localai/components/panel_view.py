"""What the panel shows, as plain data: filled by `UI_UPDATE`, drawn by `ecs_localai.panel`.

Keeping the words and numbers here, apart from pixels, lets a headless world, a test and the
window agree on what a person sees. Text is final: painting adds no words of its own to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ecs_localai.components.features import ToggleStyle


class Tone(StrEnum):
    """The mood of a pill, a badge or a line: chosen with words, never instead of them."""

    NEUTRAL = "neutral"
    OK = "ok"
    WARN = "warn"
    DANGER = "danger"
    ACCENT = "accent"


@dataclass(slots=True)
class HostView:
    """The host field and its connection pill, with advice when there is no Ollama."""

    address: str
    """What the host field holds, for example ``http://127.0.0.1:11434``."""
    status_text: str = "Connecting"
    tone: Tone = Tone.NEUTRAL
    version: str | None = None
    detail: str | None = None
    """One sentence: why there is no connection."""
    advice: list[str] = field(default_factory=list)
    """What a person can do about it, one step a line; empty when connected."""
    response_time_ms: float | None = None


@dataclass(slots=True)
class GaugeView:
    """One sparkline card. ``history`` is oldest first, in the gauge's own unit, NaN = not measured."""

    key: str
    title: str
    value: str | None
    """The newest value as text ("43"), or None when it cannot be measured."""
    unit: str
    """The text after the value: "%" or "of 32 GB"."""
    maximum: float
    """The value at the card's top edge, in the unit of ``history``."""
    reason: str | None = None
    """Why there is no value."""
    history: NDArray[np.float64] | memoryview | None = None
    """A view into a ring buffer (shape ``(n,)``); it may change in place when `PanelView.revision` does."""


@dataclass(slots=True)
class ModelRow:
    """One installed model."""

    name: str
    subtitle: str
    """For example ``Llama · 1.2B parameters · 131,072 context``."""
    quantization: str
    """For example ``Q4_K_M``; empty when unknown."""
    capabilities: list[str]
    """For example ``["Tools", "Vision"]``; completion itself is not listed."""
    size_text: str
    status: str = ""
    """For example ``Loaded · 100 % GPU · 4 min left``; empty when only installed."""
    tone: Tone = Tone.NEUTRAL
    busy: str = ""
    """For example ``Deleting``; while it is not empty the row's buttons are disabled."""


@dataclass(slots=True)
class InstallationRow:
    """One installation, running or just ended."""

    installation_id: str
    name: str
    detail: str
    """For example ``2.9 of 5.2 GB · 26 MB/s · 2 min left``, ``Checking the file`` or what went wrong."""
    fraction: float | None
    """0.0 to 1.0, never going back; None while the size is unknown."""
    tone: Tone = Tone.ACCENT
    can_cancel: bool = True
    can_retry: bool = False
    can_dismiss: bool = False
    icon: str = ""
    """The name of an icon in the icon font; empty for the one of the tone."""


@dataclass(slots=True)
class ToggleRow:
    """One experimental feature."""

    feature_id: str
    title: str
    description: str
    """What it does; when it cannot be switched, the reason instead."""
    on: bool
    can_change: bool
    icon: str
    """The name of an icon in the icon font."""
    phase: str
    """For example ``Beta``; shown as a badge."""
    style: ToggleStyle


@dataclass(slots=True)
class ToggleGroupView:
    """A card of toggles under a heading."""

    title: str
    description: str
    toggles: list[ToggleRow]


@dataclass(slots=True)
class NoticeView:
    """A sentence about something that happened, shown until it is dismissed or out of date."""

    notice_id: int
    text: str
    tone: Tone = Tone.DANGER


@dataclass(slots=True)
class PanelView:
    """Everything on the panel. `revision` grows whenever any of it changed.

    A painter that has drawn a revision needs to look at nothing until it grows.
    """

    host: HostView
    title: str = "Local AI models"
    summary: str = ""
    """For example ``5 installed · 31.4 GB on disk · 212 GB free``."""
    install_error: str | None = None
    """Why the name in the install field was refused; None when it was not."""
    notices: list[NoticeView] = field(default_factory=list)
    gauges: list[GaugeView] = field(default_factory=list)
    installations: list[InstallationRow] = field(default_factory=list)
    models: list[ModelRow] = field(default_factory=list)
    models_empty_text: str = ""
    """What to say where the list of models would be while it is empty."""
    features: list[ToggleGroupView] = field(default_factory=list)
    revision: int = 0
    last_notice_id: int = 0
    """The highest `NoticeView.notice_id` given out."""
