"""Placing rectangles beside and below each other."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pygame

if TYPE_CHECKING:
    from collections.abc import Sequence


def columns(left: int, top: int, width: int, height: int, count: int, gap: int) -> list[pygame.Rect]:
    """``count`` rectangles beside each other that fill ``width`` exactly; they differ by a pixel at most."""
    edges = [left + round(index * (width + gap) / count) for index in range(count + 1)]
    return [pygame.Rect(first, top, last - gap - first, height) for first, last in pairwise(edges)]


class FromRight:
    """Hands out room from the right edge leftwards, for controls at the end of a row."""

    __slots__ = ("right",)

    def __init__(self, right: int) -> None:
        self.right = right
        """The right edge of what is left."""

    def take(self, width: int, gap: int = 0) -> int:
        """Take ``width`` pixels and leave ``gap`` beside them. Returns their left edge."""
        left = self.right - width
        self.right = left - gap
        return left


def flow(widths: Sequence[int], room: int, height: int, gap: int, line_gap: int) -> tuple[list[pygame.Rect], int]:
    """Rectangles of these widths beside each other, in as many lines as ``room`` needs, and their height in all.

    What is wider than the room is made as wide as that. The first one is at 0, 0.
    """
    rects: list[pygame.Rect] = []
    x = y = 0
    for width in widths:
        width = min(width, room)
        if x and x + width > room:
            x, y = 0, y + height + line_gap
        rects.append(pygame.Rect(x, y, width, height))
        x += width + gap
    return rects, y + height if rects else 0
