"""The panel's window, and waiting for what happens in it."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import TYPE_CHECKING

import msgspec
import pygame

from ecs_localai.components.panel import WindowPlace
from ecs_localai.panel.display_scale import x11_scale
from ecs_localai.panel.metrics import MAX_SCALE
from ecs_localai.panel.panel import MIN_HEIGHT, MIN_WIDTH
from ecs_localai.panel.scene import Cursor
from ecs_localai.panel.sdl import Sdl
from ecs_localai.panel.theme import theme_named
from ecs_localai.panel.window_icon import window_icon
from ecs_localai.panel.window_place import opening_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ecs_localai.panel.panel import Panel

_LONGEST_WAIT = 0.5
"""Seconds. Python sees Ctrl-C only between waits."""
_KEY_DELAY_MS, _KEY_INTERVAL_MS = 400, 33
_POINTER = (pygame.MOUSEMOTION, pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP)
_NO_SCREEN = ("offscreen", "dummy")
_DISPLAY_VARIABLES = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
"""On Linux and BSD one of these names the screen."""
_TELLS_POSITION = ("x11", "windows", "cocoa")
"""Window systems in which a window knows where it is, and can be put somewhere. Wayland's can't."""
_CURSORS = {
    Cursor.ARROW: pygame.SYSTEM_CURSOR_ARROW,
    Cursor.HAND: pygame.SYSTEM_CURSOR_HAND,
    Cursor.TEXT: pygame.SYSTEM_CURSOR_IBEAM,
}


class NoDisplay(Exception):
    """There is no screen to open a window on."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"There is no display to open a window on ({reason}). Use `ecs-localai run --headless`, "
            "or a command such as `ecs-localai list` or `ecs-localai install MODEL`."
        )


@contextlib.contextmanager
def _hints(**values: str) -> Iterator[None]:
    """Settings of SDL's, which it reads from the environment, for as long as they are needed."""
    before = {name: os.environ.get(name) for name in values}
    for name, value in values.items():
        os.environ.setdefault(name, value)
    try:
        yield
    finally:
        for name, old in before.items():
            if old is None:
                os.environ.pop(name, None)


class PanelWindow:
    """A window for a `Panel`. Make it, use it and close it on the main thread; only `wake` may be called on others.

    Initialises only what it needs of pygame (display, font), and when closed takes down only what wasn't there
    before, so that a program's own pygame goes on.

    Args:
        size: in logical pixels; less where the screen is smaller.
        title: in the title bar.
        theme: ``light``, ``dark`` or ``system``: what the window shows before the first painting.
        scale: surface pixels for one logical pixel; None asks the system. Less where the screen has no room for it.
        place: where it was before: size, position, maximised. Taken as far as it is on a screen that is there now.

    Raises:
        NoDisplay: there is no screen, or no window can be opened on it.
        ValueError: an unknown theme.
    """

    def __init__(
        self,
        size: tuple[int, int] = (900, 1000),
        *,
        title: str = "Local AI models",
        theme: str = "system",
        scale: float | None = None,
        place: WindowPlace | None = None,
    ) -> None:
        background = theme_named(theme).background
        self._owns_display = not pygame.display.get_init()
        self._closed = False
        self._open_display()
        try:
            self._driver = pygame.display.get_driver()
            self._sdl = Sdl()
            self._screens = self._sdl.screens()
            self._system_scale = x11_scale() if self._driver == "x11" else 1.0
            self._asked_scale = scale
            self._x_scale = self._pixels_per_point()
            self._window = self._open_window(size, title, place)
            self._place = place if place is not None else WindowPlace(*size)
            self.look_where()
            self._window.get_surface().fill(background)
            self._window.flip()
        except pygame.error as error:
            self._close_display()
            raise NoDisplay(str(error)) from error
        self._wake_type = pygame.event.custom_type()
        self._wake_posted = False
        self._cursor = Cursor.ARROW
        self._text_input: pygame.Rect | None = None
        self.close_requested = False
        """Whether the person closed the window, or the system asked the program to end."""
        if self._owns_display:
            pygame.key.set_repeat(_KEY_DELAY_MS, _KEY_INTERVAL_MS)
            pygame.key.stop_text_input()

    # ---- opening and closing

    def _open_display(self) -> None:
        if not self._owns_display:
            return
        chosen = os.environ.get("SDL_VIDEODRIVER")
        if sys.platform not in ("win32", "darwin") and not any(map(os.environ.get, _DISPLAY_VARIABLES)):
            # Not left for SDL to find out: its Wayland library writes to standard error when there is none.
            raise NoDisplay("neither DISPLAY nor WAYLAND_DISPLAY is set")
        try:
            # Points instead of pixels on Windows, as everywhere else; a name for docks and task bars.
            with _hints(SDL_WINDOWS_DPI_SCALING="1", SDL_APP_NAME="ecs-localai", SDL_VIDEO_X11_WMCLASS="ecs-localai"):
                pygame.display.init()
        except pygame.error as error:
            raise NoDisplay(str(error)) from error
        driver = pygame.display.get_driver()
        # Without any screen SDL takes a driver that shows nothing. That is only right when it was asked for.
        if driver in _NO_SCREEN and chosen is None:
            self._close_display()
            raise NoDisplay(f"SDL found none, and draws with its driver {driver}")
        pygame.display.set_allow_screensaver(True)

    def _pixels_per_point(self) -> float:
        """What a logical pixel is in the window system's own unit: 1 where that knows about dense screens."""
        if self._asked_scale is None:
            return self._system_scale
        room = min(
            (min(one.width / MIN_WIDTH, one.height / MIN_HEIGHT) for one in self._screens[:1]), default=MAX_SCALE
        )
        return min(self._asked_scale, max(room, 1.0))

    def _open_window(self, size: tuple[int, int], title: str, place: WindowPlace | None) -> pygame.Window:
        opening = opening_for(place, size, self._x_scale, self._screens)
        # Without a GPU, presenting through one costs 100 MB and 3 to 40 times the time; Wayland needs it.
        speed = {"SDL_FRAMEBUFFER_ACCELERATION": "0"} if self._driver == "x11" else {}
        position = opening.position if opening.position is not None else pygame.WINDOWPOS_UNDEFINED
        with _hints(SDL_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR="0", **speed):
            window = pygame.Window(
                title, opening.size, position, resizable=True, allow_high_dpi=True, maximized=opening.maximized
            )
            window.get_surface()
        if opening.position is not None and self._driver == "x11" and not opening.maximized:
            # Until it is shown, its frame isn't known, and its position is taken for that of the frame.
            window.position = opening.position
        window.minimum_size = self._least_size(opening.size)
        window.set_icon(window_icon(64))
        return window

    def _least_size(self, most: tuple[int, int]) -> tuple[int, int]:
        """The smallest size that everything is laid out for, where there is room for it."""
        return min(round(MIN_WIDTH * self._x_scale), most[0]), min(round(MIN_HEIGHT * self._x_scale), most[1])

    def set_scale(self, scale: float | None) -> bool:
        """Have everything drawn so large from now on; None asks the system. Returns whether that is a change.

        The window stays as large as it is, unless that is too small for what is in it.
        """
        if scale == self._asked_scale:
            return False
        self._asked_scale = scale
        self._x_scale = self._pixels_per_point()
        self._text_input = None
        # SDL makes a smaller window that large (SDL 2, SDL_SetWindowMinimumSize).
        self._window.minimum_size = self._least_size(self._screens[0].size if self._screens else self._window.size)
        return True

    # ---- where it is

    @property
    def place(self) -> WindowPlace:
        """Where it was when it was looked at last: `look_where`."""
        return self._place

    def look_where(self) -> bool:
        """Measure where the window is and how large. Returns whether that is another place than the last time.

        Of a maximised window, the size and position that it had before stay; of a minimised one, everything.
        """
        if self._sdl.minimized(self._window.id):
            return False
        before = self._place
        self._place = self._measured()
        return self._place != before

    def _measured(self) -> WindowPlace:
        if self._sdl.maximized(self._window.id):
            return msgspec.structs.replace(self._place, maximized=True)
        x, y = self._window.position if self._driver in _TELLS_POSITION else (None, None)
        width, height = self.size
        return WindowPlace(max(width, 1), max(height, 1), x, y)

    def close(self) -> None:
        """Close the window. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        if pygame.display.get_init():
            if self._cursor is not Cursor.ARROW:  # a program's other windows must not keep our pointer
                with contextlib.suppress(pygame.error):
                    pygame.mouse.set_cursor(pygame.SYSTEM_CURSOR_ARROW)
            self._window.destroy()
        self._close_display()

    def _close_display(self) -> None:
        if self._owns_display:
            pygame.display.quit()

    def __enter__(self) -> PanelWindow:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # ---- its properties

    @property
    def surface(self) -> pygame.Surface:
        """What to paint on. It keeps its pixels until the window's size changes."""
        return self._window.get_surface()

    @property
    def scale(self) -> float:
        """Surface pixels for one logical pixel, now."""
        points = max(1, self._window.size[0])
        # Rounded: where a scale isn't whole, the two widths are, and their ratio would change with every size.
        return round(self._window.get_surface().get_width() / points * self._x_scale, 2)

    @property
    def size(self) -> tuple[int, int]:
        """In logical pixels."""
        width, height = self._window.size
        return round(width / self._x_scale), round(height / self._x_scale)

    @property
    def handle(self) -> int:
        """The window system's number of the window (on X11 what xdotool takes), 0 where it has none."""
        return int(self._window.handle)

    # ---- events

    def wait(self, timeout_seconds: float | None) -> bool:
        """Sleep until there is an event, or `wake` is called, or the time is over; None waits without end.

        Returns whether there is an event.
        """
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while True:
            left = _LONGEST_WAIT if deadline is None else deadline - time.monotonic()
            if self._sdl.wait(min(max(left, 0.0), _LONGEST_WAIT)):
                return True
            if deadline is not None and time.monotonic() >= deadline:
                return False

    def wake(self) -> None:
        """End a `wait` that is going on, or the next one. May be called on any thread, also after `close`."""
        if self._closed or self._wake_posted:
            return
        self._wake_posted = True
        with contextlib.suppress(pygame.error):  # closed meanwhile, or the queue is full: then nobody sleeps
            pygame.event.post(pygame.event.Event(self._wake_type))

    def pump(self) -> list[pygame.event.Event]:
        """What has happened in this window, for `Panel.handle_event`: positions are logical pixels.

        Events of another program part's windows stay in the queue. Also shows the window again where the system
        lost what was on it.
        """
        events: list[pygame.event.Event] = []
        others: list[pygame.event.Event] = []
        self._wake_posted = False
        for event in pygame.event.get():
            if event.type == self._wake_type:
                continue
            if getattr(event, "window", self._window) != self._window:
                others.append(event)
            elif event.type == pygame.WINDOWEXPOSED:
                self._window.flip()
            elif event.type in (pygame.QUIT, pygame.WINDOWCLOSE):
                self.close_requested = True
                events.append(event)
            elif event.type in _POINTER and self._x_scale != 1:
                events.append(self._in_logical_pixels(event))
            else:
                events.append(event)
        if not self._owns_display:
            for event in others:
                pygame.event.post(event)
        return events

    def _in_logical_pixels(self, event: pygame.event.Event) -> pygame.event.Event:
        parts = dict(event.dict)
        parts["pos"] = (event.pos[0] / self._x_scale, event.pos[1] / self._x_scale)
        return pygame.event.Event(event.type, parts)

    # ---- showing

    def present(self, rects: Sequence[pygame.Rect]) -> None:
        """Show what was painted: the rectangles that `Panel.paint` returned."""
        if rects and not self._sdl.present(self._window.id, rects):
            self._window.flip()

    def follow(self, panel: Panel) -> None:
        """Take over from the panel the pointer's shape, and whether and where text is being typed."""
        if panel.cursor is not self._cursor:
            self._cursor = panel.cursor
            with contextlib.suppress(pygame.error):  # some drivers have one shape only
                pygame.mouse.set_cursor(_CURSORS[self._cursor])
        wanted = panel.text_input
        if wanted == self._text_input:
            return
        if wanted is None:
            if self._owns_display:  # a program that has windows of its own may be typing in one of them
                pygame.key.stop_text_input()
        else:
            if self._text_input is None:
                pygame.key.start_text_input()
            place = pygame.Rect(*(round(part * self._x_scale) for part in wanted))
            pygame.key.set_text_input_rect(place)
        self._text_input = wanted
