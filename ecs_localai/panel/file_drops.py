"""Files that are dropped on the window: gathered until all of one drop are there, then handed on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.components.panel_intents import FilesDropped
from ecs_localai.panel.sections.your_data import IMPORT
from ecs_localai.panel.state import INSTALL_FIELD
from ecs_localai.systems.dropped_files import DropKind, kind_by_name, requests_for

if TYPE_CHECKING:
    from ecs_localai.panel.controller import Controller


DROPS = (pygame.DROPBEGIN, pygame.DROPFILE, pygame.DROPCOMPLETE)
"""The events that tell of it."""


class FileDrops:
    """What is being dropped.

    SDL tells a drop of several files as its beginning, the files and its end (2.32, ``SDL_DROPBEGIN``); a host program
    may hand on the files alone: then each is a drop.
    """

    __slots__ = ("_controller", "_gathered")

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._gathered: list[str] | None = None

    def take(self, event: pygame.event.Event) -> bool:
        """Take in one of pygame's events of `DROPS`."""
        if event.type == pygame.DROPBEGIN:
            self._gathered = []
        elif event.type == pygame.DROPFILE and self._gathered is None:
            self._hand_on([event.file])
        elif event.type == pygame.DROPFILE and self._gathered is not None:
            self._gathered.append(event.file)
        else:
            paths, self._gathered = self._gathered, None
            if paths:
                self._hand_on(paths)
        return True

    def _hand_on(self, paths: list[str]) -> None:
        controller = self._controller
        controller.state.import_hint = False
        controller.stale = True
        kind = kind_by_name(paths)
        if kind is None:  # somebody has to look into them, and not the one who draws
            controller.emit(FilesDropped(paths, [*controller.installs.chosen_hosts()]))
            return
        controller.reveal = IMPORT if kind is DropKind.SETTINGS else INSTALL_FIELD
        for request in requests_for(kind, paths, [*controller.installs.chosen_hosts()]):
            controller.emit(request)
