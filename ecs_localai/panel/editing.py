"""Editing a line of text: caret, selection, undo. Knows nothing of keys or pixels."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right

from ecs_localai.panel.graphemes import boundaries

_UNDO_STEPS = 100
_MAX_LENGTH = 2048


def single_line(text: str) -> str:
    """Text fit for one line: line breaks and tabs become spaces, other control characters go."""
    spaced = " ".join(text.split("\n")) if "\n" in text else text
    spaced = spaced.replace("\r", "").replace("\t", " ")
    return "".join(letter for letter in spaced if unicodedata.category(letter) not in ("Cc", "Cs"))


class LineEdit:
    """A line of text with a caret and a selection. Indices count Python's characters.

    The caret moves by whole clusters (see `graphemes`), so it never stands inside an emoji or between a
    letter and its accent.
    """

    __slots__ = ("_redo", "_undo", "anchor", "caret", "composition", "text")
    longest = _MAX_LENGTH
    """How many characters it holds at most."""

    def __init__(self, text: str = "") -> None:
        self.text = self.clean(text)
        self.caret = len(self.text)
        self.anchor = self.caret
        """The other end of the selection; equal to ``caret`` when nothing is selected."""
        self.composition = ""
        """What an input method is composing, shown at the caret but not yet part of the text."""
        self._undo: list[tuple[str, int, int]] = []
        self._redo: list[tuple[str, int, int]] = []

    @staticmethod
    def clean(text: str) -> str:
        """As `single_line`."""
        return single_line(text)

    @property
    def selection(self) -> tuple[int, int]:
        """The selected part, first index and the one after its last."""
        return min(self.caret, self.anchor), max(self.caret, self.anchor)

    @property
    def selected_text(self) -> str:
        """What is selected; empty when nothing is."""
        first, last = self.selection
        return self.text[first:last]

    def set_text(self, text: str) -> None:
        """Hold another text, with the caret at its end and nothing to undo."""
        self.text = self.clean(text)
        self.caret = self.anchor = len(self.text)
        self.composition = ""
        self._undo.clear()
        self._redo.clear()

    def insert(self, text: str) -> None:
        """Put text in place of the selection."""
        clean = self.clean(text)
        if not clean and not self.selected_text:
            return
        first, last = self.selection
        clean = clean[: max(0, self.longest - len(self.text) + last - first)]
        self._change(self.text[:first] + clean + self.text[last:], first + len(clean))

    def delete(self, *, forward: bool, word: bool = False) -> None:
        """Delete the selection, or what is before (or after) the caret."""
        if self.selected_text:
            self.insert("")
            return
        other = self._step(self.caret, 1 if forward else -1, word=word)
        first, last = sorted((self.caret, other))
        if first != last:
            self._change(self.text[:first] + self.text[last:], first)

    def move(self, direction: int, *, word: bool = False, select: bool = False) -> None:
        """Move the caret one cluster (or word) left (-1) or right (1)."""
        if self.selected_text and not select and not word:
            self.place(self.selection[0 if direction < 0 else 1])
            return
        self.place(self._step(self.caret, direction, word=word), select=select)

    def place(self, index: int, *, select: bool = False) -> None:
        """Put the caret before the character at ``index``; ``select`` keeps the selection's other end."""
        self.caret = min(max(index, 0), len(self.text))
        if not select:
            self.anchor = self.caret

    def select_all(self) -> None:
        """Select everything."""
        self.anchor, self.caret = 0, len(self.text)

    def select_word(self, index: int) -> None:
        """Select the word (or the run of spaces or signs) that the character at ``index`` is in."""
        if not self.text:
            return
        index = min(max(index, 0), len(self.text) - 1)
        kind = _kind(self.text[index])
        first, last = index, index + 1
        while first > 0 and _kind(self.text[first - 1]) == kind:
            first -= 1
        while last < len(self.text) and _kind(self.text[last]) == kind:
            last += 1
        self.anchor, self.caret = first, last

    def undo(self) -> None:
        """Take the last change back."""
        self._swap(self._undo, self._redo)

    def redo(self) -> None:
        """Make the change again that was taken back last."""
        self._swap(self._redo, self._undo)

    def _swap(self, source: list[tuple[str, int, int]], other: list[tuple[str, int, int]]) -> None:
        if source:
            other.append((self.text, self.caret, self.anchor))
            self.text, self.caret, self.anchor = source.pop()

    def _change(self, text: str, caret: int) -> None:
        self._undo.append((self.text, self.caret, self.anchor))
        del self._undo[:-_UNDO_STEPS]
        self._redo.clear()
        self.text = text
        self.caret = self.anchor = caret

    def _step(self, index: int, direction: int, *, word: bool) -> int:
        if word:
            return self._word_edge(index, direction)
        places = boundaries(self.text)
        if direction < 0:
            return places[max(0, bisect_left(places, index) - 1)]
        return places[min(len(places) - 1, bisect_right(places, index))]

    def _word_edge(self, index: int, direction: int) -> int:
        """Past the spaces and signs next to ``index`` and the word after them."""
        step = 1 if direction > 0 else -1
        at = index if direction > 0 else index - 1
        while 0 <= at < len(self.text) and _kind(self.text[at]) != "word":
            at += step
        while 0 <= at < len(self.text) and _kind(self.text[at]) == "word":
            at += step
        return at if direction > 0 else at + 1


def _kind(letter: str) -> str:
    if letter.isalnum() or unicodedata.category(letter) in ("Mn", "Me", "Pc", "So", "Cf", "Sk"):
        return "word"
    return "space" if letter.isspace() else "sign"
