"""Pictures kept for as long as they are used, within a limit of memory."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

    import pygame


class SurfaceCache:
    """Lets go of what was used longest ago when it holds more than ``limit`` bytes."""

    __slots__ = ("_bytes", "_limit", "_surfaces")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = 0
        self._surfaces: OrderedDict[Hashable, pygame.Surface] = OrderedDict()

    def get(self, key: Hashable) -> pygame.Surface | None:
        """The picture under a key, or None."""
        surface = self._surfaces.get(key)
        if surface is not None:
            self._surfaces.move_to_end(key)
        return surface

    def keep(self, key: Hashable, surface: pygame.Surface) -> pygame.Surface:
        """Keep a picture under a new key, and return it."""
        self._surfaces[key] = surface
        self._bytes += _size(surface)
        while self._bytes > self._limit and len(self._surfaces) > 1:
            _, oldest = self._surfaces.popitem(last=False)
            self._bytes -= _size(oldest)
        return surface


def _size(surface: pygame.Surface) -> int:
    return surface.get_pitch() * surface.get_height()
