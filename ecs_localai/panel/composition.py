"""The whole panel laid out: header, scrolling content, and what lies over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pygame

from ecs_localai.panel.focus import ring_around
from ecs_localai.panel.frame import Frame
from ecs_localai.panel.page import Page
from ecs_localai.panel.sections.appearance import build_appearance
from ecs_localai.panel.sections.completions import build_completions
from ecs_localai.panel.sections.connection_help import build_connection_help
from ecs_localai.panel.sections.features import build_features
from ecs_localai.panel.sections.gauges import build_gauges
from ecs_localai.panel.sections.header import build_header, header_height
from ecs_localai.panel.sections.hosts import build_hosts
from ecs_localai.panel.sections.installing import build_installing
from ecs_localai.panel.sections.models import build_models
from ecs_localai.panel.sections.notices import build_notices
from ecs_localai.panel.sections.requirements import build_requirements
from ecs_localai.panel.sections.your_data import build_your_data
from ecs_localai.panel.widgets.scroll_view import scroll_overlay

if TYPE_CHECKING:
    from ecs_localai.components.panel_view import PanelView
    from ecs_localai.panel.animation import Glides
    from ecs_localai.panel.ink import Ink
    from ecs_localai.panel.scene import Block
    from ecs_localai.panel.scrolling import Scroller
    from ecs_localai.panel.state import UiState

_TOP, _BOTTOM = 24, 40


class Composed(NamedTuple):
    """A frame, its blocks by their ids, and whether a bar of unknown size moves in it."""

    frame: Frame
    blocks: dict[str, Block]
    sweeping: bool


def compose(
    ink: Ink,
    state: UiState,
    view: PanelView | None,
    glides: Glides,
    scroller: Scroller,
    now: float,
    size: tuple[int, int],
    before: dict[str, Block],
    *,
    still: bool,
) -> Composed:
    """Lay everything out. ``before`` are the blocks of the last time; ``scroller`` learns how far it may go.

    Without a view there is only an empty window.
    """
    if view is None:
        viewport = pygame.Rect((0, 0), size)
        return Composed(Frame(size, [], [], [], viewport, 0, 0), {}, False)
    page = Page(ink, state, view, glides, now, size[0], before, still=still)
    build_header(page)
    page.space(_TOP)
    build_notices(page)
    build_connection_help(page)
    build_requirements(page)
    build_gauges(page)
    build_hosts(page)
    build_installing(page)
    build_models(page)
    build_features(page)
    build_appearance(page)
    build_your_data(page)
    page.space(_BOTTOM)
    build_completions(page)
    page.y = max(page.y, page.lowest)
    top = min(header_height(page), size[1])
    viewport = pygame.Rect(0, top, size[0], size[1] - top)
    scroller.limit(page.y - viewport.height)
    offset = scroller.offset
    frame = Frame(size, page.header, page.content, [], viewport, page.y, offset)
    frame.overlay = scroll_overlay(ink, viewport, page.y, offset, bar_over=state.scroll_bar_over)
    _add_ring(ink, state, frame)
    return Composed(frame, page.blocks, page.sweeping)


def _add_ring(ink: Ink, state: UiState, frame: Frame) -> None:
    """The focus ring: after the keyboard moved the focus, and always around a field being typed in."""
    if state.focus is None or not (state.focus_visible or state.field(state.focus) is not None):
        return
    for layer in (frame.header, frame.content):
        for placed in layer:
            for node in placed.block.nodes:
                if node.id == state.focus:
                    layer.append(ring_around(ink, node, placed.rect.x, placed.rect.y))
                    return
