"""How the panel is to look and be ordered: what the person chose, and what this run was told instead."""

from __future__ import annotations

import msgspec

from ecs_localai.components.panel import ModelSort, PanelSettings, ThemeChoice
from ecs_localai.panel.theme import Theme, theme_named


class Appearance:
    """The settings of one panel, as the person sees them: a choice counts at once, before it has been kept.

    Args:
        theme: ``light``, ``dark`` or ``system`` for this run, until the person chooses; None: what was chosen before.
        scale: the same for the scale; None: what was chosen before.

    Raises:
        ValueError: there is no such theme.
    """

    __slots__ = ("_kept", "_scale_of_run", "_system", "_theme_of_run", "settings")

    def __init__(self, theme: str | None = None, scale: float | None = None) -> None:
        self.settings = PanelSettings()
        """What is to be kept: without what holds for this run only."""
        self._kept = self.settings
        self._theme_of_run: ThemeChoice | None = None
        if theme is not None:
            self.show_in(theme)
        self._scale_of_run = scale
        self._system: Theme | None = None

    @property
    def theme(self) -> ThemeChoice:
        """The choice that holds now."""
        return self._theme_of_run or self.settings.theme

    @property
    def scale(self) -> float | None:
        """The scale that holds now; None: as the system is set."""
        return self.settings.scale if self._scale_of_run is None else self._scale_of_run

    def colours(self) -> Theme:
        """The colours to draw with. The system is asked once, when its answer is first needed."""
        return self.system_colours() if self.theme is ThemeChoice.SYSTEM else theme_named(self.theme)

    def system_colours(self) -> Theme:
        """The colours that the system was set to when it was first asked, which may take a moment."""
        if self._system is None:
            self._system = theme_named(ThemeChoice.SYSTEM)
        return self._system

    # ---- changes

    def take(self, settings: PanelSettings) -> bool:
        """Take over what is kept now; whether it is news. What has just been chosen stays until that is kept."""
        if settings == self._kept:
            return False
        self._kept = settings
        changed = settings != self.settings
        self.settings = settings
        return changed

    def show_in(self, theme: str) -> None:
        """Use these colours in this run, until the person chooses others. Raises `ValueError` for another name."""
        try:
            self._theme_of_run = ThemeChoice(theme)
        except ValueError:
            raise ValueError(f"There is no theme named {theme!r}: use light, dark or system.") from None

    def choose_theme(self, theme: ThemeChoice) -> None:
        """The person chose these colours."""
        self._theme_of_run = None
        self.settings = msgspec.structs.replace(self.settings, theme=theme)

    def choose_scale(self, scale: float | None) -> None:
        """The person chose this scale."""
        self._scale_of_run = None
        self.settings = msgspec.structs.replace(self.settings, scale=scale)

    def choose_order(self, by: ModelSort) -> None:
        """The person chose this order of models; the one there is already: turned round."""
        turned = by is self.settings.model_sort and not self.settings.sort_reversed
        self.settings = msgspec.structs.replace(self.settings, model_sort=by, sort_reversed=turned)
