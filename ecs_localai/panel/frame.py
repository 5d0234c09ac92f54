"""One layout as it is on the screen: which blocks stand where, and what is under the pointer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import pygame

from ecs_localai.panel.scene import Placed, Role, SceneNode, scene_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecs_localai.panel.scene import Node


class Hit(NamedTuple):
    """What is at a place: the block, and the topmost node of it there, if any."""

    block_id: str
    node: Node | None
    left: int
    """The block's left edge, in surface pixels of the window."""


class Found(NamedTuple):
    """A node and where it is, in surface pixels of the window."""

    node: Node
    rect: pygame.Rect
    scrolls: bool
    """Whether it is in the part of the page that scrolls."""


@dataclass(slots=True)
class Frame:
    """A layout and how far it is scrolled. All in surface pixels."""

    size: tuple[int, int]
    header: list[Placed]
    content: list[Placed]
    overlay: list[Placed]
    """What lies over the content without scrolling: the fades and the scroll bar."""
    viewport: pygame.Rect
    """Where the content is seen, below the header."""
    content_height: int
    scroll: int

    @property
    def content_top(self) -> int:
        """Where the content's own zero is in the window."""
        return self.viewport.y - self.scroll

    def hit(self, at: tuple[int, int]) -> Hit | None:
        """What is at a place of the window."""
        if self.viewport.collidepoint(at):
            return _hit(self.content, at, self.content_top)
        return _hit(self.header, at, 0)

    def find(self, node_id: str | None) -> Found | None:
        """The node with an id, or None where there is none now."""
        if node_id is None:
            return None
        for node, rect, scrolls in self.nodes():
            if node.id == node_id:
                return Found(node, rect, scrolls)
        return None

    def nodes(self) -> Iterator[Found]:
        """All nodes in reading order."""
        for layer, offset, scrolls in ((self.header, 0, False), (self.content, self.content_top, True)):
            for placed in layer:
                left, top = placed.rect.x, placed.rect.y + offset
                for node in placed.block.nodes:
                    yield Found(node, node.rect.move(left, top), scrolls)

    def focusable(self) -> list[str]:
        """The ids of the nodes that the keyboard reaches, in order: block by block, in each line from the left."""
        order: list[str] = []
        for layer in (self.header, self.content):
            for placed in layer:
                nodes = [node for node in placed.block.nodes if node.focusable]
                order += [node.id for node in in_reading_order(nodes)]
        return order

    def scene(self, title: str, focus: str | None) -> SceneNode:
        """The semantic tree of what is shown."""
        whole = pygame.Rect((0, 0), self.size)
        root = SceneNode("window", Role.WINDOW, title, whole)
        for placed in self.header:
            root.children.append(scene_of(placed, (0, 0), whole, focus))
        for placed in self.content:
            root.children.append(scene_of(placed, (0, self.content_top), self.viewport, focus))
        for placed in self.overlay:
            root.children.append(scene_of(placed, (0, 0), whole, focus))
        return root


def in_reading_order(nodes: list[Node]) -> list[Node]:
    """Line by line, in each from the left. What begins above the middle of a line's first node is in that line."""
    if len(nodes) < 2:
        return nodes
    lines: list[list[Node]] = []
    for node in sorted(nodes, key=lambda node: node.rect.y):
        if lines and node.rect.y < lines[-1][0].rect.centery:
            lines[-1].append(node)
        else:
            lines.append([node])
    return [node for line in lines for node in sorted(line, key=lambda node: node.rect.x)]


def _hit(layer: list[Placed], at: tuple[int, int], offset: int) -> Hit | None:
    x, y = at[0], at[1] - offset
    for placed in reversed(layer):
        # Blocks without nodes only decorate: a card behind its rows, the ring around a control.
        if placed.block.nodes and placed.rect.collidepoint(x, y):
            local = (x - placed.rect.x, y - placed.rect.y)
            node = next((node for node in reversed(placed.block.nodes) if node.rect.collidepoint(local)), None)
            return Hit(placed.block.id, node, placed.rect.x)
    return None
