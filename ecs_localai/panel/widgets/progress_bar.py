"""Progress bars, also for work whose size isn't known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.panel.scene import Node, Role

if TYPE_CHECKING:
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.theme import RGB

SWEEP_SECONDS = 1.6
"""How long the moving part of a bar of unknown size takes from one end to the other."""


def sweep_step(now: float, *, still: bool) -> int:
    """Where the moving part is, in hundredths of its way; with ``still`` it stays in the middle."""
    if still:
        return 50
    return int(now % SWEEP_SECONDS / SWEEP_SECONDS * 100)


def progress_bar(
    draft: Draft,
    rect: pygame.Rect,
    node_id: str,
    name: str,
    fraction: float | None,
    colour: RGB,
    sweep: int | None = None,
) -> None:
    """Draw a bar that fills ``rect``.

    ``fraction`` is 0 to 1, or None while the size is unknown; then ``sweep`` (see `sweep_step`) says where
    the moving part is, and None shows an empty track.
    """
    radius = rect.height / 2
    draft.rounded(rect, radius, draft.theme.track)
    if fraction is not None:
        filled = round(min(max(fraction, 0.0), 1.0) * rect.width)
        if filled > 0:
            part = pygame.Rect(rect.x, rect.y, max(filled, min(rect.height, rect.width)), rect.height)
            draft.rounded(part, radius, colour)
    elif sweep is not None:
        length = rect.width * 3 // 10
        start = rect.x - length + (rect.width + length) * sweep // 100
        part = pygame.Rect(start, rect.y, length, rect.height).clip(rect)
        if part.width > rect.height:
            draft.rounded(part, radius, colour)
    value = "" if fraction is None else f"{min(max(fraction, 0.0), 1.0):.0%}"
    draft.nodes.append(Node(id=node_id, role=Role.PROGRESS_BAR, name=name, rect=rect, value=value))
