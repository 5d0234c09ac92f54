"""What is on the panel, as a tree: for painting, for the pointer and the keyboard, and for tests.

A `Block` is a piece of the page that is built and compared as a whole (a row, a card, the header). It has
marks, which are painted, and nodes, which have a meaning: text, a button, a switch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import pygame

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecs_localai.panel.actions import Intent, LocalAction
    from ecs_localai.panel.marks import Mark


class Role(StrEnum):
    """What a node is, in the words of assistive technology."""

    WINDOW = "window"
    GROUP = "group"
    LIST_ITEM = "listitem"
    HEADING = "heading"
    TEXT = "text"
    IMAGE = "image"
    BUTTON = "button"
    SWITCH = "switch"
    RADIO = "radio"
    LIST_BOX = "listbox"
    OPTION = "option"
    TEXT_BOX = "textbox"
    PROGRESS_BAR = "progressbar"
    METER = "meter"
    STATUS = "status"
    ALERT = "alert"
    SCROLL_BAR = "scrollbar"


class Cursor(StrEnum):
    """The shape of the pointer."""

    ARROW = "arrow"
    HAND = "hand"
    TEXT = "ibeam"


@dataclass(slots=True)
class Node:
    """Something that has a meaning. ``rect`` is in surface pixels from its block's corner."""

    id: str
    """Unique on the panel, and the same as long as it is the same thing."""
    role: Role
    name: str
    rect: pygame.Rect
    value: str = ""
    """What it says beside its name: ``on``, ``54 %``, a field's text."""
    enabled: bool = True
    focusable: bool = False
    action: Intent | LocalAction | None = None
    """What activating it does."""
    cursor: Cursor = Cursor.ARROW
    radius: float = 0.0
    """Of its corners, for the focus ring."""
    ring: pygame.Rect | None = None
    """What the focus ring goes around, where that isn't ``rect``."""
    shown: str = ""
    """The text as drawn, where it had to be shortened; otherwise empty."""
    area: pygame.Rect | None = None
    """Where else the pointer reaches it: on text and on what is empty."""
    group: str = ""
    """Of a choice: what is chosen; the arrow keys go from one of a group to the next."""


@dataclass(slots=True)
class Block:
    """A piece of the page. ``key`` says everything that it depends on."""

    id: str
    key: tuple[object, ...]
    role: Role
    name: str
    marks: list[Mark]
    nodes: list[Node]


@dataclass(slots=True)
class Placed:
    """A block where it stands. Content is measured from the top of the page, other layers from the window."""

    block: Block
    rect: pygame.Rect


@dataclass(slots=True)
class SceneNode:
    """A node of `Panel.scene`, in surface pixels of the window."""

    id: str
    role: Role
    name: str
    rect: pygame.Rect
    value: str = ""
    shown: str = ""
    enabled: bool = True
    focusable: bool = False
    focused: bool = False
    visible: bool = True
    """Whether all of it is inside the window and not scrolled away."""
    children: list[SceneNode] = field(default_factory=list)

    def walk(self) -> Iterator[SceneNode]:
        """This node and all below it, in reading order."""
        yield self
        for child in self.children:
            yield from child.walk()

    def find(self, node_id: str) -> SceneNode | None:
        """The node with this id, or None."""
        return next((node for node in self.walk() if node.id == node_id), None)

    def with_role(self, role: Role) -> list[SceneNode]:
        """All nodes of a role, in reading order."""
        return [node for node in self.walk() if node.role == role]

    def dump(self, indent: int = 0) -> str:
        """The tree as text, one node a line."""
        states = [
            *([repr(self.value)] if self.value else []),
            *([] if self.enabled else ["disabled"]),
            *(["focused"] if self.focused else []),
        ]
        line = f"{'  ' * indent}{self.role} {self.name!r} {' '.join(states)}".rstrip() + f" {tuple(self.rect)}"
        return "\n".join([line, *(child.dump(indent + 1) for child in self.children)])


def scene_of(placed: Placed, offset: tuple[int, int], window: pygame.Rect, focus: str | None) -> SceneNode:
    """A placed block as a branch of the semantic tree; ``window`` is where its layer can be seen."""
    left, top = placed.rect.x + offset[0], placed.rect.y + offset[1]
    block = placed.block
    children = []
    for node in block.nodes:
        rect = node.rect.move(left, top)
        children.append(
            SceneNode(
                id=node.id,
                role=node.role,
                name=node.name,
                rect=rect,
                value=node.value,
                shown=node.shown,
                enabled=node.enabled,
                focusable=node.focusable,
                focused=node.id == focus,
                visible=bool(window.contains(rect)),
            )
        )
    rect = pygame.Rect((left, top), placed.rect.size)
    visible = bool(window.contains(rect))
    return SceneNode(block.id, block.role, block.name, rect, visible=visible, children=children)
