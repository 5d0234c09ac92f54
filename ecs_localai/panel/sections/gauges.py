"""The cards with measurements of the machine and their recent past."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.panel import metrics
from ecs_localai.panel.draft import paragraph_step
from ecs_localai.panel.layout import columns
from ecs_localai.panel.scene import Node, Role
from ecs_localai.panel.widgets.sparkline import sparkline

if TYPE_CHECKING:
    from ecs_localai.components.panel_view import GaugeView
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.page import Page
    from ecs_localai.panel.theme import RGB

_GAP = 12
_ROW_OF_FOUR = 640


def build_gauges(page: Page) -> None:
    """Add the cards: four beside each other, or two in a narrow window."""
    gauges = page.view.gauges
    if not gauges:
        return
    wide = page.width / page.ink.metrics.scale / page.ink.metrics.font_scale >= _ROW_OF_FOUR
    most = min(4 if wide else 2, len(gauges))
    gap, height = page.px(_GAP), page.tall(metrics.GAUGE_CARD)
    for start in range(0, len(gauges), most):
        row = gauges[start : start + most]
        places = columns(page.left, page.y, page.width, height, most, gap)
        for gauge, rect in zip(row, places, strict=False):
            _build_gauge(page, gauge, rect, start)
        page.y += height + gap
    page.y -= gap


def _colour(page: Page, gauge: GaugeView) -> RGB:
    colours = page.ink.theme.gauges
    found = colours.get(gauge.key)
    return found if found is not None else next(iter(colours.values()))


def _build_gauge(page: Page, gauge: GaugeView, rect: pygame.Rect, start: int) -> None:
    samples = b"" if gauge.history is None else gauge.history.tobytes()
    key = (gauge.title, gauge.value, gauge.unit, gauge.maximum, gauge.reason, samples)
    colour = _colour(page, gauge)

    def draw(draft: Draft) -> None:
        _draw(draft, page, gauge, rect, colour)

    page.add(f"gauge-card:{gauge.key}", key, rect, draw, name=gauge.title)


def _draw(draft: Draft, page: Page, gauge: GaugeView, rect: pygame.Rect, colour: RGB) -> None:
    theme, hair = draft.theme, draft.metrics.hair
    padding = page.px(14)
    room = rect.width - 2 * padding
    radius = page.px(metrics.CARD_RADIUS)
    draft.rounded(pygame.Rect((0, 0), rect.size), radius, theme.card, theme.border)
    draft.text(padding, page.tall(19), gauge.title, metrics.SECONDARY, theme.text2, max_width=room)
    if gauge.value is None:
        top = page.tall(32)
        lines = (rect.height - top - page.tall(8)) // paragraph_step(draft.ink, metrics.SECONDARY)
        reason = gauge.reason or "Not measured yet"
        draft.paragraph(padding, top, reason, metrics.SECONDARY, theme.text2, room, max_lines=lines, role=Role.STATUS)
        return
    number = draft.text(padding, page.tall(43), gauge.value, metrics.NUMBER, theme.text, max_width=room, role=None)
    unit_left = number.right + page.px(5)
    baseline_shift = (draft.ink.text.cap_height(metrics.NUMBER) - draft.ink.text.cap_height(metrics.SECONDARY)) // 2
    unit = draft.text(
        unit_left, page.tall(43) + baseline_shift, gauge.unit, metrics.SECONDARY_NUMBERS, theme.text2,
        max_width=padding + room - unit_left, role=None,
    )  # fmt: skip
    value = f"{gauge.value} {gauge.unit}".strip()
    draft.nodes.append(Node(f"gauge:{gauge.key}", Role.METER, gauge.title, number.union(unit), value=value))
    if gauge.history is not None and len(gauge.history):
        top = page.tall(58)
        chart = pygame.Rect(hair, top, rect.width - 2 * hair, rect.height - top - hair)
        sparkline(draft, chart, gauge.history, gauge.maximum, colour, radius - hair)
