"""What the panel shows, as plain data: filled by `UI_UPDATE`, drawn by `ecs_localai.panel`.

Keeping the words and numbers here, apart from pixels, lets a headless world, a test and the
window agree on what a person sees. Text is final: painting adds no words of its own to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ecs_localai.components.hosts import HostProtocol, OllamaConfiguration
from ecs_localai.components.installing_view import CompletionRow, PreflightView, QueueView, RequirementRow
from ecs_localai.components.model_text import ModelTextView
from ecs_localai.components.panel import PanelSettings
from ecs_localai.components.tone import Tone as Tone

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ecs_localai.components.features import ToggleStyle


@dataclass(slots=True)
class HostView:
    """The host field, which is about the default host, and its connection pill; advice when there is no Ollama."""

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
    label: str = "Model host"
    """What stands above the field; with several hosts it has the default one's name."""
    can_start: bool = False
    """Whether there is an Ollama on this computer that would answer there if it were started."""
    starting: str = ""
    """What is said instead of a button to start it, while that is under way."""


@dataclass(slots=True)
class HostRow:
    """One host of the list."""

    name: str
    """Unique among the hosts: what intents name it by."""
    base_url: str
    facts: str
    """For example ``127.0.0.1:11434 · Ollama 0.9.3 · 2 ms · 5 models · 31 GB · up 3 h``."""
    status_text: str
    tone: Tone
    is_default: bool = False
    reason: str = ""
    """Why there is no connection, and what to change; empty while there is one."""
    advice: list[str] = field(default_factory=list)
    """What a person can do about it, one step a line; shown when the row is unfolded."""
    icon: str = "server"
    can_stop: bool = False
    """Whether we have started it, so that it can be stopped."""
    config: OllamaConfiguration = field(default_factory=OllamaConfiguration)
    """What the form to change it begins with. It shows no secret."""
    protocol: HostProtocol = HostProtocol.OLLAMA


@dataclass(slots=True)
class FoundRow:
    """A host that was found and is not in the list."""

    base_url: str
    title: str
    detail: str
    """For example ``Ollama 0.9.3 · in a container``."""
    icon: str = "server"
    name: str = ""
    """What it is to be called in the list; empty: made from the address."""


@dataclass(slots=True)
class SearchView:
    """Looking for hosts."""

    is_running: bool = False
    lan: bool = False
    """Whether the local network is, or was, looked at, too."""
    text: str = ""
    """How it stands, one line."""
    rows: list[FoundRow] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """Sentences about places that could not be looked at."""


@dataclass(slots=True)
class PlaceBadge:
    """A host that a model is on."""

    text: str
    """For example ``gpu-box`` or ``older on laptop``."""
    tone: Tone = Tone.NEUTRAL


@dataclass(slots=True)
class DifferenceView:
    """How the hosts' models differ, and what to install so that they don't."""

    text: str
    """For example ``B lacks 2, A has 1 outdated``."""
    question: str
    """What is asked before it is all installed."""
    installs: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    """Each model's name with the names of the hosts that are to install it."""


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
class ModelDetail:
    """Something that is known of a model, shown when its row is unfolded."""

    label: str
    """For example ``Parameters``."""
    text: str
    wide: bool = False
    """Whether it has a line of its own."""


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
    where_text: str = ""
    """``On``, with `places` after it, or ``On all 12 hosts``; empty with one host."""
    places: list[PlaceBadge] = field(default_factory=list)
    """The hosts that it is on, where it is not the same on all."""
    absent_text: str = ""
    """For example ``not on laptop``; empty where no known host lacks it."""
    hosts: list[str] = field(default_factory=list)
    """The names of the hosts that it is on, with several hosts; empty with one."""
    installable_on: list[str] = field(default_factory=list)
    """The names of the hosts that lack it or have an older one, and can install it now."""
    install_label: str = ""
    """For example ``Install on laptop`` or ``Update on 2 hosts…``."""
    details: list[ModelDetail] = field(default_factory=list)
    """Shown when the row is unfolded."""
    inert_reason: str = ""
    """Why it can be neither loaded nor copied nor renamed now, one sentence; empty where it can."""
    can_load: bool = False
    """Whether it is of a kind that is loaded: one that runs in the cloud is not."""
    loaded: bool = False
    """Whether it is in the memory of a host."""
    pinned: bool = False
    """Whether it stays there until somebody unloads it."""
    able_on: list[str] = field(default_factory=list)
    """Of `hosts`, those that can load, copy and rename it now."""
    loaded_on: list[str] = field(default_factory=list)
    """Of `able_on`, those that have it in memory."""
    pinned_on: list[str] = field(default_factory=list)
    """Of `loaded_on`, those where it stays until somebody unloads it."""
    update_text: str = ""
    """For example ``Update available`` or ``Possibly outdated``; empty where nothing newer is known of."""
    update_on: list[str] = field(default_factory=list)
    """The base URLs of the hosts where it can be updated."""
    update_is_sure: bool = False
    """Whether the registry has surely a newer one, so that *Update all* takes it along."""
    digest: str = ""
    """`InstalledModel.digest` of what the row is about: what `PanelView.model_texts` is asked by; empty of a host that
    is no Ollama."""
    freed_text: str = ""
    """What deleting it frees, for the question before it: ``Frees 1.3 GB``, less than its size where files are shared;
    empty where that is not known."""


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
    host: str = ""
    """The name of the host that installs it, with several hosts; empty with one."""
    can_pause: bool = False
    can_resume: bool = False
    can_move_up: bool = False
    can_move_down: bool = False
    again_text: str = ""
    """What is being fetched, or was fetched, again, for example ``fetching 40 MB again``; empty where nothing is."""
    layers: list[ModelDetail] = field(default_factory=list)
    """How far each of its files is; shown when the row is unfolded."""


@dataclass(slots=True)
class HistoryRow:
    """One installation that ended, as it is remembered."""

    installation_id: str
    name: str
    detail: str
    """When, how long and how much: ``7 Nov 2026, 14:32 · 3 min · 5.2 GB``; and of one that was not downloaded, what it
    was made of: ``made of model.gguf``."""
    outcome: str
    """``Installed``, ``Failed`` or ``Cancelled``."""
    tone: Tone = Tone.NEUTRAL
    reason: str = ""
    """Why it failed, one sentence."""
    host: str = ""
    """The name of its host; empty where that is the only one."""
    can_repeat: bool = False
    """Whether it was the last try to install this model there, and did not succeed."""
    repeat_on: list[str] = field(default_factory=list)
    """As in `InstallRequested.hosts`."""


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
class ImportView:
    """The question whether a settings file is to be taken over."""

    file: str
    """Its name, without the folder."""
    changes: list[str] = field(default_factory=list)
    """What would change, a line each."""
    notes: list[str] = field(default_factory=list)
    """Sentences about what is left as it is, and what is to be done by hand."""


@dataclass(slots=True)
class DataView:
    """What is kept on this computer: where it lies, and what is being done with it."""

    folder: str = ""
    """Empty: nothing is kept."""
    notice: str | None = None
    """A sentence about the file as a whole, as long as it holds."""
    exchange_text: str = ""
    """How exporting or importing the settings stands or went; empty before the first time."""
    exchange_tone: Tone = Tone.NEUTRAL
    question: ImportView | None = None
    forget_text: str = ""
    """How forgetting stands or went; empty before the first time."""
    forget_tone: Tone = Tone.NEUTRAL


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
    host_error: str | None = None
    """Why the last request to add or change a host was refused; None when it was not."""
    host_answers: int = 0
    """How many requests to add or change a host were answered: a form waits for the next."""
    hosts: list[HostRow] = field(default_factory=list)
    """In the order of the list."""
    hosts_summary: str = ""
    """For example ``10 of 12 connected``."""
    search: SearchView = field(default_factory=SearchView)
    difference: DifferenceView | None = None
    """None while all hosts have the same models, or there is one host."""
    notices: list[NoticeView] = field(default_factory=list)
    gauges: list[GaugeView] = field(default_factory=list)
    preflight: PreflightView | None = None
    """None while nothing is looked at."""
    completions: list[CompletionRow] = field(default_factory=list)
    """All names that are known, the likeliest first: the install field shows those that go on from what is typed."""
    queue: QueueView = field(default_factory=QueueView)
    installations: list[InstallationRow] = field(default_factory=list)
    history: list[HistoryRow] = field(default_factory=list)
    """The installations that ended last, the newest first."""
    history_count: int = 0
    """How many installations that ended are remembered in all."""
    models: list[ModelRow] = field(default_factory=list)
    requirements: list[RequirementRow] = field(default_factory=list)
    """What entities of the world need and do not have."""
    updates_text: str = ""
    """What is known of newer versions: ``2 updates`` or ``Checked 5 min ago, all current``; empty before the first
    look."""
    updates_running: bool = False
    can_update_all: bool = False
    model_texts: dict[str, ModelTextView] = field(default_factory=dict)
    """What models say of themselves, by their digests, as far as somebody wanted to know."""
    models_empty_text: str = ""
    """What to say where the list of models would be while it is empty."""
    features: list[ToggleGroupView] = field(default_factory=list)
    settings: PanelSettings = field(default_factory=PanelSettings)
    """How the person wants the panel, as it is kept."""
    data: DataView = field(default_factory=DataView)
    revision: int = 0
    last_notice_id: int = 0
    """The highest `NoticeView.notice_id` given out."""
