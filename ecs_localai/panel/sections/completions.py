"""The list of names that lies below the install field while one is being typed, over what is there."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pygame

from ecs_localai.panel import metrics
from ecs_localai.panel.actions import TakeName
from ecs_localai.panel.install_flow import name_node, offered_names
from ecs_localai.panel.scene import Cursor, Node, Role
from ecs_localai.panel.theme import WHITE

if TYPE_CHECKING:
    from ecs_localai.components.installing_view import CompletionRow
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.page import Page

_ROW, _EDGE = 32, 5
_SHADOW = 14
"""How far the shadow reaches."""


def build_completions(page: Page) -> None:
    """Add the list, as the last of all blocks, so that it lies over the others; nothing where none is offered."""
    rows = offered_names(page.view, page.state)
    if not rows or page.below_install_field is None:
        return
    row, edge = page.tall(_ROW), page.px(_EDGE)
    rect = page.below_install_field.copy()
    rect.height = row * len(rows) + 2 * edge
    _build_shadow(page, rect)
    chosen = page.state.completing.chosen

    def draw(draft: Draft) -> None:
        theme = draft.theme
        draft.rounded(pygame.Rect((0, 0), rect.size), page.px(metrics.CARD_RADIUS), theme.card, theme.button_border)
        for number, one in enumerate(rows):
            place = pygame.Rect(edge, edge + number * row, rect.width - 2 * edge, row)
            _draw_row(draft, page, one, place, chosen=one.name == chosen)

    key = (tuple((one.name, one.detail) for one in rows), chosen)
    page.add("completions", key, rect, draw, role=Role.LIST_BOX, name="Names that go on so")
    page.lowest = max(page.lowest, rect.bottom + page.px(_SHADOW))


def _draw_row(draft: Draft, page: Page, row: CompletionRow, place: pygame.Rect, *, chosen: bool) -> None:
    theme, px = draft.theme, page.px
    node_id = name_node(row.name)
    if chosen:
        draft.rounded(place, px(metrics.BUTTON_RADIUS), theme.primary)
    elif draft.pointer.over == node_id:
        draft.rounded(place, px(metrics.BUTTON_RADIUS), theme.row_hover)
    name_colour, detail_colour = (WHITE, WHITE) if chosen else (theme.text, theme.text2)
    left, right = place.x + px(9), place.right - px(9)
    most = (right - left) * 2 // 5
    detail = draft.text(
        right, place.centery, row.detail, metrics.SECONDARY_NUMBERS, detail_colour, align="right", max_width=most,
        role=None,
    )  # fmt: skip
    room = (detail.left - px(12) if row.detail else right) - left
    draft.text(
        left, place.centery, row.name, metrics.FIELD, name_colour, max_width=room, shorten_middle=True, role=None
    )
    draft.nodes.append(
        Node(
            id=node_id,
            role=Role.OPTION,
            name=f"{row.name}, {row.detail}" if row.detail else row.name,
            rect=place,
            value="chosen" if chosen else "",
            action=TakeName(row.name),
            cursor=Cursor.HAND,
            radius=px(metrics.BUTTON_RADIUS),
        )
    )


def _build_shadow(page: Page, rect: pygame.Rect) -> None:
    """A soft shadow around the list, a little lower than it. It has no nodes: what is under it can be pressed."""
    reach, radius = page.px(_SHADOW), page.px(metrics.CARD_RADIUS)
    around = rect.inflate(2 * reach, 2 * reach).move(0, page.px(3))

    def draw(draft: Draft) -> None:
        strength = 0.18 if draft.theme.name == "light" else 0.5
        key = ("list-shadow", around.size, reach, radius, strength)
        draft.picture(pygame.Rect((0, 0), around.size), key, partial(_shadow, around.size, reach, radius, strength))

    page.add("completions-shadow", (), around, draw, role=Role.IMAGE)


def _shadow(size: tuple[int, int], reach: int, radius: int, strength: float) -> pygame.Surface:
    """Black that fades away from the edge of a rounded rectangle, which is ``reach`` smaller on every side."""
    width, height = size
    x = np.abs(np.arange(width, dtype=np.float32) + 0.5 - width / 2) - (width / 2 - reach - radius)
    y = np.abs(np.arange(height, dtype=np.float32) + 0.5 - height / 2) - (height / 2 - reach - radius)
    away = np.hypot(np.maximum(x, 0)[:, None], np.maximum(y, 0)[None, :]) - radius
    fading = np.square(np.clip(1 - np.maximum(away, 0) / reach, 0, 1))
    picture = pygame.Surface(size, pygame.SRCALPHA, 32)
    alpha = pygame.surfarray.pixels_alpha(picture)
    alpha[:] = np.round(fading * strength * 255)
    del alpha
    return picture
