"""``ecs-localai`` without a subcommand: the panel in a window of its own."""

from __future__ import annotations

import os

from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.remote_options import add_remote
from ecs_localai.commands.stop_signals import StopSignals, exit_when_stopped
from ecs_localai.commands.target import Target


def open_window(target: Target, theme: str | None, scale: float | None, remote_port: int | None = None) -> int:
    """Open the panel and stay until it is closed, or Ctrl-C in the terminal; returns the exit code.

    `theme` and `scale` hold for this run; None: what was chosen in the panel before.
    With `remote_port` other programs on this machine can look into its world there.

    Raises:
        CommandFailed: there is no display, the panel's fonts are missing, or the host is no address.
    """
    # pygame names the window's class after the script when it is imported; desktops group windows by it.
    os.environ.setdefault("SDL_VIDEO_X11_WMCLASS", "ecs-localai")
    from ecs_localai.assets import AssetsMissing
    from ecs_localai.panel.plugin import PanelPlugin
    from ecs_localai.panel.window import NoDisplay
    from ecs_localai.runtime import App
    from ecs_localai.systems import LocalModelsPlugin

    config, folder = target.configuration(), target.folder()
    with StopSignals() as stop, App() as app:
        app.add_plugins(LocalModelsPlugin(config, data_dir=folder), PanelPlugin(theme=theme, scale=scale))
        add_remote(app, remote_port)
        exit_when_stopped(app, stop)
        try:
            return app.run()
        except (NoDisplay, AssetsMissing) as error:
            raise CommandFailed(str(error)) from error
