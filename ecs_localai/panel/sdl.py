"""What of SDL pygame doesn't offer: a wait that sleeps, presenting only what changed, where the screens are.

`pygame.event.wait` looks for events every millisecond (3 % of a core when nothing happens); SDL's own
`SDL_WaitEventTimeout` sleeps in the system. It is called, through ctypes, in the very library that pygame has
loaded. Where that can't be found, everything works without it, at a little more cost.
"""

from __future__ import annotations

import ctypes
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pygame

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_POLL = 1 / 30
_MINIMIZED, _MAXIMIZED = 0x40, 0x80
"""Of SDL_WindowFlags (SDL 2, ``SDL_video.h``)."""


class _Rect(ctypes.Structure):
    _fields_ = (("x", ctypes.c_int), ("y", ctypes.c_int), ("w", ctypes.c_int), ("h", ctypes.c_int))


def _library_path() -> Path | None:
    """The SDL2 that pygame has loaded."""
    folder = Path(pygame.__file__).parent
    if sys.platform == "win32":
        found = folder / "SDL2.dll"
        return found if found.exists() else None
    if sys.platform == "darwin":
        found = folder / ".dylibs" / "libSDL2-2.0.0.dylib"
        return found if found.exists() else None
    try:
        maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        bundled = sorted((folder.parent / "pygame_ce.libs").glob("libSDL2-2*"))
        return bundled[0] if bundled else None
    for line in maps.splitlines():
        name = line.rpartition("/")[2]
        if name.startswith("libSDL2-2"):
            return Path(line[line.index("/") :])
    return None


class Sdl:
    """SDL's functions, as far as they could be found; `pygame.display` must be initialised."""

    def __init__(self) -> None:
        self._wait: Callable[[None, int], int] | None = None
        self._window_from_id: Callable[[int], int | None] | None = None
        self._update_rects: Callable[[int, ctypes.Array[_Rect], int], int] | None = None
        self._window_flags: Callable[[int], int] | None = None
        self._usable_bounds: Callable[[int, object], int] | None = None
        path = _library_path()
        if path is None:
            return
        try:
            library = ctypes.CDLL(str(path))
            library.SDL_WaitEventTimeout.argtypes = (ctypes.c_void_p, ctypes.c_int)
            library.SDL_WaitEventTimeout.restype = ctypes.c_int
            library.SDL_GetWindowFromID.argtypes = (ctypes.c_uint32,)
            library.SDL_GetWindowFromID.restype = ctypes.c_void_p
            library.SDL_UpdateWindowSurfaceRects.argtypes = (ctypes.c_void_p, ctypes.POINTER(_Rect), ctypes.c_int)
            library.SDL_UpdateWindowSurfaceRects.restype = ctypes.c_int
            library.SDL_GetWindowFlags.argtypes = (ctypes.c_void_p,)
            library.SDL_GetWindowFlags.restype = ctypes.c_uint32
            library.SDL_GetDisplayUsableBounds.argtypes = (ctypes.c_int, ctypes.POINTER(_Rect))
            library.SDL_GetDisplayUsableBounds.restype = ctypes.c_int
        except (OSError, AttributeError):
            return
        self._window_flags = library.SDL_GetWindowFlags
        self._usable_bounds = library.SDL_GetDisplayUsableBounds
        self._wait = library.SDL_WaitEventTimeout
        self._window_from_id = library.SDL_GetWindowFromID
        self._update_rects = library.SDL_UpdateWindowSurfaceRects

    @property
    def sleeps(self) -> bool:
        """Whether waiting sleeps until an event comes, rather than looking thirty times a second."""
        return self._wait is not None

    def wait(self, seconds: float) -> bool:
        """Sleep until there is an event, which stays in the queue. False when the time ran out first."""
        if self._wait is not None:
            return self._wait(None, max(0, round(seconds * 1000))) == 1
        deadline = time.monotonic() + seconds
        while True:
            pygame.event.pump()
            if pygame.event.peek():
                return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(_POLL, left))

    def present(self, window_id: int, rects: Sequence[pygame.Rect]) -> bool:
        """Show parts of a window's surface. False when that isn't possible; then show it whole."""
        if self._window_from_id is None or self._update_rects is None:
            return False
        pointer = self._window_from_id(window_id)
        if not pointer:
            return False
        parts = (_Rect * len(rects))(*(_Rect(*rect) for rect in rects))
        return self._update_rects(pointer, parts, len(rects)) == 0

    def screens(self) -> list[pygame.Rect]:
        """What of each screen windows may cover, the main one first, in the desktop's unit.

        Where SDL can't be asked, the main screen alone, with all of it; empty where nobody knows.
        """
        found = []
        if self._usable_bounds is not None:
            for number in range(pygame.display.get_num_displays()):
                bounds = _Rect()
                if self._usable_bounds(number, ctypes.byref(bounds)) == 0 and bounds.w > 0 and bounds.h > 0:
                    found.append(pygame.Rect(bounds.x, bounds.y, bounds.w, bounds.h))
        return found or [pygame.Rect((0, 0), size) for size in pygame.display.get_desktop_sizes()[:1]]

    def minimized(self, window_id: int) -> bool:
        """Whether a window is put away as an icon; False where SDL can't be asked."""
        return bool(self._flags(window_id) & _MINIMIZED)

    def maximized(self, window_id: int) -> bool:
        """Whether a window fills its screen; False where SDL can't be asked."""
        return bool(self._flags(window_id) & _MAXIMIZED)

    def _flags(self, window_id: int) -> int:
        if self._window_from_id is None or self._window_flags is None:
            return 0
        pointer = self._window_from_id(window_id)
        return self._window_flags(pointer) if pointer else 0
