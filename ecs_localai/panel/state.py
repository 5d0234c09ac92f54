"""What the panel itself remembers: the pointer, the focus, what is being typed, what is unfolded."""

from __future__ import annotations

from dataclasses import dataclass, field

from ecs_localai.panel.field_state import FieldState

HOST_FIELD = "host"
INSTALL_FIELD = "install"


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
    confirming: str | None = None
    """The model in whose row "Delete?" is asked."""
    all_installations: bool = False
    scroll_bar_over: bool = False
    """Whether the pointer is over the scroll bar or drags it."""
    install_error_hidden: bool = False
    """Whether the text that the error is about has been changed since."""
    host: FieldState = field(default_factory=FieldState)
    install: FieldState = field(default_factory=FieldState)

    def pointer(self, block_id: str) -> PointerState:
        """The pointer as a block sees it."""
        if block_id != self.hover_block:
            return OUTSIDE
        return PointerState(True, self.hover, self.hover if self.hover == self.pressed else "")

    def field(self, node_id: str | None) -> FieldState | None:
        """The text field that a node is, or None."""
        if node_id == HOST_FIELD:
            return self.host
        if node_id == INSTALL_FIELD:
            return self.install
        return None
