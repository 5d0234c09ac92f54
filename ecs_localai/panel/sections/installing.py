"""Installing: the field for a model's name, what installing it would mean, the queue, and past installations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.panel import metrics
from ecs_localai.panel.actions import Unfold
from ecs_localai.panel.sections.card_items import Item, build_card
from ecs_localai.panel.sections.history import build_history
from ecs_localai.panel.sections.install_field import build_install_field
from ecs_localai.panel.sections.install_places import build_install_places
from ecs_localai.panel.sections.installation_row import installation_item
from ecs_localai.panel.sections.preflight_card import build_preflight
from ecs_localai.panel.sections.queue_head import queue_item
from ecs_localai.panel.widgets.button import ButtonKind, button, button_width
from ecs_localai.panel.widgets.row import text_after_tile

if TYPE_CHECKING:
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.page import Page

COLLAPSED = 3
"""How many installations are shown before "Show all"."""
_UNFOLDED = "installations"


def build_installing(page: Page) -> None:
    """Add the heading, the field, the card below it, the rows and what is remembered of others."""
    page.heading("installing", "Installing" if page.view.installations else "Install a model")
    build_install_field(page)
    build_install_places(page)
    build_preflight(page)
    if page.view.installations:
        _build_rows(page)
    build_history(page)


def _build_rows(page: Page) -> None:
    rows = page.view.installations
    page.space(12)
    folds = len(rows) > COLLAPSED
    all_shown = _UNFOLDED in page.state.unfolded
    head = queue_item(page)
    items = [] if head is None else [head]
    items += [installation_item(page, row) for row in (rows if all_shown or not folds else rows[:COLLAPSED])]
    if folds:
        items.append(_fold(page, len(rows), all_shown=all_shown))
    build_card(page, "installing-card", items)


def _fold(page: Page, count: int, *, all_shown: bool) -> Item:
    """The last row: unfolds the list, or folds it again."""
    height = page.tall(40)
    label = "Show fewer" if all_shown else f"Show all ({count})"

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, height)

        def draw(draft: Draft) -> None:
            wide, high = button_width(page.ink, label), page.tall(metrics.BUTTON_HEIGHT)
            left = text_after_tile(page.ink) - page.px(13)
            action = Unfold(_UNFOLDED, not all_shown)
            place = pygame.Rect(left, (height - high) // 2, wide, high)
            button(draft, place, "show-all", label, action, kind=ButtonKind.LINK, name=f"{label} installations")

        page.add("installing-more", (label,), rect, draw, name=label)

    return Item(height, build)
