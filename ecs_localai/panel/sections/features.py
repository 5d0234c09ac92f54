"""Experimental features: cards of switches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.components.panel_intents import ToggleRequested
from ecs_localai.panel import metrics
from ecs_localai.panel.draft import paragraph_height, paragraph_step
from ecs_localai.panel.scene import Role
from ecs_localai.panel.theme import WHITE, mix
from ecs_localai.panel.widgets.badge import badge, badge_width
from ecs_localai.panel.widgets.row import PADDING, row_background, text_after_tile, tile, tile_rect
from ecs_localai.panel.widgets.toggle import STEPS, toggle

if TYPE_CHECKING:
    from ecs_localai.components.panel_view import ToggleGroupView, ToggleRow
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.page import Page
    from ecs_localai.panel.theme import RGB

_MOST_LINES = 4


def build_features(page: Page) -> None:
    """Add a heading and a card of switches for each group."""
    tint = 0
    for number, group in enumerate(page.view.features):
        _build_group(page, group, number, tint)
        tint += len(group.toggles)


def _build_group(page: Page, group: ToggleGroupView, number: int, tint: int) -> None:
    page.heading(f"features:{number}", group.title, group.description)
    if not group.toggles:
        return
    heights = [_row_height(page, row) for row in group.toggles]
    page.card(f"features-card:{number}", sum(heights))
    tiles = page.ink.theme.tiles
    for index, (row, height) in enumerate(zip(group.toggles, heights, strict=True)):
        fill = tiles[(tint + index) % len(tiles)]
        last = index == len(group.toggles) - 1
        _build_row(page, row, height, fill, first=index == 0, last=last)


def _toggle_width(page: Page, row: ToggleRow) -> int:
    return page.tall(row.style.toggle_size.x)


def _text_width(page: Page, row: ToggleRow) -> int:
    """The room for title and description."""
    taken = text_after_tile(page.ink) + page.px(PADDING) + _toggle_width(page, row) + page.px(20)
    return max(page.px(80), page.width - taken)


def _row_height(page: Page, row: ToggleRow) -> int:
    text = paragraph_height(page.ink, row.description, metrics.SECONDARY, _text_width(page, row), _MOST_LINES)
    more = max(0, text - paragraph_step(page.ink, metrics.SECONDARY))
    return page.tall(metrics.TOGGLE_ROW) + more


def _build_row(page: Page, row: ToggleRow, height: int, fill: RGB, *, first: bool, last: bool) -> None:
    style = row.style
    name = f"toggle:{row.feature_id}"
    duration = style.animation_duration.total_seconds()
    place = page.glides.value(name, float(row.on), page.now, duration)
    step = round(place * STEPS)
    rect = pygame.Rect(page.left, page.y, page.width, height)
    key = (
        row.title, row.description, row.on, row.can_change, row.icon, row.phase, style, step, first, last,
    )  # fmt: skip

    def draw(draft: Draft) -> None:
        left = text_after_tile(page.ink)
        row_background(draft, rect.size, first=first, last=last, text_left=left)
        shade = fill if row.can_change else page.ink.theme.bar_idle
        tile(draft, tile_rect(page.ink, height), row.icon, shade, WHITE)
        _text(draft, page, row, left)
        high, wide = page.tall(style.toggle_size.y), _toggle_width(page, row)
        place_of = pygame.Rect(page.width - page.px(PADDING) - wide, (height - high) // 2, wide, high)
        toggle(
            draft, place_of, name, row.title, ToggleRequested(row.feature_id, not row.on),
            on=row.on, step=step, enabled=row.can_change,
            colours=(style.inactive_color.rgb, style.active_color.rgb),
        )  # fmt: skip

    page.add(f"feature:{row.feature_id}", key, rect, draw, role=Role.LIST_ITEM, name=row.title)
    page.y += height


def _text(draft: Draft, page: Page, row: ToggleRow, left: int) -> None:
    theme = draft.theme
    room = _text_width(page, row)
    phase = badge_width(page.ink, row.phase) + page.px(8) if row.phase else 0
    colour = theme.text if row.can_change else mix(theme.text, theme.card, 0.35)
    title = draft.text(left, page.tall(20), row.title, metrics.ROW, colour, max_width=max(room - phase, room // 2))
    if phase <= room - title.width and row.phase:
        badge(draft, title.right + page.px(8), page.tall(20), row.phase)
    draft.paragraph(left, page.tall(30), row.description, metrics.SECONDARY, theme.text2, room, max_lines=_MOST_LINES)
