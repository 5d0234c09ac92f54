"""Icons: glyphs of the Lucide font, drawn large and scaled down like text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.assets import icon_code_points, icon_font_path
from ecs_localai.panel.surface_cache import SurfaceCache

if TYPE_CHECKING:
    from ecs_localai.panel.theme import RGB

FALLBACK = "box"
"""Drawn for a name that the icon font has not."""
_CACHE_BYTES = 2 * 1024 * 1024


class Icons:
    """Draws icons of any pixel size, keeping those it has made."""

    def __init__(self) -> None:
        pygame.font.init()
        self._fonts: dict[int, pygame.font.Font] = {}
        self._surfaces = SurfaceCache(_CACHE_BYTES)

    def surface(self, name: str, size: int, colour: RGB) -> pygame.Surface:
        """A square picture of ``size`` pixels with a transparent background."""
        key = (name, size, colour)
        surface = self._surfaces.get(key)
        return surface if surface is not None else self._surfaces.keep(key, self._draw(*key))

    def _draw(self, name: str, size: int, colour: RGB) -> pygame.Surface:
        points = icon_code_points()
        letter = chr(points.get(name, points[FALLBACK]))
        large = size * 4
        font = self._fonts.get(large)
        if font is None:
            font = self._fonts[large] = pygame.font.Font(str(icon_font_path()), large)
        glyph = font.render(letter, True, (255, 255, 255))
        canvas = pygame.Surface((large, large), pygame.SRCALPHA, 32)
        # A glyph's square is its em, from its origin: centring what was drawn would shift lopsided icons.
        canvas.blit(glyph, (0, large - font.get_ascent()))
        small = pygame.transform.smoothscale(canvas, (size, size))
        picture = pygame.Surface((size, size), pygame.SRCALPHA, 32)
        picture.fill((*colour, 0))
        alpha = pygame.surfarray.pixels_alpha(picture)
        alpha[:] = pygame.surfarray.pixels_alpha(small)
        del alpha
        return picture
