"""Giving a model a new name, or another one as well: the field for it, and what input does with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ecs_localai.components.panel_intents import CopyModelRequested
from ecs_localai.ollama.errors import InvalidModelName
from ecs_localai.ollama.names import parse_model_name
from ecs_localai.panel.field_state import FieldState
from ecs_localai.panel.state import NEW_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecs_localai.components.panel_view import ModelRow, PanelView
    from ecs_localai.panel.actions import OpenNaming
    from ecs_localai.panel.controller import Controller

NAMING_SUBMIT, NAMING_CANCEL = "new-name-submit", "new-name-cancel"
"""The nodes of the buttons beside the field."""


@dataclass(slots=True)
class ModelNaming:
    """The field for a model's other name, while it is open."""

    model: str
    """The name until now."""
    hosts: tuple[str, ...]
    """The names of the hosts that are to do it; one that is empty where there is only one host."""
    move: bool
    """Whether the old name is to go."""
    field: FieldState = field(default_factory=FieldState)
    error: str = ""
    """Why the text cannot be taken, one sentence."""

    @property
    def opened_from(self) -> str:
        """The node of the button in the model's row that it stands in for."""
        return f"{'rename' if self.move else 'copy'}:{self.model}"


class ModelNamer:
    """Carries out what a person does with the field."""

    __slots__ = ("_controller",)

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    def holds(self, node_id: str | None) -> bool:
        """Whether a node is the field, or a button beside it."""
        return node_id in (NEW_NAME, NAMING_SUBMIT, NAMING_CANCEL)

    def open(self, action: OpenNaming) -> None:
        """Show the field in the model's row, with its present name."""
        controller = self._controller
        controller.state.question = None
        controller.state.naming = naming = ModelNaming(action.model, action.hosts, action.move)
        naming.field.take(action.model)
        naming.field.edit.select_all()
        controller.set_focus(NEW_NAME, visible=controller.state.focus_visible)
        controller.reveal = NAMING_SUBMIT

    def close(self) -> None:
        """Take the field away."""
        controller = self._controller
        naming, controller.state.naming = controller.state.naming, None
        controller.stale = True
        if naming is not None and self.holds(controller.state.focus):
            controller.refocus(naming.opened_from)

    def folded(self, what: str) -> None:
        """Something was folded (as in `UiState.unfolded`): a field in it goes with it."""
        naming = self._controller.state.naming
        if naming is not None and what == f"model:{naming.model}":
            self._controller.state.naming = None

    def typed(self) -> None:
        """What the sentence was about isn't there any more."""
        naming = self._controller.state.naming
        if naming is not None:
            naming.error = ""

    def submit(self) -> None:
        """Have the model copied or renamed, or say why that cannot be."""
        controller = self._controller
        naming = controller.state.naming
        if naming is None:
            return
        try:
            new_name = parse_model_name(naming.field.edit.text).short
        except InvalidModelName as refusal:
            naming.error = refusal.message
        else:
            naming.error = why_taken(self._view_models(), naming.model, naming.hosts, new_name)
            if not naming.error:
                self.close()
                for host in naming.hosts:
                    controller.emit(CopyModelRequested(naming.model, new_name, host, naming.move))
                return
        controller.set_focus(NEW_NAME, visible=controller.state.focus_visible)
        controller.reveal = NAMING_SUBMIT
        controller.typed()

    def _view_models(self) -> Sequence[ModelRow]:
        view = self._controller.view
        return () if view is None else view.models

    def look(self, view: PanelView) -> None:
        """Close the field when its model is gone, or something is being done to it."""
        naming = self._controller.state.naming
        if naming is None:
            return
        row = next((row for row in view.models if row.name == naming.model), None)
        if row is None:
            self._controller.state.naming = None  # the focus goes to what comes next
        elif row.busy or row.inert_reason:
            self.close()


def why_taken(models: Sequence[ModelRow], model: str, hosts: Sequence[str], new_name: str) -> str:
    """Why a model cannot have this name, too, on these hosts, one sentence; empty where it can.

    Ollama 0.9.3 would replace a model of the new name without a word, however its letters are cased.
    """
    wanted = name_key(new_name)
    if wanted == name_key(model):
        return "That is its name already: type another one."
    for row in models:
        if name_key(row.name) == wanted and (not row.hosts or set(row.hosts) & set(hosts)):
            return f"There is a model {row.name} already: type another name, or delete that one first."
    return ""


def name_key(name: str) -> str:
    """What names are compared by; of what is no name the text itself."""
    try:
        return parse_model_name(name).key
    except InvalidModelName:
        return name.lower()
