"""Buttons with a label, and small ones with only an icon."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

import pygame

from ecs_localai.components.panel_view import Tone
from ecs_localai.panel import metrics
from ecs_localai.panel.scene import Cursor, Node, Role
from ecs_localai.panel.theme import WHITE, mix

if TYPE_CHECKING:
    from ecs_localai.panel.actions import Intent, LocalAction
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.ink import Ink
    from ecs_localai.panel.theme import RGB, Theme

DISABLED = 0.5
"""How far a disabled control is mixed with what is behind it."""


class ButtonKind(Enum):
    """How much a button stands out."""

    PLAIN = auto()
    PRIMARY = auto()
    DANGER = auto()
    """Asks to remove something for good."""
    DANGER_PLAIN = auto()
    """The same, where several stand beside each other."""
    LINK = auto()
    """Words only."""


HOVER = {
    ButtonKind.PLAIN: 0.05,
    ButtonKind.PRIMARY: 0.08,
    ButtonKind.DANGER: 0.08,
    ButtonKind.DANGER_PLAIN: 0.05,
    ButtonKind.LINK: 0.06,
}
PRESS = {
    ButtonKind.PLAIN: 0.12,
    ButtonKind.PRIMARY: 0.19,
    ButtonKind.DANGER: 0.19,
    ButtonKind.DANGER_PLAIN: 0.08,
    ButtonKind.LINK: 0.10,
}
"""How far a button's fill is mixed with `towards` under the pointer, and while it is held down."""


def towards(theme: Theme, kind: ButtonKind) -> RGB:
    """The colour that a button's fill leans to under the pointer."""
    if kind is ButtonKind.PLAIN:
        return theme.text
    return theme.link if kind is ButtonKind.LINK else (0, 0, 0)


def button_width(ink: Ink, label: str) -> int:
    """The width of a button with this label."""
    wide = ink.text.width(label, metrics.BUTTON) + 2 * ink.metrics.px(13)
    return max(wide, ink.metrics.px(64))


def link_width(ink: Ink, label: str) -> int:
    """The width of a button that is words only: no wider than they need, so that several stand evenly."""
    return ink.text.width(label, metrics.BUTTON) + 2 * ink.metrics.px(13)


def _colours(theme: Theme, kind: ButtonKind, behind: RGB) -> tuple[RGB | None, RGB | None, RGB]:
    """Fill, border and text."""
    if kind is ButtonKind.PRIMARY:
        return theme.primary, None, WHITE
    if kind is ButtonKind.DANGER:
        return theme.danger_fill, None, WHITE
    if kind is ButtonKind.DANGER_PLAIN:
        return theme.soft(Tone.DANGER), None, theme.tone(Tone.DANGER)
    if kind is ButtonKind.LINK:
        return None, None, theme.link
    return theme.button, theme.button_border, theme.text


def button(
    draft: Draft,
    rect: pygame.Rect,
    node_id: str,
    label: str,
    action: Intent | LocalAction | None,
    *,
    kind: ButtonKind = ButtonKind.PLAIN,
    name: str = "",
    enabled: bool = True,
    behind: RGB | None = None,
) -> None:
    """Draw a button. ``name`` says more than the label where several have the same one.

    ``behind`` is the colour that it stands on: the card's when not given.
    """
    theme, pointer = draft.theme, draft.pointer
    under = theme.card if behind is None else behind
    fill, border, ink = _colours(theme, kind, under)
    if not enabled:
        fill = None if fill is None else mix(fill, under, DISABLED)
        border = None if border is None else mix(border, under, DISABLED)
        ink = mix(ink, under, DISABLED)
    elif pointer.over == node_id:
        share = (PRESS if pointer.down == node_id else HOVER)[kind]
        fill = mix(under if fill is None else fill, towards(theme, kind), share)
    radius = draft.metrics.px(metrics.BUTTON_RADIUS)
    if fill is not None or border is not None:
        draft.rounded(rect, radius, fill, border)
    room = rect.width - 2 * draft.metrics.px(6)
    draft.text(rect.centerx, rect.centery, label, metrics.BUTTON, ink, max_width=room, align="centre", role=None)
    draft.nodes.append(
        Node(
            id=node_id,
            role=Role.BUTTON,
            name=name or label,
            rect=rect,
            enabled=enabled,
            focusable=enabled,
            action=action,
            cursor=Cursor.HAND if enabled else Cursor.ARROW,
            radius=radius,
        )
    )


def icon_button(
    draft: Draft,
    rect: pygame.Rect,
    node_id: str,
    icon: str,
    name: str,
    action: Intent | LocalAction,
    colour: RGB,
    behind: RGB,
    area: pygame.Rect | None = None,
) -> None:
    """Draw a square button with an icon; ``name`` says what it does to those who can't see it.

    ``area`` is where else a click counts (`Node.area`).
    """
    pointer = draft.pointer
    radius = draft.metrics.px(metrics.BUTTON_RADIUS)
    if pointer.over == node_id:
        share = (PRESS if pointer.down == node_id else HOVER)[ButtonKind.PLAIN]
        draft.rounded(rect, radius, mix(behind, colour, share))
    draft.icon(icon, rect.center, draft.metrics.tall(16), colour)
    draft.nodes.append(
        Node(
            id=node_id,
            role=Role.BUTTON,
            name=name,
            rect=rect,
            focusable=True,
            action=action,
            cursor=Cursor.HAND,
            radius=radius,
            area=area,
        )
    )
