"""The sheet that widgets draw a block on: it collects marks to paint and nodes with a meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pygame

from ecs_localai.panel.marks import FillMark, IconMark, PictureMark, RoundedMark, TextMark
from ecs_localai.panel.scene import Node, Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from ecs_localai.panel.ink import Ink
    from ecs_localai.panel.marks import Mark
    from ecs_localai.panel.metrics import TextStyle
    from ecs_localai.panel.state import PointerState
    from ecs_localai.panel.theme import RGB

Align = Literal["left", "centre", "right"]


class Draft:
    """One block being drawn. All positions are surface pixels from the block's corner."""

    __slots__ = ("block_id", "ink", "marks", "metrics", "nodes", "pointer", "theme")

    def __init__(self, ink: Ink, block_id: str, pointer: PointerState) -> None:
        self.ink = ink
        self.theme = ink.theme
        self.metrics = ink.metrics
        self.block_id = block_id
        self.pointer = pointer
        """Which node the pointer is over and which it holds down, as far as they are in this block."""
        self.marks: list[Mark] = []
        self.nodes: list[Node] = []

    def fill(self, rect: pygame.Rect, colour: RGB) -> None:
        """A rectangle of one colour."""
        self.marks.append(FillMark(rect, colour))

    def rounded(
        self,
        rect: pygame.Rect,
        radius: float,
        fill: RGB | None,
        border: RGB | None = None,
        border_width: int = 0,
        shape: pygame.Rect | None = None,
    ) -> None:
        """A rounded rectangle; ``border_width`` 0 is a hairline. See `RoundedMark` for ``shape``."""
        width = border_width or self.metrics.hair
        self.marks.append(RoundedMark(rect, radius, fill, border, width, shape))

    def icon(self, name: str, centre: tuple[int, int], size: int, colour: RGB) -> None:
        """An icon of ``size`` pixels about ``centre``. It only decorates; words say what it means."""
        rect = pygame.Rect(centre[0] - size // 2, centre[1] - size // 2, size, size)
        self.marks.append(IconMark(rect, name, colour))

    def picture(self, rect: pygame.Rect, key: tuple[object, ...], make: Callable[[], pygame.Surface]) -> None:
        """A picture that ``make`` draws when it is first needed; ``key`` must say all it depends on."""
        self.marks.append(PictureMark(rect, key, make))

    def text(
        self,
        x: int,
        middle: int,
        text: str,
        style: TextStyle,
        colour: RGB,
        *,
        max_width: int | None = None,
        align: Align = "left",
        shorten_middle: bool = False,
        role: Role | None = Role.TEXT,
        value: str = "",
    ) -> pygame.Rect:
        """A line of text, its capitals centred on ``middle``. Returns the line's rectangle.

        ``x`` is its left edge, centre or right edge, as ``align`` says. What doesn't fit ``max_width``
        ends with an ellipsis. ``role`` None makes no node: the text is part of a control.
        """
        engine = self.ink.text
        shown = text
        if max_width is not None:
            shown = engine.fit(text, style, max(0, max_width), middle=shorten_middle)
        width = engine.width(shown, style)
        left = x if align == "left" else x - width if align == "right" else x - width // 2
        baseline = middle + (engine.cap_height(style) + 1) // 2
        line = pygame.Rect(left, baseline - engine.ascent(style), width, engine.line_height(style))
        if shown:
            at = (left, baseline - engine.surface_ascent(style))
            self.marks.append(TextMark(at, engine.surface_size(shown, style), shown, style, colour))
        if role is not None and text:
            self.nodes.append(
                Node(
                    id=f"{self.block_id}/text{len(self.nodes)}",
                    role=role,
                    name=text,
                    rect=line,
                    value=value,
                    shown=shown if shown != text else "",
                )
            )
        return line

    def paragraph(
        self,
        x: int,
        top: int,
        text: str,
        style: TextStyle,
        colour: RGB,
        width: int,
        *,
        max_lines: int = 0,
        role: Role = Role.TEXT,
        centred: bool = False,
    ) -> int:
        """Text wrapped to ``width``, as one node. Returns the height that it takes.

        ``x`` is its left edge, or with ``centred`` the middle of every line.
        """
        engine = self.ink.text
        lines = engine.wrap(text, style, width, max_lines)
        step = paragraph_step(self.ink, style)
        widest = 0
        for number, line in enumerate(lines):
            middle = top + step * number + step // 2
            align: Align = "centre" if centred else "left"
            rect = self.text(x, middle, line, style, colour, align=align, role=None)
            widest = max(widest, rect.width)
        height = step * len(lines)
        shown = "\n".join(lines)
        cut = shown.replace("\n", " ").split() != text.split()
        self.nodes.append(
            Node(
                id=f"{self.block_id}/text{len(self.nodes)}",
                role=role,
                name=text,
                rect=pygame.Rect(x - widest // 2 if centred else x, top, widest, height),
                shown=shown if cut else "",
            )
        )
        return height


def paragraph_step(ink: Ink, style: TextStyle) -> int:
    """From one line of a paragraph to the next."""
    return ink.text.line_height(style) + ink.metrics.tall(2)


def paragraph_height(ink: Ink, text: str, style: TextStyle, width: int, max_lines: int = 0) -> int:
    """The height that `Draft.paragraph` will take."""
    return paragraph_step(ink, style) * len(ink.text.wrap(text, style, width, max_lines))
