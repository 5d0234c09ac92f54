"""Installed models: a row for each, with a question before one is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.components.panel_view import Tone
from ecs_localai.panel import metrics
from ecs_localai.panel.actions import AskDelete, ConfirmDelete, KeepModel
from ecs_localai.panel.draft import paragraph_height
from ecs_localai.panel.layout import FromRight
from ecs_localai.panel.scene import Role
from ecs_localai.panel.widgets.badge import badge_row, badge_width
from ecs_localai.panel.widgets.button import ButtonKind, button, button_width
from ecs_localai.panel.widgets.pill import pill, pill_width
from ecs_localai.panel.widgets.row import PADDING, row_background

if TYPE_CHECKING:
    from ecs_localai.components.panel_view import ModelRow
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.page import Page

_LEAST_NAME = 110


def build_models(page: Page) -> None:
    """Add the heading and the card with a row for each model, or with the words for none."""
    rows = page.view.models
    if not rows and not page.view.models_empty_text:
        return
    page.heading("models", "Installed models")
    if not rows:
        _build_empty(page)
        return
    heights = [_row_height(page, row) for row in rows]
    size_width = max(page.ink.text.width(row.size_text, metrics.SECONDARY_NUMBERS) for row in rows)
    page.card("models-card", sum(heights))
    for number, (row, height) in enumerate(zip(rows, heights, strict=True)):
        _build_row(page, row, height, size_width, first=number == 0, last=number == len(rows) - 1)


def _build_empty(page: Page) -> None:
    text = page.view.models_empty_text
    width = min(page.width - page.px(48), page.px(460))
    text_height = paragraph_height(page.ink, text, metrics.BODY, width)
    rect = pygame.Rect(page.left, page.y, page.width, text_height + page.tall(84))

    def draw(draft: Draft) -> None:
        theme = draft.theme
        draft.rounded(pygame.Rect((0, 0), rect.size), page.px(metrics.CARD_RADIUS), theme.card, theme.border)
        draft.icon("box", (rect.width // 2, page.tall(38)), page.tall(26), theme.text2)
        draft.paragraph(
            rect.width // 2, page.tall(60), text, metrics.BODY, theme.text2, width, role=Role.STATUS, centred=True
        )

    page.add("models-empty", (text,), rect, draw, name="Installed models")
    page.y += rect.height


def _third_line(page: Page, row: ModelRow) -> bool:
    """Whether a narrow row needs a line of its own for its status and capabilities."""
    return page.narrow and bool(row.status or row.busy or row.capabilities)


def _row_height(page: Page, row: ModelRow) -> int:
    return page.tall(metrics.MODEL_ROW + (28 if _third_line(page, row) else 0))


def _build_row(page: Page, row: ModelRow, height: int, size_width: int, *, first: bool, last: bool) -> None:
    asking = page.state.confirming == row.name and not row.busy
    rect = pygame.Rect(page.left, page.y, page.width, height)
    key = (
        row.name, row.subtitle, row.quantization, tuple(row.capabilities), row.size_text, row.status,
        row.tone, row.busy, size_width, asking, first, last, page.narrow,
    )  # fmt: skip

    def draw(draft: Draft) -> None:
        padding = page.px(PADDING)
        row_background(draft, rect.size, first=first, last=last, text_left=padding)
        right = _question(draft, page, row) if asking else _right_side(draft, page, row, size_width)
        _left_side(draft, page, row, padding, right - page.px(16))

    page.add(f"model:{row.name}", key, rect, draw, role=Role.LIST_ITEM, name=row.name)
    page.y += height


def _button_rect(page: Page, left: int, width: int) -> pygame.Rect:
    high = page.tall(metrics.BUTTON_HEIGHT)
    return pygame.Rect(left, (page.tall(metrics.MODEL_ROW) - high) // 2, width, high)


def _right_side(draft: Draft, page: Page, row: ModelRow, size_width: int) -> int:
    """Draw button, size and pill from the right. Returns the right edge of what is left."""
    ink, middle = page.ink, page.tall(metrics.MODEL_ROW) // 2
    at = FromRight(page.width - page.px(PADDING))
    wide = button_width(ink, "Delete")
    button(
        draft, _button_rect(page, at.take(wide, page.px(16)), wide), f"delete:{row.name}", "Delete",
        AskDelete(row.name), name=f"Delete {row.name}", enabled=not row.busy,
    )  # fmt: skip
    if page.narrow:
        return at.right
    draft.text(at.right, middle, row.size_text, metrics.SECONDARY_NUMBERS, draft.theme.text2, align="right")
    at.take(size_width, page.px(16))
    if row.status or row.busy:
        most = at.right - page.px(PADDING) - page.px(_LEAST_NAME)
        wide = min(_pill_width(page, row), max(most, page.px(60)))
        _pill(draft, page, row, at.take(wide), middle, wide)
    return at.right


def _pill_width(page: Page, row: ModelRow) -> int:
    return pill_width(page.ink, row.busy or row.status)


def _pill(draft: Draft, page: Page, row: ModelRow, left: int, middle: int, width: int) -> None:
    height = page.tall(metrics.PILL_HEIGHT)
    rect = pygame.Rect(left, middle - height // 2, width, height)
    tone = Tone.NEUTRAL if row.busy else row.tone
    pill(draft, rect, f"status:{row.name}", row.busy or row.status, tone)


def _question(draft: Draft, page: Page, row: ModelRow) -> int:
    """Draw "Delete?" with its two answers instead of what is otherwise at the right."""
    ink, middle = page.ink, page.tall(metrics.MODEL_ROW) // 2
    at = FromRight(page.width - page.px(PADDING))
    # "Keep" is where "Delete" was, so that the second click of a double click deletes nothing.
    wide = max(button_width(ink, "Keep"), button_width(ink, "Delete"))
    button(
        draft, _button_rect(page, at.take(wide, page.px(8)), wide), f"keep:{row.name}", "Keep",
        KeepModel(row.name), name=f"Keep {row.name}",
    )  # fmt: skip
    button(
        draft, _button_rect(page, at.take(wide, page.px(14)), wide), f"confirm:{row.name}", "Delete",
        ConfirmDelete(row.name), kind=ButtonKind.DANGER, name=f"Delete {row.name} now",
    )  # fmt: skip
    text = "Delete?" if page.narrow or not row.size_text else f"Delete and free {row.size_text}?"
    colour = draft.theme.tone(Tone.DANGER)
    return draft.text(at.right, middle, text, metrics.SECONDARY, colour, align="right").left


def _left_side(draft: Draft, page: Page, row: ModelRow, left: int, right: int) -> None:
    """Draw name, badges and subtitle."""
    theme, first = draft.theme, page.tall(17.5)
    room = right - left
    gap = page.px(8)
    capabilities = [] if page.narrow else list(row.capabilities)
    badges = [row.quantization, *capabilities] if row.quantization else capabilities
    # The name gives way to the first badge and to the sign that there are more.
    least = badge_width(page.ink, badges[0]) + gap if badges else 0
    least += badge_width(page.ink, f"+{len(badges)}") + gap if len(badges) > 1 else 0
    name = draft.text(
        left, first, row.name, metrics.ROW, theme.text,
        max_width=max(room - least, room // 2), shorten_middle=True,
    )  # fmt: skip
    badge_row(draft, name.right + gap, first, badges, right - name.right - gap)
    size = [row.size_text] if page.narrow and row.size_text else []
    subtitle = " · ".join([*size, *([row.subtitle] if row.subtitle else [])])
    draft.text(left, page.tall(35.5), subtitle, metrics.SECONDARY, theme.text2, max_width=room)
    if not _third_line(page, row):
        return
    middle = page.tall(metrics.MODEL_ROW + 8)
    end = page.width - page.px(PADDING)
    if row.status or row.busy:
        wide = min(_pill_width(page, row), end - left)
        _pill(draft, page, row, left, middle, wide)
        left += wide + gap
    badge_row(draft, left, middle, row.capabilities, end - left)
