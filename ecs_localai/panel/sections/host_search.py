"""Looking for hosts: how it stands, what was found, and what could not be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.components.panel_intents import AddHostRequested
from ecs_localai.components.panel_view import Tone
from ecs_localai.panel import metrics
from ecs_localai.panel.actions import ShowSearch
from ecs_localai.panel.draft import paragraph_height
from ecs_localai.panel.layout import FromRight
from ecs_localai.panel.scene import Role
from ecs_localai.panel.sections.card_items import Item
from ecs_localai.panel.widgets.button import ButtonKind, button, button_width, icon_button
from ecs_localai.panel.widgets.row import PADDING, row_background, text_after_tile, tile, tile_rect

if TYPE_CHECKING:
    from ecs_localai.components.panel_view import FoundRow
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.page import Page

_LAN, _AGAIN = "Also look in the local network", "Look again"


def search_items(page: Page) -> list[Item]:
    """The rows of the card."""
    search = page.view.search
    items = [_head(page), *(_found(page, row) for row in search.rows)]
    problems = [*search.problems]
    form = page.state.form
    if page.view.host_error is not None and form is None:
        problems.append(page.view.host_error)
    return [*items, *(_problem(page, text, number) for number, text in enumerate(problems))]


def _head(page: Page) -> Item:
    search = page.view.search
    line, high, padding = page.tall(44), page.tall(metrics.BUTTON_HEIGHT), page.px(PADDING)
    label = _AGAIN if search.lan else _LAN
    wide = button_width(page.ink, label)
    height = line + (high + page.tall(4) if page.narrow else 0)
    key = (search.text, label, search.is_running, page.narrow)

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, height)

        def draw(draft: Draft) -> None:
            theme = draft.theme
            row_background(draft, rect.size, first=first, last=last, text_left=padding)
            middle = line // 2
            icon = "loader-circle" if search.is_running else "search"
            draft.icon(icon, (padding + page.tall(8), middle), page.tall(16), theme.text2)
            at = FromRight(page.width - padding + page.px(6))
            close = pygame.Rect(at.take(high, page.px(4)), middle - high // 2, high, high)
            icon_button(
                draft, close, "search-close", "x", "Close what was found", ShowSearch(False), theme.text2, theme.card
            )
            left = padding + page.tall(16) + page.px(10)
            place = pygame.Rect(left - page.px(13), line - page.tall(2), min(wide, page.width - left), high)
            if not page.narrow:
                place = pygame.Rect(at.take(wide, page.px(12)), middle - high // 2, wide, high)
            button(
                draft, place, "search-lan", label, ShowSearch(True, lan=True), kind=ButtonKind.LINK,
                enabled=not (search.is_running and search.lan),
            )  # fmt: skip
            draft.text(left, middle, search.text, metrics.BODY, theme.text, max_width=at.right - left, role=Role.STATUS)

        page.add("search-head", (*key, first, last), rect, draw, name="Find hosts")

    return Item(height, build)


def _found(page: Page, row: FoundRow) -> Item:
    height = page.tall(metrics.MODEL_ROW)

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, height)

        def draw(draft: Draft) -> None:
            theme = draft.theme
            left = text_after_tile(page.ink)
            row_background(draft, rect.size, first=first, last=last, text_left=left)
            colour, soft = theme.tones[Tone.ACCENT]
            tile(draft, tile_rect(page.ink, height), row.icon, soft, colour)
            wide, high = button_width(page.ink, "Add"), page.tall(metrics.BUTTON_HEIGHT)
            at = FromRight(page.width - page.px(PADDING))
            button(
                draft, pygame.Rect(at.take(wide, page.px(16)), (height - high) // 2, wide, high),
                f"add-found:{row.base_url}", "Add", AddHostRequested(row.base_url, row.name), name=f"Add {row.title}",
            )  # fmt: skip
            room = at.right - left
            draft.text(left, page.tall(17.5), row.title, metrics.ROW, theme.text, max_width=room, shorten_middle=True)
            draft.text(left, page.tall(35.5), row.detail, metrics.SECONDARY, theme.text2, max_width=room)

        key = (row.title, row.detail, row.icon, row.name, first, last)
        page.add(f"found:{row.base_url}", key, rect, draw, role=Role.LIST_ITEM, name=row.title)

    return Item(height, build)


def _problem(page: Page, text: str, number: int) -> Item:
    padding = page.px(PADDING)
    left = padding + page.tall(16) + page.px(10)
    room = page.width - left - padding
    text_height = paragraph_height(page.ink, text, metrics.SECONDARY, room)
    height = text_height + page.tall(18)

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, height)

        def draw(draft: Draft) -> None:
            colour = draft.theme.tone(Tone.WARN)
            row_background(draft, rect.size, first=first, last=last, text_left=left)
            draft.icon("triangle-alert", (padding + page.tall(8), page.tall(17)), page.tall(14), colour)
            draft.paragraph(left, page.tall(9), text, metrics.SECONDARY, colour, room, role=Role.STATUS)

        page.add(f"search-problem:{number}", (text, first, last), rect, draw, name="What could not be looked at")

    return Item(height, build)
