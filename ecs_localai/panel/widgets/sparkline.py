"""Sparklines: the recent past of a measurement as a line over a tinted area.

The line is the curve widened by half its thickness in every direction, which for a curve that is a
function of x is exact: in each column it covers the rows between the highest and the lowest point of the
discs along it.
"""

from __future__ import annotations

from functools import lru_cache, partial
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
_FEWEST = 3
"""Measured samples from which on there is a curve to see: one or two would be a stray mark."""


def sparkline(
    draft: Draft,
    rect: pygame.Rect,
    history: NDArray[np.float64] | memoryview,
    maximum: float,
    colour: RGB,
    radius: float,
) -> None:
    """Draw the samples, oldest left, over the whole of ``rect``, whose lower corners have ``radius``.

    A sample that is NaN leaves a gap. ``maximum`` is at the top edge; larger values are drawn there.
    Fewer than three measured samples draw nothing.
    """
    if np.count_nonzero(~np.isnan(np.asarray(history))) < _FEWEST:
        return
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
    # Single precision is exact to a thousandth of a pixel here, and takes half the time.
    heights = _heights(np.frombuffer(samples, np.float64), maximum, width * fine, height, thickness).astype(np.float32)
    reach = thickness / 2
    offsets = np.arange(-int(reach * fine), int(reach * fine) + 1)
    bulge = np.sqrt(np.maximum(reach**2 - (offsets / fine) ** 2, 0)).astype(np.float32)
    padded = np.pad(heights, len(offsets) // 2, mode="edge")
    missing = np.isnan(padded)
    windows = np.lib.stride_tricks.sliding_window_view
    above = (windows(np.where(missing, -np.inf, padded), len(offsets)) + bulge).max(axis=1)
    below = (windows(np.where(missing, np.inf, padded), len(offsets)) - bulge).min(axis=1)
    edges = height - np.arange(height + 1, dtype=np.float32)  # of the rows, from the bottom, top first
    line = _between(below, above, edges, width, fine)
    area = _between(np.zeros_like(heights), np.nan_to_num(heights, nan=0.0), edges, width, fine)
    corners = _corners(width, height, radius)
    picture = _stained(size, mix(behind, colour, _TINT), np.maximum(line, area) * corners)
    picture.blit(_stained(size, colour, line * corners), (0, 0))
    return picture


def _stained(size: tuple[int, int], colour: RGB, coverage: NDArray[np.float32]) -> pygame.Surface:
    """One colour, as opaque as `coverage` says (0 to 1, shape ``(width, height)``)."""
    surface = pygame.Surface(size, pygame.SRCALPHA, 32)
    surface.fill((*colour, 0))
    pygame.surfarray.pixels_alpha(surface)[:] = np.rint(coverage * 255)
    return surface


@lru_cache(maxsize=8)
def _corners(width: int, height: int, radius: float) -> NDArray[np.float32]:
    """Coverage of a rectangle whose lower corners are round."""
    return rounded_coverage(width, height * 2, radius)[:, height:]


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
    below: NDArray[np.float32],
    above: NDArray[np.float32],
    edges: NDArray[np.float32],
    width: int,
    fine: int,
) -> NDArray[np.float32]:
    """How much of each pixel lies between two heights; ``fine`` columns make one pixel."""
    covered = np.minimum(above[:, None], edges[None, :-1])
    covered -= np.maximum(below[:, None], edges[None, 1:])
    np.maximum(covered, 0, out=covered)  # never more than 1: a row is one pixel high
    columns = covered.reshape(width, fine, -1)
    total: NDArray[np.float32] = columns[:, 0].copy()
    for column in range(1, fine):
        total += columns[:, column]
    total /= fine
    return total
