"""Views whose models can be loaded, copied and renamed, and with installations that ended, for the panel's tests."""

from __future__ import annotations

from ecs_localai.components.panel_view import HistoryRow, ModelDetail, ModelRow, PanelView, Tone
from tests.panel.host_samples import few_hosts_view, single_view

LOST = (
    "The connection to registry.example.com was lost after 1.2 of 1.9 GB and three further attempts. Check the "
    "network, then install it again: what was downloaded is kept."
)


def details(row: ModelRow) -> list[ModelDetail]:
    """What is known of a model."""
    return [
        ModelDetail("Full name", f"registry.ollama.ai/library/{row.name}"),
        ModelDetail("Family", "llama"),
        ModelDetail("Parameters", "1.2B"),
        ModelDetail("Quantisation", row.quantization or "unknown"),
        ModelDetail("Context", "131,072 tokens, now 4,096"),
        ModelDetail("Capabilities", "completion, tools"),
        ModelDetail("Size", f"{row.size_text} on disk"),
        ModelDetail("Digest", "baf6a787fdff"),
        ModelDetail("Changed", "7 Nov 2026"),
        ModelDetail("Used", "12 times, last on 21 Nov 2026"),
    ]


def history() -> list[HistoryRow]:
    """Installed, failed and cancelled ones."""
    long_name = "hf.co/bartowski/Meta-Llama-3.1-70B-Instruct-abliterated-GGUF:Q4_K_M"
    return [
        HistoryRow(
            "h1", "smollm3:3b", "22 Nov 2026, 09:41 · 3 min · 1.2 GB of 1.9 GB", "Failed", Tone.DANGER, LOST,
            can_repeat=True,
        ),
        HistoryRow("h2", "llama3.2:1b", "21 Nov 2026, 17:05 · 52 s · 1.3 GB", "Installed", Tone.OK),
        HistoryRow("h3", long_name, "20 Nov 2026, 08:00 · 2 h 5 min · 42 GB", "Installed", Tone.OK),
        HistoryRow("h4", "granite3.3:8b", "7 Nov 2026, 14:32 · 4 min · 2.0 GB of 4.9 GB", "Cancelled", can_repeat=True),
        HistoryRow("h5", "not a name", "1 Nov 2026, 23:59", "Failed", Tone.DANGER, "A model's name has no spaces."),
    ]  # fmt: skip


def life_view() -> PanelView:
    """One host: a loaded model, one that is kept loaded, one in the cloud, one of which something is being done."""
    view = single_view()
    for row in view.models:
        row.details, row.can_load = details(row), True
        row.loaded = bool(row.status)
    view.models[1].status, view.models[1].tone = "Loaded · 100 % GPU · stays loaded", Tone.OK
    view.models[1].loaded = view.models[1].pinned = True
    view.models[6].can_load, view.models[6].size_text = False, "Cloud"
    view.history, view.history_count = history(), 57
    return view


def life_hosts_view() -> PanelView:
    """Several hosts; the second model is loaded on one of the two that are there."""
    view = few_hosts_view()
    for row in view.models:
        row.details, row.can_load = details(row), True
        row.able_on = [host for host in row.hosts if host != "laptop"]
    first, second, third = view.models[:3]
    first.loaded, first.loaded_on, first.pinned_on = True, ["here", "team"], ["here"]
    second.loaded, second.loaded_on, second.status = True, ["team"], "Loaded on team · CPU"
    third.inert_reason = "It can be loaded, copied and renamed once its host is connected."
    third.able_on = []
    view.history, view.history_count = history(), 5
    for row_, host in zip(view.history, ("team", "here", "team", "laptop", "here"), strict=True):
        row_.host, row_.repeat_on = host, [host]
    return view
