"""Text broken into the lines of a field, none of its characters lost: each knows where in the text it stands."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from ecs_localai.panel.graphemes import boundaries

if TYPE_CHECKING:
    from ecs_localai.panel.metrics import TextStyle
    from ecs_localai.panel.text import TextEngine


class TextLine(NamedTuple):
    """A line as it is shown: from the index of its first character to the one after its last."""

    start: int
    end: int
    """A line break is in no line; spaces at which a line was broken hang at its end."""


def break_lines(engine: TextEngine, text: str, style: TextStyle, width: int) -> list[TextLine]:
    """The lines of ``text``, no wider than ``width``; one at least."""
    lines: list[TextLine] = []
    start = 0
    for paragraph in text.split("\n"):
        lines += _broken(engine, paragraph, style, width, start)
        start += len(paragraph) + 1
    return lines


def _broken(engine: TextEngine, paragraph: str, style: TextStyle, width: int, start: int) -> list[TextLine]:
    lines: list[TextLine] = []
    at = 0
    while True:
        rest = paragraph[at:]
        if engine.width(rest, style) <= width:
            return [*lines, TextLine(start + at, start + len(paragraph))]
        taken = _taken(engine, rest, style, width)
        lines.append(TextLine(start + at, start + at + taken))
        at += taken
        if at == len(paragraph):
            return lines


def _taken(engine: TextEngine, text: str, style: TextStyle, width: int) -> int:
    """How many characters go on the first line: up to a space where there is one, at least one."""
    places = boundaries(text)
    low, high = 1, len(places) - 1
    while low < high:
        half = (low + high + 1) // 2
        if engine.width(text[: places[half]].rstrip(), style) <= width:
            low = half
        else:
            high = half - 1
    most = places[low]
    space = text.rfind(" ", 0, most + 1)
    if space <= 0 or not text[:space].strip():
        return most
    while space < len(text) and text[space] == " ":
        space += 1
    return space


def line_of(lines: list[TextLine], index: int) -> int:
    """The number of the line that a caret at ``index`` stands in."""
    return max(0, bisect_right(lines, index, key=lambda line: line.start) - 1)
