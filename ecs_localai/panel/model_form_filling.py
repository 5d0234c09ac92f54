"""What input does with the form for a new model: opening, handing over, taking in how it went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_localai.components.tone import Tone
from ecs_localai.panel.actions import CloseModelForm, OpenModelForm, ShowMoreOfModelForm, SubmitModelForm
from ecs_localai.panel.model_form import MODEL_FORM, NAME, SUBMIT, Awaited, ModelForm, free_name
from ecs_localai.panel.model_naming import name_key

if TYPE_CHECKING:
    from ecs_localai.components.panel_view import InstallationRow, PanelView
    from ecs_localai.panel.controller import Controller


class ModelFormFilling:
    """Carries out what a person does with the form. There is one at most."""

    __slots__ = ("_controller",)

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    def holds(self, node_id: str) -> bool:
        """Whether a node is one of the form's."""
        return node_id.startswith(MODEL_FORM)

    def act(self, action: OpenModelForm | CloseModelForm | SubmitModelForm | ShowMoreOfModelForm) -> None:
        """Do what one of the form's controls, or one that opens it, is for."""
        form = self._controller.state.model_form
        if isinstance(action, OpenModelForm):
            self._open(action)
        elif isinstance(action, CloseModelForm):
            self.close()
        elif form is None:
            return
        elif isinstance(action, ShowMoreOfModelForm):
            form.more = action.on
        else:
            self._submit(form)

    def _open(self, action: OpenModelForm) -> None:
        controller = self._controller
        view, state = controller.view, controller.state
        if view is None:
            return
        row = next((row for row in view.models if row.name == action.model), None)
        digest = "" if row is None else row.digest
        form = ModelForm(action.model, digest, action.hosts, f"edit-model:{action.model}")
        form.fields[NAME].take(free_name(action.model, view.models))
        state.question = state.naming = None
        state.model_form = form
        self._take_text(form, view)
        controller.set_focus(NAME, visible=state.focus_visible)
        form.fields[NAME].edit.select_all()
        controller.reveal = SUBMIT

    @staticmethod
    def _take_text(form: ModelForm, view: PanelView) -> None:
        known = view.model_texts.get(form.digest)
        if form.text is None and known is not None and not known.text.error:
            form.take(known.text)

    def close(self) -> None:
        """Take the form away and forget what was typed."""
        state = self._controller.state
        form, state.model_form = state.model_form, None
        self._controller.stale = True
        if form is not None and state.focus is not None and self.holds(state.focus):
            self._controller.refocus(form.opened_from)

    def _submit(self, form: ModelForm) -> None:
        controller = self._controller
        view = controller.view
        if view is None or form.awaited is not None:
            return
        requests = form.requests(view.models)
        if not requests:
            wrong = next(iter(form.errors), None)
            if wrong is not None:
                controller.set_focus(wrong, visible=controller.state.focus_visible)
            controller.reveal = SUBMIT if wrong is None else wrong
            controller.typed()
            return
        before = frozenset(row.installation_id for row in view.installations)
        form.awaited = Awaited(requests[0].model_name, before, view.last_notice_id)
        for request in requests:
            controller.emit(request)

    # ---- taking in what the view says

    def look(self, view: PanelView) -> None:
        """Fill in what has become known; close the form when its model is there, or say why it is not."""
        form = self._controller.state.model_form
        if form is None:
            return
        self._take_text(form, view)
        if not view.models:
            self.close()
        elif form.awaited is not None:
            self._look_whether_done(form, form.awaited, view)

    def _look_whether_done(self, form: ModelForm, awaited: Awaited, view: PanelView) -> None:
        wanted = name_key(awaited.name)
        there = next((row for row in view.models if name_key(row.name) == wanted), None)
        if there is not None and (not there.hosts or set(form.hosts) <= set(there.hosts)):
            self.close()
            return
        rows = [
            row
            for row in view.installations
            if row.installation_id not in awaited.installations and name_key(row.name) == wanted
        ]
        failed = next((row for row in rows if row.tone is Tone.DANGER), None)
        if failed is not None:
            self._say(form, failed.detail)
        elif rows and all(_was_stopped(row) for row in rows):
            self._say(form, "It was cancelled.")
        elif not rows and view.last_notice_id > awaited.notice and view.notices:
            self._say(form, view.notices[-1].text)

    def _say(self, form: ModelForm, text: str) -> None:
        form.awaited = None
        form.error = text
        self._controller.reveal = SUBMIT


def _was_stopped(row: InstallationRow) -> bool:
    return row.can_dismiss and not row.can_cancel and row.tone is not Tone.OK
