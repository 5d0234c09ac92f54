"""Where a window opens: where it was, as far as that is on a screen that is there now."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pygame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecs_localai.components.panel import WindowPlace

_SEEN = 0.25
"""Less of the window than this on any screen, and its place counts as gone."""
_ROOM = 0.9
"""Of the screen: the most that a window takes which has no place of its own, or no longer fits."""
_TITLE_BAR = 40
"""What stays free above a window that had to be moved: its frame is not part of its place."""


class Opening(NamedTuple):
    """How to open the window, in the desktop's unit."""

    size: tuple[int, int]
    position: tuple[int, int] | None
    """Of its contents; None leaves it to the window system."""
    maximized: bool


def opening_for(
    place: WindowPlace | None, size: tuple[int, int], scale: float, screens: Sequence[pygame.Rect]
) -> Opening:
    """The window for a kept place, wholly on one screen; without a place, of this size and not quite as large as that.

    Args:
        place: what was kept.
        size: in logical pixels, for a window that has no place.
        scale: the desktop's units for one logical pixel.
        screens: what of each screen a window may cover, the main one first; empty where nobody knows.
    """
    if place is None:
        wanted = (round(size[0] * scale), round(size[1] * scale))
        room = (int(screens[0].width * _ROOM), int(screens[0].height * _ROOM)) if screens else wanted
        return Opening((min(wanted[0], room[0]), min(wanted[1], room[1])), None, False)
    wide, high = round(place.width * scale), round(place.height * scale)
    if not screens:
        return Opening((wide, high), None, place.maximized)
    if place.x is None or place.y is None:
        return Opening(_within(wide, high, screens[0]), None, place.maximized)
    was = pygame.Rect(place.x, place.y, wide, high)
    screen = max(screens, key=lambda one: _area(was.clip(one)))
    if _area(was.clip(screen)) < _SEEN * min(_area(was), _area(screen)):
        return Opening(_within(wide, high, screens[0]), None, place.maximized)
    now = pygame.Rect(was.topleft, _within(wide, high, screen))
    if not screen.contains(now):
        free = pygame.Rect(screen.x, screen.y + _TITLE_BAR, screen.width, screen.height - _TITLE_BAR)
        now.clamp_ip(free if now.height <= free.height else screen)
    return Opening(now.size, now.topleft, place.maximized)


def _within(wide: int, high: int, screen: pygame.Rect) -> tuple[int, int]:
    """The size, or where that is larger than the screen somewhat less than the screen: the window has a frame."""
    fitting_wide = wide if wide <= screen.width else int(screen.width * _ROOM)
    return fitting_wide, high if high <= screen.height else int(screen.height * _ROOM)


def _area(rect: pygame.Rect) -> int:
    return rect.width * rect.height
