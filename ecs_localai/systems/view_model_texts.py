"""UI_UPDATE: what the panel says of a model's licence, template, system prompt and settings."""

from __future__ import annotations

from ecs_localai.components.events import UIUpdateEvent, UIUpdateKind
from ecs_localai.components.model_text import ModelText, ModelTextView
from ecs_localai.components.panel_view import PanelView
from ecs_localai.ollama.model_parameters import parameter_lines
from ecs_localai.runtime import EventReader, Res
from ecs_localai.systems.model_texts import ModelTexts
from ecs_localai.systems.view_change import take_over

_LONGEST = 300
"""So many characters of a text are more than a line holds."""
LABELS = ("Licence", "System prompt", "Template", "Settings")
"""Of the lines, in their order."""


def show_model_texts(updates: EventReader[UIUpdateEvent], texts: Res[ModelTexts], view: Res[PanelView]) -> None:
    """Show what is known, where that has changed."""
    if all(update.kind is not UIUpdateKind.MODEL_TEXTS_CHANGED for update in updates.read()):
        return
    shown = view.model_texts
    views = {
        digest: shown[digest] if digest in shown and shown[digest].text is text else model_text_view(text)
        for digest, text in texts.known.items()
    }
    if take_over(view, {"model_texts": views}):
        view.revision += 1


def model_text_view(text: ModelText) -> ModelTextView:
    """A line for each of the four, with as much of a long text as a line may hold."""
    if text.error:
        lines = [f"Not known: {text.error}", *(["Not known"] * 3)]
    else:
        settings = parameter_lines(text.parameters).replace("\n", " · ")
        lines = [
            _first_line(text.license) or "None is named",
            _one_line(text.system) or "None",
            _one_line(text.template) or "None",
            _one_line(settings) or "Those of Ollama",
        ]
    return ModelTextView(text, dict(zip(LABELS, lines, strict=True)))


def _first_line(text: str) -> str:
    """Without the signs that a licence in Markdown begins with."""
    first = next((line.strip() for line in text.splitlines() if line.strip(" \t#*=-_")), "")
    return _one_line(first.strip("#*=-_ \t"))


def _one_line(text: str) -> str:
    flat = " ".join(text[: 4 * _LONGEST].split())
    return flat if len(flat) <= _LONGEST else f"{flat[:_LONGEST].rstrip()}…"
