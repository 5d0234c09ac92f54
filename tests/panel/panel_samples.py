"""Views with rows of every kind, for the panel's tests."""

from __future__ import annotations

import numpy as np

from ecs_localai.components.features import ToggleStyle
from ecs_localai.components.panel_view import (
    DataView,
    GaugeView,
    HostView,
    ImportView,
    InstallationRow,
    ModelRow,
    NoticeView,
    PanelView,
    ToggleGroupView,
    ToggleRow,
    Tone,
)

SAMPLES = 120


def wave(seed: int, low: float, high: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """A wandering line between two values, the same for the same seed."""
    steps = np.random.default_rng(seed).normal(0, 1, SAMPLES).cumsum()
    smooth = np.convolve(steps, np.ones(5) / 5, mode="same")
    span = float(np.ptp(smooth)) or 1.0
    return np.asarray(low + (smooth - smooth.min()) / span * (high - low), dtype=np.float64)


def gauges() -> list[GaugeView]:
    """Four measurements, the third of them with a gap."""
    memory = wave(3, 20, 28.1)
    memory[40:52] = np.nan
    return [
        GaugeView("cpu", "CPU", "43", "%", 100.0, history=wave(1, 5, 80)),
        GaugeView("gpu", "GPU", None, "%", 100.0, reason="No NVIDIA driver was found on this machine"),
        GaugeView("memory", "Memory", "28.1", "of 32 GB", 32.0, history=memory),
        GaugeView("vram", "VRAM", "2.6", "of 8 GB", 8.0, history=wave(4, 1.0, 3.4)),
    ]


def installations() -> list[InstallationRow]:
    """Running, checking, of unknown size, queued, failed, done and cancelled ones."""
    lost = (
        "The connection to registry.example.com was lost after 1.2 of 1.9 GB and three further attempts. "
        "Check the network, then press Retry: what was downloaded is kept."
    )
    return [
        InstallationRow("i1", "qwen3:8b", "2.9 of 5.2 GB · 26 MB/s · 2 min left", 0.558),
        InstallationRow("i2", "deepseek-r1:7b", "Checking the file", 0.99, icon="shield-check"),
        InstallationRow("i3", "smollm3:3b", lost, 0.63, Tone.DANGER, False, True, True),
        InstallationRow("i4", "hf.co/bartowski/Qwen2.5-Coder-32B-Instruct-GGUF:Q4_K_M", "Asking for its size", None),
        InstallationRow("i5", "gemma3:12b", "Waiting for a place in the queue", None, Tone.NEUTRAL),
        InstallationRow("i6", "phi4-mini", "Installed in 1 min 12 s", 1.0, Tone.OK, False, False, True),
        InstallationRow("i7", "granite3.3:8b", "Cancelled at 2.0 of 4.9 GB", 0.41, Tone.NEUTRAL, False, True, True),
    ]


def models() -> list[ModelRow]:
    """Short and long names, other scripts, loaded, busy, of unknown size."""
    long_name = "hf.co/bartowski/Meta-Llama-3.1-70B-Instruct-abliterated-GGUF:Q4_K_M"
    every = ["Tools", "Vision", "Thinking", "Embedding"]
    llama = "Llama · 1.2B parameters · 131,072 context"
    bert = "Nomic BERT · 137M parameters · 2,048 context"
    qwen = "Qwen 3 · 8.2B parameters · 40,960 context"
    large = "Llama · 70.6B parameters · 131,072 context"
    loaded, mixed = "Loaded · 100 % GPU · 4 min left", "Loaded · 38 % GPU, 62 % CPU"
    return [
        ModelRow("llama3.2:1b", llama, "Q8_0", ["Tools"], "1.3 GB", loaded, Tone.OK),
        ModelRow("qwen3:8b", qwen, "Q4_K_M", ["Tools", "Thinking"], "5.2 GB"),
        ModelRow(long_name, large, "Q4_K_M", every, "42.5 GB", mixed, Tone.WARN),
        ModelRow("通义千问/模型:最新", "Qwen 2 · 7.6B parameters", "Q5_K_M", [], "5.4 GB"),
        ModelRow("nomic-embed-text:latest", bert, "F16", ["Embedding"], "274 MB"),
        ModelRow("gemma3:27b", "Gemma 3 · 27.4B parameters", "Q4_K_M", ["Vision"], "17.4 GB", busy="Deleting"),
        ModelRow("my-model", "Details are not known", "", [], "Unknown size"),
    ]


def toggle(feature_id: str, title: str, description: str, icon: str, on: bool = True) -> ToggleRow:
    """A switch that can be changed."""
    return ToggleRow(feature_id, title, description, on, True, icon, "Beta", ToggleStyle())


def features() -> list[ToggleGroupView]:
    """Five switches; the last can't be changed and says why."""
    mcp = "Models may use tools that MCP servers offer over HTTP, on this machine or elsewhere."
    extensions = toggle(
        "ai_extensions_ollama",
        "AI extensions with Ollama models",
        "Turn on “Auto models” first: extensions use the model that it chooses.",
        "puzzle",
        on=False,
    )
    extensions.can_change = False
    return [
        ToggleGroupView(
            "Experimental features",
            "Permissions that programs look up before they use what is still being tried out.",
            [
                toggle("auto_models", "Auto models", "Programs may choose an installed model.", "sparkles"),
                toggle("chat_branching", "Chat branching", "Chats may go on from any message.", "git-branch"),
                toggle("custom_providers", "Custom providers", "Other servers may be used.", "plug", on=False),
                toggle("mcp_http_servers", "MCP HTTP servers", mcp, "network"),
                extensions,
            ],
        )
    ]


def connected_view() -> PanelView:
    """A host that answers, with everything on the page."""
    return PanelView(
        host=HostView("http://127.0.0.1:11434", "Connected", Tone.OK, "0.9.3", response_time_ms=1.8),
        summary="7 installed · 72.1 GB on disk · 212 GB free",
        gauges=gauges(),
        installations=installations(),
        models=models(),
        features=features(),
        data=DataView("/home/ada/.local/share/ecs-localai"),
        revision=1,
    )


def dropped_file() -> ImportView:
    """The question about a settings file, with a line too long for any window."""
    return ImportView(
        "ecs-localai-settings-2026-11-23.json",
        [
            "Hosts: gpu-box is added, at http://192.0.2.20:11434",
            "Hosts: the order becomes " + ", ".join(f"machine {number}" for number in range(20)),
            "Features switched by hand: Custom providers is switched on",
            "and 3 more changes",
        ],
        ["gpu-box logs in with a secret that is not in the file: it is looked for in the keyring's entry 'gpu-box'."],
    )


def damaged_data() -> DataView:
    """A sentence about the file, a question, and forgetting that left something."""
    return DataView(
        "/home/ada/Library/Application Support/" + "a-folder-with-a-long-name/" * 5 + "ecs-localai",
        notice="The saved data was damaged: it was set aside as ecs-localai.damaged-1.sqlite3. 12 entries are kept.",
        question=dropped_file(),
        forget_text="Everything is forgotten, but traces may be left. That is tried again until they are gone.",
        forget_tone=Tone.WARN,
    )


def unreachable_view() -> PanelView:
    """Nothing answers: advice, a notice, a refused name, no models."""
    view = connected_view()
    view.host = HostView(
        "http://192.168.178.45:11434",
        "Not reachable",
        Tone.DANGER,
        detail="Nothing answers at 192.168.178.45 on port 11434.",
        advice=[
            "Is Ollama installed there? Get it from https://ollama.com/download.",
            "Start it with “ollama serve”, or open the Ollama app.",
            "On another computer, set OLLAMA_HOST=0.0.0.0 there and allow port 11434 in its firewall.",
        ],
    )
    view.summary = "Waiting for a host"
    view.install_error = "“llama 3” is not a model name: a name has no spaces. Did you mean llama3?"
    view.notices = [
        NoticeView(1, "granite3.3:8b could not be deleted: the host stopped answering. Try again when it is back."),
        NoticeView(2, "Ollama 0.9.3 is older than this program was tried with.", Tone.WARN),
    ]
    view.installations = []
    view.models = []
    view.models_empty_text = "No models are known. They appear here as soon as the host answers."
    return view
