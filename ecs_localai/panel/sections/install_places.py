"""Where the install field installs to, with several hosts: the default one, another, or all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.panel import metrics
from ecs_localai.panel.actions import ChooseInstallPlace, Unfold
from ecs_localai.panel.layout import flow
from ecs_localai.panel.state import EVERYWHERE
from ecs_localai.panel.widgets.button import ButtonKind, button, button_width
from ecs_localai.panel.widgets.choice import choice, choice_width

if TYPE_CHECKING:
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.page import Page

MOST_SHOWN = 4
"""So many hosts are offered before the others are unfolded."""
_UNFOLDED = "install-places"


def build_install_places(page: Page) -> None:
    """Add a line of choices; nothing with one host."""
    names = [row.name for row in page.view.hosts]
    if len(names) < 2:
        return
    default = next((row.name for row in page.view.hosts if row.is_default), names[0])
    chosen = page.state.install_on
    if chosen != EVERYWHERE and chosen not in names:
        chosen = ""
    chosen = "" if chosen == default else chosen
    others = [name for name in names if name != default]
    folds = len(others) > MOST_SHOWN
    unfolded = _UNFOLDED in page.state.unfolded
    shown = others if unfolded or not folds else _few(others, chosen)
    options = [("", default), *((name, name) for name in shown), (EVERYWHERE, "Everywhere")]
    more = ("Fewer" if unfolded else f"{len(others) - len(shown)} more") if folds else ""
    _build(page, options, chosen, more, unfolded=unfolded)


def _few(others: list[str], chosen: str) -> list[str]:
    """The first ones, and the chosen one in any case."""
    few = others[:MOST_SHOWN]
    return few if not chosen or chosen == EVERYWHERE or chosen in few else [*few[:-1], chosen]


def _build(page: Page, options: list[tuple[str, str]], chosen: str, more: str, *, unfolded: bool) -> None:
    page.space(8)
    high, gap = page.tall(metrics.CHOICE_HEIGHT), page.px(8)
    label = "Install on"
    left = page.px(4) + page.ink.text.width(label, metrics.SECONDARY) + page.px(12)
    widths = [choice_width(page.ink, text) for _, text in options]
    widths += [button_width(page.ink, more)] if more else []
    places, height = flow(widths, page.width - left, high, gap, gap)
    rect = pygame.Rect(page.left, page.y, page.width, height)

    def draw(draft: Draft) -> None:
        draft.text(page.px(4), high // 2, label, metrics.SECONDARY, draft.theme.text2)
        for (host, text), place in zip(options, places, strict=False):
            name = "Install everywhere" if host == EVERYWHERE else f"Install on {text}"
            choice(
                draft, place.move(left, 0), f"install-on:{host}", text, ChooseInstallPlace(host),
                chosen=host == chosen, group="install-on", name=name,
            )  # fmt: skip
        if more:
            button(
                draft, places[-1].move(left, 0), "install-on-more", more, Unfold(_UNFOLDED, not unfolded),
                kind=ButtonKind.LINK, name=f"{more} hosts to install on", behind=draft.theme.background,
            )  # fmt: skip

    page.add("install-places", (tuple(options), chosen, more), rect, draw, name="Where to install")
    page.y += height
