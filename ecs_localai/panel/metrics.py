"""Sizes: type styles, and logical pixels turned into the whole pixels of a surface."""

from __future__ import annotations

from dataclasses import dataclass

from ecs_localai.assets import FontWeight


@dataclass(frozen=True, slots=True, eq=False)
class TextStyle:
    """A cut of Inter and its size in logical pixels, before the font scale.

    There is one object of each style, compared as such: styles are part of the keys of all caches of text.
    """

    weight: FontWeight
    size: float


TITLE = TextStyle(FontWeight.DISPLAY, 26)
NUMBER = TextStyle(FontWeight.DISPLAY_TABULAR, 20)
ROW = TextStyle(FontWeight.MEDIUM, 14)
HEADING = TextStyle(FontWeight.SEMI_BOLD, 13)
BUTTON = TextStyle(FontWeight.MEDIUM, 13)
FIELD = TextStyle(FontWeight.MEDIUM, 13)
BODY = TextStyle(FontWeight.REGULAR, 13)
SECONDARY = TextStyle(FontWeight.REGULAR, 12)
SECONDARY_MEDIUM = TextStyle(FontWeight.MEDIUM, 12)
SECONDARY_NUMBERS = TextStyle(FontWeight.REGULAR_TABULAR, 12)
CAPTION = TextStyle(FontWeight.MEDIUM, 11)

TOGGLE_ROW = 58
HOST_ROW = 56
PROGRESS_ROW = 64
MODEL_ROW = 52
GAUGE_CARD = 104
BUTTON_HEIGHT = 28
FIELD_HEIGHT = 34
BADGE_HEIGHT = 18
PILL_HEIGHT = 22
CHOICE_HEIGHT = 26
TILE = 32
BAR_HEIGHT = 6
CARD_RADIUS = 10
FIELD_RADIUS = 8
BUTTON_RADIUS = 7
BADGE_RADIUS = 5
RING_WIDTH = 2
RING_GAP = 1
"""Between a control and its focus ring: with the ring's 2 px it lies 3 px outside."""

MIN_SCALE, MAX_SCALE = 0.5, 6.0
MIN_FONT_SCALE, MAX_FONT_SCALE = 0.8, 2.0


class Metrics:
    """Logical pixels to surface pixels, with the person's font scale.

    Args:
        scale: surface pixels for one logical pixel (2.0 on a high-density screen).
        font_scale: 0.8 to 2.0; multiplies type and the heights of what holds it.

    Raises:
        ValueError: a scale that no text could be read at.
    """

    __slots__ = ("font_scale", "hair", "scale", "thin")

    def __init__(self, scale: float = 1.0, font_scale: float = 1.0) -> None:
        if not MIN_SCALE <= scale <= MAX_SCALE:
            raise ValueError(f"The scale must be from {MIN_SCALE} to {MAX_SCALE}, not {scale}.")
        if not MIN_FONT_SCALE <= font_scale <= MAX_FONT_SCALE:
            raise ValueError(f"The font scale must be from {MIN_FONT_SCALE} to {MAX_FONT_SCALE}, not {font_scale}.")
        self.scale = scale
        self.font_scale = font_scale
        self.hair = max(1, int(scale + 0.25))
        """The width of a border in surface pixels."""
        self.thin = max(1, round(scale / 2))
        """The width of the hairline between rows: on a dense screen, thinner than a border."""

    def px(self, logical: float) -> int:
        """A distance in surface pixels."""
        return round(logical * self.scale)

    def tall(self, logical: float) -> int:
        """The height of something that holds text, in surface pixels."""
        return round(logical * self.scale * self.font_scale)
