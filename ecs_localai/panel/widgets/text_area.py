"""Text of several lines that can be edited: caret, selection, text being composed, scrolled where it is long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.panel import metrics
from ecs_localai.panel.marks import TextMark
from ecs_localai.panel.scene import Cursor, Node, Role
from ecs_localai.panel.theme import mix

if TYPE_CHECKING:
    from ecs_localai.panel.actions import Intent, LocalAction
    from ecs_localai.panel.area_state import AreaState
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.ink import Ink
    from ecs_localai.panel.theme import RGB

_PAD_X, _PAD_Y = 10, 8
_LEADING = 3
"""Beyond a line's own height."""
_THUMB = 4


def area_key_of(state: AreaState, *, focused: bool) -> tuple[object, ...]:
    """What a field's look depends on, for its block's key."""
    edit = state.edit
    if not focused:
        return (edit.text, state.top)
    return (edit.text, edit.caret, edit.anchor, edit.composition, state.caret_on, state.top, state.follows)


def area_height(ink: Ink, state: AreaState, width: int, least: int, most: int) -> int:
    """Break the text into lines for a field of this width; as high as they need, from ``least`` to ``most`` lines."""
    lines = state.lay_out(ink, _room(ink, width))
    return min(max(len(lines), least), most) * _step(ink) + 2 * ink.metrics.tall(_PAD_Y)


def _step(ink: Ink) -> int:
    return ink.text.line_height(metrics.BODY) + ink.metrics.tall(_LEADING)


def _room(ink: Ink, width: int) -> int:
    return max(1, width - 2 * ink.metrics.px(_PAD_X) - ink.metrics.hair)


def text_area(
    draft: Draft,
    rect: pygame.Rect,
    node_id: str,
    name: str,
    state: AreaState,
    action: Intent | LocalAction,
    *,
    placeholder: str = "",
    focused: bool = False,
    border: RGB | None = None,
) -> None:
    """Draw a field that fills ``rect``, whose height `area_height` has told for this width."""
    theme, px = draft.theme, draft.metrics.px
    radius = px(metrics.FIELD_RADIUS)
    edge = border or theme.field_border
    if not focused and draft.pointer.over == node_id:
        edge = mix(edge, theme.text, 0.25)
    draft.rounded(rect, radius, theme.field_fill, theme.ring if focused else edge)
    pad = draft.metrics.tall(_PAD_Y)
    inner = pygame.Rect(
        rect.x + px(_PAD_X), rect.y + pad, _room(draft.ink, rect.width) + draft.metrics.hair, rect.height - 2 * pad
    )
    state.window, state.room, state.step = (inner.x, inner.width), (inner.y, inner.height), _step(draft.ink)
    if focused and state.follows:
        number, _ = state.caret_place(draft.ink)
        bottom = (number + 1) * state.step
        state.top = min(max(state.top, bottom - inner.height), number * state.step)
    state.top = min(max(state.top, 0), state.lowest)
    if state.shown_text():
        _lines(draft, inner, state, focused=focused)
    else:
        middle = inner.y + state.step // 2
        draft.text(inner.x, middle, placeholder, metrics.BODY, theme.text2, max_width=inner.width, role=None)
    if focused and state.caret_on and (not state.edit.selected_text or state.edit.composition):
        _caret(draft, inner, state)
    if state.lowest:
        _thumb(draft, rect, inner, state)
    draft.nodes.append(
        Node(
            id=node_id, role=Role.TEXT_BOX, name=name, rect=rect, value=state.edit.text, focusable=True,
            action=action, cursor=Cursor.TEXT, radius=radius,
        )
    )  # fmt: skip


def _lines(draft: Draft, inner: pygame.Rect, state: AreaState, *, focused: bool) -> None:
    """The lines that can be seen, with what is selected behind them and what is composed underlined."""
    engine, theme, edit = draft.ink.text, draft.theme, state.edit
    text, step = state.shown_text(), state.step
    composed = (edit.caret, edit.caret + len(edit.composition))
    chosen = edit.selection if focused and not edit.composition else (0, 0)
    first = state.top // step
    for number in range(first, min(len(state.lines), (state.top + inner.height - 1) // step + 1)):
        line = state.lines[number]
        words = text[line.start : line.end].rstrip()
        top = inner.y + number * step - state.top
        middle = top + step // 2
        here = pygame.Rect(inner.x, top, inner.width, step)
        marked = _part(draft, here, text, line.start, line.end, chosen)
        if marked is not None:
            if chosen[1] > line.end and number + 1 < len(state.lines):
                marked.width += draft.metrics.px(4)  # the line's end is selected, too
            draft.fill(marked.clip(inner), theme.selection)
        baseline = middle + (engine.cap_height(metrics.BODY) + 1) // 2
        at = (inner.x, baseline - engine.surface_ascent(metrics.BODY))
        if words:
            size = engine.surface_size(words, metrics.BODY)
            draft.marks.append(TextMark(at, size, words, metrics.BODY, theme.text, inner))
        under = _part(draft, here, text, line.start, line.end, composed)
        if under is not None and under.width:
            hair = draft.metrics.hair
            bar = pygame.Rect(under.x, under.bottom - 2 * hair, under.width, hair).clip(inner)
            if bar.width and bar.height:
                draft.fill(bar, theme.text)


def _part(
    draft: Draft, here: pygame.Rect, text: str, start: int, end: int, part: tuple[int, int]
) -> pygame.Rect | None:
    """Where a part of the text lies in a line; None where none of it does."""
    first, last = max(part[0], start), min(part[1], end)
    if part[0] == part[1] or first > last or (first == last and not part[0] <= first < part[1]):
        return None
    engine = draft.ink.text
    left = engine.width(text[start:first], metrics.BODY)
    right = engine.width(text[start:last], metrics.BODY)
    return pygame.Rect(here.x + left, here.y, right - left, here.height)


def _caret(draft: Draft, inner: pygame.Rect, state: AreaState) -> None:
    number, left = state.caret_place(draft.ink)
    height = draft.metrics.tall(18)
    top = inner.y + number * state.step - state.top + (state.step - height) // 2
    wide = max(draft.metrics.hair, draft.metrics.px(1.25))
    bar = pygame.Rect(min(inner.x + left, inner.right - wide), top, wide, height).clip(inner)
    if bar.height > 0:
        draft.fill(bar, draft.theme.ring)


def _thumb(draft: Draft, rect: pygame.Rect, inner: pygame.Rect, state: AreaState) -> None:
    """What shows that there is more text than can be seen, and where one is in it."""
    whole = len(state.lines) * state.step
    wide = draft.metrics.px(_THUMB)
    high = max(wide * 4, inner.height * inner.height // whole)
    top = inner.y + (inner.height - high) * state.top // state.lowest
    place = pygame.Rect(rect.right - wide - draft.metrics.px(3), top, wide, high)
    draft.rounded(place, wide / 2, mix(draft.theme.field_fill, draft.theme.text, 0.3))
