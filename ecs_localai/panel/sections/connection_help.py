"""What to do when there is no Ollama to talk to: why, and how to get or start one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.components.panel_intents import RefreshRequested
from ecs_localai.components.panel_view import Tone
from ecs_localai.panel import metrics
from ecs_localai.panel.draft import paragraph_height
from ecs_localai.panel.scene import Role
from ecs_localai.panel.widgets.button import button, button_width
from ecs_localai.panel.widgets.row import text_after_tile, tile

if TYPE_CHECKING:
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.page import Page

_LABEL = "Check again"


def build_connection_help(page: Page) -> None:
    """Add the card, where the host's view has a reason or advice."""
    host = page.view.host
    if not host.detail and not host.advice:
        return
    ink = page.ink
    left, padding = text_after_tile(page.ink), page.px(16)
    button_wide = button_width(ink, _LABEL)
    detail = host.detail or host.status_text
    beside = page.width - left - padding - (0 if page.narrow else button_wide + page.px(16))
    detail_height = paragraph_height(ink, detail, metrics.ROW, beside)
    step_left = left + page.px(22)
    step_width = page.width - step_left - padding
    steps = [paragraph_height(ink, line, metrics.BODY, step_width) for line in host.advice]
    gap = page.tall(6)
    head = max(page.tall(metrics.TILE), detail_height)
    body = sum(steps) + gap * len(steps) + (page.tall(4) if steps else 0)
    foot = page.tall(metrics.BUTTON_HEIGHT) + page.tall(12) if page.narrow else 0
    rect = pygame.Rect(page.left, page.y, page.width, 2 * padding + head + body + foot)

    def draw(draft: Draft) -> None:
        theme = draft.theme
        colour, soft = theme.tones[host.tone if host.tone is not Tone.OK else Tone.WARN]
        draft.rounded(pygame.Rect((0, 0), rect.size), page.px(metrics.CARD_RADIUS), theme.card, theme.border)
        side = page.tall(metrics.TILE)
        tile(draft, pygame.Rect(padding, padding, side, side), "unplug", soft, colour)
        draft.paragraph(
            left, padding + (head - detail_height) // 2, detail, metrics.ROW, theme.text, beside,
            role=Role.ALERT,
        )  # fmt: skip
        y = padding + head + page.tall(4)
        for number, (line, height) in enumerate(zip(host.advice, steps, strict=True), start=1):
            y += gap
            first = y + height // (2 * max(1, len(ink.text.wrap(line, metrics.BODY, step_width))))
            draft.text(left, first, f"{number}.", metrics.BODY, theme.text2, role=None)
            draft.paragraph(step_left, y, line, metrics.BODY, theme.text, step_width)
            y += height
        high = page.tall(metrics.BUTTON_HEIGHT)
        top = rect.height - padding - high if page.narrow else padding + (head - high) // 2
        x = left if page.narrow else rect.width - padding - button_wide
        button(draft, pygame.Rect(x, top, button_wide, high), "check-again", _LABEL, RefreshRequested())

    key = (detail, tuple(host.advice), host.tone)
    page.add("connection", key, rect, draw, name="Connection")
    page.y += rect.height + page.px(12)
