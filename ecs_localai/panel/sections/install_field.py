"""The field for the name of a model to install, its button, and why a name was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.components.panel_view import Tone
from ecs_localai.panel import metrics
from ecs_localai.panel.actions import SubmitField
from ecs_localai.panel.draft import paragraph_height
from ecs_localai.panel.install_flow import shown_card
from ecs_localai.panel.scene import Role
from ecs_localai.panel.state import INSTALL_FIELD
from ecs_localai.panel.widgets.button import ButtonKind, button, button_width
from ecs_localai.panel.widgets.text_field import field_key, text_field

if TYPE_CHECKING:
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.page import Page

_PLACEHOLDER = "Install a model: name, for example llama3.2:1b"


def build_install_field(page: Page) -> None:
    """Add the field, and below it why its text was refused."""
    _build_field(page)
    _build_error(page)


def _build_field(page: Page) -> None:
    ui = page.state
    focused = ui.focus == INSTALL_FIELD
    failed = page.view.install_error is not None and not ui.install_error_hidden
    # With the card there, that has the button that stands out.
    kind = ButtonKind.PRIMARY if shown_card(page.view, ui) is None else ButtonKind.PLAIN
    height = page.tall(metrics.FIELD_HEIGHT)
    rect = pygame.Rect(page.left, page.y, page.width, height)
    wide = button_width(page.ink, "Install") + page.px(8)
    field = pygame.Rect(0, 0, rect.width - wide - page.px(10), height)
    page.below_install_field = pygame.Rect(rect.x, rect.bottom + page.px(4), field.width, 0)

    def draw(draft: Draft) -> None:
        text_field(
            draft, field, INSTALL_FIELD, "Install a model", ui.install, SubmitField(INSTALL_FIELD),
            icon="download", placeholder=_PLACEHOLDER, focused=focused,
            border=draft.theme.tone(Tone.DANGER) if failed else None,
        )  # fmt: skip
        button(
            draft, pygame.Rect(rect.width - wide, 0, wide, height), "install-button", "Install",
            SubmitField(INSTALL_FIELD), kind=kind, name="Install this model", behind=draft.theme.background,
        )  # fmt: skip

    key = (focused, failed, kind, *field_key(ui.install, focused=focused))
    page.add("install-row", key, rect, draw, name="Install a model")
    page.y += height


def _build_error(page: Page) -> None:
    error = page.view.install_error
    if error is None or page.state.install_error_hidden:
        return
    page.space(6)
    left = page.px(4)
    width = page.width - left - page.px(4)
    text_left = page.px(6) + page.tall(14)
    height = paragraph_height(page.ink, error, metrics.SECONDARY, width - text_left)
    rect = pygame.Rect(page.left + left, page.y, width, height)

    def draw(draft: Draft) -> None:
        colour = draft.theme.tone(Tone.DANGER)
        line = height // max(1, len(page.ink.text.wrap(error, metrics.SECONDARY, width - text_left)))
        draft.icon("circle-alert", (page.tall(7), line // 2), page.tall(14), colour)
        draft.paragraph(text_left, 0, error, metrics.SECONDARY, colour, width - text_left, role=Role.ALERT)

    page.add("install-error", (error,), rect, draw, name="Why it was refused")
    page.y += height
