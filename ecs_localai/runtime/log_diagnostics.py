"""Diagnostics in the log (Bevy: ``LogDiagnosticsPlugin``)."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ecs_localai.runtime.diagnostics import DiagnosticsStore
from ecs_localai.runtime.plugin import Plugin
from ecs_localai.runtime.resources import Res
from ecs_localai.runtime.schedule import PostUpdate
from ecs_localai.runtime.time import Time

if TYPE_CHECKING:
    from ecs_localai.runtime.app import App

logger = logging.getLogger("ecs_localai")


class LogDiagnosticsPlugin(Plugin):
    """Logs the enabled diagnostics again and again, at the level INFO, from the frame (Bevy: ``LogDiagnosticsPlugin``).

    It wakes no runner that sleeps: where there are no frames, nothing is logged.

    Args:
        wait_seconds: real time between two times.
        only: the paths to log; without it all are.

    Raises:
        ValueError: `wait_seconds` is not above 0.
    """

    def __init__(self, wait_seconds: float = 1.0, only: Iterable[str] | None = None) -> None:
        if not wait_seconds > 0:
            raise ValueError(f"wait_seconds is {wait_seconds}: give a number of seconds above 0.")
        self._wait = wait_seconds
        self._only = None if only is None else frozenset(only)

    def build(self, app: App) -> None:
        """Add the system."""
        app.add_systems(PostUpdate, _DiagnosticsLog(self._wait, self._only).log_when_due)


class _DiagnosticsLog:
    """When one app has logged its diagnostics."""

    def __init__(self, wait_seconds: float, only: frozenset[str] | None) -> None:
        self._wait = wait_seconds
        self._only = only
        self._due = wait_seconds

    def log_when_due(self, time: Time, diagnostics: Res[DiagnosticsStore]) -> None:
        now = time.real_elapsed_seconds
        if now < self._due:
            return
        self._due = now + self._wait
        for one in diagnostics:
            if one.is_enabled and (self._only is None or one.path in self._only):
                logger.info("%s", str(one))  # a handler may format it later
