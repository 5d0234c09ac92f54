"""Rounded shapes with exact, symmetric edges.

A shape's coverage comes from its signed distance function, computed once for its corners and cached;
straight edges and middles are plain fills. `pygame.draw.rect` with a border radius is jagged.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pygame

from ecs_localai.panel.surface_cache import SurfaceCache

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ecs_localai.panel.theme import RGB

_CACHE_BYTES = 8 * 1024 * 1024


def rounded_coverage(width: int, height: int, radius: float, inset: float = 0.0) -> NDArray[np.float32]:
    """How much of each pixel (indexed x, y) a rounded rectangle covers, 0 to 1.

    ``inset`` shrinks it on every side (its radius too), which gives the inner edge of a border.
    """
    x = np.abs(np.arange(width, dtype=np.float32) + 0.5 - width / 2)
    y = np.abs(np.arange(height, dtype=np.float32) + 0.5 - height / 2)
    round_ = max(0.0, min(radius - inset, width / 2 - inset, height / 2 - inset))
    qx = (x - (width / 2 - inset - round_))[:, None]
    qy = (y - (height / 2 - inset - round_))[None, :]
    outside = np.hypot(np.maximum(qx, 0), np.maximum(qy, 0))
    distance = outside + np.minimum(np.maximum(qx, qy), 0) - round_
    covered: NDArray[np.float32] = np.clip(0.5 - distance, 0, 1)
    return covered


class Shapes:
    """Draws rounded rectangles, keeping the corners it has made."""

    def __init__(self) -> None:
        self._tiles = SurfaceCache(_CACHE_BYTES)

    def rounded(
        self,
        target: pygame.Surface,
        rect: pygame.Rect,
        radius: float,
        fill: RGB | None,
        border: RGB | None = None,
        border_width: int = 1,
    ) -> None:
        """Draw a rounded rectangle; without ``fill`` its inside stays as it is."""
        width, height = rect.size
        if width <= 0 or height <= 0:
            return
        corner = math.ceil(min(radius, width / 2, height / 2)) + (border_width if border else 0)
        corner = max(corner, 1)
        across, down = min(width, 2 * corner), min(height, 2 * corner)
        tile = self._tile(across, down, radius, fill, border, border_width)
        if across == width and down == height:
            target.blit(tile, rect)
            return
        left, top = rect.topleft
        half, half_down = (across + 1) // 2, (down + 1) // 2
        columns = ((0, left, half), (across - (across - half), left + width - (across - half), across - half))
        rows = ((0, top, half_down), (half_down, top + height - (down - half_down), down - half_down))
        if across == width:
            columns = ((0, left, across), (0, 0, 0))
        if down == height:
            rows = ((0, top, down), (0, 0, 0))
        for from_x, to_x, part in columns:
            for from_y, to_y, part_down in rows:
                if part and part_down:
                    target.blit(tile, (to_x, to_y), (from_x, from_y, part, part_down))
        self._fill_between(target, rect, columns, rows, fill, border, border_width)

    @staticmethod
    def _fill_between(
        target: pygame.Surface,
        rect: pygame.Rect,
        columns: tuple[tuple[int, int, int], ...],
        rows: tuple[tuple[int, int, int], ...],
        fill: RGB | None,
        border: RGB | None,
        border_width: int,
    ) -> None:
        """Everything but the corners: three bands, then the straight parts of the border."""
        left, top, width, height = rect
        first, last = columns[0][2], columns[1][2]
        above, below = rows[0][2], rows[1][2]
        across, down = width - first - last, height - above - below
        wide, high = across > 0 and last > 0, down > 0 and below > 0
        if fill is not None:
            if wide:
                target.fill(fill, (left + first, top, across, height))
            if high:
                target.fill(fill, (left, top + above, first, down))
                target.fill(fill, (left + width - last, top + above, last, down))
        if border is not None:
            if wide:
                target.fill(border, (left + first, top, across, border_width))
                target.fill(border, (left + first, top + height - border_width, across, border_width))
            if high:
                target.fill(border, (left, top + above, border_width, down))
                target.fill(border, (left + width - border_width, top + above, border_width, down))

    def _tile(
        self,
        width: int,
        height: int,
        radius: float,
        fill: RGB | None,
        border: RGB | None,
        border_width: int,
    ) -> pygame.Surface:
        key = (width, height, radius, fill, border, border_width)
        tile = self._tiles.get(key)
        if tile is not None:
            return tile
        outer = rounded_coverage(width, height, radius)
        tile = pygame.Surface((width, height), pygame.SRCALPHA, 32)
        if border is None:
            tile.fill((*(fill or (0, 0, 0)), 0))
            alpha = outer if fill is not None else np.zeros_like(outer)
        else:
            inner = rounded_coverage(width, height, radius, border_width)
            tile.fill((*border, 0))
            alpha = outer
            if fill is None:
                alpha = np.clip(outer - inner, 0, 1)
            else:
                colours = pygame.surfarray.pixels3d(tile)
                edge, middle = np.array(border, np.float32), np.array(fill, np.float32)
                colours[:] = np.round(edge + (middle - edge) * inner[:, :, None])
                del colours
        pixels = pygame.surfarray.pixels_alpha(tile)
        pixels[:] = np.round(alpha * 255)
        del pixels
        return self._tiles.keep(key, tile)
