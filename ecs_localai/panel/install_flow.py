"""From a typed name to an installation: what input does with the install field, its list of names and the card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecs_localai.components.panel_intents import PreflightDismissed, PreflightRequested
from ecs_localai.panel.actions import AgreeToInstall, ChooseContext, ChooseInstallPlace, DismissPreflight, TakeName
from ecs_localai.panel.completing import matching_names, word_at_caret
from ecs_localai.panel.state import EVERYWHERE, INSTALL_FIELD, PREFLIGHT, PREFLIGHT_INSTALL, AskedPreflight

if TYPE_CHECKING:
    from ecs_localai.components.installing_view import CompletionRow, PreflightView
    from ecs_localai.components.panel_intents import InstallRequested
    from ecs_localai.components.panel_view import PanelView
    from ecs_localai.panel.controller import Controller
    from ecs_localai.panel.state import UiState

_DOUBLE_CLICK = 0.4
"""Seconds from when the card can be agreed to until a click does: a second click of a double click does not."""
_ANSWER_DUE = 1.0
"""Seconds after which the card is taken for the answer even where it looks as it did before."""


@dataclass(slots=True)
class _Before:
    """How the card looked when something else was asked: until it looks otherwise, it is about what was asked first."""

    title: str
    install: InstallRequested | None
    until: float


def offered_names(view: PanelView, state: UiState) -> list[CompletionRow]:
    """The list of names as it is shown below the install field now; empty while it is not."""
    edit = state.install.edit
    if not state.completing.open or state.focus != INSTALL_FIELD or edit.composition or not view.completions:
        return []
    start, end = word_at_caret(edit)
    return matching_names(view.completions, edit.text[start:end])


def shown_card(view: PanelView, state: UiState) -> PreflightView | None:
    """The card as it is shown now; None where there is none, or where it was agreed to or sent away a moment ago."""
    return None if state.card_gone else view.preflight


class InstallFlow:
    """Carries out what a person does with the field, the names and the card."""

    __slots__ = ("_before", "_controller", "_gone", "_ready", "_ready_at")

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._before: _Before | None = None
        self._gone: tuple[str, InstallRequested | None] | None = None
        """The title of the card that was agreed to or sent away last, and what it offered."""
        self._ready = False
        self._ready_at = 0.0
        """When it became possible to agree to the card."""

    def act(self, action: ChooseInstallPlace | ChooseContext | AgreeToInstall | DismissPreflight | TakeName) -> None:
        """Do what one of the controls is for."""
        if isinstance(action, ChooseInstallPlace):
            self._choose_place(action.host)
        elif isinstance(action, ChooseContext):
            self._choose_context(action.tokens)
        elif isinstance(action, AgreeToInstall):
            self._agree(later=action.later, anyway=action.anyway)
        elif isinstance(action, DismissPreflight):
            self._dismiss()
        else:
            self._take(action.name)

    # ---- the field

    def typed(self) -> None:
        """The field's text is another."""
        state = self._controller.state
        state.install_error_hidden = True
        state.completing.open, state.completing.chosen = True, ""
        if names := self.names:
            self._controller.reveal = name_node(names[-1])

    def submit(self) -> None:
        """Ask what installing would mean; where the card says that already, agree to it."""
        controller = self._controller
        state = controller.state
        text = state.install.edit.text.strip()
        state.completing.close()
        if not text:
            controller.set_focus(INSTALL_FIELD, visible=state.focus_visible)
            return
        controller.typed()
        asked, card = state.asked, self._card
        if asked is not None and card is not None and asked.text == text and asked.hosts == self.chosen_hosts():
            if card.is_running or self._is_of_before(card):
                return
            if card.install is not None:
                self._agree(later=False)
                return
            self._ask(text, asked.context_length)
            return
        self._ask(text, None)

    def _ask(self, text: str, context_length: int | None) -> None:
        controller = self._controller
        state, card = controller.state, self._card
        before, hosts = state.asked, self.chosen_hosts()
        other = before is None or (before.text, before.hosts) != (text, hosts)
        self._before = None
        if card is not None and other:
            self._before = _Before(card.title, card.install, controller.clock() + _ANSWER_DUE)
        state.asked = AskedPreflight(text, hosts, context_length)
        state.install_error_hidden = True
        controller.submitted = text
        controller.emit(PreflightRequested(text, [*hosts], context_length))

    def chosen_hosts(self) -> tuple[str, ...]:
        """The hosts that are chosen to install on; none for the default one."""
        controller = self._controller
        chosen = controller.state.install_on
        names = () if controller.view is None else tuple(row.name for row in controller.view.hosts)
        if chosen == EVERYWHERE and len(names) > 1:
            return names
        return (chosen,) if chosen in names else ()

    def _choose_place(self, host: str) -> None:
        state = self._controller.state
        state.install_on = host
        if state.asked is not None and self._card is not None:
            self._ask(state.asked.text, state.asked.context_length)

    # ---- the names below it

    @property
    def names(self) -> list[str]:
        """The names that are offered now."""
        view = self._controller.view
        return [] if view is None else [row.name for row in offered_names(view, self._controller.state)]

    def choose_name(self, step: int) -> bool:
        """Choose the next name, or with -1 the one before; none comes between last and first. False without any."""
        names = self.names
        if not names:
            return False
        completing = self._controller.state.completing
        order = ["", *names]
        at = order.index(completing.chosen) if completing.chosen in order else 0
        completing.chosen = order[(at + step) % len(order)]
        self._controller.typed()
        return True

    def _take(self, name: str) -> None:
        """Put a name in place of the one being typed."""
        controller = self._controller
        edit = controller.state.install.edit
        start, end = word_at_caret(edit)
        edit.place(start)
        edit.place(end, select=True)
        edit.insert(name)
        controller.state.install_error_hidden = True
        controller.state.completing.close()
        controller.set_focus(INSTALL_FIELD, visible=controller.state.focus_visible)
        controller.typed()

    # ---- the card

    @property
    def _card(self) -> PreflightView | None:
        view = self._controller.view
        return None if view is None else shown_card(view, self._controller.state)

    def _is_of_before(self, card: PreflightView) -> bool:
        """Whether the card does not yet tell of what was asked last."""
        before = self._before
        if before is None:
            return False
        same = not card.is_running and (card.title, card.install) == (before.title, before.install)
        if not same or self._controller.clock() >= before.until:
            self._before = None
        return self._before is not None

    def look(self, view: PanelView) -> None:
        """Take note of what the card says now."""
        controller = self._controller
        state, card = controller.state, view.preflight
        if card is None or card.is_running or (card.title, card.install) != self._gone:
            state.card_gone = False
        if card is None or state.card_gone:
            self._ready = False
            return
        ready = not card.is_running and not self._is_of_before(card)
        if ready and not self._ready:
            self._ready_at = controller.clock()
        stage = 2 if ready else 1 if card.is_running else 0
        if state.asked is not None and stage > state.asked.revealed:
            state.asked.revealed = stage
            if state.focus == INSTALL_FIELD or _in_card(state.focus):
                controller.reveal = PREFLIGHT_INSTALL
        self._ready = ready

    def _choose_context(self, tokens: int) -> None:
        card, controller = self._card, self._controller
        if card is None or card.context_length == tokens:
            return
        asked = controller.state.asked
        if asked is not None:
            self._ask(asked.text, tokens)
            return
        # Somebody else has asked: a script, another panel.
        names = " ".join(dict.fromkeys(row.name for row in card.rows))
        hosts = [] if card.install is None else [*card.install.hosts]
        controller.emit(PreflightRequested(names, hosts, tokens))

    def _agree(self, *, later: bool, anyway: bool = False) -> None:
        card, controller = self._card, self._controller
        intent = None if card is None else card.tonight if later else card.anyway if anyway else card.install
        if card is None or intent is None or card.is_running or self._is_of_before(card):
            return
        if controller.by_pointer and controller.clock() < self._ready_at + _DOUBLE_CLICK:
            return
        state = controller.state
        asked = state.asked
        if asked is not None and state.install.edit.text.strip() == asked.text:
            state.install.edit.set_text("")
        self._close()
        controller.emit(intent)

    def _dismiss(self) -> None:
        if self._card is not None:
            self._close()
            self._controller.emit(PreflightDismissed())

    def _close(self) -> None:
        """Take the card away at once; the view follows."""
        controller = self._controller
        state = controller.state
        card = self._card
        self._gone = None if card is None else (card.title, card.install)
        state.asked, state.card_gone = None, True
        self._before, self._ready = None, False
        controller.stale = True
        if _in_card(state.focus):
            controller.refocus(INSTALL_FIELD)

    # ---- keys

    def enter(self) -> bool:
        """Enter: take the chosen name, or agree to the card from the context that is chosen. False: neither."""
        controller = self._controller
        state, card = controller.state, self._card
        if state.completing.chosen and state.completing.chosen in self.names:
            self._take(state.completing.chosen)
            return True
        if card is not None and state.focus == context_node(card.context_length):
            self._agree(later=False)
            return True
        return False

    def escape(self) -> bool:
        """Esc: close the names, or send the card away. False where one is in neither."""
        state = self._controller.state
        if self.names:
            state.completing.close()
        elif self._card is not None and (state.focus == INSTALL_FIELD or _in_card(state.focus)):
            self._dismiss()
        else:
            return False
        return True


def name_node(name: str) -> str:
    """The id of an offered name."""
    return f"complete:{name}"


def context_node(tokens: int) -> str:
    """The id of the card's choice of a context of so many tokens."""
    return f"{PREFLIGHT}context:{tokens}"


def _in_card(node_id: str | None) -> bool:
    return node_id is not None and node_id.startswith(PREFLIGHT)
