"""Views whose models say of themselves what they are, and of which newer versions are known, for the panel's tests."""

from __future__ import annotations

from ecs_localai.components.model_text import ModelText
from ecs_localai.components.panel_view import PanelView
from ecs_localai.systems.view_model_texts import model_text_view
from tests.panel.life_samples import life_hosts_view, life_view

TEMPLATE = (
    "{{- if .System }}<|start_header_id|>system<|end_header_id|>\n\n{{ .System }}<|eot_id|>{{ end }}\n"
    "{{- range .Messages }}<|start_header_id|>{{ .Role }}<|end_header_id|>\n\n{{ .Content }}<|eot_id|>{{ end }}"
)
TEXT = ModelText(
    license="LLAMA 3.2 COMMUNITY LICENSE AGREEMENT\nLlama 3.2 Version Release Date: September 25, 2024\n",
    template=TEMPLATE,
    system="You are a careful assistant.\nAnswer briefly.",
    parameters={"temperature": 0.6, "num_ctx": 4096, "stop": ["<|start_header_id|>", "<|eot_id|>"]},
)
"""What the first model says of itself."""


def words_view(*, hosts: bool = False) -> PanelView:
    """The first model's words are known; two models are outdated, a third one possibly."""
    view = life_hosts_view() if hosts else life_view()
    view.installations, view.history = [], []
    for number, row in enumerate(view.models):
        row.digest = f"digest-{number}"
    view.model_texts = {"digest-0": model_text_view(TEXT)}
    view.updates_text, view.can_update_all = "2 updates · checked 5 min ago", True
    for row, text in zip(view.models, ("Update available", "Update available", "Possibly outdated"), strict=False):
        row.update_text, row.update_is_sure = text, text == "Update available"
        row.update_on = [one.base_url for one in view.hosts if not row.hosts or one.name in row.hosts]
        row.freed_text = "Frees 1.1 GB"
    return view
