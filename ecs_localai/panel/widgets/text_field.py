"""A line of text that can be edited: caret, selection, text being composed, placeholder, icon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.panel import metrics
from ecs_localai.panel.marks import TextMark
from ecs_localai.panel.scene import Cursor, Node, Role
from ecs_localai.panel.theme import mix

if TYPE_CHECKING:
    from ecs_localai.panel.actions import Intent, LocalAction
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.field_state import FieldState
    from ecs_localai.panel.theme import RGB


def field_key(state: FieldState, *, focused: bool) -> tuple[object, ...]:
    """What a field's look depends on, for its block's key."""
    edit = state.edit
    text = state.seen(edit.text)
    if not focused:
        return (text,)
    return (text, edit.caret, edit.anchor, state.seen(edit.composition), state.caret_on)


def text_field(
    draft: Draft,
    rect: pygame.Rect,
    node_id: str,
    name: str,
    state: FieldState,
    action: Intent | LocalAction,
    *,
    icon: str = "",
    placeholder: str = "",
    focused: bool = False,
    room_right: int = 0,
    border: RGB | None = None,
) -> None:
    """Draw a field that fills ``rect``; ``room_right`` pixels at its right are left for something else."""
    theme, px = draft.theme, draft.metrics.px
    radius = px(metrics.FIELD_RADIUS)
    edge = border or theme.field_border
    if not focused and draft.pointer.over == node_id:
        edge = mix(edge, theme.text, 0.25)
    draft.rounded(rect, radius, theme.field_fill, theme.ring if focused else edge)
    size = draft.metrics.tall(16)
    left = rect.x + px(10)
    if icon:
        draft.icon(icon, (left + size // 2, rect.centery), size, theme.text2)
        left += px(8) + size
    window = pygame.Rect(left, rect.y, max(1, rect.right - px(10) - room_right - left), rect.height)
    state.window = (left, window.width)
    if focused:
        _editing(draft, window, state, placeholder)
    elif state.edit.text:
        draft.text(
            left, rect.centery, state.seen(state.edit.text), metrics.FIELD, theme.text,
            max_width=window.width, shorten_middle=True, role=None,
        )  # fmt: skip
    else:
        _placeholder(draft, window, placeholder)
    draft.nodes.append(
        Node(
            id=node_id,
            role=Role.TEXT_BOX,
            name=name,
            rect=pygame.Rect(rect.x, rect.y, rect.width - room_right, rect.height),
            value="" if state.masked else state.edit.text,
            focusable=True,
            action=action,
            cursor=Cursor.TEXT,
            radius=radius,
            ring=rect,
        )
    )


def _placeholder(draft: Draft, window: pygame.Rect, text: str) -> None:
    draft.text(window.x, window.centery, text, metrics.FIELD, draft.theme.text2, max_width=window.width, role=None)


def _editing(draft: Draft, window: pygame.Rect, state: FieldState, placeholder: str) -> None:
    """The text with selection, composition and caret, scrolled so that the caret can be seen."""
    engine, theme = draft.ink.text, draft.theme
    edit = state.edit
    content, composed = state.seen(edit.text), state.seen(edit.composition)
    before = content[: edit.caret]
    text = before + composed + content[edit.caret :]
    caret = engine.width(before + composed, metrics.FIELD)
    whole = engine.width(text, metrics.FIELD)
    hair = draft.metrics.hair
    most = max(0, whole + hair - window.width)
    state.scroll = min(max(state.scroll, caret + hair - window.width), caret, most)
    left = window.x - state.scroll
    height = draft.metrics.tall(18)
    top = window.centery - height // 2
    first, last = edit.selection
    if first != last and not composed:
        start = left + engine.width(content[:first], metrics.FIELD)
        end = left + engine.width(content[:last], metrics.FIELD)
        chosen = pygame.Rect(start, top, end - start, height).clip(window)
        if chosen.width:
            draft.fill(chosen, theme.selection)
    if text:
        baseline = window.centery + (engine.cap_height(metrics.FIELD) + 1) // 2
        at = (left, baseline - engine.surface_ascent(metrics.FIELD))
        size = engine.surface_size(text, metrics.FIELD)
        draft.marks.append(TextMark(at, size, text, metrics.FIELD, theme.text, window))
    else:
        _placeholder(draft, window, placeholder)
    if composed:
        start = left + engine.width(before, metrics.FIELD)
        line = pygame.Rect(start, top + height - 2 * hair, left + caret - start, hair).clip(window)
        if line.width:
            draft.fill(line, theme.text)
    if state.caret_on and first == last:
        draft.fill(pygame.Rect(left + caret, top, max(hair, draft.metrics.px(1.25)), height), theme.ring)
