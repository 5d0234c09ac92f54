"""Views of a model's way onto a host: names to choose from, the card before it, the queue, who waits for it."""

from __future__ import annotations

from ecs_localai.components.installing_view import (
    CompletionRow,
    PreflightRow,
    PreflightView,
    QueueView,
    RequirementRow,
)
from ecs_localai.components.panel_intents import InstallRequested
from ecs_localai.components.panel_view import InstallationRow, ModelDetail, PanelView, Tone
from ecs_localai.components.time_values import Timestamp
from tests.panel.host_samples import few_hosts_view, single_view
from tests.panel.panel_samples import installations

TONIGHT = Timestamp.fromisoformat("2026-11-24T01:00:00+00:00")
TOO_LARGE = (
    "It needs 42.5 GB more on the models' disk, and 12.1 GB are free there beside the reserve of 1 GB. Delete models "
    "that nobody needs, or choose a smaller one."
)
TOO_LITTLE = (
    "The models' disk has 5.8 GB free, less than the 5.2 GB still to come and 1 GB in reserve; free 0.4 GB more there "
    "first."
)
CONTEXTS = [4096, 8192, 16384, 32768, 131072]


def fitting_row(name: str = "llama3.2:1b", host: str = "") -> PreflightRow:
    """A model that can be installed, and will run."""
    return PreflightRow(
        name, host, "Llama · 1.2B parameters · Q8_0 · Llama 3.2 Community License", "1.3 GB to download",
        "212 GB free on the models' disk",
        "Fits: 1.3 GB weights + 0.1 GB cache for 4,096 tokens, of 9.8 GB free", Tone.OK,
    )  # fmt: skip


def tight_row(host: str = "") -> PreflightRow:
    """A model that replaces another one, and hardly fits; what is known of it is old."""
    return PreflightRow(
        "qwen3:8b", host, "Qwen 3 · 8.2B parameters · Q4_K_M · Apache License 2.0", "0.4 GB to download, of 5.2 GB",
        "212 GB free on the models' disk",
        "Tight: 5.2 GB weights + 0.6 GB cache for 4,096 tokens, of 6.1 GB free in main and GPU memory together",
        Tone.WARN, "Replaces the qwen3:8b of 7 Nov 2026, which has 4.8 GB of the same files",
        note="The registry cannot be asked now: this is what it said 3 days ago.",
    )  # fmt: skip


def refused_row(host: str = "") -> PreflightRow:
    """A model with a long name that cannot be installed."""
    return PreflightRow(
        "hf.co/bartowski/Meta-Llama-3.1-70B-Instruct-abliterated-GGUF:Q4_K_M", host,
        "Llama · 70.6B parameters · Q4_K_M", "42.5 GB to download", "13.1 GB free on the models' disk",
        "Won't run: 42.5 GB weights + 1.3 GB cache for 4,096 tokens, of 9.8 GB free", Tone.DANGER, problem=TOO_LARGE,
    )  # fmt: skip


def small_disk_card() -> PreflightView:
    """The card of one model that lacks nothing but room on the disk."""
    row = fitting_row("qwen3:8b")
    row.download_text, row.disk_text, row.problem = "5.2 GB to download", "5.8 GB free on the models' disk", TOO_LITTLE
    row.note = (
        "“Install anyway” begins it all the same; if the disk fills up, it fails, and what has arrived stays there."
    )
    return PreflightView(
        "Before installing qwen3:8b", [row], contexts=list(CONTEXTS), context_length=4096,
        anyway=InstallRequested("qwen3:8b", [], ignores_room=True), anyway_label="Install anyway",
    )  # fmt: skip


def looking_card(name: str = "llama3.2:1b") -> PreflightView:
    """The card while it is looked at."""
    return PreflightView(f"Before installing {name}", [PreflightRow(name, is_looking=True)], is_running=True)


def ready_card(text: str = "llama3.2:1b", hosts: list[str] | None = None) -> PreflightView:
    """The card of one model that can be installed."""
    return PreflightView(
        f"Before installing {text}", [fitting_row(text)], contexts=list(CONTEXTS), context_length=4096,
        install=InstallRequested(text, hosts or []), tonight=InstallRequested(text, hosts or [], TONIGHT),
        tonight_label="Tonight at 01:00",
    )  # fmt: skip


def full_card(hosts: tuple[str, str, str] = ("", "", "")) -> PreflightView:
    """The card of three models, one of which cannot be installed."""
    wanted = "llama3.2:1b qwen3:8b"
    return PreflightView(
        "Before installing 3 models", [fitting_row(host=hosts[0]), tight_row(hosts[1]), refused_row(hosts[2])],
        "1.7 GB to download for the two that can be installed", list(CONTEXTS), 8192,
        install=InstallRequested(wanted), install_label="Install 2 of 3",
        tonight=InstallRequested(wanted, not_before=TONIGHT), tonight_label="Tonight at 01:00",
    )  # fmt: skip


def long_card(count: int = 12) -> PreflightView:
    """The card of one model on many hosts, two of which cannot have it."""
    card = ready_card()
    card.rows = [fitting_row(host=f"node-{number:02}") for number in range(1, count + 1)]
    for number in (7, 9):
        card.rows[number].problem = "The host is not connected: nothing is known of its disk."
    card.total_text = f"13 GB to download, on {count - 2} of {count} hosts"
    return card


def names() -> list[CompletionRow]:
    """Names that are known, the likeliest first."""
    return [
        CompletionRow("llama3.2:1b", "installed · 1.3 GB"),
        CompletionRow("qwen3:8b", "installed · 5.2 GB"),
        CompletionRow("llama3.2:3b", "known · 2.0 GB"),
        CompletionRow("llama3.3:70b", "recommended · 43 GB"),
        CompletionRow("codellama:7b", "installed before"),
        CompletionRow("llama3.1:8b"),
        CompletionRow("llama-guard3:1b", "known · 1.6 GB"),
        CompletionRow("tinyllama:latest", "known · 638 MB"),
        CompletionRow("hf.co/bartowski/Meta-Llama-3.1-70B-Instruct-abliterated-GGUF:Q4_K_M", "installed before"),
        CompletionRow("mistral:7b"),
    ]


def layers() -> list[ModelDetail]:
    """How far the files of an installation are."""
    return [
        ModelDetail("Weights", "2.9 of 5.2 GB"),
        ModelDetail("Template", "1.7 KB, there already"),
        ModelDetail("Licence", "11 KB"),
        ModelDetail("Parameters", "148 B"),
        ModelDetail("Configuration", "waiting"),
    ]


def queue() -> list[InstallationRow]:
    """Running ones, one of which fetches something again, waiting ones, a paused one and a scheduled one."""
    rows = installations()
    first, second, failed, unknown, waiting = rows[:5]
    first.layers, first.can_pause = layers(), True
    second.again_text = "fetching 40 MB again"
    second.layers = layers()[:3]
    unknown.can_pause = True
    waiting.can_pause = waiting.can_move_up = True
    waiting.can_move_down = True
    failed.layers = layers()[:2]
    paused = InstallationRow("i8", "mistral:7b", "Paused at 2.0 of 4.1 GB", 0.49, Tone.WARN, icon="pause")
    paused.can_resume, paused.can_move_up, paused.can_move_down = True, True, True
    tonight = InstallationRow("i9", "llama3.3:70b", "Waits until 01:00", None, Tone.NEUTRAL, icon="moon")
    tonight.can_resume = tonight.can_move_up = True
    return [*rows, paused, tonight]


def requirements() -> list[RequirementRow]:
    """Two that wait, one that is being installed, one that cannot be met."""
    return [
        RequirementRow(
            [4, 9], "The innkeeper's small talk needs qwen3:4b",
            "Not installed. 2.5 GB to download; llama3.2:1b would do as well.", Tone.WARN, can_install=True,
            install_label="Install qwen3:4b",
        ),
        RequirementRow([5], "The map's legend needs llama3.2:1b", "0.4 of 1.3 GB · 1 min left", Tone.ACCENT, 0.31),
        RequirementRow(
            [6], "The editor's assistant in its experimental mode for long documents needs qwen3:32b",
            "It would need 20 GB, and no more than 8 GB are allowed for it; none of its fallbacks is installed.",
            Tone.DANGER,
        ),
        RequirementRow(
            [7], "The village's gossip needs gemma3:1b", "Not installed.", can_install=True,
            install_label="Install gemma3:1b",
        ),
    ]  # fmt: skip


def installing_view() -> PanelView:
    """One host: a full card, a queue, models that are needed."""
    view = single_view()
    view.preflight, view.completions, view.installations = full_card(), names(), queue()
    view.queue = QueueView("2 running, 4 waiting · 31 GB left", 2, can_pause_all=True, can_resume_all=True)
    view.requirements = requirements()
    return view


def installing_hosts_view() -> PanelView:
    """Several hosts: a card of three models on them, a queue."""
    view = few_hosts_view()
    view.preflight, view.completions, view.installations = full_card(("here", "team", "laptop")), names(), queue()
    for row, host in zip(view.installations, ("here", "team", "attic"), strict=False):
        row.host = host
    view.queue = QueueView("2 running, 4 waiting · 31 GB left", 3, can_pause_all=True)
    view.requirements = requirements()[:1]
    return view


def quiet_view() -> PanelView:
    """One host, names to choose from, and nothing going on."""
    view = single_view()
    view.installations, view.completions = [], names()
    return view
