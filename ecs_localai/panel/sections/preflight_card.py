"""The card under the install field: what installing would mean, before any of it is downloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pygame

from ecs_localai.panel import metrics
from ecs_localai.panel.actions import AgreeToInstall, ChooseContext, DismissPreflight, Unfold
from ecs_localai.panel.draft import paragraph_height
from ecs_localai.panel.install_flow import context_node, shown_card
from ecs_localai.panel.layout import FromRight, flow
from ecs_localai.panel.scene import Role
from ecs_localai.panel.sections.card_items import Item, build_card
from ecs_localai.panel.sections.preflight_row import preflight_item
from ecs_localai.panel.state import PREFLIGHT, PREFLIGHT_INSTALL
from ecs_localai.panel.widgets.button import ButtonKind, button, button_width
from ecs_localai.panel.widgets.choice import choice, choice_width
from ecs_localai.panel.widgets.progress_bar import progress_bar, sweep_step
from ecs_localai.panel.widgets.row import PADDING, row_background

if TYPE_CHECKING:
    from ecs_localai.components.installing_view import PreflightRow, PreflightView
    from ecs_localai.panel.actions import LocalAction
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.page import Page

COLLAPSED = 4
"""How many models are shown before "Show all": those that cannot be installed, then the first."""
_UNFOLDED = "preflight"
_CONTEXT = "Context"


class _Button(NamedTuple):
    node_id: str
    label: str
    action: LocalAction
    name: str
    kind: ButtonKind
    enabled: bool


def build_preflight(page: Page) -> None:
    """Add the card; nothing while nothing is looked at."""
    card = shown_card(page.view, page.state)
    if card is None:
        return
    page.space(12)
    items = [_head(page, card)]
    folds = len(card.rows) > COLLAPSED
    shown = card.rows if _UNFOLDED in page.state.unfolded or not folds else _first(card.rows)
    items += [preflight_item(page, row, card.rows.index(row)) for row in shown]
    if folds:
        items.append(_fold(page, len(card.rows), all_shown=len(shown) == len(card.rows)))
    if card.total_text:
        items.append(_total(page, card.total_text))
    if card.contexts or card.is_running:
        items.append(_contexts(page, card) if card.contexts else _no_contexts_yet(page))
    items.append(_foot(page, card))
    build_card(page, "preflight-card", items, card.title)


def _first(rows: list[PreflightRow]) -> list[PreflightRow]:
    """The rows to show of a folded card, in its order."""
    numbers = sorted(range(len(rows)), key=lambda number: not rows[number].problem)[:COLLAPSED]
    return [rows[number] for number in sorted(numbers)]


def _head(page: Page, card: PreflightView) -> Item:
    height = page.tall(42)
    padding = page.px(PADDING)
    sweep = sweep_step(page.now, still=page.still) if card.is_running else None
    page.sweeping = page.sweeping or (card.is_running and not page.still)

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, height)

        def draw(draft: Draft) -> None:
            room = page.width - 2 * padding
            draft.text(
                padding, page.tall(22), card.title, metrics.HEADING, draft.theme.text, max_width=room,
                role=Role.HEADING, shorten_middle=True,
            )  # fmt: skip
            if card.is_running:
                high = max(2, page.px(3))
                bar = pygame.Rect(padding, height - high, room, high)
                progress_bar(draft, bar, "preflight-bar", card.title, None, draft.theme.bar, sweep)
            else:
                thin = draft.metrics.thin
                draft.fill(
                    pygame.Rect(padding, height - thin, page.width - padding - draft.metrics.hair, thin),
                    draft.theme.separator,
                )

        page.add("preflight-head", (card.title, card.is_running, sweep, first, last), rect, draw, name=card.title)

    return Item(height, build)


def _fold(page: Page, count: int, *, all_shown: bool) -> Item:
    height = page.tall(40)
    label = "Show fewer" if all_shown else f"Show all ({count})"

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, height)

        def draw(draft: Draft) -> None:
            row_background(draft, rect.size, first=first, last=last, text_left=page.px(PADDING))
            wide, high = button_width(page.ink, label), page.tall(metrics.BUTTON_HEIGHT)
            place = pygame.Rect(page.px(PADDING) - page.px(13), (height - high) // 2, wide, high)
            action = Unfold(_UNFOLDED, not all_shown)
            name = f"{label} models to install"
            button(draft, place, f"{PREFLIGHT}more", label, action, kind=ButtonKind.LINK, name=name)

        page.add("preflight-rest", (label, first, last), rect, draw, name=label)

    return Item(height, build)


def _total(page: Page, text: str) -> Item:
    padding = page.px(PADDING)
    room = page.width - 2 * padding
    height = paragraph_height(page.ink, text, metrics.SECONDARY_MEDIUM, room) + page.tall(20)

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, height)

        def draw(draft: Draft) -> None:
            row_background(draft, rect.size, first=first, last=last, text_left=padding)
            draft.paragraph(
                padding, page.tall(10), text, metrics.SECONDARY_MEDIUM, draft.theme.text, room, role=Role.STATUS
            )

        page.add("preflight-total", (text, first, last), rect, draw, name="Together")

    return Item(height, build)


def _contexts(page: Page, card: PreflightView) -> Item:
    padding, high, gap = page.px(PADDING), page.tall(metrics.CHOICE_HEIGHT), page.px(8)
    room = page.width - 2 * padding
    texts = [f"{tokens:,}" for tokens in card.contexts]
    label = page.ink.text.width(_CONTEXT, metrics.SECONDARY) + page.px(12)
    places, below = flow([choice_width(page.ink, text) for text in texts], room - label, high, gap, gap)
    height = below + page.tall(18)

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, height)

        def draw(draft: Draft) -> None:
            top = page.tall(9)
            draft.text(padding, top + high // 2, _CONTEXT, metrics.SECONDARY, draft.theme.text2)
            for tokens, text, place in zip(card.contexts, texts, places, strict=True):
                choice(
                    draft, place.move(padding + label, top), context_node(tokens), text, ChooseContext(tokens),
                    chosen=tokens == card.context_length, group="preflight-context",
                    name=f"Room for {text} tokens",
                )  # fmt: skip

        key = (tuple(card.contexts), card.context_length)
        page.add("preflight-contexts", key, rect, draw, name=_CONTEXT)

    return Item(height, build)


def _no_contexts_yet(page: Page) -> Item:
    """What stands for the choice until it is known, so that the buttons below it stay where they are."""
    high, gap, wide = page.tall(metrics.CHOICE_HEIGHT), page.px(8), page.tall(72)
    height = high + page.tall(18)

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, height)

        def draw(draft: Draft) -> None:
            left, top = page.px(PADDING), page.tall(9)
            for number in range(3):
                place = pygame.Rect(left + number * (wide + gap), top, wide, high)
                draft.rounded(place, high / 2, draft.theme.track)

        page.add("preflight-contexts", (), rect, draw, name=_CONTEXT)

    return Item(height, build)


def _buttons(card: PreflightView) -> list[_Button]:
    """From the left; what is most likely wanted is the last, as in the forms."""
    can = card.install is not None and not card.is_running
    buttons = [
        _Button(f"{PREFLIGHT}dismiss", "Not now", DismissPreflight(), "Install nothing now", ButtonKind.PLAIN, True)
    ]
    if card.tonight_label:
        later = card.tonight is not None and not card.is_running
        name = f"Install: {card.tonight_label}"
        action = AgreeToInstall(later=True)
        buttons.append(_Button(f"{PREFLIGHT}tonight", card.tonight_label, action, name, ButtonKind.PLAIN, later))
    if card.anyway is not None:
        name = f"{card.anyway_label}: {card.anyway.text}"
        action = AgreeToInstall(anyway=True)
        anyway = _Button(f"{PREFLIGHT}anyway", card.anyway_label, action, name, ButtonKind.PLAIN, not card.is_running)
        buttons.append(anyway)
    name = f"{card.install_label}: {card.install.text}" if card.install is not None else f"{card.install_label} now"
    action = AgreeToInstall()
    buttons.append(_Button(PREFLIGHT_INSTALL, card.install_label, action, name, ButtonKind.PRIMARY, can))
    return buttons


def _foot(page: Page, card: PreflightView) -> Item:
    padding, high, gap = page.px(PADDING), page.tall(metrics.BUTTON_HEIGHT), page.px(8)
    room = page.width - 2 * padding
    buttons = _buttons(card)
    widths = [button_width(page.ink, one.label) for one in buttons]
    together = sum(widths) + gap * (len(widths) - 1)
    places, below = flow(widths, room, high, gap, gap)
    if together <= room:
        at = FromRight(room)
        for place in reversed(places[1:]):  # what changes nothing stays at the left, whatever else comes
            place.x = at.take(place.width, gap)
    height = below + page.tall(9) + page.tall(14)

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, height)

        def draw(draft: Draft) -> None:
            for one, place in zip(buttons, places, strict=True):
                button(
                    draft, place.move(padding, page.tall(9)), one.node_id, one.label, one.action, kind=one.kind,
                    name=one.name, enabled=one.enabled,
                )  # fmt: skip

        page.add("preflight-foot", (tuple(buttons),), rect, draw, name=card.install_label)

    return Item(height, build)
