"""Colours and sizes that components carry, free of any drawing library."""

from __future__ import annotations

import re

import msgspec

_HEX = re.compile(r"#[0-9a-fA-F]{6}(?:[0-9a-fA-F]{2})?")


class Color(msgspec.Struct, frozen=True):
    """An sRGB colour; each part is a whole number from 0 to 255. Raises `ValueError` for any other."""

    r: int
    g: int
    b: int
    a: int = 255
    """Opacity: 255 hides what lies behind, 0 cannot be seen."""

    def __post_init__(self) -> None:
        for part, value in (("red", self.r), ("green", self.g), ("blue", self.b), ("alpha", self.a)):
            if not 0 <= value <= 255:
                raise ValueError(f"A colour's {part} part must be from 0 to 255, not {value}.")

    @classmethod
    def from_hex(cls, text: str) -> Color:
        """The colour written as ``#RRGGBB`` or ``#RRGGBBAA``. Raises `ValueError` for other text."""
        if not _HEX.fullmatch(text):
            raise ValueError(f"A colour is written as #RRGGBB or #RRGGBBAA; {text!r} is neither.")
        return cls(*bytes.fromhex(text[1:]))

    @property
    def hex(self) -> str:
        """``#RRGGBB``, or ``#RRGGBBAA`` where the colour is not fully opaque."""
        parts = (self.r, self.g, self.b) if self.a == 255 else (self.r, self.g, self.b, self.a)
        return "#" + bytes(parts).hex().upper()

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Red, green and blue, as pygame takes them."""
        return self.r, self.g, self.b

    @property
    def rgba(self) -> tuple[int, int, int, int]:
        """Red, green, blue and alpha, as pygame takes them."""
        return self.r, self.g, self.b, self.a


class Vec2(msgspec.Struct, frozen=True):
    """Two lengths in logical pixels, that is, before the window's scale is applied."""

    x: float
    y: float
