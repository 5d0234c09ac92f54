"""What to do when there is no Ollama to talk to: why, and how to get or start one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.components.panel_intents import RefreshRequested, StartLocalServerRequested
from ecs_localai.components.panel_view import Tone
from ecs_localai.panel import metrics
from ecs_localai.panel.draft import paragraph_height
from ecs_localai.panel.scene import Role
from ecs_localai.panel.widgets.button import ButtonKind, button, button_width
from ecs_localai.panel.widgets.row import text_after_tile, tile

if TYPE_CHECKING:
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.page import Page

_AGAIN, _START = "Check again", "Start Ollama"


def build_connection_help(page: Page) -> None:
    """Add the card, where the host's view has a reason or advice."""
    host = page.view.host
    if not host.detail and not host.advice:
        return
    ink = page.ink
    left, padding = text_after_tile(page.ink), page.px(16)
    labels = ([_START] if host.can_start else []) + [_AGAIN]
    gap_between = page.px(8)
    buttons_wide = sum(button_width(ink, label) for label in labels) + gap_between * (len(labels) - 1)
    detail = host.detail or host.status_text
    beside = page.width - left - padding - (0 if page.narrow else buttons_wide + page.px(16))
    detail_height = paragraph_height(ink, detail, metrics.ROW, beside)
    step_left = left + page.px(22)
    step_width = page.width - step_left - padding
    steps = [paragraph_height(ink, line, metrics.BODY, step_width) for line in host.advice]
    starting = paragraph_height(ink, host.starting, metrics.BODY, beside) if host.starting else 0
    gap = page.tall(6)
    head = max(page.tall(metrics.TILE), detail_height + starting)
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
            left, padding + (head - detail_height - starting) // 2, detail, metrics.ROW, theme.text, beside,
            role=Role.ALERT,
        )  # fmt: skip
        if host.starting:
            top = padding + (head - detail_height - starting) // 2 + detail_height
            draft.paragraph(left, top, host.starting, metrics.BODY, theme.text2, beside, role=Role.STATUS)
        y = padding + head + page.tall(4)
        for number, (line, height) in enumerate(zip(host.advice, steps, strict=True), start=1):
            y += gap
            first = y + height // (2 * max(1, len(ink.text.wrap(line, metrics.BODY, step_width))))
            draft.text(left, first, f"{number}.", metrics.BODY, theme.text2, role=None)
            draft.paragraph(step_left, y, line, metrics.BODY, theme.text, step_width)
            y += height
        high = page.tall(metrics.BUTTON_HEIGHT)
        top = rect.height - padding - high if page.narrow else padding + (head - high) // 2
        x = left if page.narrow else rect.width - padding - buttons_wide
        for label in labels:
            place = pygame.Rect(x, top, button_width(ink, label), high)
            if label == _START:
                button(draft, place, "start-ollama", label, StartLocalServerRequested(), kind=ButtonKind.PRIMARY)
            else:
                button(draft, place, "check-again", label, RefreshRequested())
            x = place.right + gap_between

    key = (detail, tuple(host.advice), host.tone, tuple(labels), host.starting)
    page.add("connection", key, rect, draw, name="Connection")
    page.y += rect.height + page.px(12)
