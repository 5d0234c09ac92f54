"""The heading of the models, and at its right the choice of their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pygame

from ecs_localai.components.panel import ModelSort
from ecs_localai.panel import metrics
from ecs_localai.panel.actions import ChooseModelSort
from ecs_localai.panel.layout import flow
from ecs_localai.panel.scene import Role
from ecs_localai.panel.widgets.sort_choice import sort_choice, sort_choice_width

if TYPE_CHECKING:
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.page import Page

_TITLE, _LABEL = "Installed models", "Sort by"


class _Order(NamedTuple):
    label: str
    natural: str
    reversed: str
    rises: bool
    """Whether its own direction goes up, as from A to Z."""


_ORDERS = {
    ModelSort.NAME: _Order("Name", "from A to Z", "from Z to A", True),
    ModelSort.SIZE: _Order("Size", "largest first", "smallest first", False),
    ModelSort.MODIFIED: _Order("Modified", "newest first", "oldest first", False),
    ModelSort.LAST_USED: _Order("Last used", "latest first", "earliest first", False),
}


def build_models_heading(page: Page) -> None:
    """Add the heading; with two models or more, how to order them."""
    if len(page.view.models) < 2:
        page.heading("models", _TITLE)
        return
    page.space(20)
    settings = page.state.appearance.settings
    chosen, turned = settings.model_sort, settings.sort_reversed
    high, gap, line = page.tall(metrics.CHOICE_HEIGHT), page.px(2), page.tall(metrics.BUTTON_HEIGHT)
    widths = [sort_choice_width(page.ink, one.label, chosen=by is chosen) for by, one in _ORDERS.items()]
    label = page.ink.text.width(_LABEL, metrics.SECONDARY) + page.px(8)
    together = label + sum(widths) + gap * (len(widths) - 1)
    title = page.ink.text.width(_TITLE, metrics.HEADING)
    beside = page.px(4) + title + page.px(24) + together <= page.width
    room = together - label if beside else page.width - label - page.px(4)
    places, below = flow(widths, room, high, gap, gap)
    height = line if beside else line + below
    left = page.width - page.px(4) - together if beside else 0
    top = (line - high) // 2 if beside else line
    rect = pygame.Rect(page.left + page.px(4), page.y, page.width - page.px(4), height)

    def draw(draft: Draft) -> None:
        theme = draft.theme
        draft.text(0, line // 2, _TITLE, metrics.HEADING, theme.text, max_width=rect.width, role=Role.HEADING)
        draft.text(left, top + high // 2, _LABEL, metrics.SECONDARY, theme.text2)
        for (by, one), place in zip(_ORDERS.items(), places, strict=True):
            its = by is chosen
            now, other = (one.reversed, one.natural) if turned else (one.natural, one.reversed)
            name = f"Sort by {one.label.lower()}: {now}; again: {other}" if its else f"Sort by {one.label.lower()}"
            sort_choice(
                draft, place.move(left + label, top), f"sort:{by.value}", one.label, ChooseModelSort(by),
                chosen=its, rising=one.rises is not turned, group="sort", name=name,
            )  # fmt: skip

    page.add("models", (chosen, turned), rect, draw, name=_TITLE)
    page.y += height + page.px(6)
