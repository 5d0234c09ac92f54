"""``ecs-localai inspect``: what is in the world that a server is watched with, or in a program that runs already."""

from __future__ import annotations

import time
from typing import Final

from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import say, say_json
from ecs_localai.components.hosts import OllamaHostManager
from ecs_localai.runtime import App, AppDescription, ScheduleRunner
from ecs_localai.systems import LocalModelsPlugin

HZ: Final = 60.0
LONGEST_WAIT: Final = 5.0
"""Seconds for the server to answer; then the world is shown as it is."""
FRAMES_AFTER: Final = 30
"""How many frames to run after the answer, in which the world learns what models there are."""


def inspect_world(target: Target, frames: int | None, timing: bool, as_json: bool) -> int:
    """Run the world for some frames and print what is in it; returns the exit code.

    Raises:
        CommandFailed: the host is no address.
    """
    config, folder = target.configuration(), target.folder()
    with App() as app:
        app.add_plugins(LocalModelsPlugin(config, data_dir=folder, resume=False))
        app.set_timing(timing)
        if frames is None:
            run_until_answered(app)
        else:
            ScheduleRunner(hz=HZ, frames=frames)(app)
        description = app.describe()
    _show(description, as_json)
    return 0


def inspect_running(port: int, as_json: bool) -> int:
    """Print what is in the app whose endpoint is on this port; returns the exit code.

    Raises:
        CommandFailed: nobody answers there, or with an error.
    """
    from ecs_localai.remote import RemoteClient, RemoteError, RemoteUnreachable

    try:
        description = RemoteClient(port).describe()
    except (RemoteError, RemoteUnreachable) as error:
        raise CommandFailed(str(error)) from error
    _show(description, as_json)
    return 0


def _show(description: AppDescription, as_json: bool) -> None:
    if as_json:
        say_json(description)
    else:
        for line in description.as_text().splitlines():
            say(line)


def run_until_answered(app: App) -> None:
    """Run frames until every host has been looked at, and a few more for what follows from that.

    At most `LONGEST_WAIT` seconds, and none after that.
    """
    step = ScheduleRunner(hz=HZ, frames=1)
    deadline = time.monotonic() + LONGEST_WAIT
    while not _has_answer(app):
        if time.monotonic() >= deadline:
            return
        step(app)
    ScheduleRunner(hz=HZ, frames=FRAMES_AFTER)(app)


def _has_answer(app: App) -> bool:
    """Whether every host has been looked at, be it that nobody is there."""
    hosts = app.world.query(OllamaHostManager)
    return bool(hosts) and all(manager.health_monitor.last_health_check is not None for _, manager in hosts)
