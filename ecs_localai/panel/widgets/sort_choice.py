"""Choosing the order of a list: words beside each other, of which one has an arrow that says which way."""

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

_PADDING, _ARROW, _GAP = 9, 12, 3


def sort_choice_width(ink: Ink, label: str, *, chosen: bool) -> int:
    """The width of a word of the choice; the chosen one has room for its arrow."""
    px = ink.metrics.px
    arrow = ink.metrics.tall(_ARROW) + px(_GAP) if chosen else 0
    return ink.text.width(label, metrics.SECONDARY_MEDIUM) + 2 * px(_PADDING) + arrow


def sort_choice(
    draft: Draft,
    rect: pygame.Rect,
    node_id: str,
    label: str,
    action: Intent | LocalAction,
    *,
    chosen: bool,
    rising: bool,
    group: str,
    name: str,
) -> None:
    """Draw a word that fills ``rect``. ``rising``: which way the arrow of the chosen one points."""
    theme, px = draft.theme, draft.metrics.px
    colour, soft = theme.tones[Tone.ACCENT] if chosen else (theme.text2, theme.background)
    over = draft.pointer.over == node_id
    radius = rect.height / 2
    if chosen or over:
        share = 0.12 if draft.pointer.down == node_id else 0.06
        draft.rounded(rect, radius, mix(soft, theme.text, share) if over else soft)
    arrow = draft.metrics.tall(_ARROW) + px(_GAP) if chosen else 0
    room = rect.width - 2 * px(_PADDING) - arrow
    ink = mix(colour, theme.text, 0.5) if over and not chosen else colour
    text = draft.text(
        rect.x + px(_PADDING), rect.centery, label, metrics.SECONDARY_MEDIUM, ink, max_width=room, role=None
    )
    if chosen:
        size = draft.metrics.tall(_ARROW)
        icon = "chevron-up" if rising else "chevron-down"
        draft.icon(icon, (text.right + px(_GAP) + size // 2, rect.centery), size, colour)
    draft.nodes.append(
        Node(
            id=node_id,
            role=Role.RADIO,
            name=name,
            rect=rect,
            value="chosen" if chosen else "",
            focusable=True,
            action=action,
            cursor=Cursor.HAND,
            radius=radius,
            group=group,
        )
    )
