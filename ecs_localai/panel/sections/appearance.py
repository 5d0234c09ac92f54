"""How the panel looks: a card at its end, to choose the colours and how large everything is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.components.panel import ThemeChoice
from ecs_localai.panel import metrics
from ecs_localai.panel.actions import ChooseScale, ChooseTheme
from ecs_localai.panel.layout import flow
from ecs_localai.panel.sections.card_items import Item, build_card
from ecs_localai.panel.widgets.choice import choice, choice_width
from ecs_localai.panel.widgets.row import PADDING, row_background

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecs_localai.panel.actions import LocalAction
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.page import Page

_SCALES = (1.0, 1.25, 1.5, 2.0)
_THEMES = {ThemeChoice.SYSTEM: "System", ThemeChoice.LIGHT: "Light", ThemeChoice.DARK: "Dark"}


def build_appearance(page: Page) -> None:
    """Add the heading and the card with a row for the theme and one for the scale."""
    appearance = page.state.appearance
    page.heading("appearance", "Appearance")
    themes = [(f"theme:{one.value}", text, ChooseTheme(one), one is appearance.theme) for one, text in _THEMES.items()]
    scale = appearance.scale
    offered = sorted({*_SCALES, *(() if scale is None else (scale,))})
    scales: list[tuple[str, str, LocalAction, bool]] = [("scale:system", "System", ChooseScale(None), scale is None)]
    scales += [(f"scale:{one * 100:g}", f"{one * 100:g} %", ChooseScale(one), one == scale) for one in offered]
    build_card(page, "appearance-card", [_row(page, "Theme", themes), _row(page, "Scale", scales)], "Appearance")


def _row(page: Page, label: str, options: Sequence[tuple[str, str, LocalAction, bool]]) -> Item:
    """A label with chips at its right; below it where the window is too narrow for them."""
    padding, gap, high = page.px(PADDING), page.px(8), page.tall(metrics.CHOICE_HEIGHT)
    widths = [choice_width(page.ink, text) for _, text, _, _ in options]
    together = sum(widths) + gap * (len(widths) - 1)
    line = page.tall(48)
    text_width = page.ink.text.width(label, metrics.ROW)
    beside = padding + text_width + page.px(24) + together + padding <= page.width
    places, below = flow(widths, together if beside else page.width - 2 * padding, high, gap, gap)
    height = line if beside else page.tall(36) + below + page.tall(12)
    left = page.width - padding - together if beside else padding
    top = (line - high) // 2 if beside else page.tall(36)

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, height)

        def draw(draft: Draft) -> None:
            row_background(draft, rect.size, first=first, last=last, text_left=padding)
            middle = line // 2 if beside else page.tall(20)
            draft.text(padding, middle, label, metrics.ROW, draft.theme.text, max_width=page.width - 2 * padding)
            for (node_id, text, action, chosen), place in zip(options, places, strict=True):
                choice(
                    draft, place.move(left, top), node_id, text, action,
                    chosen=chosen, group=label.lower(), name=f"{label}: {text}",
                )  # fmt: skip

        key = (tuple((text, chosen) for _, text, _, chosen in options), first, last)
        page.add(f"appearance:{label.lower()}", key, rect, draw, name=label)

    return Item(height, build)
