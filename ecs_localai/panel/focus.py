"""The keyboard's focus: which control is next, and the ring around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.panel import metrics
from ecs_localai.panel.marks import RoundedMark
from ecs_localai.panel.scene import Block, Placed, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecs_localai.panel.ink import Ink
    from ecs_localai.panel.scene import Node


def next_in(order: Sequence[str], current: str | None, step: int) -> str | None:
    """The control after (1) or before (-1) the current one, going round at the ends."""
    if not order:
        return None
    if current not in order:
        return order[0] if step > 0 else order[-1]
    return order[(order.index(current) + step) % len(order)]


def nearest_survivor(before: Sequence[str], now: Sequence[str], gone: str) -> str | None:
    """Where the focus goes when its control disappears: to the next one that is still there."""
    if gone not in before or not now:
        return None
    place = before.index(gone)
    still = set(now)
    following = (name for name in before[place + 1 :] if name in still)
    preceding = (name for name in reversed(before[:place]) if name in still)
    return next(following, next(preceding, None))


def ring_around(ink: Ink, node: Node, left: int, top: int) -> Placed:
    """The ring around a node whose block's corner is at ``left``, ``top``."""
    width = max(1, ink.metrics.px(metrics.RING_WIDTH))
    out = width + ink.metrics.px(metrics.RING_GAP)
    rect = (node.ring or node.rect).move(left, top).inflate(2 * out, 2 * out)
    whole = pygame.Rect((0, 0), rect.size)
    mark = RoundedMark(whole, node.radius + out, None, ink.theme.ring, width)
    return Placed(Block("focus-ring", (ink.theme.ring,), Role.IMAGE, "", [mark], []), rect)
