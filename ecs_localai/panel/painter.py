"""Painting only what changed.

Two layouts are compared block by block and mark by mark; the rectangles that differ are painted again,
all layers within them. Scrolling moves the pixels that are there and paints what comes in.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import pygame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecs_localai.panel.frame import Frame
    from ecs_localai.panel.ink import Ink
    from ecs_localai.panel.marks import Mark
    from ecs_localai.panel.scene import Placed

_MOST_RECTS = 32
_WASTE = 1.25
"""Two rectangles become one when that paints at most this much more."""


class Painter:
    """Remembers what is on a surface, and brings it up to date."""

    __slots__ = ("_frame", "_ink", "_target")

    def __init__(self) -> None:
        self._target: pygame.Surface | None = None
        self._frame: Frame | None = None
        self._ink: Ink | None = None

    def forget(self) -> None:
        """Paint everything the next time: somebody else may have drawn on the surface."""
        self._target = None

    def knows(self, target: pygame.Surface) -> bool:
        """Whether the surface holds what was painted last."""
        return self._target is target

    def paint(self, target: pygame.Surface, frame: Frame, ink: Ink) -> list[pygame.Rect]:
        """Bring ``target`` up to date with ``frame``. Returns the rectangles whose pixels may differ."""
        before = self._frame
        whole = pygame.Rect((0, 0), frame.size)
        clip = target.get_clip()
        target.set_clip(None)
        if (
            before is None
            or self._target is not target
            or self._ink is not ink
            or before.size != frame.size
            or before.viewport != frame.viewport
        ):
            dirty, changed = [whole], [whole]
        else:
            dirty, changed = self._compare(target, before, frame)
        for rect in dirty:
            _repaint(target, rect, frame, ink)
        target.set_clip(clip)
        self._target, self._frame, self._ink = target, frame, ink
        return changed

    @staticmethod
    def _compare(target: pygame.Surface, before: Frame, frame: Frame) -> tuple[list[pygame.Rect], list[pygame.Rect]]:
        """What to paint again, and what of the surface differs then (more, when pixels were moved)."""
        whole = pygame.Rect((0, 0), frame.size)
        view = frame.viewport
        moved = frame.scroll - before.scroll
        dirty = [rect.clip(whole) for rect in _differences(before.header, frame.header)]
        inner = [rect.move(0, frame.content_top).clip(view) for rect in _differences(before.content, frame.content)]
        over = _differences(before.overlay, frame.overlay)
        if moved and abs(moved) >= view.height:
            inner = [view]
        elif moved:
            target.set_clip(view)
            target.scroll(0, -moved)
            target.set_clip(None)
            strip = view.copy()
            strip.height = abs(moved)
            if moved > 0:
                strip.bottom = view.bottom
            inner.append(strip)
            # What lay over the content moved with it: paint where that is now, and where it belongs.
            over += [placed.rect.move(0, -moved) for placed in before.overlay]
            over += [placed.rect for placed in (*before.overlay, *frame.overlay)]
        dirty += inner
        dirty += [rect.clip(view) for rect in over]
        merged = merge(dirty)
        return merged, merge([*merged, view]) if moved else merged


def _differences(before: Sequence[Placed], after: Sequence[Placed]) -> list[pygame.Rect]:
    """Where two lists of blocks differ, in their layer's coordinates."""
    old = {placed.block.id: placed for placed in before}
    dirty: list[pygame.Rect] = []
    for placed in after:
        known = old.pop(placed.block.id, None)
        if known is None:
            dirty.append(placed.rect)
        elif known.rect != placed.rect:
            dirty += (known.rect, placed.rect)
        elif known.block is not placed.block:
            left, top = placed.rect.topleft
            marks = _mark_differences(known.block.marks, placed.block.marks)
            dirty += [rect.move(left, top) for rect in marks]
    dirty += [placed.rect for placed in old.values()]
    return dirty


def _mark_differences(before: Sequence[Mark], after: Sequence[Mark]) -> list[pygame.Rect]:
    if len(before) == len(after):
        pairs = zip(before, after, strict=True)
        changed = [(old, new) for old, new in pairs if old.key != new.key or old.rect != new.rect]
        return [mark.rect for mark in chain.from_iterable(changed)]
    start, most = 0, min(len(before), len(after))
    while start < most and _same(before[start], after[start]):
        start += 1
    end = 0
    while end < most - start and _same(before[-1 - end], after[-1 - end]):
        end += 1
    return [mark.rect for mark in (*before[start : len(before) - end], *after[start : len(after) - end])]


def _same(first: Mark, second: Mark) -> bool:
    return first.key == second.key and first.rect == second.rect


def merge(rects: Sequence[pygame.Rect]) -> list[pygame.Rect]:
    """Fewer rectangles that cover the same: those that overlap, or nearly make a larger one, become one."""
    merged: list[pygame.Rect] = []
    for rect in rects:
        if rect.width <= 0 or rect.height <= 0:
            continue
        current = rect
        index = 0
        while index < len(merged):
            other = merged[index]
            union = current.union(other)
            apart = current.width * current.height + other.width * other.height
            if current.colliderect(other) or union.width * union.height <= apart * _WASTE:
                current = union
                del merged[index]
                index = 0
            else:
                index += 1
        merged.append(current)
    if len(merged) > _MOST_RECTS:
        return [merged[0].unionall(merged[1:])]
    return merged


def _repaint(target: pygame.Surface, rect: pygame.Rect, frame: Frame, ink: Ink) -> None:
    """Paint all that is within ``rect``."""
    inside = rect.clip(frame.viewport)
    if inside.width and inside.height:
        target.set_clip(inside)
        target.fill(ink.theme.background)
        _draw(target, inside, frame.content, frame.content_top, ink)
        _draw(target, inside, frame.overlay, 0, ink)
    target.set_clip(rect)
    _draw(target, rect, frame.header, 0, ink)


def _draw(target: pygame.Surface, rect: pygame.Rect, layer: Sequence[Placed], offset: int, ink: Ink) -> None:
    area = rect.move(0, -offset)
    for index in area.collidelistall([placed.rect for placed in layer]):
        placed = layer[index]
        left, top = placed.rect.topleft
        local = area.move(-left, -top)
        for mark in placed.block.marks:
            if local.colliderect(mark.rect):
                mark.draw(target, ink, left, top + offset)
