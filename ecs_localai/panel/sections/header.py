"""The header: title, summary, and the field with the host's address and how it is doing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.panel import metrics
from ecs_localai.panel.actions import SubmitField
from ecs_localai.panel.state import HOST_FIELD
from ecs_localai.panel.widgets.button import ButtonKind, button, button_width
from ecs_localai.panel.widgets.pill import pill, pill_width
from ecs_localai.panel.widgets.text_field import field_key, text_field

if TYPE_CHECKING:
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.page import Page

_FIELD_WIDTH = 350
_WIDE_FIELD = 390


def header_height(page: Page) -> int:
    """The height of the header at this width."""
    return page.tall(164 if page.stacked else 96)


def build_header(page: Page) -> None:
    """Add the header, which doesn't scroll."""
    host, ui = page.view.host, page.state
    focused = ui.focus == HOST_FIELD
    caption = _server_text(page)
    key = (
        page.view.title, page.view.summary, host.label, host.address, host.status_text, host.tone, caption, focused,
        ui.host.changed, *field_key(ui.host, focused=focused),
    )  # fmt: skip
    rect = pygame.Rect(0, 0, page.window_width, header_height(page))

    def draw(draft: Draft) -> None:
        _draw(draft, page, rect, caption, focused=focused)

    page.add("header", key, rect, draw, name=page.view.title, header=True)


def _server_text(page: Page) -> str:
    """What answers there and how fast, as far as it is known."""
    host = page.view.host
    parts = [f"Ollama {host.version}"] if host.version else []
    if host.response_time_ms is not None:
        shown = f"{host.response_time_ms:.1f}" if host.response_time_ms < 10 else f"{host.response_time_ms:.0f}"
        parts.append(f"{shown} ms")
    return " · ".join(parts)


def _draw(draft: Draft, page: Page, rect: pygame.Rect, caption: str, *, focused: bool) -> None:
    theme, view = draft.theme, page.view
    hair = draft.metrics.hair
    draft.fill(pygame.Rect((0, 0), rect.size), theme.background)
    draft.fill(pygame.Rect(0, rect.height - hair, rect.width, hair), theme.border)
    field_width = page.px(_WIDE_FIELD if page.width >= page.px(900) else _FIELD_WIDTH)
    if page.stacked:
        field_left, field_width, caption_y = page.left, page.width, page.tall(100)
        room = page.width
    else:
        field_left, caption_y = page.left + page.width - field_width, page.tall(25)
        room = page.width - field_width - page.px(24)
    draft.text(page.left, page.tall(38), view.title, metrics.TITLE, theme.text, max_width=room)
    draft.text(page.left, page.tall(68), view.summary, metrics.SECONDARY_NUMBERS, theme.text2, max_width=room)
    room = field_width - page.px(18)
    most = max(room - draft.ink.text.width(caption, metrics.CAPTION), room // 2)
    label = draft.text(
        field_left + page.px(1), caption_y, view.host.label, metrics.CAPTION, theme.text2, max_width=most
    )
    draft.text(
        field_left + field_width - page.px(1), caption_y, caption, metrics.CAPTION, theme.text2,
        align="right", max_width=room - label.width,
    )  # fmt: skip
    field = pygame.Rect(field_left, caption_y + page.tall(13), field_width, page.tall(metrics.FIELD_HEIGHT))
    _draw_field(draft, page, field, focused=focused)


def _draw_field(draft: Draft, page: Page, field: pygame.Rect, *, focused: bool) -> None:
    host, ui = page.view.host, page.state
    inset = page.px(5)
    height = field.height - 2 * inset
    editing = focused and ui.host.changed
    if editing:
        width = min(button_width(page.ink, "Connect"), field.width // 2)
    else:
        width = min(pill_width(page.ink, host.status_text, dot=True), field.width * 11 // 20)
    text_field(
        draft, field, HOST_FIELD, "Model host", ui.host, SubmitField(HOST_FIELD),
        icon="server", placeholder="http://127.0.0.1:11434", focused=focused, room_right=width + inset,
    )  # fmt: skip
    end = pygame.Rect(field.right - inset - width, field.y + inset, width, height)
    if editing:
        button(
            draft, end, "connect", "Connect", SubmitField(HOST_FIELD),
            kind=ButtonKind.PRIMARY, name="Connect to this host", behind=draft.theme.field_fill,
        )  # fmt: skip
    else:
        pill(draft, end, "host-status", host.status_text, host.tone, dot=True)
