"""Models that something in the world needs and does not have, near the top: who waits, why, and what helps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.components.panel_intents import InstallRequiredRequested
from ecs_localai.components.panel_view import Tone
from ecs_localai.panel import metrics
from ecs_localai.panel.draft import paragraph_height
from ecs_localai.panel.scene import Role
from ecs_localai.panel.sections.card_items import Item, build_card
from ecs_localai.panel.widgets.button import ButtonKind, button, button_width, link_width
from ecs_localai.panel.widgets.progress_bar import progress_bar
from ecs_localai.panel.widgets.row import PADDING, row_background, text_after_tile, tile

if TYPE_CHECKING:
    from ecs_localai.components.installing_view import RequirementRow
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.page import Page

_TITLE, _ALL = "Needed models", "Install all"
_TITLE_LINES, _DETAIL_LINES = 3, 4
_ICONS = {
    Tone.NEUTRAL: "clock",
    Tone.OK: "check",
    Tone.WARN: "triangle-alert",
    Tone.DANGER: "circle-alert",
    Tone.ACCENT: "download",
}


def build_requirements(page: Page) -> None:
    """Add the heading and the card, and room below; nothing while nobody waits."""
    rows = page.view.requirements
    if not rows:
        return
    _build_heading(page, several=sum(row.can_install for row in rows) > 1)
    build_card(page, "requirements-card", [_item(page, row, number) for number, row in enumerate(rows)], _TITLE)
    page.space(16)


def _build_heading(page: Page, *, several: bool) -> None:
    high = page.tall(metrics.BUTTON_HEIGHT if several else 18)
    rect = pygame.Rect(page.left + page.px(4), page.y, page.width - page.px(4), high)

    def draw(draft: Draft) -> None:
        end = rect.width
        if several:
            wide = min(link_width(page.ink, _ALL), rect.width // 2)
            end -= wide
            button(
                draft, pygame.Rect(end, 0, wide, high), "require-all", _ALL, InstallRequiredRequested(),
                kind=ButtonKind.LINK, name="Install all models that are needed", behind=draft.theme.background,
            )  # fmt: skip
        draft.text(0, high // 2, _TITLE, metrics.HEADING, draft.theme.text, max_width=end, role=Role.HEADING)

    page.add("requirements", (several,), rect, draw, name=_TITLE)
    page.y += high + page.px(6 if several else 9)


class _Layout:
    """Where everything of one row goes, in surface pixels from its corner."""

    def __init__(self, page: Page, row: RequirementRow) -> None:
        self.page, self.row = page, row
        self.left = text_after_tile(page.ink)
        end = page.width - page.px(PADDING)
        high = page.tall(metrics.BUTTON_HEIGHT)
        wide = min(button_width(page.ink, row.install_label), end - self.left) if row.can_install else 0
        beside = not page.narrow and wide <= (end - self.left) // 2
        self.room = end - self.left - (wide + page.px(16) if wide and beside else 0)
        y = page.tall(10)
        self.title_top = y
        y += self._height(row.title, _TITLE_LINES, title=True) + page.tall(2)
        self.detail_top = y
        y += self._height(row.detail, _DETAIL_LINES) if row.detail else 0
        self.bar: pygame.Rect | None = None
        if row.fraction is not None:
            bar = max(2, page.px(metrics.BAR_HEIGHT))
            self.bar = pygame.Rect(self.left, y + page.tall(7), self.room, bar)
            y = self.bar.bottom
        self.button: pygame.Rect | None = None
        if wide and not beside:
            self.button = pygame.Rect(self.left, y + page.tall(8), wide, high)
            y = self.button.bottom
        self.height = max(y + page.tall(11), page.tall(metrics.MODEL_ROW))
        if wide and beside:
            self.button = pygame.Rect(end - wide, (self.height - high) // 2, wide, high)

    def _height(self, text: str, lines: int, *, title: bool = False) -> int:
        style = metrics.ROW if title else metrics.SECONDARY
        return paragraph_height(self.page.ink, text, style, self.room, lines)


def _item(page: Page, row: RequirementRow, number: int) -> Item:
    layout = _Layout(page, row)
    done = None
    if row.fraction is not None:
        done = (round(row.fraction * layout.room), round(row.fraction * 100))
    key = (
        row.title, row.detail, row.tone, done, row.can_install, row.install_label, tuple(row.entities), page.narrow
    )  # fmt: skip

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, layout.height)

        def draw(draft: Draft) -> None:
            row_background(draft, rect.size, first=first, last=last, text_left=layout.left)
            _draw(draft, layout, number)

        page.add(f"requirement:{number}", (*key, first, last), rect, draw, role=Role.LIST_ITEM, name=row.title)

    return Item(layout.height, build)


def _draw(draft: Draft, layout: _Layout, number: int) -> None:
    page, row, theme = layout.page, layout.row, draft.theme
    colour, soft = theme.tones[row.tone]
    side = page.tall(metrics.TILE)
    tile(draft, pygame.Rect(page.px(PADDING), page.tall(10), side, side), _ICONS[row.tone], soft, colour)
    draft.paragraph(
        layout.left, layout.title_top, row.title, metrics.ROW, theme.text, layout.room, max_lines=_TITLE_LINES
    )
    if row.detail:
        mood = colour if row.tone in (Tone.DANGER, Tone.WARN) else theme.text2
        draft.paragraph(
            layout.left, layout.detail_top, row.detail, metrics.SECONDARY, mood, layout.room, max_lines=_DETAIL_LINES,
            role=Role.STATUS,
        )  # fmt: skip
    if layout.bar is not None:
        name = f"Progress: {row.title}"
        progress_bar(draft, layout.bar, f"requirement-bar:{number}", name, row.fraction, theme.bar)
    if layout.button is not None:
        first = row.entities[0] if row.entities else number
        button(
            draft, layout.button, f"require:{first}", row.install_label, InstallRequiredRequested([*row.entities]),
            name=f"{row.install_label}: {row.title}",
        )  # fmt: skip
