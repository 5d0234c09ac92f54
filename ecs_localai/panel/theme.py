"""The panel's colours: two themes, and which of them the system prefers."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from ecs_localai.components.panel_view import Tone

RGB = tuple[int, int, int]


def rgb(hexadecimal: str) -> RGB:
    """The colour written as six hexadecimal digits."""
    red, green, blue = bytes.fromhex(hexadecimal)
    return red, green, blue


@cache
def mix(first: RGB, second: RGB, share: float) -> RGB:
    """``first`` with ``share`` (0 to 1) of ``second``."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def contrast(first: RGB, second: RGB) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""

    def luminance(colour: RGB) -> float:
        linear = [
            part / 255 / 12.92 if part / 255 <= 0.04045 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@dataclass(frozen=True, slots=True)
class Theme:
    """Every colour the panel uses, by its purpose."""

    name: str
    background: RGB
    card: RGB
    border: RGB
    separator: RGB
    text: RGB
    text2: RGB
    """Secondary text; still at least 4.5:1 on card and background."""
    field_fill: RGB
    field_border: RGB
    track: RGB
    bar: RGB
    bar_idle: RGB
    """The bar of an installation that isn't moving: queued, cancelled."""
    link: RGB
    ring: RGB
    primary: RGB
    """The fill of the one filled button; text on it is white."""
    button: RGB
    button_border: RGB
    row_hover: RGB
    selection: RGB
    scroll_thumb: RGB
    scroll_thumb_hover: RGB
    danger_fill: RGB
    """The fill of the button that deletes; text on it is white."""
    tones: dict[Tone, tuple[RGB, RGB]] = field(hash=False)
    """Text and soft background of each tone."""
    gauges: dict[str, RGB] = field(hash=False)
    tiles: tuple[RGB, ...] = ()
    text_gamma: float = 0.82
    """Exponent for the coverage of text: smaller draws stems stronger."""

    def tone(self, tone: Tone) -> RGB:
        """The text colour of a tone."""
        return self.tones[tone][0]

    def soft(self, tone: Tone) -> RGB:
        """The background colour of a tone."""
        return self.tones[tone][1]


WHITE: RGB = (255, 255, 255)

_GAUGES = {"cpu": rgb("007AFF"), "gpu": rgb("AF52DE"), "memory": rgb("28A745"), "vram": rgb("DB7600")}
_GAUGES_DARK = {"cpu": rgb("2E90FF"), "gpu": rgb("BF5AF2"), "memory": rgb("30D158"), "vram": rgb("FF9F0A")}
_TILES = (rgb("007AFF"), rgb("AF52DE"), rgb("30A14E"), rgb("DB7600"), rgb("E0457B"), rgb("5856D6"))

LIGHT = Theme(
    name="light",
    background=rgb("F5F5F7"),
    card=rgb("FFFFFF"),
    border=rgb("E3E3E8"),
    separator=rgb("ECECF0"),
    text=rgb("1D1D1F"),
    text2=rgb("68686D"),
    field_fill=rgb("FFFFFF"),
    field_border=rgb("8A8A8F"),
    track=rgb("E5E5EA"),
    bar=rgb("007AFF"),
    bar_idle=rgb("8E8E93"),
    link=rgb("0064D2"),
    ring=rgb("0A84FF"),
    primary=rgb("0064D2"),
    button=rgb("FFFFFF"),
    button_border=rgb("D0D0D6"),
    row_hover=rgb("F7F7FA"),
    selection=rgb("B8D7FB"),
    scroll_thumb=rgb("B4B4B8"),
    scroll_thumb_hover=rgb("8A8A8F"),
    danger_fill=rgb("D70015"),
    tones={
        Tone.NEUTRAL: (rgb("5F5F64"), rgb("EDEDF1")),
        Tone.OK: (rgb("1F7A35"), rgb("E8F7EC")),
        Tone.WARN: (rgb("9A5200"), rgb("FFF3E0")),
        Tone.DANGER: (rgb("C40013"), rgb("FDEBEC")),
        Tone.ACCENT: (rgb("0064D2"), rgb("E5F1FF")),
    },
    gauges=_GAUGES,
    tiles=_TILES,
)

DARK = Theme(
    name="dark",
    background=rgb("1C1C1E"),
    card=rgb("2A2A2D"),
    border=rgb("3A3A3E"),
    separator=rgb("37373B"),
    text=rgb("F5F5F7"),
    text2=rgb("A6A6AC"),
    field_fill=rgb("232326"),
    field_border=rgb("7C7C82"),
    track=rgb("3A3A3F"),
    bar=rgb("2E90FF"),
    bar_idle=rgb("8E8E93"),
    link=rgb("5AB0FF"),
    ring=rgb("4DA3FF"),
    primary=rgb("0064D2"),
    button=rgb("36363A"),
    button_border=rgb("4C4C52"),
    row_hover=rgb("303034"),
    selection=rgb("1F4E85"),
    scroll_thumb=rgb("5C5C61"),
    scroll_thumb_hover=rgb("8E8E93"),
    danger_fill=rgb("D70015"),
    tones={
        Tone.NEUTRAL: (rgb("B4B4BA"), rgb("3A3A3F")),
        Tone.OK: (rgb("5BDB7C"), rgb("1E3A27")),
        Tone.WARN: (rgb("FFB84D"), rgb("40311A")),
        Tone.DANGER: (rgb("FF7A73"), rgb("44242A")),
        Tone.ACCENT: (rgb("5AB0FF"), rgb("18334F")),
    },
    gauges=_GAUGES_DARK,
    tiles=_TILES,
    text_gamma=0.92,
)


def theme_named(name: str) -> Theme:
    """The theme called ``light`` or ``dark``, or with ``system`` the one that the system prefers.

    Raises:
        ValueError: there is no theme of this name.
    """
    if name == "system":
        from ecs_localai.panel.system_theme import system_prefers_dark

        return DARK if system_prefers_dark() else LIGHT
    for theme in (LIGHT, DARK):
        if theme.name == name:
            return theme
    raise ValueError(f"There is no theme named {name!r}: use light, dark or system.")
