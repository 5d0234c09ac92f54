"""The keyboard: moving the focus, activating, scrolling, editing text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.panel.area_keys import area_key
from ecs_localai.panel.area_state import AreaState
from ecs_localai.panel.focus import next_in
from ecs_localai.panel.scene import Role

if TYPE_CHECKING:
    from ecs_localai.panel.controller import Controller
    from ecs_localai.panel.field_state import FieldState

_ARROW_SCROLL = 60
_ENTER = (pygame.K_RETURN, pygame.K_KP_ENTER)


class KeyInput:
    """Turns the keyboard's events into what the controller does."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._enter_down = False
        self._told_of_releases = False
        """Whether keys that come up are told of at all, so that one that is held down can be known."""

    def key(self, key: int, mod: int) -> bool:
        """A key went down. False when it means nothing here."""
        controller = self._controller
        field = controller.field
        if field is not None and field.edit.composition and key != pygame.K_ESCAPE:
            return True  # it belongs to the input method until that is done
        shift = bool(mod & pygame.KMOD_SHIFT)
        # With Alt, Ctrl is AltGr on some keyboards: that types letters.
        command = bool(mod & (pygame.KMOD_CTRL | pygame.KMOD_META)) and not mod & pygame.KMOD_ALT
        if key == pygame.K_TAB:
            if not command:
                controller.move_focus(-1 if shift else 1)
            return not command
        if key == pygame.K_ESCAPE:
            return controller.escape()
        if isinstance(field, AreaState) and self._edit_area(field, key, shift=shift, command=command):
            return True
        if key in _ENTER:
            held, self._enter_down = self._enter_down and self._told_of_releases, True
            if held or controller.installs.enter():
                return True  # held down, it would agree to what it has only just asked
        elif key in (pygame.K_UP, pygame.K_DOWN) and controller.installs.choose_name(1 if key == pygame.K_DOWN else -1):
            return True
        if key == pygame.K_F5 or (key == pygame.K_r and command):
            controller.refresh()
            return True
        if field is not None and self._edit(field, key, shift=shift, command=command):
            return True
        if key in (pygame.K_LEFT, pygame.K_RIGHT) and self._choose_beside(-1 if key == pygame.K_LEFT else 1):
            return True
        if key in _ENTER or (key == pygame.K_SPACE and field is None):
            return self._activate()
        return self._scroll(key)

    def released(self, key: int) -> bool:
        """A key came up. That means nothing by itself."""
        self._told_of_releases = True
        if key in _ENTER:
            self._enter_down = False
        return False

    def typed(self, text: str) -> bool:
        """Text was typed. False when no field has the focus."""
        field = self._controller.field
        if field is None:
            return False
        field.edit.composition = ""
        field.edit.insert(text)
        if isinstance(field, AreaState):
            field.follows = True
        self._changed()
        return True

    def composing(self, text: str) -> bool:
        """An input method shows what it is composing; empty when it has done."""
        field = self._controller.field
        if field is None:
            return False
        if text and field.edit.selected_text:
            field.edit.insert("")
            self._changed()
        field.edit.composition = text
        self._controller.typed()
        return True

    # ---- parts

    def _changed(self) -> None:
        self._controller.text_changed()

    def _activate(self) -> bool:
        controller = self._controller
        focus = controller.state.focus
        found = None if controller.frame is None else controller.frame.find(focus)
        if found is None:
            return False
        controller.state.focus_visible = True
        controller.activate(found.node)
        return True

    def _choose_beside(self, step: int) -> bool:
        """Choose the next of several, or with -1 the one before. False when the focus isn't on such a choice."""
        controller = self._controller
        frame = controller.frame
        found = None if frame is None else frame.find(controller.state.focus)
        if frame is None or found is None or found.node.role is not Role.RADIO:
            return False
        beside = frame.find(next_in(frame.focusable(), found.node.id, step))
        if beside is not None and beside.node.group == found.node.group:
            controller.set_focus(beside.node.id, visible=True)
            controller.activate(beside.node)
        return True

    def _scroll(self, key: int) -> bool:
        controller = self._controller
        frame, ink = controller.frame, controller.ink
        if frame is None or ink is None:
            return False
        step, page = ink.metrics.px(_ARROW_SCROLL), frame.viewport.height * 9 // 10
        distances = {
            pygame.K_UP: -step, pygame.K_DOWN: step, pygame.K_PAGEUP: -page, pygame.K_PAGEDOWN: page,
        }  # fmt: skip
        if key in distances:
            controller.scroller.glide_by(distances[key])
        elif key in (pygame.K_HOME, pygame.K_END):
            controller.scroller.glide_to(0 if key == pygame.K_HOME else controller.scroller.maximum)
        else:
            return False
        controller.stale = True
        return True

    def _edit_area(self, area: AreaState, key: int, *, shift: bool, command: bool) -> bool:
        """A key that means something else where there are several lines. False when it is none."""
        ink, before = self._controller.ink, area.edit.text
        if ink is None or not area_key(area, ink, key, shift=shift, command=command):
            return False
        if area.edit.text != before:
            self._changed()
        else:
            self._controller.typed()
        return True

    def _edit(self, field: FieldState, key: int, *, shift: bool, command: bool) -> bool:
        """A key in a text field. False when it isn't an editing key."""
        edit = field.edit
        before = edit.text
        word = command and not field.masked  # where a secret's words end is part of it
        if command and self._command(field, key, shift=shift):
            pass
        elif key in (pygame.K_LEFT, pygame.K_RIGHT):
            edit.move(-1 if key == pygame.K_LEFT else 1, word=word, select=shift)
        elif key in (pygame.K_HOME, pygame.K_END):
            edit.place(0 if key == pygame.K_HOME else len(edit.text), select=shift)
        elif key in (pygame.K_BACKSPACE, pygame.K_DELETE):
            edit.delete(forward=key == pygame.K_DELETE, word=word)
        else:
            return False
        if edit.text != before:
            self._changed()
        else:
            self._controller.typed()
        return True

    def _command(self, field: FieldState, key: int, *, shift: bool) -> bool:
        """A key with Ctrl (or the Apple key)."""
        edit = field.edit
        clipboard = self._controller.clipboard
        if key == pygame.K_a:
            edit.select_all()
        elif key in (pygame.K_c, pygame.K_x):
            if edit.selected_text and not field.masked:
                clipboard.put(edit.selected_text)
                if key == pygame.K_x:
                    edit.insert("")
        elif key == pygame.K_v:
            text = clipboard.get()
            edit.insert(text if isinstance(field, AreaState) else text.strip())
        elif key == pygame.K_y or (key == pygame.K_z and shift):
            edit.redo()
        elif key == pygame.K_z:
            edit.undo()
        else:
            return False
        return True
