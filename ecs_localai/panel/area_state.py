"""What a field of several lines remembers between frames, apart from its text."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ecs_localai.panel import metrics
from ecs_localai.panel.area_lines import TextLine, break_lines, line_of
from ecs_localai.panel.editing import LineEdit
from ecs_localai.panel.field_state import FieldState
from ecs_localai.panel.graphemes import boundaries
from ecs_localai.panel.text_editing import TextEdit

if TYPE_CHECKING:
    from ecs_localai.panel.ink import Ink


@dataclass(slots=True)
class AreaState(FieldState):
    """A field of several lines: its text, the lines that it was broken into, how far it is scrolled."""

    edit: LineEdit = field(default_factory=TextEdit)
    top: int = 0
    """How many surface pixels of the lines are hidden above."""
    room: tuple[int, int] = (0, 0)
    """Upper edge and height of the room for lines, in surface pixels from the block's corner; set when drawn."""
    step: int = 1
    """From one line to the next; set when drawn."""
    lines: list[TextLine] = field(default_factory=lambda: [TextLine(0, 0)])
    """Of the text that was drawn last."""
    goal: int | None = None
    """How far from the left edge the caret wants to be while it goes up and down past shorter lines."""
    broken: tuple[str, int, int] = ("", 0, 0)
    """What `lines` were made of: the text, the width, and which letters."""
    follows: bool = True
    """Whether the caret is kept in sight; not after the wheel."""

    def seen(self, text: str) -> str:
        """A part of the text as it is shown, with as many characters."""
        return text.replace("\t", " ")

    def take(self, text: str) -> None:
        """Hold another text, with the caret at its beginning."""
        self.edit.set_text(text)
        self.edit.place(0)
        self.shown = self.edit.text
        self.scroll = self.top = 0

    def shown_text(self) -> str:
        """The text with what an input method is composing."""
        edit = self.edit
        if not edit.composition:
            return self.seen(edit.text)
        return self.seen(edit.text[: edit.caret] + edit.composition + edit.text[edit.caret :])

    def lay_out(self, ink: Ink, width: int) -> list[TextLine]:
        """Break the text into lines of this width."""
        wanted = (self.shown_text(), width, id(ink.text))
        if wanted != self.broken:
            self.broken = wanted
            self.lines = break_lines(ink.text, wanted[0], metrics.BODY, width)
        return self.lines

    @property
    def lowest(self) -> int:
        """How far it can be scrolled."""
        return max(0, len(self.lines) * self.step - self.room[1])

    def scroll_by(self, pixels: int) -> bool:
        """Scroll the lines. False where there are no more in that direction."""
        before = self.top
        self.top = min(max(self.top + pixels, 0), self.lowest)
        self.follows = False
        return self.top != before

    def index_at(self, ink: Ink, x: int, y: int) -> int:
        """The place in the text that is nearest to a point; in pixels from the block's corner."""
        number = min(max((y - self.room[0] + self.top) // max(1, self.step), 0), len(self.lines) - 1)
        return self.index_in_line(ink, number, x - self.window[0])

    def index_in_line(self, ink: Ink, number: int, x: int) -> int:
        """The place in a line that is nearest to so many pixels from its left edge."""
        line = self.lines[number]
        text = self.seen(self.edit.text[line.start : line.end])
        places = boundaries(text)
        if number + 1 < len(self.lines) and self.lines[number + 1].start == line.end and len(places) > 1:
            places.pop()  # the end of a line that was broken is the beginning of the next
        edges = [ink.text.width(text[:place], metrics.BODY) for place in places]
        right = min(bisect_left(edges, x), len(edges) - 1)
        left = max(0, right - 1)
        nearest = left if x - edges[left] < edges[right] - x else right
        return line.start + places[nearest]

    def caret_place(self, ink: Ink) -> tuple[int, int]:
        """The line that the caret is in, and how far from its left edge. While composing, the end of that."""
        index = self.edit.caret + len(self.edit.composition)
        number = line_of(self.lines, index)
        line = self.lines[number]
        return number, ink.text.width(self.shown_text()[line.start : min(index, line.end)], metrics.BODY)
