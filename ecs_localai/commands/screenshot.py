"""``ecs-localai screenshot``: a picture of the real panel, drawn without a display."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import say
from ecs_localai.components.panel_view import PanelView
from ecs_localai.runtime import App, ScheduleRunner
from ecs_localai.systems import LocalModelsPlugin
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.performance_monitoring import MeasurementHistory
from ecs_localai.systems.view_model_list import ModelList

LONGEST_WAIT = 8.0
"""Seconds for the server and the first measurements; then the panel is drawn as it is. Connecting may take five."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What is to be drawn."""

    out: Path
    theme: str | None
    """None: the one that was chosen in the panel."""
    scale: float
    size: tuple[int, int] | None
    """Width and height in the panel's points; None for the usual size."""
    full_page: bool
    """As high as the page, whatever the size says."""
    watch_seconds: float
    """How long to measure before drawing, so that the curves have something to show."""


def take_screenshot(target: Target, picture: Picture) -> int:
    """Run the world until it has found out what there is, draw the panel and save it; returns the exit code.

    Raises:
        CommandFailed: the picture cannot be drawn or saved, or the host is no address.
    """
    config, folder = target.configuration(), target.folder()
    if not picture.out.absolute().parent.is_dir():
        raise CommandFailed(
            f"There is no folder {picture.out.absolute().parent} to save the picture in; make it first."
        )
    with App() as app:
        app.add_plugins(LocalModelsPlugin(config, data_dir=folder, resume=False))
        _run_until_known(app, picture.watch_seconds)
        width, height = _draw(app.world.resource(PanelView), picture)
    say(f"Saved {picture.out} ({width} by {height} pixels).")
    return 0


def _run_until_known(app: App, watch_seconds: float) -> None:
    step = ScheduleRunner(hz=30.0, frames=1)
    begun = time.monotonic()
    while True:
        step(app)
        passed = time.monotonic() - begun
        if passed >= watch_seconds and (_is_known(app) or passed >= max(LONGEST_WAIT, watch_seconds)):
            return


def _is_known(app: App) -> bool:
    """Whether each host has answered or not, its models are listed, and the machine has been measured."""
    if app.world.resource(ModelList).is_unfinished:
        return False
    if app.world.resource(MeasurementHistory).cpu.newest is None:
        return False  # the first share of the processors needs two looks
    for one in app.world.resource(OllamaHosts).all():
        if one.health.last_health_check is None:
            return False
        if one.health.is_healthy and not one.models.synced and one.models.error is None:
            return False
    return True


def _draw(view: PanelView, picture: Picture) -> tuple[int, int]:
    """Draw and save; returns the picture's width and height in pixels.

    Raises:
        CommandFailed: it cannot be drawn or saved.
    """
    from ecs_localai.assets import AssetsMissing
    from ecs_localai.panel.screenshot import DEFAULT_SIZE, PictureError, render, save_png

    try:
        surface = render(
            view,
            theme=picture.theme,
            scale=picture.scale,
            size=picture.size or DEFAULT_SIZE,
            full_page=picture.full_page,
        )
        save_png(surface, picture.out)
    except (PictureError, AssetsMissing, ValueError) as error:
        raise CommandFailed(str(error)) from error
    return surface.get_width(), surface.get_height()
