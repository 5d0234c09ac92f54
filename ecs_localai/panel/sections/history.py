"""Past installations: a quiet line that unfolds the newest of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.components.panel_intents import InstallRequested
from ecs_localai.panel import metrics
from ecs_localai.panel.actions import Unfold
from ecs_localai.panel.draft import paragraph_height
from ecs_localai.panel.layout import FromRight
from ecs_localai.panel.scene import Cursor, Node, Role
from ecs_localai.panel.sections.card_items import Item, build_card
from ecs_localai.panel.theme import mix
from ecs_localai.panel.widgets.badge import badge, badge_width
from ecs_localai.panel.widgets.button import button, button_width
from ecs_localai.panel.widgets.pill import pill, pill_width
from ecs_localai.panel.widgets.row import PADDING, row_background

if TYPE_CHECKING:
    from ecs_localai.components.panel_view import HistoryRow
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.page import Page

_UNFOLDED = "history"
_AGAIN = "Install again"
_LINE = 26
_REASON_LINES = 4
_DETAIL_LINES = 2
_ICON = 14


def build_history(page: Page) -> None:
    """Add the line, and the rows where they are unfolded; nothing where nothing is remembered."""
    rows, count = page.view.history, page.view.history_count
    if not rows:
        return
    page.space(8)
    unfolded = _UNFOLDED in page.state.unfolded
    _build_line(page, count, unfolded=unfolded)
    if not unfolded:
        return
    page.space(6)
    items = [_item(page, row) for row in rows]
    if count > len(rows):
        items.append(_rest(page, f"The newest {len(rows)} of {count}. The command “history” lists them all."))
    build_card(page, "history-card", items, "Past installations")


def _build_line(page: Page, count: int, *, unfolded: bool) -> None:
    text = "1 past installation" if count == 1 else f"{count} past installations"
    height = page.tall(_LINE)
    rect = pygame.Rect(page.left, page.y, page.width, height)

    def draw(draft: Draft) -> None:
        theme, px, icon = draft.theme, page.px, page.tall(_ICON)
        words = page.ink.text.width(text, metrics.SECONDARY_MEDIUM)
        wide = min(px(8) + icon + px(6) + words + px(6) + icon + px(8), rect.width)
        place = pygame.Rect(0, 0, wide, height)
        over = draft.pointer.over == "history-more"
        radius = px(metrics.BUTTON_RADIUS)
        if over:
            share = 0.12 if draft.pointer.down == "history-more" else 0.05
            draft.rounded(place, radius, mix(theme.background, theme.text, share))
        middle = height // 2
        draft.icon("history", (px(8) + icon // 2, middle), icon, theme.text2)
        left = px(8) + icon + px(6)
        room = wide - left - px(6) - icon - px(8)
        shown = draft.text(left, middle, text, metrics.SECONDARY_MEDIUM, theme.text2, max_width=room, role=None)
        chevron = "chevron-up" if unfolded else "chevron-down"
        draft.icon(chevron, (shown.right + px(6) + icon // 2, middle), icon, theme.text2)
        draft.nodes.append(
            Node(
                id="history-more",
                role=Role.BUTTON,
                name=f"Hide {text}" if unfolded else f"Show {text}",
                rect=place,
                focusable=True,
                action=Unfold(_UNFOLDED, not unfolded),
                cursor=Cursor.HAND,
                radius=radius,
            )
        )

    page.add("history", (text, unfolded), rect, draw, name=text)
    page.y += height


class _Layout:
    """Where the lines of one row are, in surface pixels from its top."""

    def __init__(self, page: Page, row: HistoryRow) -> None:
        self.left = page.px(PADDING)
        self.right = page.width - self.left
        self.room = self.right - self.left
        y = page.tall(metrics.MODEL_ROW)
        self.state = 0
        """The top of the line with the outcome and the button, in a narrow window."""
        if page.narrow:
            y = page.tall(28) + _detail_height(page, row, self.room)
            self.state = y + page.tall(4)
            y = self.state + page.tall(metrics.BUTTON_HEIGHT) + page.tall(10)
        self.reason = y - page.tall(4)
        if row.reason:
            y += paragraph_height(page.ink, row.reason, metrics.SECONDARY, self.room, _REASON_LINES) + page.tall(8)
        self.height = y


def _detail_height(page: Page, row: HistoryRow, room: int) -> int:
    return paragraph_height(page.ink, row.detail, metrics.SECONDARY_NUMBERS, room, _DETAIL_LINES)


def _item(page: Page, row: HistoryRow) -> Item:
    layout = _Layout(page, row)
    key = (
        row.name, row.detail, row.outcome, row.tone, row.reason, row.host, row.can_repeat, tuple(row.repeat_on),
        page.narrow,
    )  # fmt: skip

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, layout.height)

        def draw(draft: Draft) -> None:
            row_background(draft, rect.size, first=first, last=last, text_left=layout.left)
            right = _right_side(draft, page, row, layout)
            _words(draft, page, row, layout, right)

        block = f"history:{row.installation_id}"
        page.add(block, (*key, first, last), rect, draw, role=Role.LIST_ITEM, name=row.name)

    return Item(layout.height, build)


def _right_side(draft: Draft, page: Page, row: HistoryRow, layout: _Layout) -> int:
    """Draw outcome and button. Returns the right edge of the room for the name."""
    high, pill_high = page.tall(metrics.BUTTON_HEIGHT), page.tall(metrics.PILL_HEIGHT)
    middle = layout.state + high // 2 if page.narrow else page.tall(metrics.MODEL_ROW) // 2
    at = FromRight(layout.right)
    if row.can_repeat:
        wide = min(button_width(page.ink, _AGAIN), layout.room // 2)
        rect = pygame.Rect(at.take(wide, page.px(12)), middle - high // 2, wide, high)
        action = InstallRequested(row.name, [*row.repeat_on])
        where = f" on {row.host}" if row.host else ""
        node_id = f"again:{row.installation_id}"
        button(draft, rect, node_id, _AGAIN, action, name=f"{_AGAIN}: {row.name}{where}, {row.detail}")
    wide = min(pill_width(page.ink, row.outcome), at.right - layout.left)
    left = layout.left if page.narrow else at.take(wide, page.px(16))
    place = pygame.Rect(left, middle - pill_high // 2, wide, pill_high)
    pill(draft, place, f"outcome:{row.installation_id}", row.outcome, row.tone)
    return layout.right if page.narrow else at.right


def _words(draft: Draft, page: Page, row: HistoryRow, layout: _Layout, right: int) -> None:
    theme, room = draft.theme, right - layout.left
    first = page.tall(17.5)
    host = f"on {row.host}" if row.host else ""
    gap = page.px(8)
    most = room // 3
    wide = min(badge_width(page.ink, host), most) + gap if host else 0
    name = draft.text(layout.left, first, row.name, metrics.ROW, theme.text, max_width=room - wide, shorten_middle=True)
    if host:
        badge(draft, name.right + gap, first, host, most=most)
    if page.narrow:
        draft.paragraph(
            layout.left, page.tall(28), row.detail, metrics.SECONDARY_NUMBERS, theme.text2, layout.room,
            max_lines=_DETAIL_LINES,
        )  # fmt: skip
    else:
        draft.text(layout.left, page.tall(35.5), row.detail, metrics.SECONDARY_NUMBERS, theme.text2, max_width=room)
    if row.reason:
        draft.paragraph(
            layout.left, layout.reason, row.reason, metrics.SECONDARY, theme.text2, layout.room,
            max_lines=_REASON_LINES,
        )  # fmt: skip


def _rest(page: Page, text: str) -> Item:
    """The last line of the card: how many more there are."""
    left = page.px(PADDING)
    room = page.width - 2 * left
    height = paragraph_height(page.ink, text, metrics.SECONDARY, room) + page.tall(20)

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, height)

        def draw(draft: Draft) -> None:
            draft.paragraph(left, page.tall(10), text, metrics.SECONDARY, draft.theme.text2, room)

        page.add("history-rest", (text, first, last), rect, draw, name="Older ones")

    return Item(height, build)
