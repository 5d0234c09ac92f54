"""Colours: readable for everybody, in both themes; and which theme the system prefers."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ecs_localai.components.features import ToggleStyle
from ecs_localai.components.panel_view import Tone
from ecs_localai.panel.theme import DARK, LIGHT, WHITE, Theme, contrast, mix, theme_named
from ecs_localai.panel.widgets.button import HOVER, PRESS, ButtonKind, towards

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
TEXT, GRAPHICS = 4.5, 3.0  # WCAG 2.2, 1.4.3 and 1.4.11


@THEMES
def test_text_can_be_read_on_everything_it_stands_on(theme: Theme) -> None:
    for behind in (theme.background, theme.card, theme.row_hover, theme.field_fill):
        assert contrast(theme.text, behind) >= 7
        assert contrast(theme.text2, behind) >= TEXT
        assert contrast(theme.link, behind) >= TEXT
        assert contrast(theme.tone(Tone.DANGER), behind) >= TEXT
    assert contrast(theme.text, theme.selection) >= TEXT


@THEMES
@pytest.mark.parametrize("tone", Tone)
def test_words_in_a_tone_can_be_read(theme: Theme, tone: Tone) -> None:
    assert contrast(theme.tone(tone), theme.soft(tone)) >= TEXT
    assert contrast(theme.tone(tone), theme.card) >= TEXT
    assert contrast(theme.text, theme.soft(tone)) >= TEXT  # notices


@THEMES
def test_buttons_can_be_read_in_every_state(theme: Theme) -> None:
    looks = {
        ButtonKind.PLAIN: (theme.text, theme.button),
        ButtonKind.PRIMARY: (WHITE, theme.primary),
        ButtonKind.DANGER: (WHITE, theme.danger_fill),
        ButtonKind.DANGER_PLAIN: (theme.tone(Tone.DANGER), theme.soft(Tone.DANGER)),
        ButtonKind.LINK: (theme.link, theme.card),
    }
    for kind, (text, fill) in looks.items():
        for share in (0.0, HOVER[kind], PRESS[kind]):
            assert contrast(text, mix(fill, towards(theme, kind), share)) >= TEXT


@THEMES
def test_what_has_a_meaning_without_words_stands_out(theme: Theme) -> None:
    for colour in (theme.bar, theme.bar_idle, theme.ring, *theme.gauges.values()):
        assert contrast(colour, theme.card) >= GRAPHICS
    assert contrast(theme.bar, theme.track) >= GRAPHICS
    assert contrast(theme.ring, theme.background) >= GRAPHICS
    assert contrast(theme.field_border, theme.background) >= GRAPHICS
    for colour in theme.tiles:
        assert contrast(WHITE, colour) >= GRAPHICS


def test_the_toggles_colours_are_the_required_ones_and_stand_out_from_the_card() -> None:
    style = ToggleStyle()
    assert style.active_color.hex == "#007AFF"
    assert style.inactive_color.hex == "#8E8E93"
    for theme in (LIGHT, DARK):
        assert contrast(style.active_color.rgb, theme.card) >= GRAPHICS
        assert contrast(style.inactive_color.rgb, theme.card) >= GRAPHICS
        assert contrast(WHITE, style.inactive_color.rgb) >= GRAPHICS  # the knob


def test_contrast_is_wcags() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)


def test_an_unknown_theme_is_refused() -> None:
    with pytest.raises(ValueError, match="light, dark or system"):
        theme_named("blue")


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="asks Windows or macOS instead")
def test_the_desktops_files_say_dark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))  # no gsettings, which would answer first
    monkeypatch.delenv("GTK_THEME", raising=False)
    assert theme_named("system") is LIGHT
    (tmp_path / "gtk-3.0").mkdir()
    settings = tmp_path / "gtk-3.0" / "settings.ini"
    settings.write_text("[Settings]\ngtk-application-prefer-dark-theme=1\n")
    assert theme_named("system") is DARK
    settings.write_text("no ini file at all")
    assert theme_named("system") is LIGHT
    (tmp_path / "kdeglobals").write_text("[General]\nColorScheme=BreezeDark\n")
    assert theme_named("system") is DARK
    monkeypatch.setenv("GTK_THEME", "Adwaita")
    assert theme_named("system") is LIGHT
    monkeypatch.setenv("GTK_THEME", "Adwaita:dark")
    assert theme_named("system") is DARK
