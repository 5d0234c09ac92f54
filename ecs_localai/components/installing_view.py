"""What the panel shows around installing: the preflight card, the queue as a whole, names to choose from, who waits."""

from __future__ import annotations

from dataclasses import dataclass, field

from ecs_localai.components.panel_intents import InstallRequested
from ecs_localai.components.tone import Tone


@dataclass(slots=True)
class PreflightRow:
    """One model of the preflight card, on one host."""

    name: str
    host: str = ""
    """The host's name, with several hosts; empty with one."""
    facts: str = ""
    """For example ``Llama · 1.2B parameters · Q8_0 · Llama 3.2 Community License``."""
    download_text: str = ""
    """For example ``1.3 GB to download``."""
    disk_text: str = ""
    """For example ``212 GB free on the models' disk``; why it is not known where it is not."""
    fit_text: str = ""
    """For example ``Fits: 1.3 GB weights + 0.1 GB cache for 4,096 tokens, of 9.8 GB free``."""
    fit_tone: Tone = Tone.NEUTRAL
    replaces: str = ""
    problem: str = ""
    """Why it cannot be installed, one sentence; empty where it can."""
    note: str = ""
    """What else is to be said, such as how old the registry's answer is."""
    is_looking: bool = False


@dataclass(slots=True)
class PreflightView:
    """The card under the install field: what installing would mean."""

    title: str
    """For example ``Before installing llama3.2:1b``."""
    rows: list[PreflightRow] = field(default_factory=list)
    total_text: str = ""
    """The sum, with several rows."""
    contexts: list[int] = field(default_factory=list)
    """The context lengths to choose from, in tokens; empty where there is nothing to choose."""
    context_length: int = 0
    """The one that the sums are for."""
    is_running: bool = False
    install: InstallRequested | None = None
    """What agreeing asks for: those that can be installed; None while, or where, nothing can."""
    install_label: str = "Install"
    tonight: InstallRequested | None = None
    """The same, later."""
    tonight_label: str = ""
    """For example ``Tonight at 01:00``."""
    anyway: InstallRequested | None = None
    """The same with those of `Preflight.can_go_anyway`; None where there are none, or while it is looked."""
    anyway_label: str = ""
    """For example ``Install anyway``."""


@dataclass(slots=True)
class QueueView:
    """The queue as a whole."""

    summary: str = ""
    """For example ``2 running, 5 waiting · 31 GB left``; empty where fewer than two are in it."""
    at_once: int = 2
    """How many run at a time on each host."""
    can_pause_all: bool = False
    can_resume_all: bool = False


@dataclass(slots=True)
class CompletionRow:
    """A name that what was typed may be the beginning of."""

    name: str
    detail: str = ""
    """For example ``installed`` or ``recommended · 4.1 GB``."""


@dataclass(slots=True)
class RequirementRow:
    """Something in the world that needs a model."""

    entities: list[int]
    """All that need the same."""
    title: str
    """For example ``The innkeeper's small talk needs qwen3:4b``."""
    detail: str
    """How it stands, one line or sentence."""
    tone: Tone = Tone.NEUTRAL
    fraction: float | None = None
    can_install: bool = False
    install_label: str = ""
    """For example ``Install qwen3:4b``."""
