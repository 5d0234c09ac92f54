"""The mouse: hovering, pressing, dragging, the wheel."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import pygame

from ecs_localai.panel import metrics
from ecs_localai.panel.actions import Decline, SubmitField, TakeName
from ecs_localai.panel.area_state import AreaState
from ecs_localai.panel.scene import Cursor
from ecs_localai.panel.widgets.scroll_view import scroll_for_thumb, scroll_strip, thumb_rect

if TYPE_CHECKING:
    from ecs_localai.panel.controller import Controller
    from ecs_localai.panel.field_state import FieldState
    from ecs_localai.panel.frame import Found

_WHEEL = 84
"""Logical pixels that one notch of the wheel scrolls."""
_DOUBLE_CLICK = 0.4
_SLOP = 4
"""Seconds between, and logical pixels apart, within which clicks belong together."""


class PointerInput:
    """Turns the mouse's events into what the controller does. Positions are surface pixels."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._at: tuple[int, int] | None = None
        self._node_cursor = Cursor.ARROW
        self._thumb_grip: float | None = None
        self._field_drag: str | None = None
        self._clicks = 0
        self._clicked_at = -1.0
        self._clicked = (0, 0)
        self._clicked_node = ""

    @property
    def cursor(self) -> Cursor:
        """The shape that the pointer should have."""
        if self._field_drag is not None:
            return Cursor.TEXT
        return Cursor.ARROW if self._controller.state.scroll_bar_over else self._node_cursor

    def moved(self, at: tuple[int, int]) -> None:
        """The pointer is at ``at``."""
        self._at = at
        if self._thumb_grip is not None:
            self._drag_thumb(at[1])
        elif self._field_drag is not None:
            self._drag_selection(self._field_drag, at)
        self.look()

    def left(self) -> None:
        """The pointer left the window."""
        self._at = None
        self.look()

    def look(self) -> None:
        """Find what is under the pointer: after it moved, or the page did under it."""
        state, frame, ink = self._controller.state, self._controller.frame, self._controller.ink
        block, node_id, over_bar = "", "", False
        cursor = Cursor.ARROW
        if self._at is not None and frame is not None and ink is not None:
            scrolls = frame.content_height > frame.viewport.height
            over_bar = scrolls and scroll_strip(ink.metrics, frame.viewport).collidepoint(self._at)
            hit = None if over_bar else frame.hit(self._at)
            if hit is not None:
                block = hit.block_id
                if hit.node is not None and (hit.node.action is not None or hit.node.focusable):
                    node_id, cursor = hit.node.id, hit.node.cursor
        over_bar = over_bar or self._thumb_grip is not None
        new = (block, node_id, over_bar)
        if new != (state.hover_block, state.hover, state.scroll_bar_over):
            state.hover_block, state.hover, state.scroll_bar_over = new
            self._controller.stale = True
        self._node_cursor = cursor

    def wheel(self, notches: float) -> bool:
        """The wheel turned; up is positive. False when there was nowhere to scroll."""
        controller = self._controller
        if controller.ink is None or notches == 0:
            return False
        under = controller.field if controller.state.hover == controller.state.focus else None
        if isinstance(under, AreaState) and under.scroll_by(round(-notches * controller.ink.metrics.px(_WHEEL))):
            controller.stale = True
            return True
        before = controller.scroller.target
        controller.scroller.glide_by(-notches * controller.ink.metrics.px(_WHEEL))
        controller.stale = True
        return controller.scroller.target != before

    def pressed(self, at: tuple[int, int], *, extend: bool) -> bool:
        """The left button went down. False when there is nothing of the panel's at that place."""
        controller = self._controller
        self.moved(at)
        frame = controller.frame
        if frame is None:
            return False
        again = self._count_click(at)
        controller.stale = True
        if controller.state.scroll_bar_over:
            self._press_scroll_bar(at[1])
            return True
        node_id = controller.state.hover
        found = frame.find(node_id) if node_id else None
        moved_here = again and node_id != self._clicked_node
        if moved_here and found is not None and not isinstance(found.node.action, Decline):
            return True  # what the first click did has brought it here: nobody has aimed at it
        self._clicked_node = node_id
        if found is None:
            controller.set_focus(None)
            return False
        controller.state.pressed = node_id
        if controller.state.field(node_id) is not None:
            self._press_field(found, at, extend=extend)
        elif not isinstance(found.node.action, (SubmitField, TakeName)):
            # A field's own button must not take the focus, and with it what is being typed, away.
            controller.set_focus(node_id if found.node.focusable else None)
        return True

    def released(self, at: tuple[int, int]) -> bool:
        """The left button came up: over the control it went down on, that acts."""
        controller = self._controller
        self._thumb_grip = None
        self._field_drag = None
        self.moved(at)
        pressed, controller.state.pressed = controller.state.pressed, ""
        controller.stale = True
        # A click into a field only places the caret; Enter or its button takes the text.
        if not pressed or controller.state.hover != pressed or controller.state.field(pressed) is not None:
            return bool(pressed)
        found = None if controller.frame is None else controller.frame.find(pressed)
        if found is not None:
            controller.by_pointer = True
            controller.activate(found.node)
            controller.by_pointer = False
        return True

    # ---- parts

    def _count_click(self, at: tuple[int, int]) -> bool:
        """Whether it may be a further click of a double click."""
        controller = self._controller
        now = controller.clock()
        slop = _SLOP * (1.0 if controller.ink is None else controller.ink.metrics.scale)
        near = abs(at[0] - self._clicked[0]) <= slop and abs(at[1] - self._clicked[1]) <= slop
        again = near and now - self._clicked_at <= _DOUBLE_CLICK
        self._clicks = self._clicks % 3 + 1 if again else 1
        self._clicked, self._clicked_at = at, now
        return again

    def _press_scroll_bar(self, y: int) -> None:
        controller = self._controller
        frame, ink = controller.frame, controller.ink
        if frame is None or ink is None:
            return
        thumb = thumb_rect(ink.metrics, frame.viewport, frame.content_height, frame.scroll, wide=True)
        if thumb is None:
            return
        if thumb.y <= y < thumb.bottom:
            self._thumb_grip = y - thumb.y
        else:  # beside the thumb: bring it there, and hold it in its middle
            self._thumb_grip = thumb.height / 2
            self._drag_thumb(y)

    def _drag_thumb(self, y: int) -> None:
        controller = self._controller
        frame, ink = controller.frame, controller.ink
        if frame is None or ink is None or self._thumb_grip is None:
            return
        top = y - self._thumb_grip
        to = scroll_for_thumb(ink.metrics, frame.viewport, frame.content_height, top)
        controller.scroller.jump_to(to)
        controller.stale = True

    def _press_field(self, found: Found, at: tuple[int, int], *, extend: bool) -> None:
        controller = self._controller
        field = controller.state.field(found.node.id)
        if field is None:
            return
        had_focus = controller.state.focus == found.node.id
        controller.set_focus(found.node.id)
        if isinstance(field, AreaState):
            field.goal, field.follows = None, True
        index = self._index_at(field, found, at)
        if self._clicks == 2 and not field.masked:
            field.edit.select_word(index)
        elif self._clicks >= 2:
            field.edit.select_all()
        else:
            field.edit.place(index, select=extend and had_focus)
            self._field_drag = found.node.id
        controller.typed()

    def _drag_selection(self, node_id: str, at: tuple[int, int]) -> None:
        controller = self._controller
        field = controller.state.field(node_id)
        found = None if controller.frame is None else controller.frame.find(node_id)
        if field is not None and found is not None:
            field.edit.place(self._index_at(field, found, at), select=True)
            controller.typed()

    def _index_at(self, field: FieldState, found: Found, at: tuple[int, int]) -> int:
        """The place in a field's text that is nearest to a place of the window."""
        ink = self._controller.ink
        if ink is None:
            return 0
        block_left = found.rect.x - found.node.rect.x
        if isinstance(field, AreaState):
            return field.index_at(ink, at[0] - block_left, at[1] - found.rect.y + found.node.rect.y)
        wanted = at[0] - block_left - field.window[0] + field.scroll
        places = ink.text.caret_places(field.seen(field.edit.text), metrics.FIELD)
        edges = [place for _, place in places]
        right = min(bisect_left(edges, wanted), len(edges) - 1)
        left = max(0, right - 1)
        nearest = left if wanted - edges[left] < edges[right] - wanted else right
        return places[nearest][0]


def left_button(event: pygame.event.Event) -> bool:
    """Whether an event is of the left button. The wheel arrives as buttons 4 and 5 too; those are ignored."""
    return bool(event.button == pygame.BUTTON_LEFT)
