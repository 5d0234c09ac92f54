"""Drives a real `Panel` on a plain surface the way a person would: by events at places of the page."""

from __future__ import annotations

import pygame

from ecs_localai.components.panel_view import PanelView
from ecs_localai.panel.panel import Panel
from ecs_localai.panel.scene import Cursor, Role, SceneNode

FRAME = 1 / 60


class OwnClipboard:
    """A clipboard of the test's own: no display, so no system's."""

    def __init__(self) -> None:
        self.text = ""

    def put(self, text: str) -> None:
        """Hold this text."""
        self.text = text

    def get(self) -> str:
        """The text held."""
        return self.text


class Driver:
    """A panel, its surface, a clock that moves only when told, and the intents that came out."""

    def __init__(
        self,
        view: PanelView,
        size: tuple[int, int] = (900, 1000),
        *,
        theme: str = "light",
        scale: float = 1.0,
        font_scale: float = 1.0,
        reduced_motion: bool = False,
    ) -> None:
        self.now = 100.0
        self.intents: list[object] = []
        self.clipboard = OwnClipboard()
        self.view = view
        self.scale = scale
        self.panel = Panel(
            size,
            theme=theme,
            scale=scale,
            font_scale=font_scale,
            reduced_motion=reduced_motion,
            clock=lambda: self.now,
            emit=self.intents.append,
            clipboard=self.clipboard,
        )
        self.surface = pygame.Surface((round(size[0] * scale), round(size[1] * scale)), 0, 32)
        self.panel.show(view)
        self.paint()

    def paint(self) -> list[pygame.Rect]:
        """One frame."""
        return self.panel.paint(self.surface)

    def run(self, seconds: float) -> None:
        """Frames for as long."""
        for _ in range(round(seconds / FRAME)):
            self.now += FRAME
            self.paint()

    def resize(self, size: tuple[int, int], scale: float) -> None:
        """The window gets another size, on a screen of another scale."""
        self.scale = scale
        self.panel.resize(size, scale)
        self.surface = pygame.Surface((round(size[0] * scale), round(size[1] * scale)), 0, 32)
        self.paint()

    def changed(self) -> list[pygame.Rect]:
        """Show the view again after it was changed."""
        self.view.revision += 1
        self.panel.show(self.view)
        return self.paint()

    def take_intents(self) -> list[object]:
        """What came out since the last time."""
        taken = list(self.intents)
        self.intents.clear()
        return taken

    # ---- looking

    def node(self, node_id: str) -> SceneNode:
        """The node with this id, which must be there."""
        found = self.panel.scene().find(node_id)
        assert found is not None, f"{node_id} is not on the panel:\n{self.panel.scene().dump()}"
        return found

    def has(self, node_id: str) -> bool:
        """Whether there is a node with this id."""
        return self.panel.scene().find(node_id) is not None

    def focused(self) -> str | None:
        """The id of the node that has the focus."""
        return next((node.id for node in self.panel.scene().walk() if node.focused), None)

    def texts(self) -> list[str]:
        """All that can be read on the page."""
        roles = (Role.TEXT, Role.HEADING, Role.STATUS, Role.ALERT)
        return [node.name for node in self.panel.scene().walk() if node.role in roles]

    def cursor(self) -> Cursor:
        """The shape of the pointer."""
        return self.panel.cursor

    def text_input(self) -> pygame.Rect | None:
        """Where text is being typed."""
        return self.panel.text_input

    def next_due(self) -> float | None:
        """When the panel has something to paint by itself."""
        return self.panel.next_due

    def moves(self) -> bool:
        """Whether something on the panel moves."""
        return self.panel.animating

    # ---- acting

    def _post(self, kind: int, **parts: object) -> bool:
        handled = self.panel.handle_event(pygame.event.Event(kind, parts))
        self.paint()
        return handled

    def move(self, x: float, y: float) -> None:
        """Move the pointer there (logical pixels)."""
        self._post(pygame.MOUSEMOTION, pos=(x, y), rel=(0, 0), buttons=(0, 0, 0))

    def press(self, x: float, y: float, button: int = 1) -> bool:
        """A button of the mouse goes down."""
        return self._post(pygame.MOUSEBUTTONDOWN, pos=(x, y), button=button)

    def release(self, x: float, y: float, button: int = 1) -> bool:
        """A button of the mouse comes up."""
        return self._post(pygame.MOUSEBUTTONUP, pos=(x, y), button=button)

    def centre(self, node_id: str) -> tuple[float, float]:
        """The middle of a node, in logical pixels."""
        x, y = self.node(node_id).rect.center
        return x / self.scale, y / self.scale

    def click(self, node_id: str) -> None:
        """Click on a node, which must not be scrolled away."""
        node = self.node(node_id)
        assert node.visible, f"{node_id} is scrolled away: {node.rect}"
        at = self.centre(node_id)
        self.move(*at)
        self.press(*at)
        self.release(*at)

    def wheel(self, notches: float) -> bool:
        """Turn the wheel; up is positive. As SDL does, also as a button, which must not count twice."""
        button = 4 if notches > 0 else 5
        self._post(pygame.MOUSEBUTTONDOWN, pos=(5.0, 300.0), button=button)
        self._post(pygame.MOUSEBUTTONUP, pos=(5.0, 300.0), button=button)
        return self._post(pygame.MOUSEWHEEL, x=0, y=round(notches), precise_y=notches, flipped=False)

    def key(self, key: int, mod: int = 0) -> bool:
        """Press a key."""
        return self._post(pygame.KEYDOWN, key=key, mod=mod, unicode="", scancode=0)

    def type(self, text: str) -> None:
        """Type text, a letter at a time, as a keyboard does: the key, then its text."""
        for letter in text:
            self._post(pygame.KEYDOWN, key=ord(letter) if letter.isascii() else 0, mod=0)
            self._post(pygame.TEXTINPUT, text=letter)

    def compose(self, text: str) -> None:
        """An input method composes this text."""
        self._post(pygame.TEXTEDITING, text=text, start=len(text), length=0)

    def tab_to(self, node_id: str) -> None:
        """Press Tab until a node has the focus."""
        for _ in range(200):
            if self.focused() == node_id:
                return
            self.key(pygame.K_TAB)
        raise AssertionError(f"Tab never reached {node_id}")

    def activate(self, node_id: str) -> None:
        """Go to a control with Tab and press it."""
        self.tab_to(node_id)
        self.key(pygame.K_SPACE)

    def fill(self, field_id: str, text: str) -> None:
        """Go to a field with Tab and put text in place of what is in it."""
        self.tab_to(field_id)
        self.key(pygame.K_a, pygame.KMOD_CTRL)
        self._post(pygame.TEXTINPUT, text=text)
