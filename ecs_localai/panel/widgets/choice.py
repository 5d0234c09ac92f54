"""Choosing one of several: chips beside each other, of which one is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.components.panel_view import Tone
from ecs_localai.panel import metrics
from ecs_localai.panel.scene import Cursor, Node, Role
from ecs_localai.panel.theme import mix

if TYPE_CHECKING:
    from ecs_localai.panel.actions import Intent, LocalAction
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.ink import Ink

_PADDING, _DOT, _DOT_GAP = 10, 12, 7


def choice_width(ink: Ink, label: str) -> int:
    """The width of a chip with this label."""
    px = ink.metrics.px
    return ink.text.width(label, metrics.SECONDARY_MEDIUM) + 2 * px(_PADDING) + ink.metrics.tall(_DOT) + px(_DOT_GAP)


def choice(
    draft: Draft,
    rect: pygame.Rect,
    node_id: str,
    label: str,
    action: Intent | LocalAction,
    *,
    chosen: bool,
    group: str,
    name: str = "",
) -> None:
    """Draw a chip that fills ``rect``; the chosen one has a dot in its ring, so that colour isn't all that tells."""
    theme, px = draft.theme, draft.metrics.px
    colour, soft = theme.tones[Tone.ACCENT] if chosen else (theme.text, theme.button)
    fill = mix(soft, theme.text, 0.05) if draft.pointer.over == node_id else soft
    radius = rect.height / 2
    draft.rounded(rect, radius, fill, mix(soft, colour, 0.45) if chosen else theme.button_border)
    size = draft.metrics.tall(_DOT)
    ring = pygame.Rect(rect.x + px(_PADDING), rect.centery - size // 2, size, size)
    draft.rounded(ring, size / 2, None, colour if chosen else theme.field_border, draft.metrics.thin)
    if chosen:
        inner = ring.inflate(-2 * (size // 4), -2 * (size // 4))
        draft.rounded(inner, inner.width / 2, colour)
    left = ring.right + px(_DOT_GAP)
    room = rect.right - px(_PADDING) - left
    draft.text(left, rect.centery, label, metrics.SECONDARY_MEDIUM, colour, max_width=room, role=None)
    draft.nodes.append(
        Node(
            id=node_id,
            role=Role.RADIO,
            name=name or label,
            rect=rect,
            value="chosen" if chosen else "",
            focusable=True,
            action=action,
            cursor=Cursor.HAND,
            radius=radius,
            group=group,
        )
    )
