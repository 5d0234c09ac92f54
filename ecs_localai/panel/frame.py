"""One layout as it is on the screen: which blocks stand where, and what is under the pointer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import pygame

from ecs_localai.panel.scene import Placed, Role, SceneNode, scene_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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

    def focusable(self, focus: str | None = None) -> list[str]:
        """The ids of the nodes that the keyboard reaches, in order: block by block, in each line from the left.

        The one that has the ``focus`` is among them also while it is disabled: what was pressed a moment ago, and is
        at work now, keeps its place.
        """
        return self._in_order(lambda node: node.focusable or node.id == focus)

    def controls(self) -> list[str]:
        """Like `focusable`, with all those that are disabled now."""
        return self._in_order(lambda node: node.focusable or not node.enabled)

    def _in_order(self, wanted: Callable[[Node], bool]) -> list[str]:
        order: list[str] = []
        for layer in (self.header, self.content):
            for placed in layer:
                nodes = [node for node in placed.block.nodes if wanted(node)]
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


def _node_at(nodes: list[Node], at: tuple[int, int]) -> Node | None:
    node = next((node for node in reversed(nodes) if node.rect.collidepoint(at)), None)
    if node is not None and (node.action is not None or node.focusable):
        return node
    return next((one for one in nodes if one.area is not None and one.area.collidepoint(at)), node)


def _hit(layer: list[Placed], at: tuple[int, int], offset: int) -> Hit | None:
    x, y = at[0], at[1] - offset
    for placed in reversed(layer):
        # Blocks without nodes only decorate: a card behind its rows, the ring around a control.
        if placed.block.nodes and placed.rect.collidepoint(x, y):
            local = (x - placed.rect.x, y - placed.rect.y)
            return Hit(placed.block.id, _node_at(placed.block.nodes, local), placed.rect.x)
    return None
