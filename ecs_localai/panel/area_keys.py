"""The keys that mean something else in a field of several lines than in one of one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

if TYPE_CHECKING:
    from ecs_localai.panel.area_state import AreaState
    from ecs_localai.panel.ink import Ink

_ENTER = (pygame.K_RETURN, pygame.K_KP_ENTER)
_UPWARDS = (pygame.K_UP, pygame.K_PAGEUP)
_UP_AND_DOWN = (*_UPWARDS, pygame.K_DOWN, pygame.K_PAGEDOWN)


def area_key(area: AreaState, ink: Ink, key: int, *, shift: bool, command: bool) -> bool:
    """Act on a key. False where it means what it means in every field. Ctrl+Enter is left: it hands the form over."""
    edit = area.edit
    if key in _UP_AND_DOWN and not command:
        _move_by_lines(area, ink, key, select=shift)
        area.follows = True
        return True
    area.goal = None
    area.follows = True
    if key in _ENTER and not command:
        edit.insert("\n")
    elif key in (pygame.K_HOME, pygame.K_END) and not command:
        number, _ = area.caret_place(ink)
        line = area.lines[number]
        edit.place(line.start if key == pygame.K_HOME else _line_end(area, number), select=shift)
    else:
        return False
    return True


def _move_by_lines(area: AreaState, ink: Ink, key: int, *, select: bool) -> None:
    number, left = area.caret_place(ink)
    area.goal = left if area.goal is None else area.goal
    by = 1 if key in (pygame.K_UP, pygame.K_DOWN) else max(1, area.room[1] // max(1, area.step) - 1)
    wanted = number - by if key in _UPWARDS else number + by
    if wanted < 0 or wanted >= len(area.lines):
        area.edit.place(0 if wanted < 0 else len(area.edit.text), select=select)
    else:
        area.edit.place(area.index_in_line(ink, wanted, area.goal), select=select)


def _line_end(area: AreaState, number: int) -> int:
    """Of a line that was broken at a space, the place before that space: after it begins the next line."""
    line = area.lines[number]
    broken = number + 1 < len(area.lines) and area.lines[number + 1].start == line.end
    return line.end - 1 if broken and line.end - line.start > 1 else line.end
