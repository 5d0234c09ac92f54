"""Marks: the few kinds of things that are painted. A widget makes them; the painter compares and draws them.

A mark's ``rect`` is in surface pixels from its block's corner, and its ``key`` says all that its look
depends on in pixel values, so that two marks with equal rects and keys are the same pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pygame

if TYPE_CHECKING:
    from collections.abc import Callable

    from ecs_localai.panel.ink import Ink
    from ecs_localai.panel.metrics import TextStyle
    from ecs_localai.panel.theme import RGB


class Mark(Protocol):
    """Something painted."""

    rect: pygame.Rect
    key: tuple[object, ...]

    def draw(self, target: pygame.Surface, ink: Ink, left: int, top: int) -> None:
        """Paint it, its block's corner being at ``left``, ``top``."""


class FillMark:
    """A rectangle of one colour."""

    __slots__ = ("colour", "key", "rect")

    def __init__(self, rect: pygame.Rect, colour: RGB) -> None:
        self.rect = rect
        self.colour = colour
        self.key: tuple[object, ...] = ("fill", colour)

    def draw(self, target: pygame.Surface, ink: Ink, left: int, top: int) -> None:
        """Fill it."""
        target.fill(self.colour, self.rect.move(left, top))


class RoundedMark:
    """A rounded rectangle, filled, with a border, or both. Only what lies in ``rect`` shows of ``shape``."""

    __slots__ = ("border", "border_width", "fill", "key", "radius", "rect", "shape")

    def __init__(
        self,
        rect: pygame.Rect,
        radius: float,
        fill: RGB | None,
        border: RGB | None = None,
        border_width: int = 1,
        shape: pygame.Rect | None = None,
    ) -> None:
        self.rect = rect
        self.shape = rect if shape is None else shape
        self.radius = radius
        self.fill = fill
        self.border = border
        self.border_width = border_width
        self.key: tuple[object, ...] = (
            "rounded", tuple(self.shape), radius, fill, border, border_width,
        )  # fmt: skip

    def draw(self, target: pygame.Surface, ink: Ink, left: int, top: int) -> None:
        """Draw the shape; where it is larger than the mark, cut to the mark."""
        where = self.shape.move(left, top)
        if self.shape is self.rect:
            ink.shapes.rounded(target, where, self.radius, self.fill, self.border, self.border_width)
            return
        clip = target.get_clip()
        target.set_clip(clip.clip(self.rect.move(left, top)))
        ink.shapes.rounded(target, where, self.radius, self.fill, self.border, self.border_width)
        target.set_clip(clip)


class TextMark:
    """A line of text, cut to ``window`` where that is given (a field's scrolled text)."""

    __slots__ = ("at", "colour", "key", "rect", "style", "text")

    def __init__(
        self,
        at: tuple[int, int],
        size: tuple[int, int],
        text: str,
        style: TextStyle,
        colour: RGB,
        window: pygame.Rect | None = None,
    ) -> None:
        self.at = at
        whole = pygame.Rect(at, size)
        self.rect = whole if window is None else whole.clip(window)
        self.text = text
        self.style = style
        self.colour = colour
        self.key: tuple[object, ...] = ("text", text, style, colour, at)

    def draw(self, target: pygame.Surface, ink: Ink, left: int, top: int) -> None:
        """Put the line's picture, or the part of it in the window."""
        surface = ink.text.surface(self.text, self.style, self.colour)
        x, y = self.rect.topleft
        part = pygame.Rect((x - self.at[0], y - self.at[1]), self.rect.size)
        target.blit(surface, (x + left, y + top), part)


class IconMark:
    """An icon."""

    __slots__ = ("colour", "key", "name", "rect")

    def __init__(self, rect: pygame.Rect, name: str, colour: RGB) -> None:
        self.rect = rect
        self.name = name
        self.colour = colour
        self.key: tuple[object, ...] = ("icon", name, colour)

    def draw(self, target: pygame.Surface, ink: Ink, left: int, top: int) -> None:
        """Put the icon's picture."""
        surface = ink.icons.surface(self.name, self.rect.width, self.colour)
        target.blit(surface, self.rect.move(left, top))


class PictureMark:
    """A picture that a widget makes itself; made when first drawn and kept under its key."""

    __slots__ = ("key", "make", "rect")

    def __init__(self, rect: pygame.Rect, key: tuple[object, ...], make: Callable[[], pygame.Surface]) -> None:
        self.rect = rect
        self.key = key
        self.make = make

    def draw(self, target: pygame.Surface, ink: Ink, left: int, top: int) -> None:
        """Put the picture."""
        surface = ink.pictures.get(self.key)
        if surface is None:
            surface = ink.pictures.keep(self.key, self.make())
        target.blit(surface, self.rect.move(left, top))
