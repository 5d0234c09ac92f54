"""Badges: short, quiet labels such as a quantisation or a capability."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.components.panel_view import Tone
from ecs_localai.panel import metrics
from ecs_localai.panel.scene import Node, Role

if TYPE_CHECKING:
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.ink import Ink


def badge_width(ink: Ink, text: str) -> int:
    """The width of a badge with this text."""
    return ink.text.width(text, metrics.CAPTION) + 2 * ink.metrics.px(6)


def badge(draft: Draft, left: int, middle: int, text: str, *, name: str = "", accent: bool = False) -> int:
    """Draw a badge from ``left`` on, centred on ``middle``. Returns its width."""
    height = draft.metrics.tall(metrics.BADGE_HEIGHT)
    rect = pygame.Rect(left, middle - height // 2, badge_width(draft.ink, text), height)
    colour, soft = draft.theme.tones[Tone.ACCENT if accent else Tone.NEUTRAL]
    draft.rounded(rect, draft.metrics.px(metrics.BADGE_RADIUS), soft)
    draft.text(rect.centerx, rect.centery, text, metrics.CAPTION, colour, align="centre", role=None)
    node_id = f"{draft.block_id}/badge{len(draft.nodes)}"
    draft.nodes.append(Node(id=node_id, role=Role.TEXT, name=name or text, rect=rect))
    return rect.width


def badges_that_fit(ink: Ink, texts: list[str], room: int) -> tuple[list[str], list[str]]:
    """The first badges that fit beside each other, and those that don't (room is kept for "+2")."""
    gap = ink.metrics.px(5)
    for count in range(len(texts), -1, -1):
        shown = list(texts[:count])
        if count < len(texts):
            shown.append(f"+{len(texts) - count}")
        total = sum(badge_width(ink, text) for text in shown) + gap * max(0, len(shown) - 1)
        if total <= room:
            return texts[:count], texts[count:]
    return [], texts


def badge_row(draft: Draft, left: int, middle: int, texts: list[str], room: int) -> int:
    """Draw badges beside each other; "+2" stands for those that don't fit. Returns the width taken."""
    gap = draft.metrics.px(5)
    shown, hidden = badges_that_fit(draft.ink, texts, room)
    x = left
    for text in shown:
        x += badge(draft, x, middle, text) + gap
    if hidden and badge_width(draft.ink, f"+{len(hidden)}") <= room - (x - left):
        x += badge(draft, x, middle, f"+{len(hidden)}", name=", ".join(hidden)) + gap
    return max(0, x - left - gap)
