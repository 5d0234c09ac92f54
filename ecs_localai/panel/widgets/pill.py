"""Pills: a few words about a state, in the colours of its tone, with or without a dot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.panel import metrics
from ecs_localai.panel.scene import Node, Role

if TYPE_CHECKING:
    from ecs_localai.components.panel_view import Tone
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.ink import Ink


def _padding(ink: Ink) -> int:
    return ink.metrics.px(10)


def _dot_room(ink: Ink) -> int:
    return ink.metrics.px(12)


def pill_width(ink: Ink, text: str, *, dot: bool = False) -> int:
    """The width of a pill with this text."""
    wide = ink.text.width(text, metrics.CAPTION) + 2 * _padding(ink)
    return wide + (_dot_room(ink) if dot else 0)


def pill(
    draft: Draft,
    rect: pygame.Rect,
    node_id: str,
    text: str,
    tone: Tone,
    *,
    dot: bool = False,
) -> None:
    """Draw a pill that fills ``rect``; text that doesn't fit is shortened."""
    colour, soft = draft.theme.tones[tone]
    draft.rounded(rect, rect.height / 2, soft)
    left = rect.x + _padding(draft.ink)
    if dot:
        size = draft.metrics.px(6)
        draft.rounded(pygame.Rect(left, rect.centery - size // 2, size, size), size / 2, colour)
        left += _dot_room(draft.ink)
    room = rect.right - _padding(draft.ink) - left
    shown = draft.ink.text.fit(text, metrics.CAPTION, room)
    draft.text(left, rect.centery, shown, metrics.CAPTION, colour, role=None)
    draft.nodes.append(
        Node(
            id=node_id,
            role=Role.STATUS,
            name=text,
            rect=rect,
            value=tone.value,
            shown=shown if shown != text else "",
        )
    )
