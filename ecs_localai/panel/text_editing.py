"""Editing text of several lines. Knows nothing of keys or pixels."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right

from ecs_localai.panel.editing import LineEdit
from ecs_localai.panel.graphemes import boundaries

LONGEST = 65_536
"""So many characters: far more than a system prompt or a template has."""


def several_lines(text: str) -> str:
    """Text fit for several lines: one sign for a line's end; control characters but that and the tab go."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(letter for letter in plain if letter in "\n\t" or unicodedata.category(letter) not in ("Cc", "Cs"))


class TextEdit(LineEdit):
    """Text of several lines with a caret and a selection."""

    __slots__ = ()
    longest = LONGEST

    @staticmethod
    def clean(text: str) -> str:
        """As `several_lines`."""
        return several_lines(text)

    def _step(self, index: int, direction: int, *, word: bool) -> int:
        """Only the line that the caret is in is looked at: the whole text may be long."""
        if word:
            return self._word_edge(index, direction)
        first = self.text.rfind("\n", 0, index) + 1
        last = self.text.find("\n", index)
        last = len(self.text) if last < 0 else last
        if direction < 0 and index == first:
            return max(0, index - 1)
        if direction > 0 and index == last:
            return min(len(self.text), index + 1)
        places = boundaries(self.text[first:last])
        at = index - first
        if direction < 0:
            return first + places[max(0, bisect_left(places, at) - 1)]
        return first + places[min(len(places) - 1, bisect_right(places, at))]
