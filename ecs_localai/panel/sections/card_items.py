"""Rows of different heights in one card: measured first, so that the card can be drawn behind them, then built."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ecs_localai.panel.page import Page


class Item(NamedTuple):
    """A row to be. ``build`` is called with whether it is the first and the last one, the page's `y` at its top."""

    height: int
    build: Callable[[bool, bool], None]


def build_card(page: Page, block_id: str, items: Sequence[Item], name: str = "") -> None:
    """Add a card with these rows, if there are any; the page goes on below it."""
    if not items:
        return
    page.card(block_id, sum(item.height for item in items), name)
    for number, item in enumerate(items):
        top = page.y
        item.build(number == 0, number == len(items) - 1)
        page.y = top + item.height
