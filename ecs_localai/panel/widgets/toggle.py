"""The switch of a feature, moving smoothly between off and on.

The brief's two colours hardly differ in brightness (1.23:1), so the knob's place says the state, and a
bar (on) or a ring (off) beside the knob says it again.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pygame

from ecs_localai.panel.masks import rounded_coverage
from ecs_localai.panel.scene import Cursor, Node, Role
from ecs_localai.panel.theme import mix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ecs_localai.panel.actions import Intent
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.theme import RGB

STEPS = 32
"""How many places the knob can be drawn at, so that pictures of them can be kept."""
_INSET = 2


def toggle(
    draft: Draft,
    rect: pygame.Rect,
    node_id: str,
    name: str,
    action: Intent,
    *,
    on: bool,
    step: int,
    enabled: bool,
    colours: tuple[RGB, RGB],
    area: pygame.Rect | None = None,
) -> None:
    """Draw a switch that fills ``rect``.

    ``step`` is where the knob is, 0 (off) to `STEPS` (on); ``colours`` are those of off and on. A click on its words
    counts where ``area`` says where they are.
    """
    off_colour, on_colour = colours
    track = mix(off_colour, on_colour, step / STEPS)
    knob: RGB = (255, 255, 255)
    pressed = False
    if not enabled:
        track = mix(track, draft.theme.card, 0.5)
        knob = mix(knob, draft.theme.card, 0.15 if draft.theme.name == "light" else 0.35)
    elif draft.pointer.over == node_id:
        pressed = draft.pointer.down == node_id
        track = mix(track, (0, 0, 0), 0.12 if pressed else 0.06)
    inset = draft.metrics.tall(_INSET)
    key = ("toggle", rect.size, step, track, knob, inset, pressed)
    draft.picture(rect, key, partial(_picture, rect.size, step / STEPS, track, knob, inset, pressed))
    draft.nodes.append(
        Node(
            id=node_id,
            role=Role.SWITCH,
            name=name,
            rect=rect,
            value="on" if on else "off",
            enabled=enabled,
            focusable=enabled,
            action=action,
            cursor=Cursor.HAND if enabled else Cursor.ARROW,
            radius=rect.height / 2,
            area=area if enabled else None,
        )
    )


def _picture(size: tuple[int, int], place: float, track: RGB, knob: RGB, inset: int, pressed: bool) -> pygame.Surface:
    width, height = size
    colour = np.empty((width, height, 3), np.float32)
    colour[:] = track
    outline = rounded_coverage(width, height, height / 2)
    diameter = height - 2 * inset
    longer = diameter * 0.14 if pressed else 0.0
    travel = width - 2 * inset - diameter - longer
    left = inset + travel * place
    centre = (left + (diameter + longer) / 2, height / 2)
    half = ((diameter + longer) / 2, diameter / 2)
    _add_glyphs(colour, place, knob, inset, diameter)
    # A soft shadow under the knob, a little lower than it.
    below = _distance(width, height, (centre[0], centre[1] + height * 0.03), half)
    shadow = 0.22 * np.exp(-np.square(np.maximum(below, 0) / (height * 0.07)))
    colour *= (1 - shadow * (below > -1))[:, :, None]
    covered = np.clip(0.5 - _distance(width, height, centre, half), 0, 1)[:, :, None]
    colour += (np.array(knob, np.float32) - colour) * covered
    picture = pygame.Surface(size, pygame.SRCALPHA, 32)
    pygame.surfarray.pixels3d(picture)[:] = np.clip(np.round(colour), 0, 255)
    pygame.surfarray.pixels_alpha(picture)[:] = np.round(outline * 255)
    return picture


def _add_glyphs(colour: NDArray[np.float32], place: float, knob: RGB, inset: int, diameter: int) -> None:
    """The bar that shows while the knob is right of it, and the ring that shows while it is left of it."""
    width, height = colour.shape[:2]
    unit = height / 26
    room = width - 2 * inset - diameter
    bar = _distance(width, height, (inset + room / 2 + unit, height / 2), (0.8 * unit, 4.2 * unit))
    from_centre = _distance(width, height, (width - inset - room / 2 - unit, height / 2), (3.7 * unit, 3.7 * unit))
    ring = np.abs(from_centre + 0.7 * unit) - 0.7 * unit
    for distance, strength in ((bar, place), (ring, 1 - place)):
        shown = max(0.0, strength * 2 - 1) * 0.85
        colour += (np.array(knob, np.float32) - colour) * (np.clip(0.5 - distance, 0, 1) * shown)[:, :, None]


def _distance(width: int, height: int, centre: tuple[float, float], half: tuple[float, float]) -> NDArray[np.float32]:
    """Signed distance of each pixel from a capsule with these half sizes: negative inside."""
    radius = min(half)
    x = np.abs(np.arange(width, dtype=np.float32) + 0.5 - centre[0]) - (half[0] - radius)
    y = np.abs(np.arange(height, dtype=np.float32) + 0.5 - centre[1]) - (half[1] - radius)
    away: NDArray[np.float32] = np.hypot(np.maximum(x, 0)[:, None], np.maximum(y, 0)[None, :]) - radius
    return away
