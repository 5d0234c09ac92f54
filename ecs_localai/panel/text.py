"""Text measured, shortened, wrapped, and kept as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.panel.graphemes import boundaries
from ecs_localai.panel.surface_cache import SurfaceCache
from ecs_localai.panel.typesetter import ASCENT, CAP_HEIGHT, DESCENT, Typesetter

if TYPE_CHECKING:
    from ecs_localai.panel.metrics import Metrics, TextStyle
    from ecs_localai.panel.theme import RGB

_CACHE_BYTES = 32 * 1024 * 1024
_MEASURES = 20_000
ELLIPSIS = "…"


class TextEngine:
    """Measures and draws text in one scale. All results are in surface pixels.

    Args:
        metrics: the scale.
        gamma: exponent for coverage; see `Theme.text_gamma`.
    """

    def __init__(self, metrics: Metrics, gamma: float) -> None:
        self.metrics = metrics
        self._setter = Typesetter(metrics, gamma)
        self._widths: dict[tuple[str, TextStyle], float] = {}
        self._fitted: dict[tuple[str, TextStyle, int, bool], str] = {}
        self._wrapped: dict[tuple[str, TextStyle, int, int], list[str]] = {}
        self._surfaces = SurfaceCache(_CACHE_BYTES)

    # ---- measurements

    def line_height(self, style: TextStyle) -> int:
        """The height of a line of this style."""
        pixels = self._setter.size(style).pixels
        return round(pixels * ASCENT) + round(pixels * DESCENT)

    def ascent(self, style: TextStyle) -> int:
        """From the top of a line to its baseline."""
        return round(self._setter.size(style).pixels * ASCENT)

    def cap_height(self, style: TextStyle) -> int:
        """The height of a capital letter: what is centred when text is."""
        return round(self._setter.size(style).pixels * CAP_HEIGHT)

    def surface_ascent(self, style: TextStyle) -> int:
        """From the top of a surface made by `surface` to the baseline in it."""
        return self._setter.size(style).ascent

    def surface_size(self, text: str, style: TextStyle) -> tuple[int, int]:
        """The size of the surface that `surface` makes, without making it."""
        size = self._setter.size(style)
        return self.width(text, style) + 1, size.ascent + size.descent

    def width(self, text: str, style: TextStyle) -> int:
        """The width of a line, rounded up."""
        return int(self._exact_width(text, style) + 0.999)

    def _exact_width(self, text: str, style: TextStyle) -> float:
        key = (text, style)
        width = self._widths.get(key)
        if width is None:
            if len(self._widths) > _MEASURES:
                self._widths.clear()
            width = self._widths[key] = self._setter.advance(text, style)
        return width

    def caret_places(self, text: str, style: TextStyle) -> list[tuple[int, int]]:
        """Where a caret may stand: (index into ``text``, distance from the left edge)."""
        return [(index, round(self._exact_width(text[:index], style))) for index in boundaries(text)]

    def fit(self, text: str, style: TextStyle, width: int, *, middle: bool = False) -> str:
        """``text``, or as much of it as fits with an ellipsis at its end (or in its middle)."""
        if self._exact_width(text, style) <= width:
            return text
        key = (text, style, width, middle)
        fitted = self._fitted.get(key)
        if fitted is None:
            if len(self._fitted) > _MEASURES:
                self._fitted.clear()
            fitted = self._fitted[key] = self._shortened(text, style, width, middle=middle)
        return fitted

    def _shortened(self, text: str, style: TextStyle, width: int, *, middle: bool) -> str:
        places = boundaries(text)
        tail = text[text.rfind("/") :] if middle and "/" in text else ""
        if tail and self._exact_width(tail, style) > width * 2 / 3:
            tail = ""
        # What follows a path stays whole where it can. Else a name's end (its tag, its quantisation) tells it from
        # others: keep up to a third of the room.
        if middle and not tail:
            for start in reversed(places[len(places) * 2 // 3 :]):
                if self._exact_width(text[start:], style) > width / 3:
                    break
                tail = text[start:]
            # Better a whole part of the name than a word's last letters.
            cut = min((tail.find(sign, 1) for sign in "-:/_. " if tail.find(sign, 1) > 0), default=0)
            tail = tail[cut:] if len(tail) - cut >= 4 else tail
        low, high = 0, len(places) - 1
        while low < high:
            half = (low + high + 1) // 2
            candidate = text[: places[half]].rstrip() + ELLIPSIS + tail
            if self._exact_width(candidate, style) <= width:
                low = half
            else:
                high = half - 1
        return text[: places[low]].rstrip() + ELLIPSIS + tail

    def wrap(self, text: str, style: TextStyle, width: int, max_lines: int = 0) -> list[str]:
        """``text`` in lines no wider than ``width``, broken at spaces where there are any.

        With ``max_lines`` the last line ends with an ellipsis where there is more text.
        """
        key = (text, style, width, max_lines)
        lines = self._wrapped.get(key)
        if lines is None:
            if len(self._wrapped) > _MEASURES:
                self._wrapped.clear()
            lines = self._wrapped[key] = self._lines(text, style, width, max_lines)
        return lines

    def _lines(self, text: str, style: TextStyle, width: int, max_lines: int) -> list[str]:
        lines: list[str] = []
        for paragraph in text.splitlines() or [""]:
            rest = paragraph.strip()
            while rest:
                if max_lines and len(lines) == max_lines - 1:
                    return [*lines, self.fit(rest, style, width)]
                taken = self._line_length(rest, style, width)
                lines.append(rest[:taken].rstrip())
                rest = rest[taken:].lstrip()
        return lines or [""]

    def _line_length(self, text: str, style: TextStyle, width: int) -> int:
        """How many characters of ``text`` go on one line: at least one."""
        if self._exact_width(text, style) <= width:
            return len(text)
        places = boundaries(text)
        low, high = 1, len(places) - 1
        while low < high:
            half = (low + high + 1) // 2
            if self._exact_width(text[: places[half]].rstrip(), style) <= width:
                low = half
            else:
                high = half - 1
        most = places[low]
        space = text.rfind(" ", 0, most + 1)
        return space if space > 0 else most

    # ---- drawing

    def surface(self, text: str, style: TextStyle, colour: RGB) -> pygame.Surface:
        """The text with its background transparent; its baseline is `surface_ascent` from the top."""
        key = (text, style, colour)
        surface = self._surfaces.get(key)
        if surface is None:
            size = self.surface_size(text, style)
            surface = self._surfaces.keep(key, self._setter.draw(text, style, colour, size))
        return surface
