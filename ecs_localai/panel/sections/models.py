"""Installed models: how the hosts differ, and a row for each model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.components.panel_intents import InstallRequested
from ecs_localai.panel import metrics
from ecs_localai.panel.actions import Agree, Ask, Decline
from ecs_localai.panel.draft import paragraph_height
from ecs_localai.panel.layout import FromRight
from ecs_localai.panel.scene import Role
from ecs_localai.panel.sections.card_items import Item, build_card
from ecs_localai.panel.sections.model_form import model_form_items
from ecs_localai.panel.sections.model_order import build_models_heading
from ecs_localai.panel.sections.model_row import model_item
from ecs_localai.panel.sections.model_updates import build_updates_line
from ecs_localai.panel.widgets.button import ButtonKind, button, button_width
from ecs_localai.panel.widgets.row import PADDING, row_background

if TYPE_CHECKING:
    from ecs_localai.components.panel_view import DifferenceView, ModelRow
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.page import Page

_DIFFERENCE = "difference"
_MOST_LINES = 3


def build_models(page: Page) -> None:
    """Add the heading and the card with a row for each model, or with the words for none."""
    rows = page.view.models
    if not rows and not page.view.models_empty_text:
        return
    build_models_heading(page)
    if rows:
        build_updates_line(page)
    if not rows:
        _build_empty(page)
        return
    size_width = max(page.ink.text.width(row.size_text, metrics.SECONDARY_NUMBERS) for row in rows)
    items = _model_items(page, rows, size_width)
    if page.view.difference is not None:
        items.insert(0, _difference_item(page, page.view.difference))
    build_card(page, "models-card", items)


def _model_items(page: Page, rows: list[ModelRow], size_width: int) -> list[Item]:
    """The rows, and after the one that it is about the form to make a new model of it."""
    form = page.state.model_form
    items: list[Item] = []
    for row in rows:
        items.append(model_item(page, row, size_width))
        if form is not None and form.model == row.name:
            items += model_form_items(page, form)
    if form is not None and all(row.name != form.model for row in rows):
        items = [*model_form_items(page, form), *items]  # its model is gone: what was typed stays in sight
    return items


def _build_empty(page: Page) -> None:
    text = page.view.models_empty_text
    width = min(page.width - page.px(48), page.px(460))
    text_height = paragraph_height(page.ink, text, metrics.BODY, width)
    rect = pygame.Rect(page.left, page.y, page.width, text_height + page.tall(84))

    def draw(draft: Draft) -> None:
        theme = draft.theme
        draft.rounded(pygame.Rect((0, 0), rect.size), page.px(metrics.CARD_RADIUS), theme.card, theme.border)
        draft.icon("box", (rect.width // 2, page.tall(38)), page.tall(26), theme.text2)
        draft.paragraph(
            rect.width // 2, page.tall(60), text, metrics.BODY, theme.text2, width, role=Role.STATUS, centred=True
        )

    page.add("models-empty", (text,), rect, draw, name="Installed models")
    page.y += rect.height


def _difference_item(page: Page, difference: DifferenceView) -> Item:
    """How the hosts' models differ, with a button that installs what is missing."""
    asking = page.state.question == _DIFFERENCE and bool(difference.installs)
    padding, high = page.px(PADDING), page.tall(metrics.BUTTON_HEIGHT)
    left = padding + page.tall(16) + page.px(10)
    text = difference.question if asking else difference.text
    buttons = _difference_buttons(difference, asking=asking)
    together = sum(button_width(page.ink, label) for _, label, _, _ in buttons) + page.px(8) * max(0, len(buttons) - 1)
    room = page.width - padding - left - (together + page.px(16) if buttons and not page.narrow else 0)
    text_height = paragraph_height(page.ink, text, metrics.SECONDARY, room, _MOST_LINES)
    below = high + page.tall(8) if buttons and page.narrow else 0
    height = max(page.tall(44), text_height + page.tall(20)) + below

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, height)

        def draw(draft: Draft) -> None:
            row_background(draft, rect.size, first=first, last=last, text_left=padding)
            middle = (height - below) // 2
            draft.icon("layers", (padding + page.tall(8), middle), page.tall(16), draft.theme.text2)
            draft.paragraph(
                left, middle - text_height // 2, text, metrics.SECONDARY, draft.theme.text, room,
                max_lines=_MOST_LINES, role=Role.STATUS,
            )  # fmt: skip
            at = FromRight(page.width - padding)
            top = height - page.tall(10) - high if page.narrow else (height - high) // 2
            for node_id, label, action, kind in reversed(buttons):
                wide = button_width(page.ink, label)
                place = pygame.Rect(at.take(wide, page.px(8)), top, wide, high)
                button(draft, place, node_id, label, action, kind=kind, name=f"{label}: {text}")

        page.add("models-difference", (text, asking, bool(buttons), first, last), rect, draw, name="Differences")

    return Item(height, build)


def _difference_buttons(
    difference: DifferenceView, *, asking: bool
) -> list[tuple[str, str, Agree | Ask | Decline, ButtonKind]]:
    if not difference.installs:
        return []
    if not asking:
        ask = Ask(_DIFFERENCE, "difference-leave")
        return [("difference-install", "Install everywhere…", ask, ButtonKind.PLAIN)]
    intents = tuple(InstallRequested(name, [*hosts]) for name, hosts in difference.installs)
    return [
        ("difference-confirm", "Install", Agree(intents), ButtonKind.PRIMARY),
        ("difference-leave", "Leave", Decline(), ButtonKind.PLAIN),
    ]
