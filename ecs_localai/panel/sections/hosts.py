"""The list of hosts: one quiet line while there is one host, a card with a row for each of several."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.components.panel_intents import StopLocalServerRequested
from ecs_localai.components.panel_view import Tone
from ecs_localai.panel import metrics
from ecs_localai.panel.actions import OpenHostForm, ShowSearch, Unfold
from ecs_localai.panel.layout import FromRight, flow
from ecs_localai.panel.scene import Role
from ecs_localai.panel.sections.card_items import Item, build_card
from ecs_localai.panel.sections.host_form import form_items
from ecs_localai.panel.sections.host_row import host_item
from ecs_localai.panel.sections.host_search import search_items
from ecs_localai.panel.widgets.button import ButtonKind, button, link_width
from ecs_localai.panel.widgets.row import PADDING, text_after_tile

if TYPE_CHECKING:
    from ecs_localai.components.panel_view import HostRow
    from ecs_localai.panel.actions import Intent, LocalAction
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.page import Page

COLLAPSED = 5
"""How many hosts are shown before "Show all": the default one, then those with something to tell, then the first."""
UNFOLDED = "hosts"


def build_hosts(page: Page) -> None:
    """Add the section; nothing while no host is known."""
    rows = page.view.hosts
    form = page.state.form
    if not rows:
        return
    if len(rows) == 1:
        page.space(12)
        _build_only(page, rows[0])
    else:
        _build_heading(page)
    if form is not None and all(form.host != row.name for row in rows):
        if len(rows) == 1:
            page.space(12)
        build_card(page, "host-form-card", form_items(page, form), "Add a host")
        if len(rows) > 1:
            page.space(12)
    elif form is not None and len(rows) == 1:
        page.space(12)
        build_card(page, "host-form-card", form_items(page, form), f"Change {form.host}")
    if page.state.search_shown:
        if len(rows) == 1:
            page.space(12)
        build_card(page, "search-card", search_items(page), "Find hosts")
        if len(rows) > 1:
            page.space(12)
    if len(rows) > 1:
        build_card(page, "hosts-card", _items(page, rows))


def shown_first(rows: list[HostRow], most: int) -> list[HostRow]:
    """The hosts to show of a folded list, in the list's order."""
    if len(rows) <= most:
        return rows

    def weight(row: HostRow) -> int:
        return 0 if row.is_default else 1 if row.tone is not Tone.OK or row.reason else 2

    chosen = sorted(rows, key=weight)[:most]
    names = {row.name for row in chosen}
    return [row for row in rows if row.name in names]


def _items(page: Page, rows: list[HostRow]) -> list[Item]:
    folds = len(rows) > COLLAPSED
    all_shown = UNFOLDED in page.state.unfolded
    shown = rows if all_shown else shown_first(rows, COLLAPSED)
    form = page.state.form
    places = {row.name: number for number, row in enumerate(rows)}
    items: list[Item] = []
    for row in shown:
        items.append(host_item(page, row, first_of_all=places[row.name] == 0, last_of_all=row is rows[-1]))
        if form is not None and form.host == row.name:
            items += form_items(page, form)
    if form is not None and form.host in places and all(form.host != row.name for row in shown):
        items += form_items(page, form)  # its row was folded away meanwhile: what is typed stays in sight
    if folds:
        items.append(_fold_item(page, len(rows), all_shown=all_shown))
    return items


def _fold_item(page: Page, count: int, *, all_shown: bool) -> Item:
    height = page.tall(40)
    label = "Show fewer" if all_shown else f"Show all ({count})"

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, height)

        def draw(draft: Draft) -> None:
            wide, high = link_width(page.ink, label), page.tall(metrics.BUTTON_HEIGHT)
            left = text_after_tile(page.ink) - page.px(13)
            place = pygame.Rect(left, (height - high) // 2, wide, high)
            action = Unfold(UNFOLDED, not all_shown)
            button(draft, place, "show-all-hosts", label, action, kind=ButtonKind.LINK, name=f"{label} hosts")

        page.add("hosts-more", (label,), rect, draw, name=label)

    return Item(height, build)


def _links() -> list[tuple[str, str, LocalAction]]:
    return [("find-hosts", "Find hosts", ShowSearch(True)), ("add-host", "Add host", OpenHostForm())]


def _build_heading(page: Page) -> None:
    """The heading with its two buttons at the right."""
    page.space(20)
    high = page.tall(metrics.BUTTON_HEIGHT)
    summary = page.view.hosts_summary
    together = sum(link_width(page.ink, label) for _, label, _ in _links()) + page.px(2)
    title_wide = page.ink.text.width("Hosts", metrics.HEADING)
    beside = title_wide + page.px(12) + together <= page.width - page.px(4)
    height = high if beside else 2 * high
    rect = pygame.Rect(page.left + page.px(4), page.y, page.width - page.px(4), height)

    def draw(draft: Draft) -> None:
        at = FromRight(rect.width if beside else together)
        for node_id, label, action in reversed(_links()):
            wide = link_width(page.ink, label)
            place = pygame.Rect(at.take(wide, page.px(2)), height - high, wide, high)
            button(draft, place, node_id, label, action, kind=ButtonKind.LINK, behind=draft.theme.background)
        title = draft.text(0, high // 2, "Hosts", metrics.HEADING, draft.theme.text, role=Role.HEADING)
        left, end = title.right + page.px(10), at.right if beside else rect.width
        draft.text(
            left, high // 2, summary, metrics.SECONDARY, draft.theme.text2, max_width=end - left, role=Role.STATUS
        )

    page.add("hosts", (summary,), rect, draw, name="Hosts")
    page.y += height + page.px(6)


def _build_only(page: Page, row: HostRow) -> None:
    """One host alone: what it is, and how to get more of them, in a line."""
    buttons: list[tuple[str, str, Intent | LocalAction, str]] = []
    if row.can_stop:
        buttons.append((f"stop:{row.name}", "Stop Ollama", StopLocalServerRequested(), f"Stop Ollama on {row.name}"))
    buttons.append((f"edit:{row.name}", "Edit", OpenHostForm(row.name), f"Edit {row.name}"))
    buttons += [(node_id, label, action, label) for node_id, label, action in _links()]
    widths = [link_width(page.ink, label) for _, label, _, _ in buttons]
    padding, high, line = page.px(PADDING), page.tall(metrics.BUTTON_HEIGHT), page.tall(44)
    gap = page.px(2)
    together = sum(widths) + gap * (len(widths) - 1)
    left = padding + page.tall(16) + page.px(10)
    beside = page.width - left - together - page.px(3 + 16) >= page.px(220)
    places, below = flow(widths, page.width - page.px(6), high, gap, gap)
    height = line if beside else page.tall(36) + below + page.px(6)
    if beside:
        places, _ = flow(widths, together, high, gap, gap)
    rect = pygame.Rect(page.left, page.y, page.width, height)

    def draw(draft: Draft) -> None:
        theme = draft.theme
        draft.rounded(pygame.Rect((0, 0), rect.size), page.px(metrics.CARD_RADIUS), theme.card, theme.border)
        middle = line // 2 if beside else page.tall(20)
        draft.icon(row.icon, (padding + page.tall(8), middle), page.tall(16), theme.text2)
        end = page.width - page.px(3) - together - page.px(16) if beside else page.width - padding
        title = draft.text(
            left, middle, row.name, metrics.ROW, theme.text, max_width=(end - left) // 2, shorten_middle=True
        )
        draft.text(
            title.right + page.px(10), middle, row.facts, metrics.SECONDARY_NUMBERS, theme.text2,
            max_width=end - title.right - page.px(10),
        )  # fmt: skip
        x = page.width - page.px(3) - together if beside else page.px(3)
        y = (line - high) // 2 if beside else page.tall(36)
        for (node_id, label, action, name), place in zip(buttons, places, strict=True):
            button(draft, place.move(x, y), node_id, label, action, kind=ButtonKind.LINK, name=name)

    page.add("hosts", (row.name, row.facts, row.icon, row.can_stop), rect, draw, name="Hosts")
    page.y += height
