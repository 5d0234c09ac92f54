"""Remembering where the window is: once it has come to rest there, and when it is closed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pygame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ecs_localai.panel.panel import Panel
    from ecs_localai.panel.window import PanelWindow

REST = 0.5
"""Seconds without a further step until a window that was dragged counts as put down."""
_STEPS = frozenset(
    {
        pygame.WINDOWMOVED,
        pygame.WINDOWRESIZED,
        pygame.WINDOWSIZECHANGED,
        pygame.WINDOWMAXIMIZED,
        pygame.WINDOWRESTORED,
    }
)


class WindowMemory:
    """Tells the panel the window's place when a person has changed it.

    Where the window system puts a window in the first moment is nobody's choice, and not remembered.
    """

    __slots__ = ("_clock", "_opened", "_panel", "_window", "due")

    def __init__(self, window: PanelWindow, panel: Panel, clock: Callable[[], float] = time.monotonic) -> None:
        self._window, self._panel, self._clock = window, panel, clock
        self._opened = False
        self.due: float | None = clock() + REST
        """The clock's time at which `look` has something to do; None: not before the window changes."""

    def hear(self, events: Iterable[pygame.event.Event]) -> None:
        """Take note of what happened in the window."""
        if any(event.type in _STEPS for event in events):
            self.stir()

    def stir(self) -> None:
        """The window may be another now."""
        if self._opened:
            self.due = self._clock() + REST

    def look(self, *, at_once: bool = False) -> None:
        """Remember the place if it has been the same for a while, or `at_once`: the window is about to go."""
        if self.due is None or not (at_once or self._clock() >= self.due):
            return
        self.due = None
        changed = self._window.look_where()
        if self._opened and changed:
            self._panel.keep_window(self._window.place)
        self._opened = True
