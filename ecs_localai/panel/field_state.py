"""What a text field remembers between frames, apart from its text."""

from __future__ import annotations

from dataclasses import dataclass, field

from ecs_localai.panel.editing import LineEdit

_DOT = "•"


@dataclass(slots=True)
class FieldState:
    """A text field's text, how far it is scrolled, and where it stands."""

    edit: LineEdit = field(default_factory=LineEdit)
    scroll: int = 0
    """How many surface pixels of the text are hidden at its left."""
    window: tuple[int, int] = (0, 0)
    """Left edge and width of the room for text, in surface pixels from the block's corner; set when drawn."""
    shown: str = ""
    """The text last taken over from the view: what it goes back to with Esc."""
    caret_on: bool = True
    """Whether the caret is in the visible half of its blinking."""
    masked: bool = False
    """Whether it holds a secret: it shows dots, and gives nothing to the clipboard or to what describes the panel."""

    @property
    def changed(self) -> bool:
        """Whether the text differs from what the view holds."""
        return self.edit.text != self.shown

    def seen(self, text: str) -> str:
        """A part of the field's text as it may be seen: a dot for each character of a secret."""
        return _DOT * len(text) if self.masked else text

    def take(self, text: str) -> None:
        """Hold another text, which is what Esc goes back to."""
        self.shown = text
        self.edit.set_text(text)
        self.scroll = 0
