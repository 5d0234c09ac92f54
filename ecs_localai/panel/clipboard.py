"""Cut, copy and paste."""

from __future__ import annotations

from typing import Protocol

import pygame


class Clipboard(Protocol):
    """Where cut and copied text goes."""

    def put(self, text: str) -> None:
        """Hold this text."""

    def get(self) -> str:
        """The text held, or an empty one."""


class SystemClipboard:
    """The system's clipboard. Without a display there is none; then text is kept for this program alone."""

    __slots__ = ("_own",)

    def __init__(self) -> None:
        self._own = ""

    def put(self, text: str) -> None:
        """Hold this text."""
        self._own = text
        if pygame.display.get_init():
            try:
                pygame.scrap.put_text(text)
            except pygame.error:
                return  # the system refused; paste within the panel still works

    def get(self) -> str:
        """The system's text, or what was put last where the system has none to give."""
        if pygame.display.get_init():
            try:
                return pygame.scrap.get_text()
            except pygame.error:
                return self._own
        return self._own
