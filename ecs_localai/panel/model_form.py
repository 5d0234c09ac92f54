"""The form to make a new model of another one: what was typed, and the intents that come of it. No pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ecs_localai.components.model_text import ModelText
from ecs_localai.components.panel_intents import CreateModelRequested
from ecs_localai.components.recipe import ModelRecipe
from ecs_localai.ollama.errors import InvalidModelName
from ecs_localai.ollama.model_parameters import (
    KINDS,
    InvalidParameter,
    ParameterKind,
    ParameterValue,
    parameter_lines,
    parse_parameter_lines,
)
from ecs_localai.ollama.names import parse_model_name
from ecs_localai.panel.area_state import AreaState
from ecs_localai.panel.field_state import FieldState
from ecs_localai.panel.model_naming import name_key, why_taken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecs_localai.components.panel_view import ModelRow

MODEL_FORM = "model-form:"
"""The ids of all nodes of the form begin so."""
NAME, SYSTEM, SETTINGS, TEMPLATE = (f"{MODEL_FORM}{one}" for one in ("name", "system", "settings", "template"))
SUBMIT, CANCEL, MORE = (f"{MODEL_FORM}{one}" for one in ("submit", "cancel", "more"))
_STAYS = "A model made of another one keeps its {what}: write another one, it cannot be left out."
_NOTHING = "Nothing is changed yet. To have it under another name as well, use Copy…"


class Awaited(NamedTuple):
    """What was handed over, and what the view showed before it."""

    name: str
    installations: frozenset[str]
    """The ids of those that there were."""
    notice: int
    """`PanelView.last_notice_id`."""


@dataclass(slots=True)
class ModelForm:
    """A form being filled in."""

    model: str
    """The model that the new one is made of."""
    digest: str
    hosts: tuple[str, ...]
    """The names of the hosts that are to make it; one that is empty where there is only one host."""
    opened_from: str = ""
    """The node that gets the focus back."""
    text: ModelText | None = None
    """What the model has; None until that is known."""
    fields: dict[str, FieldState] = field(
        default_factory=lambda: {NAME: FieldState(), SYSTEM: AreaState(), SETTINGS: AreaState(), TEMPLATE: AreaState()}
    )
    more: bool = False
    """Whether the template is shown."""
    errors: dict[str, str] = field(default_factory=dict)
    """A sentence for each field that was refused, by its id."""
    error: str = ""
    """Why it was refused as a whole."""
    awaited: Awaited | None = None
    """None while nothing is under way."""

    def take(self, text: ModelText) -> None:
        """Begin with what the model has; what was typed before that is known stays."""
        self.text = text
        known = {
            SYSTEM: text.system,
            SETTINGS: parameter_lines(text.parameters),
            TEMPLATE: text.template,
        }
        for name, its in known.items():
            if not self.fields[name].edit.text:
                self.fields[name].take(its)

    def typed_in(self, field_id: str) -> None:
        """A field's text was changed: what was said of it may not hold any more."""
        self.errors.pop(field_id, None)
        self.error = ""

    # ---- what comes of it

    def requests(self, models: Sequence[ModelRow]) -> list[CreateModelRequested]:
        """The intents that it comes to; none where something was refused, which is then said in `errors`."""
        self.errors.clear()
        self.error = ""
        name = self._name(models)
        system = self._changed(SYSTEM, "system prompt")
        template = self._changed(TEMPLATE, "template")
        parameters = self._parameters()
        if TEMPLATE in self.errors:
            self.more = True
        if self.errors:
            return []
        if not system and not template and not parameters:
            self.error = _NOTHING
            return []
        recipe = ModelRecipe(source=self.model, system=system, template=template, parameters=parameters)
        return [CreateModelRequested(name, recipe, host) for host in self.hosts]

    def _name(self, models: Sequence[ModelRow]) -> str:
        try:
            name = parse_model_name(self.fields[NAME].edit.text).short
        except InvalidModelName as refusal:
            self.errors[NAME] = refusal.message
            return ""
        taken = why_taken(models, self.model, self.hosts, name)
        if taken:
            self.errors[NAME] = taken
        return name

    def _changed(self, field_id: str, what: str) -> str:
        """A text that is another one than the model has; empty where it is to stay.

        Ollama keeps what the other model has where it is told nothing (0.9.3).
        """
        state = self.fields[field_id]
        if not state.changed:
            return ""
        if state.edit.text.strip():
            return state.edit.text
        if state.shown.strip():
            self.errors[field_id] = _STAYS.format(what=what)
        return ""

    def _parameters(self) -> dict[str, ParameterValue]:
        """Those that are to be otherwise than the model has them: Ollama keeps the others (0.9.3)."""
        had = {} if self.text is None else self.text.parameters
        try:
            wanted = parse_parameter_lines(self.fields[SETTINGS].edit.text)
        except InvalidParameter as refusal:
            self.errors[SETTINGS] = str(refusal)
            return {}
        changed = {name: value for name, value in wanted.items() if had.get(name) != value}
        for name in had:
            if name in wanted:
                continue
            if KINDS.get(name) is ParameterKind.TEXTS:
                changed[name] = []
            else:
                self.errors.setdefault(
                    SETTINGS, f"A model made of another one keeps {name}: give it another value, it cannot be left out."
                )
        return changed


def free_name(model: str, models: Sequence[ModelRow]) -> str:
    """A name to suggest: ``my-llama3.2:1b``, with a number where there is one of that name."""
    try:
        parsed = parse_model_name(model)
    except InvalidModelName:
        return "my-model"
    taken = {name_key(row.name) for row in models}
    tag = "" if parsed.tag == "latest" else f":{parsed.tag}"
    base = parsed.model if parsed.model.startswith("my-") else f"my-{parsed.model}"
    number = 1
    while True:
        name = f"{base}{f'-{number}' if number > 1 else ''}{tag}"
        if name_key(name) not in taken:
            return name
        number += 1
