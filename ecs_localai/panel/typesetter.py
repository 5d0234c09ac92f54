"""Letters turned into coverage, crisply.

`pygame.font` rounds every letter's advance to whole pixels, so text is drawn several times larger and scaled
down. Its height is chosen so that small letters are a whole number of pixels high, as font hinting does, which
keeps the tops of lines sharp on ordinary screens. Letters that Inter lacks come from fonts of the system,
cluster by cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pygame

from ecs_localai.assets import FontWeight, covered_characters, font_path
from ecs_localai.panel.fallback_fonts import fallback_for
from ecs_localai.panel.graphemes import clusters, is_emoji
from ecs_localai.panel.theme import WHITE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ecs_localai.panel.metrics import Metrics, TextStyle
    from ecs_localai.panel.theme import RGB

    Coverage = NDArray[np.uint8]

_X_HEIGHT = 1118 / 2048  # of Inter, in ems; likewise below
CAP_HEIGHT = 1490 / 2048
ASCENT = 1984 / 2048
DESCENT = 494 / 2048
_SURFACE_ASCENT = 1.12  # room for accents on capitals
_SURFACE_DESCENT = 0.34
_HALF = 128
_PHASES = 4
"""A word that is put together with others stands at a whole pixel or so many parts of one."""
_WORDS = 4_000
_PLAIN = {
    FontWeight.REGULAR_TABULAR: FontWeight.REGULAR,
    FontWeight.MEDIUM_TABULAR: FontWeight.MEDIUM,
    FontWeight.DISPLAY_TABULAR: FontWeight.DISPLAY,
}
_RIGHT_TO_LEFT = ((0x0590, 0x05FF, "Hebr"), (0x0600, 0x06FF, "Arab"), (0x0750, 0x077F, "Arab"))


@dataclass(frozen=True, slots=True)
class _Face:
    """A font file to take some of a text's characters from."""

    path: Path
    emoji: bool = False
    script: str = ""
    """The ISO 15924 code of a right-to-left script; empty for others."""
    inter: bool = False


@dataclass(frozen=True, slots=True)
class StyleSize:
    """A style at this scale: its size in pixels, and how far above it letters are drawn."""

    pixels: float
    drawn: int
    down: int
    baseline: int
    """From the top of a line as it is drawn large to its baseline, in Inter."""
    ascent: int
    descent: int
    """Of the surface, in final pixels: wider than the line's own."""


class Typesetter:
    """Measures and draws text in one scale, keeping only fonts and words.

    Args:
        metrics: the scale.
        gamma: exponent for coverage; see `Theme.text_gamma`.
    """

    def __init__(self, metrics: Metrics, gamma: float) -> None:
        pygame.font.init()
        self._metrics = metrics
        self._curve = np.round(255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
        self._sizes: dict[TextStyle, StyleSize] = {}
        self._fonts: dict[tuple[_Face, int], pygame.font.Font] = {}
        self._faces: dict[FontWeight, _Face] = {}
        self._word_advances: dict[tuple[str, TextStyle], float] = {}
        self._word_coverage: dict[tuple[str, TextStyle, int], Coverage] = {}

    def size(self, style: TextStyle) -> StyleSize:
        """How large a style is at this scale."""
        size = self._sizes.get(style)
        if size is None:
            pixels = style.size * self._metrics.scale * self._metrics.font_scale
            down = 4 if pixels < 40 else 2
            x_height = max(1, round(pixels * _X_HEIGHT))
            drawn, baseline = self._calibrate(style, x_height * down)
            size = self._sizes[style] = StyleSize(
                pixels=pixels,
                drawn=drawn,
                down=down,
                baseline=baseline,
                ascent=int(pixels * _SURFACE_ASCENT) + 1,
                descent=int(pixels * _SURFACE_DESCENT) + 1,
            )
        return size

    def _calibrate(self, style: TextStyle, x_height: int) -> tuple[int, int]:
        """The size at which small letters are drawn ``x_height`` pixels high, and where their baseline is then.

        Measured on a drawn letter, because the rasteriser rounds heights its own way.
        """
        guess = round(x_height / _X_HEIGHT)
        best, best_error, baseline = guess, x_height, 0
        font = pygame.font.Font(str(self._inter(style.weight).path), guess)
        for drawn in sorted(range(max(1, guess - 4), guess + 3), key=lambda size: abs(size - guess)):
            font.set_point_size(drawn)
            ink = font.render("x", True, WHITE).get_bounding_rect(min_alpha=_HALF)
            error = abs(ink.height - x_height)
            if error < best_error:
                best, best_error, baseline = drawn, error, ink.bottom
            if error == 0:
                break
        return best, baseline

    # ---- measuring and drawing

    def advance(self, text: str, style: TextStyle) -> float:
        """The width of a line, in fractions of a pixel."""
        if self._by_words(text, style):
            words = text.split(" ")
            return sum(self._word_advance(word, style) for word in words) + self._space(style) * (len(words) - 1)
        size = self.size(style)
        return sum(self._run_advance(face, run, size) for face, run in self._runs(text, style))

    def draw(self, text: str, style: TextStyle, colour: RGB, area: tuple[int, int]) -> pygame.Surface:
        """The text with its background transparent, from the left edge of a surface of this size."""
        target = pygame.Surface(area, pygame.SRCALPHA, 32)
        target.fill((*colour, 0))
        if self._by_words(text, style):
            self._add_words(target, text, style)
            return target
        size = self.size(style)
        left = 0.0
        for face, run in self._runs(text, style):
            advance = self._run_advance(face, run, size)
            if face.emoji:
                picture = self._emoji(face, run, size, max(1, round(advance)))
                target.blit(picture, (round(left), 0))
            else:
                _add(target, round(left), self._run_coverage(face, run, size, 0.0))
            left += advance
        return target

    # ---- words: measurements change many times a second, and mostly into words that were drawn before

    def _by_words(self, text: str, style: TextStyle) -> bool:
        covered = covered_characters(style.weight)
        return style.weight in _PLAIN and (text.isascii() or all(ord(letter) in covered for letter in text))

    def _space(self, style: TextStyle) -> float:
        return self._word_advance(" ", style)

    def _word_advance(self, word: str, style: TextStyle) -> float:
        key = (word, style)
        advance = self._word_advances.get(key)
        if advance is None:
            if len(self._word_advances) >= _WORDS:
                self._word_advances.clear()
            face = self._inter(style.weight)
            advance = self._word_advances[key] = self._run_advance(face, word, self.size(style)) if word else 0.0
        return advance

    def _add_words(self, target: pygame.Surface, text: str, style: TextStyle) -> None:
        left = 0.0
        face, size = self._inter(style.weight), self.size(style)
        for word in text.split(" "):
            if word:
                place, phase = divmod(round(left * _PHASES), _PHASES)
                key = (word, style, phase)
                coverage = self._word_coverage.get(key)
                if coverage is None:
                    if len(self._word_coverage) >= _WORDS:
                        self._word_coverage.clear()
                    coverage = self._run_coverage(face, word, size, phase / _PHASES)
                    self._word_coverage[key] = coverage
                _add(target, place, coverage)
            left += self._word_advance(word, style) + self._space(style)

    # ---- runs: pieces of text that one font can draw

    def _run_advance(self, face: _Face, run: str, size: StyleSize) -> float:
        return self._font(face, size.drawn).size(run)[0] * self._run_scale(face, size)

    def _run_scale(self, face: _Face, size: StyleSize) -> float:
        """Final pixels for one pixel of a run as it is drawn large."""
        if face.emoji:  # bitmaps of one size, whatever size was asked for
            return size.pixels * 1.2 / max(1, self._font(face, size.drawn).get_height())
        return size.pixels / size.drawn

    def _run_coverage(self, face: _Face, run: str, size: StyleSize, shift: float) -> Coverage:
        """How much of each pixel (indexed x, y) a run covers, 0 to 255, ``shift`` pixels right of the edge."""
        font = self._font(face, size.drawn)
        drawn = font.render(run, True, WHITE)
        width = int(self._run_advance(face, run, size) + shift + 0.999) + 1
        across = size.drawn / size.pixels  # pixels drawn for one final pixel, in width; in height it is ``down``
        height = size.ascent + size.descent
        canvas = pygame.Surface((round(width * across), height * size.down), pygame.SRCALPHA, 32)
        baseline = size.baseline if face.inter else font.get_ascent()
        canvas.blit(drawn, (round(shift * across), size.ascent * size.down - baseline))
        small = pygame.transform.smoothscale(canvas, (width, height))
        coverage: Coverage = self._curve[pygame.surfarray.pixels_alpha(small)]
        return coverage

    def _emoji(self, face: _Face, run: str, size: StyleSize, width: int) -> pygame.Surface:
        picture = self._font(face, size.drawn).render(run, True, WHITE)
        height = max(1, round(picture.get_height() * width / max(1, picture.get_width())))
        canvas = pygame.Surface((width, size.ascent + size.descent), pygame.SRCALPHA, 32)
        middle = size.ascent - size.pixels * CAP_HEIGHT / 2
        canvas.blit(pygame.transform.smoothscale(picture, (width, height)), (0, round(middle - height / 2)))
        return canvas

    def _runs(self, text: str, style: TextStyle) -> list[tuple[_Face, str]]:
        primary = self._inter(style.weight)
        covered = covered_characters(style.weight)
        if text.isascii() or all(ord(letter) in covered for letter in text):
            return [(primary, text)] if text else []
        runs: list[tuple[_Face, str]] = []
        for cluster in clusters(text):
            face = self._face(cluster, style, primary)
            if runs and runs[-1][0] == face:
                runs[-1] = (face, runs[-1][1] + cluster)
            else:
                runs.append((face, cluster))
        return runs

    # ---- fonts

    def _inter(self, weight: FontWeight) -> _Face:
        face = self._faces.get(weight)
        if face is None:
            face = self._faces[weight] = _Face(font_path(weight), inter=True)
        return face

    def _face(self, cluster: str, style: TextStyle, primary: _Face) -> _Face:
        """The font for a cluster: Inter, one of the system's, or Inter's box for what nobody has."""
        emoji = is_emoji(cluster)
        if not emoji:
            for weight in (style.weight, _PLAIN.get(style.weight, style.weight)):
                covered = covered_characters(weight)
                if all(ord(letter) in covered for letter in cluster):
                    return self._inter(weight)
        path = fallback_for(cluster, emoji=emoji)
        if path is None:
            return primary
        point = ord(cluster[0])
        script = next((name for first, last, name in _RIGHT_TO_LEFT if first <= point <= last), "")
        return _Face(path, emoji=emoji and "emoji" in path.name.lower(), script=script)

    def _font(self, face: _Face, size: int) -> pygame.font.Font:
        font = self._fonts.get((face, size))
        if font is None:
            font = pygame.font.Font(str(face.path), size)
            if face.script:
                font.set_script(face.script)
                font.set_direction(pygame.DIRECTION_RTL)
            self._fonts[(face, size)] = font
        return font


def _add(target: pygame.Surface, left: int, coverage: Coverage) -> None:
    """Put coverage into the alpha of a surface, from ``left`` on."""
    alpha = pygame.surfarray.pixels_alpha(target)
    end = min(left + coverage.shape[0], target.get_width())
    if end > left:
        np.maximum(alpha[left:end], coverage[: end - left], out=alpha[left:end])
