"""Badges: short, quiet labels such as a quantisation or a capability."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.components.panel_view import Tone
from ecs_localai.panel import metrics
from ecs_localai.panel.scene import Node, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecs_localai.components.panel_view import PlaceBadge
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.ink import Ink


def badge_width(ink: Ink, text: str) -> int:
    """The width of a badge with this text."""
    return ink.text.width(text, metrics.CAPTION) + 2 * ink.metrics.px(6)


def badge(
    draft: Draft, left: int, middle: int, text: str, *, name: str = "", tone: Tone = Tone.NEUTRAL, most: int = 0
) -> int:
    """Draw a badge from ``left`` on, centred on ``middle``. Returns its width, ``most`` pixels where that is given."""
    height = draft.metrics.tall(metrics.BADGE_HEIGHT)
    wide = badge_width(draft.ink, text)
    rect = pygame.Rect(left, middle - height // 2, min(wide, most) if most else wide, height)
    room = rect.width - 2 * draft.metrics.px(6)
    shown = draft.ink.text.fit(text, metrics.CAPTION, room) if most else text
    colour, soft = draft.theme.tones[tone]
    draft.rounded(rect, draft.metrics.px(metrics.BADGE_RADIUS), soft)
    draft.text(rect.centerx, rect.centery, shown, metrics.CAPTION, colour, align="centre", role=None)
    node_id = f"{draft.block_id}/badge{len(draft.nodes)}"
    draft.nodes.append(
        Node(id=node_id, role=Role.TEXT, name=name or text, rect=rect, shown=shown if shown != text else "")
    )
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


def toned_badge_row(draft: Draft, left: int, middle: int, badges: Sequence[PlaceBadge], room: int) -> int:
    """Like `badge_row`, each with its own tone. The first one is shortened before it is left out."""
    if not badges or room <= 0:
        return 0
    gap = draft.metrics.px(5)
    texts = [one.text for one in badges]
    shown, hidden = badges_that_fit(draft.ink, texts, room)
    if not shown:
        rest = badge_width(draft.ink, f"+{len(texts) - 1}") + gap if len(texts) > 1 else 0
        if room - rest < draft.metrics.px(40):
            return badge_row(draft, left, middle, texts, room)
        x = left + badge(draft, left, middle, texts[0], tone=badges[0].tone, most=room - rest) + gap
        if rest:
            x += badge(draft, x, middle, f"+{len(texts) - 1}", name=", ".join(texts[1:])) + gap
        return x - left - gap
    x = left
    for one in badges[: len(shown)]:
        x += badge(draft, x, middle, one.text, tone=one.tone) + gap
    if hidden:
        x += badge(draft, x, middle, f"+{len(hidden)}", name=", ".join(hidden)) + gap
    return x - left - gap


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
