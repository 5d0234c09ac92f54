"""The two things of SDL that pygame doesn't offer: a wait that sleeps, and presenting only what changed.

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
        except (OSError, AttributeError):
            return
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
