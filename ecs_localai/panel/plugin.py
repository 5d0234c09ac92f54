"""The panel's window as a plugin: a runner that sleeps until there is something to do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ecs_localai.components.panel_view import PanelView
from ecs_localai.runtime import App, Plugin
from ecs_localai.systems.preferences import Preferences

if TYPE_CHECKING:
    from ecs_localai.panel.panel import Panel
    from ecs_localai.panel.window import PanelWindow
    from ecs_localai.panel.window_memory import WindowMemory

__all__ = ["PanelPlugin"]

THEMES = ("light", "dark", "system")


class PanelPlugin(Plugin):
    """Opens the panel in a window of its own when the app is run. Needs `LocalModelsPlugin`.

    The window opens where it was, as far as that is on a screen that is there now, and looks as the person chose in
    the panel (`Preferences.panel`). What is given here holds for this run, until the person chooses something else.
    `App.run` then raises `NoDisplay` where no window can be opened.

    Args:
        theme: ``light``, ``dark`` or ``system``; None: what the person chose.
        scale: pixels for each logical pixel; None: what the person chose.

    Raises:
        ValueError: there is no such theme.
    """

    def __init__(self, *, theme: str | None = None, scale: float | None = None) -> None:
        if theme is not None and theme not in THEMES:
            raise ValueError(f"There is no theme {theme!r}; choose {', '.join(THEMES[:-1])} or {THEMES[-1]}.")
        self._theme = theme
        self._scale = scale

    def build(self, app: App) -> None:
        """Make `App.run` open the window."""
        app.set_runner(self._run)

    def _run(self, app: App) -> int:
        # Here, not above: pygame takes 50 ms to import, and a world without a window does not need it.
        from ecs_localai.panel.appearance import Appearance
        from ecs_localai.panel.panel import Panel
        from ecs_localai.panel.window import PanelWindow

        preferences = app.world.resource(Preferences)
        appearance = Appearance(self._theme, self._scale)
        appearance.take(preferences.panel)
        appearance.system_colours()  # asked before there are frames: it may take a moment
        opening = PanelWindow(theme=appearance.colours().name, scale=appearance.scale, place=appearance.settings.window)
        with opening as window, app.world.active():
            panel = Panel(window.size, appearance=appearance, scale=window.scale, own_scale=False, emit=app.send_event)
            app.tasks.set_wake(window.wake)
            try:
                return run_window(app, window, panel)
            finally:
                app.tasks.set_wake(None)
                if panel.settings != preferences.panel:  # no frame comes any more to do it
                    preferences.set_panel(panel.settings)


def run_window(app: App, window: PanelWindow, panel: Panel) -> int:
    """Run frames until something asks to exit, and sleep between them while nothing happens.

    What ends the sleep: input, an arrival from the task pool, a due timer, an animation's next frame, a window that
    has come to rest.
    """
    from ecs_localai.panel.window_memory import WindowMemory

    memory = WindowMemory(window, panel)
    while True:
        app.update()
        panel.show(app.world.resource(PanelView))
        if window.set_scale(panel.chosen_scale):
            memory.stir()
        panel.resize(window.size, window.scale)
        window.present(panel.paint(window.surface))
        window.follow(panel)
        wanted = app.should_exit()
        if wanted is not None:
            memory.look(at_once=True)
            return wanted.code
        window.wait(_sleep(app, panel, memory))
        events = window.pump()
        memory.hear(events)
        for event in events:
            panel.handle_event(event)
        memory.look(at_once=window.close_requested)
        if window.close_requested:
            app.exit()


def _sleep(app: App, panel: Panel, memory: WindowMemory) -> float | None:
    """Seconds until the next frame has something to do; None when only input or an arrival will tell."""
    delays = [max(0.0, due - time.monotonic()) for due in (panel.next_due, memory.due) if due is not None]
    world = app.idle_delay()
    if world is not None:
        delays.append(world)
    return min(delays, default=None)
