"""The form to make a new model of another one, as lines in the card of models."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pygame

from ecs_localai.components.panel_view import Tone
from ecs_localai.panel import metrics
from ecs_localai.panel.actions import CloseModelForm, ShowMoreOfModelForm, SubmitModelForm
from ecs_localai.panel.area_state import AreaState
from ecs_localai.panel.draft import paragraph_height
from ecs_localai.panel.layout import FromRight
from ecs_localai.panel.model_form import CANCEL, MODEL_FORM, MORE, NAME, SETTINGS, SUBMIT, SYSTEM, TEMPLATE
from ecs_localai.panel.scene import Role
from ecs_localai.panel.sections.card_items import Item
from ecs_localai.panel.widgets.button import ButtonKind, button, button_width, link_width
from ecs_localai.panel.widgets.row import PADDING
from ecs_localai.panel.widgets.text_area import area_height, area_key_of, text_area
from ecs_localai.panel.widgets.text_field import field_key, text_field

if TYPE_CHECKING:
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.model_form import ModelForm
    from ecs_localai.panel.page import Page

_LABEL, _GAP = 18, 12
"""The height of a field's label, and the room below each line."""
_NAME_WIDTH = 380
_MOST_LINES = 10


class _Entry(NamedTuple):
    field_id: str
    label: str
    placeholder: str
    least: int = 1
    """So many lines it has at least."""


_ENTRIES = (
    _Entry(NAME, "Name of the new model", "my-model"),
    _Entry(SYSTEM, "System prompt: what it is told before every conversation", "You answer briefly.", 3),
    _Entry(SETTINGS, "Settings, one a line", "temperature 0.2", 3),
)
_MORE_ENTRY = _Entry(TEMPLATE, "Template: how a conversation is written out for it", "{{ .Prompt }}", 4)


def model_form_items(page: Page, form: ModelForm) -> list[Item]:
    """The form's lines from top to bottom."""
    items = [_title(page, form), *(_field_item(page, form, entry) for entry in _ENTRIES), _more(page, form)]
    if form.more:
        items.append(_field_item(page, form, _MORE_ENTRY))
    return [*items, _foot(page, form)]


def _title(page: Page, form: ModelForm) -> Item:
    where = f" on {len(form.hosts)} hosts" if len(form.hosts) > 1 else f" on {form.hosts[0]}" if form.hosts[0] else ""
    text = f"A new model, made of {form.model}{where}"
    said = f"It shares the files of {form.model}, which stays as it is: it takes almost no room."
    if form.text is None:
        said = f"{said} What it has now is not known: what is left empty stays as it is."
    room = page.width - 2 * page.px(PADDING)
    below = paragraph_height(page.ink, said, metrics.SECONDARY, room)
    height = page.tall(36) + below + page.tall(12)

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, height)

        def draw(draft: Draft) -> None:
            left = page.px(PADDING)
            draft.text(
                left, page.tall(22), text, metrics.HEADING, draft.theme.text,
                max_width=room, role=Role.HEADING, shorten_middle=True,
            )  # fmt: skip
            draft.paragraph(left, page.tall(36), said, metrics.SECONDARY, draft.theme.text2, room)

        page.add(f"{MODEL_FORM}title", (text, said), rect, draw, name=text)

    return Item(height, build)


def _field_item(page: Page, form: ModelForm, entry: _Entry) -> Item:
    state, error = form.fields[entry.field_id], form.errors.get(entry.field_id, "")
    padding, label = page.px(PADDING), page.tall(_LABEL)
    room = page.width - 2 * padding
    focused = page.state.focus == entry.field_id
    if isinstance(state, AreaState):
        wide, high = room, area_height(page.ink, state, room, entry.least, _MOST_LINES)
        look = area_key_of(state, focused=focused)
    else:
        wide, high = min(room, page.px(_NAME_WIDTH)), page.tall(metrics.FIELD_HEIGHT)
        look = field_key(state, focused=focused)
    below = paragraph_height(page.ink, error, metrics.SECONDARY, room) + page.tall(5) if error else 0
    height = label + high + below + page.tall(_GAP)

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, height)

        def draw(draft: Draft) -> None:
            theme = draft.theme
            danger = theme.tone(Tone.DANGER) if error else None
            place = pygame.Rect(padding, label, wide, high)
            draft.text(
                padding + page.px(1), page.tall(8), entry.label, metrics.CAPTION, theme.text2, max_width=room
            )  # fmt: skip
            if isinstance(state, AreaState):
                text_area(
                    draft, place, entry.field_id, entry.label, state, SubmitModelForm(),
                    placeholder=entry.placeholder, focused=focused, border=danger,
                )  # fmt: skip
            else:
                text_field(
                    draft, place, entry.field_id, entry.label, state, SubmitModelForm(),
                    placeholder=entry.placeholder, focused=focused, border=danger,
                )  # fmt: skip
            if danger is not None:
                top = place.bottom + page.tall(5)
                draft.paragraph(padding, top, error, metrics.SECONDARY, danger, room, role=Role.ALERT)

        key = (focused, error, *look)
        page.add(f"{MODEL_FORM}line:{entry.field_id}", key, rect, draw, name=entry.label)

    return Item(height, build)


def _more(page: Page, form: ModelForm) -> Item:
    height = page.tall(metrics.BUTTON_HEIGHT) + page.tall(10)
    label = "Hide the template" if form.more else "Template"

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, height)

        def draw(draft: Draft) -> None:
            wide, high = link_width(page.ink, label), page.tall(metrics.BUTTON_HEIGHT)
            place = pygame.Rect(page.px(PADDING) - page.px(13), 0, wide, high)
            name = label if form.more else "Show the template"
            button(draft, place, MORE, label, ShowMoreOfModelForm(not form.more), kind=ButtonKind.LINK, name=name)

        page.add(f"{MODEL_FORM}line:more", (label,), rect, draw, name=label)

    return Item(height, build)


def _foot(page: Page, form: ModelForm) -> Item:
    """Why it was refused as a whole, and the buttons."""
    padding, high = page.px(PADDING), page.tall(metrics.BUTTON_HEIGHT)
    room = page.width - 2 * padding
    error = form.error
    above = paragraph_height(page.ink, error, metrics.SECONDARY, room) + page.tall(8) if error else 0
    height = above + high + page.tall(22)
    # While it is at work the button stays one, so that it keeps the focus, but does nothing.
    label, leave = ("Creating…", "Close") if form.awaited is not None else ("Create model", "Cancel")

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, height)

        def draw(draft: Draft) -> None:
            theme = draft.theme
            if error:
                draft.paragraph(
                    padding, page.tall(2), error, metrics.SECONDARY, theme.tone(Tone.DANGER), room, role=Role.ALERT
                )  # fmt: skip
            at, top = FromRight(page.width - padding), above + page.tall(6)
            wide = max(button_width(page.ink, one) for one in ("Create model", "Creating…"))
            place = pygame.Rect(at.take(wide, page.px(8)), top, wide, high)
            button(
                draft, place, SUBMIT, label, SubmitModelForm(), kind=ButtonKind.PRIMARY, name="Create this new model"
            )
            wide = button_width(page.ink, "Cancel")
            place = pygame.Rect(at.take(wide), top, wide, high)
            button(draft, place, CANCEL, leave, CloseModelForm(), name="Close the form of the new model")
            if not last:
                thin = draft.metrics.thin
                line = pygame.Rect(padding, height - thin, page.width - padding - draft.metrics.hair, thin)
                draft.fill(line, theme.separator)

        page.add(f"{MODEL_FORM}foot", (error, label, last), rect, draw, name=label)

    return Item(height, build)
