"""Rows of a card: what is behind them, the hairline between them, the tile with an icon at their left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.panel import metrics

if TYPE_CHECKING:
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.ink import Ink
    from ecs_localai.panel.theme import RGB

PADDING = 16


def row_background(draft: Draft, size: tuple[int, int], *, first: bool, last: bool, text_left: int) -> None:
    """The highlight under the pointer, inside the card's border, and the hairline to the next row."""
    width, height = size
    hair = draft.metrics.hair
    if draft.pointer.inside:
        top = hair if first else 0
        inner = pygame.Rect(hair, top, width - 2 * hair, height - top - (hair if last else 0))
        radius = draft.metrics.px(metrics.CARD_RADIUS) - hair
        # Only the corners that are the card's own are round: the others lie outside what is shown.
        shape = inner.copy()
        if not first:
            shape.y -= 2 * radius
            shape.height += 2 * radius
        if not last:
            shape.height += 2 * radius
        draft.rounded(inner, radius, draft.theme.row_hover, shape=shape)
    if not last:
        thin = draft.metrics.thin
        line = pygame.Rect(text_left, height - thin, width - text_left - hair, thin)
        draft.fill(line, draft.theme.separator)


def text_after_tile(ink: Ink) -> int:
    """Where a row's text begins when there is a tile before it."""
    return 2 * ink.metrics.px(PADDING) + ink.metrics.tall(metrics.TILE)


def tile_rect(ink: Ink, height: int) -> pygame.Rect:
    """Where a row of this height has its tile."""
    side = ink.metrics.tall(metrics.TILE)
    return pygame.Rect(ink.metrics.px(PADDING), (height - side) // 2, side, side)


def tile(draft: Draft, rect: pygame.Rect, icon: str, fill: RGB, colour: RGB) -> None:
    """A small rounded square with an icon."""
    draft.rounded(rect, draft.metrics.px(metrics.FIELD_RADIUS), fill)
    draft.icon(icon, rect.center, draft.metrics.tall(18), colour)
