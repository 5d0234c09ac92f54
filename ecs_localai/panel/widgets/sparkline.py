"""Sparklines: the recent past of a measurement as a line over a tinted area.

The line is the curve widened by half its thickness in every direction, which for a curve that is a
function of x is exact: in each column it covers the rows between the highest and the lowest point of the
discs along it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pygame

from ecs_localai.panel.masks import rounded_coverage
from ecs_localai.panel.theme import mix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.theme import RGB

_THICKNESS = 1.5  # logical pixels
_TINT = 0.14


def sparkline(
    draft: Draft,
    rect: pygame.Rect,
    history: NDArray[np.float64],
    maximum: float,
    colour: RGB,
    radius: float,
) -> None:
    """Draw the samples, oldest left, over the whole of ``rect``, whose lower corners have ``radius``.

    A sample that is NaN leaves a gap. ``maximum`` is at the top edge; larger values are drawn there.
    """
    samples = history.tobytes()
    scale = draft.metrics.scale
    key = ("sparkline", rect.size, samples, maximum, colour, radius, draft.theme.card)
    make = partial(_picture, rect.size, samples, maximum, colour, draft.theme.card, radius, _THICKNESS * scale)
    draft.picture(rect, key, make)


def _picture(
    size: tuple[int, int],
    samples: bytes,
    maximum: float,
    colour: RGB,
    behind: RGB,
    radius: float,
    thickness: float,
) -> pygame.Surface:
    width, height = size
    fine = 4 if thickness < 2.5 else 2
    heights = _heights(np.frombuffer(samples, np.float64), maximum, width * fine, height, thickness)
    reach = thickness / 2
    offsets = np.arange(-int(reach * fine), int(reach * fine) + 1)
    bulge = np.sqrt(np.maximum(reach**2 - (offsets / fine) ** 2, 0))
    padded = np.pad(heights, len(offsets) // 2, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, len(offsets))
    with np.errstate(invalid="ignore"):
        above = np.nanmax(np.where(np.isnan(around), -np.inf, around) + bulge, axis=1)
        below = np.nanmin(np.where(np.isnan(around), np.inf, around) - bulge, axis=1)
    edges = height - np.arange(height + 1, dtype=np.float32)  # of the rows, from the bottom, top first
    line = _between(below, above, edges, width, fine)
    area = _between(np.zeros_like(heights), np.nan_to_num(heights, nan=0.0), edges, width, fine)
    tint = np.array(mix(behind, colour, _TINT), np.float32)
    strength = np.maximum(line, area)
    share = np.divide(line, strength, out=np.zeros_like(line), where=strength > 0)[:, :, None]
    picture = pygame.Surface(size, pygame.SRCALPHA, 32)
    pixels = pygame.surfarray.pixels3d(picture)
    pixels[:] = np.round(tint + (np.array(colour, np.float32) - tint) * share)
    del pixels
    corners = rounded_coverage(width, height * 2, radius)[:, height:]
    pygame.surfarray.pixels_alpha(picture)[:] = np.round(strength * corners * 255)
    return picture


def _heights(
    samples: NDArray[np.float64], maximum: float, columns: int, height: int, thickness: float
) -> NDArray[np.float64]:
    """The curve's height above the lower edge in each fine column; NaN where nothing was measured."""
    room = height - thickness
    count = len(samples)
    if count == 0 or maximum <= 0:
        return np.full(columns, np.nan)
    values = thickness / 2 + np.clip(samples / maximum, 0, 1) * room
    if count == 1:
        return np.full(columns, values[0])
    x = np.linspace(0, count - 1, columns)
    left = np.minimum(x.astype(np.intp), count - 2)
    share = x - left
    # A missing neighbour would make a whole piece missing; each measured sample still shows to its half.
    first, second = values[left], values[left + 1]
    curve: NDArray[np.float64] = first + (second - first) * share
    curve = np.where(np.isnan(curve) & (share < 0.5), first, curve)
    curve = np.where(np.isnan(curve) & (share >= 0.5), second, curve)
    # The samples themselves, so that a narrow peak keeps its height.
    curve[np.rint(np.linspace(0, columns - 1, count)).astype(np.intp)] = values
    return curve


def _between(
    below: NDArray[np.float64],
    above: NDArray[np.float64],
    edges: NDArray[np.float32],
    width: int,
    fine: int,
) -> NDArray[np.float32]:
    """How much of each pixel lies between two heights; ``fine`` columns make one pixel."""
    high = np.minimum(above[:, None], edges[None, :-1])
    low = np.maximum(below[:, None], edges[None, 1:])
    covered = np.clip(high - low, 0, 1).astype(np.float32)
    mean: NDArray[np.float32] = covered.reshape(width, fine, -1).mean(axis=1)
    return mean
