"""Notices: sentences about something that happened, until they are closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.components.panel_intents import NoticeDismissed
from ecs_localai.components.panel_view import Tone
from ecs_localai.panel import metrics
from ecs_localai.panel.draft import paragraph_height
from ecs_localai.panel.scene import Role
from ecs_localai.panel.widgets.button import icon_button

if TYPE_CHECKING:
    from ecs_localai.components.panel_view import NoticeView
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.page import Page

_ICONS = {
    Tone.DANGER: "circle-alert",
    Tone.WARN: "triangle-alert",
    Tone.OK: "circle-check",
    Tone.ACCENT: "info",
    Tone.NEUTRAL: "info",
}


def build_notices(page: Page) -> None:
    """Add a card for each notice."""
    for notice in page.view.notices:
        _build_notice(page, notice)
        page.space(8)


def _build_notice(page: Page, notice: NoticeView) -> None:
    left, button = page.px(24) + page.tall(18), page.tall(metrics.BUTTON_HEIGHT)
    width = page.width - left - button - page.px(20)
    text_height = paragraph_height(page.ink, notice.text, metrics.BODY, width)
    height = max(page.tall(44), text_height + page.tall(24))
    rect = pygame.Rect(page.left, page.y, page.width, height)

    def draw(draft: Draft) -> None:
        colour, soft = draft.theme.tones[notice.tone]
        draft.rounded(pygame.Rect((0, 0), rect.size), page.px(metrics.CARD_RADIUS), soft)
        # Icon and button belong to the first line; with one line that is the middle of the card.
        first = min(height // 2, page.tall(22))
        draft.icon(_ICONS[notice.tone], (page.px(14) + page.tall(9), first), page.tall(18), colour)
        draft.paragraph(
            left, (height - text_height) // 2, notice.text, metrics.BODY, draft.theme.text, width,
            role=Role.ALERT,
        )  # fmt: skip
        close = pygame.Rect(rect.width - button - page.px(8), first - button // 2, button, button)
        icon_button(
            draft, close, f"notice:{notice.notice_id}", "x", "Close this notice",
            NoticeDismissed(notice.notice_id), colour, soft,
        )  # fmt: skip

    key = (notice.text, notice.tone)
    page.add(f"notice-card:{notice.notice_id}", key, rect, draw, name="Notice")
    page.y += height
