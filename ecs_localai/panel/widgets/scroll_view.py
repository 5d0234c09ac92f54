"""What shows that a page goes on: its edges fade, and a bar over its right margin can be dragged."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pygame

from ecs_localai.panel.draft import Draft
from ecs_localai.panel.scene import Block, Node, Placed, Role
from ecs_localai.panel.state import OUTSIDE

if TYPE_CHECKING:
    from ecs_localai.panel.ink import Ink
    from ecs_localai.panel.metrics import Metrics
    from ecs_localai.panel.theme import RGB

_FADE = 22
_THUMB, _THUMB_WIDE = 6, 9
_EDGE = 3
_SHORTEST = 36
_GRAB = 15
"""How wide the strip at the right edge is that the pointer can take the bar in."""


def scroll_strip(metrics: Metrics, viewport: pygame.Rect) -> pygame.Rect:
    """The strip at the right edge that belongs to the scroll bar."""
    width = metrics.px(_GRAB)
    return pygame.Rect(viewport.right - width, viewport.y, width, viewport.height)


def thumb_rect(
    metrics: Metrics, viewport: pygame.Rect, content_height: int, scroll: int, *, wide: bool
) -> pygame.Rect | None:
    """Where the bar's thumb is; None when everything fits."""
    maximum = content_height - viewport.height
    if maximum <= 0 or viewport.height <= 0:
        return None
    edge = metrics.px(_EDGE)
    track = viewport.height - 2 * edge
    length = max(min(metrics.px(_SHORTEST), track), round(track * viewport.height / content_height))
    top = viewport.y + edge + round((track - length) * scroll / maximum)
    width = metrics.px(_THUMB_WIDE if wide else _THUMB)
    return pygame.Rect(viewport.right - edge - width, top, width, length)


def scroll_for_thumb(metrics: Metrics, viewport: pygame.Rect, content_height: int, thumb_top: float) -> float:
    """How far to scroll for the thumb to begin at ``thumb_top`` (window coordinates)."""
    thumb = thumb_rect(metrics, viewport, content_height, 0, wide=False)
    if thumb is None:
        return 0.0
    way = viewport.height - 2 * metrics.px(_EDGE) - thumb.height
    return (thumb_top - thumb.y) * (content_height - viewport.height) / way if way > 0 else 0.0


def scroll_overlay(
    ink: Ink, viewport: pygame.Rect, content_height: int, scroll: int, *, bar_over: bool
) -> list[Placed]:
    """The fades and the bar, as blocks in window coordinates."""
    placed: list[Placed] = []
    maximum = content_height - viewport.height
    height = min(ink.metrics.px(_FADE), viewport.height // 4)
    if height > 0 and maximum > 0:
        for name, shown, top in (
            ("fade-top", scroll > 0, viewport.y),
            ("fade-bottom", scroll < maximum, viewport.bottom - height),
        ):
            if shown:
                rect = pygame.Rect(viewport.x, top, viewport.width, height)
                placed.append(_fade(ink, name, rect, upwards=name == "fade-bottom"))
    thumb = thumb_rect(ink.metrics, viewport, content_height, scroll, wide=bar_over)
    if thumb is not None:
        placed.append(_bar(ink, thumb, scroll, maximum, over=bar_over))
    return placed


def _fade(ink: Ink, block_id: str, rect: pygame.Rect, *, upwards: bool) -> Placed:
    draft = Draft(ink, block_id, OUTSIDE)
    key = ("fade", rect.size, ink.theme.background, upwards)
    make = partial(_fade_picture, rect.size, ink.theme.background, upwards)
    draft.picture(pygame.Rect((0, 0), rect.size), key, make)
    return Placed(Block(block_id, key, Role.IMAGE, "", draft.marks, []), rect)


def _fade_picture(size: tuple[int, int], colour: RGB, upwards: bool) -> pygame.Surface:
    picture = pygame.Surface(size, pygame.SRCALPHA, 32)
    picture.fill((*colour, 0))
    share = (np.arange(size[1]) + 0.5) / size[1]
    share = share if upwards else 1 - share
    smooth = share * share * (3 - 2 * share)
    pygame.surfarray.pixels_alpha(picture)[:] = np.round(smooth * 255)[None, :]
    return picture


def _bar(ink: Ink, thumb: pygame.Rect, scroll: int, maximum: int, *, over: bool) -> Placed:
    colour = ink.theme.scroll_thumb_hover if over else ink.theme.scroll_thumb
    draft = Draft(ink, "scroll-bar", OUTSIDE)
    whole = pygame.Rect((0, 0), thumb.size)
    draft.rounded(whole, thumb.width / 2, colour)
    draft.nodes.append(Node("scroll-thumb", Role.SCROLL_BAR, "Scroll", whole, value=f"{scroll / maximum:.0%}"))
    return Placed(Block("scroll-bar", (colour,), Role.GROUP, "", draft.marks, draft.nodes), thumb)
