"""The form to add or change a host, as lines in a card."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.components.panel_view import Tone
from ecs_localai.panel import metrics
from ecs_localai.panel.actions import ChooseInForm, CloseHostForm, SubmitHostForm
from ecs_localai.panel.draft import paragraph_height
from ecs_localai.panel.host_form import Choice
from ecs_localai.panel.layout import FromRight, columns, flow
from ecs_localai.panel.scene import Role
from ecs_localai.panel.sections.card_items import Item
from ecs_localai.panel.widgets.button import ButtonKind, button, button_width
from ecs_localai.panel.widgets.choice import choice, choice_width
from ecs_localai.panel.widgets.row import PADDING
from ecs_localai.panel.widgets.text_field import field_key, text_field

if TYPE_CHECKING:
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.host_form import Entry, HostForm
    from ecs_localai.panel.page import Page

_LABEL, _GAP = 18, 12
"""The height of a field's label, and the room below each line."""
_CUSTOM_PROVIDERS = "custom_providers"


def form_items(page: Page, form: HostForm) -> list[Item]:
    """The form's lines from top to bottom."""
    switches = [row for group in page.view.features for row in group.toggles]
    others = any(row.feature_id == _CUSTOM_PROVIDERS and row.on for row in switches)
    lines = [*form.lines(protocols=others)]
    items = [_title(page, form)]
    for line in lines:
        items += [_choice_line(page, line)] if isinstance(line, Choice) else _entry_lines(page, form, line)
    items.append(_more(page, form))
    if form.more:
        for entries in form.more_lines():
            items += _entry_lines(page, form, entries)
    items.append(_foot(page, form))
    return items


def _title(page: Page, form: HostForm) -> Item:
    height = page.tall(38)
    text = f"Change {form.host}" if form.host else "Add a host"

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, height)

        def draw(draft: Draft) -> None:
            draft.text(
                page.px(PADDING), page.tall(22), text, metrics.HEADING, draft.theme.text,
                max_width=page.width - 2 * page.px(PADDING), role=Role.HEADING,
            )  # fmt: skip

        page.add("form:title", (text,), rect, draw, name=text)

    return Item(height, build)


def _entry_lines(page: Page, form: HostForm, entries: tuple[Entry, ...]) -> list[Item]:
    """Fields beside each other, or below each other where the window is narrow."""
    return [_entry_line(page, form, (one,)) for one in entries] if page.narrow else [_entry_line(page, form, entries)]


def _entry_line(page: Page, form: HostForm, entries: tuple[Entry, ...]) -> Item:
    padding = page.px(PADDING)
    gap = page.px(16)
    room = page.width - 2 * padding
    label, high = page.tall(_LABEL), page.tall(metrics.FIELD_HEIGHT)
    places = columns(padding, label, room, high, len(entries), gap)
    errors = [form.errors.get(one.field_id, "") for one in entries]
    below = max(
        paragraph_height(page.ink, error, metrics.SECONDARY, place.width) + page.tall(5) if error else 0
        for error, place in zip(errors, places, strict=True)
    )
    height = label + high + below + page.tall(_GAP)
    focus = page.state.focus
    key = tuple(
        (one, error, focus == one.field_id, *field_key(form.fields[one.field_id], focused=focus == one.field_id))
        for one, error in zip(entries, errors, strict=True)
    )

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, height)

        def draw(draft: Draft) -> None:
            for one, error, place in zip(entries, errors, places, strict=True):
                _draw_entry(draft, page, form, one, error, place)

        page.add(f"form:line:{entries[0].field_id}", key, rect, draw, name=entries[0].label)

    return Item(height, build)


def _draw_entry(draft: Draft, page: Page, form: HostForm, entry: Entry, error: str, place: pygame.Rect) -> None:
    theme = draft.theme
    danger = theme.tone(Tone.DANGER)
    draft.text(place.x + page.px(1), page.tall(8), entry.label, metrics.CAPTION, theme.text2, max_width=place.width)
    text_field(
        draft, place, entry.field_id, entry.label, form.fields[entry.field_id], SubmitHostForm(),
        placeholder=entry.placeholder, focused=page.state.focus == entry.field_id, border=danger if error else None,
    )  # fmt: skip
    if error:
        draft.paragraph(
            place.x, place.bottom + page.tall(5), error, metrics.SECONDARY, danger, place.width, role=Role.ALERT
        )


def _choice_line(page: Page, line: Choice) -> Item:
    padding, label, high = page.px(PADDING), page.tall(_LABEL + 1), page.tall(metrics.CHOICE_HEIGHT)
    widths = [choice_width(page.ink, text) for _, text in line.options]
    places, below = flow(widths, page.width - 2 * padding, high, page.px(8), page.px(8))
    height = label + below + page.tall(_GAP + 1)

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, height)

        def draw(draft: Draft) -> None:
            draft.text(padding + page.px(1), page.tall(8), line.label, metrics.CAPTION, draft.theme.text2)
            for (value, text), place in zip(line.options, places, strict=True):
                choice(
                    draft, place.move(padding, label), f"form:{line.what}:{value}", text,
                    ChooseInForm(line.what, value), chosen=value == line.chosen, group=line.what,
                    name=f"{line.label}: {text}",
                )  # fmt: skip

        page.add(f"form:line:{line.what}", (line,), rect, draw, name=line.label)

    return Item(height, build)


def _more(page: Page, form: HostForm) -> Item:
    height = page.tall(metrics.BUTTON_HEIGHT) + page.tall(10)
    label = "Hide certificates" if form.more else "Certificates for https"

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, height)

        def draw(draft: Draft) -> None:
            wide, high = button_width(page.ink, label), page.tall(metrics.BUTTON_HEIGHT)
            place = pygame.Rect(page.px(PADDING) - page.px(13), 0, wide, high)
            action = ChooseInForm("more", "" if form.more else "on")
            button(draft, place, "form:more", label, action, kind=ButtonKind.LINK)

        page.add("form:line:more", (label,), rect, draw, name=label)

    return Item(height, build)


def _foot(page: Page, form: HostForm) -> Item:
    """Why it was refused as a whole, and the buttons."""
    padding, high = page.px(PADDING), page.tall(metrics.BUTTON_HEIGHT)
    room = page.width - 2 * padding
    error = form.error
    above = paragraph_height(page.ink, error, metrics.SECONDARY, room) + page.tall(8) if error else 0
    height = above + high + page.tall(22)
    busy = form.waiting is not None  # the button stays one, so that it keeps the focus, but does nothing then
    label = ("Saving…" if busy else "Save") if form.host else ("Adding…" if busy else "Add host")

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, height)

        def draw(draft: Draft) -> None:
            if error:
                draft.paragraph(
                    padding,
                    page.tall(2),
                    error,
                    metrics.SECONDARY,
                    draft.theme.tone(Tone.DANGER),
                    room,
                    role=Role.ALERT,
                )
            at = FromRight(page.width - padding)
            top = above + page.tall(6)
            wide = button_width(page.ink, label)
            button(
                draft, pygame.Rect(at.take(wide, page.px(8)), top, wide, high), "form:submit", label, SubmitHostForm(),
                kind=ButtonKind.PRIMARY, name="Save these changes" if form.host else "Add this host",
            )  # fmt: skip
            wide = button_width(page.ink, "Cancel")
            button(
                draft, pygame.Rect(at.take(wide), top, wide, high), "form:cancel", "Cancel", CloseHostForm(),
                name="Close this form",
            )  # fmt: skip
            if not last:
                thin = draft.metrics.thin
                line = pygame.Rect(padding, height - thin, page.width - padding - draft.metrics.hair, thin)
                draft.fill(line, draft.theme.separator)

        page.add("form:foot", (error, label, last), rect, draw, name=label)

    return Item(height, build)
