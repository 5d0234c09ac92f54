"""What input does: the pointer and the keyboard act on the panel through this."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ecs_localai.components.panel_intents import (
    ExportSettingsRequested,
    FindHostsRequested,
    HostEdited,
    ImportSettingsAnswered,
    PanelSettingsChanged,
    RefreshRequested,
)
from ecs_localai.panel.actions import (
    Agree,
    AgreeToInstall,
    Ask,
    ChooseContext,
    ChooseInForm,
    ChooseInstallPlace,
    ChooseModelSort,
    ChooseScale,
    ChooseTheme,
    CloseHostForm,
    CloseModelForm,
    CloseNaming,
    CopyText,
    Decline,
    DismissPreflight,
    OpenHostForm,
    OpenModelForm,
    OpenNaming,
    ShowImportHint,
    ShowMoreOfModelForm,
    ShowSearch,
    SubmitField,
    SubmitHostForm,
    SubmitModelForm,
    TakeName,
    Unfold,
)
from ecs_localai.panel.area_state import AreaState
from ecs_localai.panel.file_drops import FileDrops
from ecs_localai.panel.focus import nearest_survivor, next_in
from ecs_localai.panel.form_filling import FormFilling
from ecs_localai.panel.install_flow import InstallFlow
from ecs_localai.panel.model_form_filling import ModelFormFilling
from ecs_localai.panel.model_naming import ModelNamer
from ecs_localai.panel.model_text_asking import ModelTextAsking
from ecs_localai.panel.sections.your_data import IMPORT, IMPORT_AGREE, IMPORT_LEAVE
from ecs_localai.panel.state import HOST_FIELD, INSTALL_FIELD, NEW_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from ecs_localai.components.panel import WindowPlace
    from ecs_localai.components.panel_view import PanelView
    from ecs_localai.panel.actions import Intent
    from ecs_localai.panel.clipboard import Clipboard
    from ecs_localai.panel.field_state import FieldState
    from ecs_localai.panel.frame import Frame
    from ecs_localai.panel.ink import Ink
    from ecs_localai.panel.scene import Node
    from ecs_localai.panel.scrolling import Scroller
    from ecs_localai.panel.state import UiState

_BLINK = 0.53  # seconds that the caret is on, then off
_DOUBLE_CLICK = 0.4  # seconds in which a second click may still belong to the first
_BLINKS_FOR = 10.0  # seconds after the last key; then it stays on, and nothing has to be painted


class Controller:
    """Carries out what a person does, on the state and the view.

    Args:
        emit: called with each intent.
        clock: seconds, going forward.
    """

    def __init__(
        self,
        state: UiState,
        scroller: Scroller,
        clipboard: Clipboard,
        clock: Callable[[], float],
        emit: Callable[[object], None],
    ) -> None:
        self.state = state
        self.scroller = scroller
        self.clipboard = clipboard
        self.clock = clock
        self.emit = emit
        self.frame: Frame | None = None
        """The layout that the person sees."""
        self.ink: Ink | None = None
        self.stale = True
        """Whether something changed that has to be laid out again."""
        self.reveal: str | None = None
        """The node to scroll to once it is laid out."""
        self._typed_at = 0.0
        self._answers_from = 0.0
        """From when on the pointer can agree to what is asked."""
        self.by_pointer = False
        """Whether it is the pointer that is activating a control just now."""
        self.submitted = ""
        """The model's name submitted last, until it is known whether it was refused."""
        self._focus_order: list[str] = []
        self.view: PanelView | None = None
        """What is shown."""
        self.form = FormFilling(self)
        self.drops = FileDrops(self)
        self.model_form = ModelFormFilling(self)
        self.texts = ModelTextAsking(self)
        self.namer = ModelNamer(self)
        self.installs = InstallFlow(self)

    # ---- focus

    @property
    def field(self) -> FieldState | None:
        """The text field that has the focus, or None."""
        return self.state.field(self.state.focus)

    def set_focus(self, node_id: str | None, *, visible: bool = False) -> None:
        """Move the focus; ``visible`` when the keyboard moved it, so that a ring shows where it is."""
        state = self.state
        if state.focus == node_id and state.focus_visible == visible:
            return
        if state.focus == HOST_FIELD and node_id != HOST_FIELD and state.host.changed:
            # An address that wasn't confirmed, left beside the state of another, would mislead.
            state.host.edit.set_text(state.host.shown)
        left = self.field
        if left is not None and state.focus != node_id:
            self.state.completing.close()
            left.edit.composition = ""
            left.edit.place(left.edit.caret)
            left.scroll = 0
        state.focus, state.focus_visible = node_id, visible and node_id is not None
        if visible:
            self.reveal = node_id
        self.typed()

    def move_focus(self, step: int) -> None:
        """To the next control, or with -1 to the one before."""
        if self.frame is None:
            return
        target = next_in(self.frame.focusable(self.state.focus), self.state.focus, step)
        self.set_focus(target, visible=True)
        entered = self.field
        if entered is not None and not isinstance(entered, AreaState):
            entered.edit.select_all()

    def keep_focus_alive(self) -> None:
        """After a layout: when the focused control is gone, another one takes the focus."""
        focus = self.state.focus
        if self.frame is None or focus is None:
            return
        order = self.frame.focusable(focus)
        if focus not in order:
            following = nearest_survivor(self._focus_order, order, focus)
            self.set_focus(following, visible=self.state.focus_visible)
        self._focus_order = self.frame.controls()

    # ---- the caret

    def typed(self) -> None:
        """Something happened in a field: its caret is shown and begins to blink anew."""
        self._typed_at = self.clock()
        self.stale = True

    def caret_on(self, now: float) -> bool:
        """Whether the caret is in the visible half of its blinking."""
        since = now - self._typed_at
        return self.state.window_active and (since >= _BLINKS_FOR or int(since / _BLINK) % 2 == 0)

    def next_blink(self, now: float) -> float | None:
        """When the caret appears or disappears next; None when it doesn't."""
        since = now - self._typed_at
        if self.field is None or not self.state.window_active or since >= _BLINKS_FOR:
            return None
        return self._typed_at + (int(since / _BLINK) + 1) * _BLINK

    # ---- actions

    def activate(self, node: Node) -> None:
        """Do what a control is for."""
        action = node.action
        self.stale = True
        if not node.enabled or action is None:
            return
        self.state.copied = ""
        if isinstance(action, SubmitField):
            self.submit(action.field_id)
        elif isinstance(action, Ask):
            self._ask(node.id, action)
        elif isinstance(action, Decline):
            self.decline()
        elif isinstance(action, Agree):
            if self.clock() < self._answers_from and not self.state.focus_visible:
                return
            self.decline()
            for intent in action.intents:
                self.emit(intent)
        elif isinstance(action, Unfold):
            (self.state.unfolded.add if action.on else self.state.unfolded.discard)(action.what)
            if not action.on:
                self.namer.folded(action.what)
                self.texts.folded(action.what)
            elif self.view is not None:
                self.texts.look(self.view)
        elif isinstance(action, (ChooseInstallPlace, ChooseContext, AgreeToInstall, DismissPreflight, TakeName)):
            self.installs.act(action)
        elif isinstance(action, ShowSearch):
            self._show_search(action)
        elif isinstance(action, (OpenHostForm, CloseHostForm, SubmitHostForm, ChooseInForm)):
            self.form.act(node.id, action)
        elif isinstance(action, (OpenModelForm, CloseModelForm, SubmitModelForm, ShowMoreOfModelForm)):
            self.model_form.act(action)
        elif isinstance(action, OpenNaming):
            self.namer.open(action)
        elif isinstance(action, CloseNaming):
            self.namer.close()
        elif isinstance(action, (ChooseTheme, ChooseScale, ChooseModelSort)):
            self._choose(node.id, action)
        elif isinstance(action, CopyText):
            self.clipboard.put(action.text)
            self.state.copied = action.text
        elif isinstance(action, ShowImportHint):
            self.state.import_hint = True
        else:
            self._emit(action)

    def _emit(self, intent: Intent) -> None:
        if isinstance(intent, ExportSettingsRequested):
            self.state.import_hint = False
        elif isinstance(intent, ImportSettingsAnswered):
            self.refocus(IMPORT)
        self.emit(intent)

    def asked_about_import(self) -> None:
        """The question about a dropped file has come: the answer that changes nothing is first under the keyboard."""
        self.refocus(IMPORT_LEAVE)
        self.reveal = IMPORT_LEAVE

    def _choose(self, node_id: str, action: ChooseTheme | ChooseScale | ChooseModelSort) -> None:
        appearance = self.state.appearance
        if isinstance(action, ChooseTheme):
            appearance.choose_theme(action.theme)
        elif isinstance(action, ChooseScale):
            appearance.choose_scale(action.scale)
            self.reveal = node_id  # everything moves: what was pressed stays in sight
        else:
            appearance.choose_order(action.by)
        self.emit(PanelSettingsChanged(appearance.settings))

    def keep_window(self, place: WindowPlace) -> None:
        """The window is somewhere else, or of another size."""
        appearance = self.state.appearance
        appearance.settings = msgspec.structs.replace(appearance.settings, window=place)
        self.emit(PanelSettingsChanged(appearance.settings))

    def _ask(self, node_id: str, action: Ask) -> None:
        self.state.question, self.state.asked_from = action.question, node_id
        self.state.naming = None
        self.refocus(action.harmless)
        self.reveal = action.last or None
        self._answers_from = self.clock() + _DOUBLE_CLICK if action.last else 0.0

    def decline(self) -> None:
        """Take the question that is asked away."""
        asked, self.state.question = self.state.question, None
        self.stale = True
        if asked is not None:
            self.refocus(self.state.asked_from)

    def _show_search(self, action: ShowSearch) -> None:
        self.state.search_shown = action.on
        if action.on:
            self.emit(FindHostsRequested(action.lan))
        else:
            self.refocus("find-hosts")

    def refocus(self, node_id: str) -> None:
        """The control takes the focus over from the one it stands in for, as visible as that was."""
        self.state.focus = node_id
        self.stale = True

    def submit(self, field_id: str) -> None:
        """Take what a text field holds; an empty one only takes the focus."""
        if field_id == NEW_NAME:
            self.namer.submit()
            return
        if field_id == INSTALL_FIELD:
            self.installs.submit()
            return
        field = self.state.field(field_id)
        if field is None:
            return
        text = field.edit.text.strip()
        if not text:
            self.set_focus(field_id, visible=self.state.focus_visible)
            return
        self.typed()
        if field_id == HOST_FIELD:
            self.emit(HostEdited(text))

    def install_refused(self) -> None:
        """The name submitted last was refused: put it back to be corrected, unless another was begun."""
        self.state.install_error_hidden = False
        self.stale = True
        if self.submitted and not self.state.install.edit.text:
            self.state.install.edit.set_text(self.submitted)
        self.submitted = ""

    def text_changed(self) -> None:
        """The text of the field that has the focus is another: what an error was about isn't there any more."""
        focus = self.state.focus
        if focus == INSTALL_FIELD:
            self.installs.typed()
        elif focus == NEW_NAME:
            self.namer.typed()
        elif self.state.model_form is not None and focus in self.state.model_form.fields:
            self.state.model_form.typed_in(focus)
        elif self.state.form is not None and focus in self.state.form.fields:
            self.state.form.typed_in(focus)
        self.typed()

    def refresh(self) -> None:
        """Ask the systems to look again now."""
        self.emit(RefreshRequested())

    def escape(self) -> bool:
        """Esc: leave the innermost thing that one is in. False when there was nothing to leave."""
        state, field = self.state, self.field
        self.stale = True
        if field is not None and field.edit.composition:
            field.edit.composition = ""
        elif state.focus == HOST_FIELD and state.host.changed:
            state.host.edit.set_text(state.host.shown)
            self.typed()
        elif self.installs.escape():
            pass
        elif state.question is not None:
            self.decline()
        elif state.naming is not None and self.namer.holds(state.focus):
            self.namer.close()
        elif state.model_form is not None and state.focus is not None and self.model_form.holds(state.focus):
            self.model_form.close()
        elif state.focus in (IMPORT_LEAVE, IMPORT_AGREE):
            self._emit(ImportSettingsAnswered(agreed=False))
        elif state.form is not None and (state.focus is None or self.form.holds(state.focus)):
            self.form.close()
        elif state.focus is not None:
            self.set_focus(None)
        else:
            return False
        return True
