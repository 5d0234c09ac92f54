"""The panel's window as a plugin: a runner that sleeps until there is something to do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ecs_localai.components.panel_view import PanelView
from ecs_localai.runtime import App, Plugin

if TYPE_CHECKING:
    from ecs_localai.panel.panel import Panel
    from ecs_localai.panel.window import PanelWindow

__all__ = ["PanelPlugin"]

THEMES = ("light", "dark", "system")


class PanelPlugin(Plugin):
    """Opens the panel in a window of its own when the app is run. Needs `LocalModelsPlugin`.

    `App.run` then raises `NoDisplay` where no window can be opened.

    Args:
        theme: ``light``, ``dark`` or ``system``.
        scale: pixels for each logical pixel; None asks the display.

    Raises:
        ValueError: there is no such theme.
    """

    def __init__(self, *, theme: str = "system", scale: float | None = None) -> None:
        if theme not in THEMES:
            raise ValueError(f"There is no theme {theme!r}; choose {', '.join(THEMES[:-1])} or {THEMES[-1]}.")
        self._theme = theme
        self._scale = scale

    def build(self, app: App) -> None:
        """Make `App.run` open the window."""
        app.set_runner(self._run)

    def _run(self, app: App) -> int:
        # Here, not above: pygame takes 50 ms to import, and a world without a window does not need it.
        from ecs_localai.panel.panel import Panel
        from ecs_localai.panel.window import PanelWindow

        with PanelWindow(theme=self._theme, scale=self._scale) as window, app.world.active():
            panel = Panel(window.size, theme=self._theme, scale=window.scale, emit=app.send_event)
            app.tasks.set_wake(window.wake)
            try:
                return run_window(app, window, panel)
            finally:
                app.tasks.set_wake(None)


def run_window(app: App, window: PanelWindow, panel: Panel) -> int:
    """Run frames until something asks to exit, and sleep between them while nothing happens.

    What ends the sleep: input, an arrival from the task pool, a due timer, an animation's next frame.
    """
    while True:
        app.update()
        panel.resize(window.size, window.scale)
        panel.show(app.world.resource(PanelView))
        window.present(panel.paint(window.surface))
        window.follow(panel)
        wanted = app.should_exit()
        if wanted is not None:
            return wanted.code
        window.wait(_sleep(app, panel))
        for event in window.pump():
            panel.handle_event(event)
        if window.close_requested:
            app.exit()


def _sleep(app: App, panel: Panel) -> float | None:
    """Seconds until the next frame has something to do; None when only input or an arrival will tell."""
    world = app.idle_delay()
    if panel.next_due is None:
        return world
    picture = max(0.0, panel.next_due - time.monotonic())
    return picture if world is None else min(world, picture)
