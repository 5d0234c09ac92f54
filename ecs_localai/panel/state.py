"""What the panel itself remembers: the pointer, the focus, what is being typed, what is unfolded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ecs_localai.panel.appearance import Appearance
from ecs_localai.panel.completing import Completing
from ecs_localai.panel.field_state import FieldState

if TYPE_CHECKING:
    from ecs_localai.panel.host_form import HostForm
    from ecs_localai.panel.model_form import ModelForm
    from ecs_localai.panel.model_naming import ModelNaming

HOST_FIELD = "host"
INSTALL_FIELD = "install"
NEW_NAME = "new-name"
"""The field for another name of a model."""
PREFLIGHT = "preflight-"
"""The ids of all controls of the card under the install field begin so."""
PREFLIGHT_INSTALL = f"{PREFLIGHT}install"
EVERYWHERE = "*"
"""The choice to install on all hosts; no host has this name."""


@dataclass(frozen=True, slots=True)
class PointerState:
    """The pointer as one block sees it; part of the block's key."""

    inside: bool = False
    """Whether the pointer is over the block."""
    over: str = ""
    """The id of the node under it."""
    down: str = ""
    """The id of the node that is held down, with the pointer still over it."""


OUTSIDE = PointerState()


@dataclass(slots=True)
class AskedPreflight:
    """What the card under the install field was asked for."""

    text: str
    """What was typed."""
    hosts: tuple[str, ...]
    context_length: int | None
    """As in `PreflightRequested`."""
    revealed: int = 0
    """What was scrolled into sight: 1 the card while it is being looked, 2 the answer."""


@dataclass(slots=True)
class UiState:
    """The panel's own state, apart from the view."""

    hover_block: str = ""
    hover: str = ""
    pressed: str = ""
    """The node that a press began on; it acts when the button comes up over it."""
    focus: str | None = None
    focus_visible: bool = False
    """Whether the focus came by the keyboard, so that its ring is drawn."""
    window_active: bool = True
    question: str | None = None
    """Which question is asked, for example ``delete:llama3.2:1b``: one at a time, in the row that it is about."""
    asked_from: str = ""
    """The node that the question stands in for: it gets the focus back."""
    unfolded: set[str] = field(default_factory=set)
    """What is unfolded, for example ``installations`` or ``host:gpu-box``."""
    scroll_bar_over: bool = False
    """Whether the pointer is over the scroll bar or drags it."""
    install_error_hidden: bool = False
    """Whether the text that the error is about has been changed since."""
    install_on: str = ""
    """The name of the host to install on; empty for the default one, `EVERYWHERE` for all."""
    completing: Completing = field(default_factory=Completing)
    asked: AskedPreflight | None = None
    """None where nothing was asked, or where that is done."""
    card_gone: bool = False
    """Whether the card was agreed to or sent away, and the view does not know that yet."""
    search_shown: bool = False
    """Whether what looking for hosts has brought is shown."""
    form: HostForm | None = None
    """The form to add or change a host, while it is open."""
    model_form: ModelForm | None = None
    """The form to make a new model of another one, while it is open."""
    naming: ModelNaming | None = None
    """The field for another name of a model, while it is open."""
    import_hint: bool = False
    """Whether it is said how a settings file is imported."""
    copied: str = ""
    """What was copied to the clipboard last; empty once something else was done."""
    appearance: Appearance = field(default_factory=Appearance)
    fields: dict[str, FieldState] = field(
        default_factory=lambda: {HOST_FIELD: FieldState(), INSTALL_FIELD: FieldState()}
    )
    """The text fields that are always there, by their nodes' ids."""

    @property
    def host(self) -> FieldState:
        """The field for the default host's address."""
        return self.fields[HOST_FIELD]

    @property
    def install(self) -> FieldState:
        """The field for a model's name."""
        return self.fields[INSTALL_FIELD]

    def pointer(self, block_id: str) -> PointerState:
        """The pointer as a block sees it."""
        if block_id != self.hover_block:
            return OUTSIDE
        return PointerState(True, self.hover, self.hover if self.hover == self.pressed else "")

    def field(self, node_id: str | None) -> FieldState | None:
        """The text field that a node is, or None."""
        if node_id is None:
            return None
        if node_id == NEW_NAME:
            return None if self.naming is None else self.naming.field
        if self.model_form is not None and node_id in self.model_form.fields:
            return self.model_form.fields[node_id]
        found = self.fields.get(node_id)
        return self.form.fields.get(node_id) if found is None and self.form is not None else found
