"""What input does with the form for a host: opening, choosing, handing over, taking in the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_localai.panel.actions import ChooseInForm, CloseHostForm, OpenHostForm, SubmitHostForm
from ecs_localai.panel.host_form import ADDRESS, NAME, HostForm

if TYPE_CHECKING:
    from ecs_localai.components.panel_view import PanelView
    from ecs_localai.panel.controller import Controller

FORM_PREFIX = "form:"
"""The ids of all nodes of the form begin so."""


class FormFilling:
    """Carries out what a person does with the form. There is one at most."""

    __slots__ = ("_controller",)

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    def holds(self, node_id: str) -> bool:
        """Whether a node is one of the form's."""
        return node_id.startswith(FORM_PREFIX)

    def act(self, node_id: str, action: OpenHostForm | CloseHostForm | SubmitHostForm | ChooseInForm) -> None:
        """Do what one of the form's controls, or one that opens it, is for."""
        form = self._controller.state.form
        if isinstance(action, OpenHostForm):
            self._open(node_id, action.host)
        elif isinstance(action, CloseHostForm):
            self.close()
        elif form is None:
            return
        elif isinstance(action, ChooseInForm):
            form.choose(action.what, action.choice)
        else:
            self._submit(form)

    def _open(self, node_id: str, host: str) -> None:
        controller = self._controller
        view = controller.view
        row = next((row for row in view.hosts if row.name == host), None) if view is not None and host else None
        form = HostForm() if row is None else HostForm.for_host(row)
        form.opened_from = node_id
        controller.state.form = form
        controller.state.question = None
        self._go_to(ADDRESS)

    def close(self) -> None:
        """Take the form away and forget what was typed."""
        state = self._controller.state
        form, state.form = state.form, None
        self._controller.stale = True
        if form is None:
            return
        form.forget_secret()
        if state.focus is not None and self.holds(state.focus):
            self._controller.refocus(form.opened_from)

    def _submit(self, form: HostForm) -> None:
        controller = self._controller
        view = controller.view
        if view is None or form.waiting is not None:
            return
        request = form.request(view.hosts)
        if request is None:
            self._go_to(next(iter(form.errors), NAME))
            return
        form.waiting = view.host_answers
        controller.emit(request)

    def answered(self, view: PanelView) -> None:
        """Look whether what was handed over has been answered: then the form closes, or says why not."""
        form = self._controller.state.form
        if form is None or form.waiting is None or view.host_answers <= form.waiting:
            return
        form.waiting = None
        if view.host_error is None:
            self.close()
        else:
            form.error = view.host_error
            self._controller.reveal = "form:submit"

    def _go_to(self, field_id: str) -> None:
        controller = self._controller
        controller.set_focus(field_id, visible=controller.state.focus_visible)
        controller.reveal = field_id
        entered = controller.field
        if entered is not None:
            entered.edit.select_all()
