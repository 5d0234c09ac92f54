"""What lies below a model's row: details and buttons, the field for another name, a question."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.components.features import ToggleStyle
from ecs_localai.components.panel_view import ModelDetail, Tone
from ecs_localai.panel import metrics
from ecs_localai.panel.actions import CloseNaming, SubmitField
from ecs_localai.panel.draft import paragraph_height
from ecs_localai.panel.layout import flow
from ecs_localai.panel.model_naming import NAMING_CANCEL, NAMING_SUBMIT
from ecs_localai.panel.scene import Role
from ecs_localai.panel.sections.model_actions import (
    action_buttons,
    host_question,
    keep_loaded_switch,
    unfolded_name,
)
from ecs_localai.panel.state import NEW_NAME
from ecs_localai.panel.theme import mix
from ecs_localai.panel.widgets.button import DISABLED, ButtonKind, button, button_width
from ecs_localai.panel.widgets.row import PADDING
from ecs_localai.panel.widgets.text_field import field_key, text_field
from ecs_localai.panel.widgets.toggle import STEPS, toggle
from ecs_localai.systems.view_model_texts import LABELS

if TYPE_CHECKING:
    from ecs_localai.components.panel_view import ModelRow
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.model_naming import ModelNaming
    from ecs_localai.panel.page import Page

_DETAIL = 19
"""From one line of details to the next."""
_GAP = 8
_KEEP = "Keep loaded"
_NAME_FIELD = 380
_STYLE = ToggleStyle()


class ModelFoot:
    """Where everything below a row goes, in surface pixels from the row's corner.

    Args:
        top: where the row's own lines end.
    """

    def __init__(self, page: Page, row: ModelRow, top: int) -> None:
        self.page, self.row = page, row
        self.left = page.px(PADDING)
        self.room = page.width - 2 * self.left
        self.unfolded = unfolded_name(row) in page.state.unfolded
        asked = None if row.busy else page.state.question
        names = {one.base_url: one.name for one in page.view.hosts}
        self.question = host_question(row, asked, names, unfolded=self.unfolded)
        """Which of several hosts is meant."""
        naming = page.state.naming
        self.naming = naming if naming is not None and naming.model == row.name and not row.busy else None
        shown = self.unfolded and self.question is None and self.naming is None
        self.buttons = self.question.answers if self.question else action_buttons(row, names) if shown else []
        self.switch = keep_loaded_switch(row) if shown else None
        self.reason = row.inert_reason if shown else ""
        self.details = [*row.details, *self._words()] if self.unfolded else []
        """All that is known of it."""
        self.details_top = top
        y = top + (self._details_height() if self.unfolded else 0)
        self.text_top = y
        y += self._words_height()
        self.below_top = y
        self.places: list[pygame.Rect] = []
        self.height = y + self._controls_height() - top
        """Of all of it."""

    @property
    def key(self) -> tuple[object, ...]:
        """What its look depends on, apart from the row."""
        page, row, naming = self.page, self.row, self.naming
        focused = page.state.focus == NEW_NAME
        name = () if naming is None else (naming.error, naming.hosts, naming.move, focused)
        field = () if naming is None else field_key(naming.field, focused=focused)
        return (
            self.unfolded, self.question.text if self.question else "", tuple(self.buttons),
            tuple((one.label, one.text) for one in self.details),
            row.inert_reason, self.switch, self.step, name, field,
        )  # fmt: skip

    @property
    def step(self) -> int:
        """Where the switch's knob is."""
        if self.switch is None:
            return 0
        page, seconds = self.page, _STYLE.animation_duration.total_seconds()
        return round(page.glides.value(f"stay:{self.row.name}", float(self.row.pinned), page.now, seconds) * STEPS)

    # ---- measuring

    def _words(self) -> list[ModelDetail]:
        """What the model says of itself. Its lines are there from the beginning: nothing moves once it is read."""
        known = self.page.view.model_texts.get(self.row.digest)
        if not self.row.digest:
            return []
        lines = dict.fromkeys(LABELS, "…") if known is None else known.details
        return [ModelDetail(label, text, wide=True) for label, text in lines.items()]

    def _lines(self) -> list[list[ModelDetail]]:
        """The details line by line: the first, which may be long, on one of its own, as all that are wide are."""
        pairs = [one for one in self.details[1:] if not one.wide]
        beside = 1 if self.page.narrow else 2
        return [
            *([one] for one in self.details[:1]),
            *(pairs[at : at + beside] for at in range(0, len(pairs), beside)),
            *([one] for one in self.details[1:] if one.wide),
        ]

    def _details_height(self) -> int:
        lines = len(self._lines())
        return lines * self.page.tall(_DETAIL) + self.page.tall(10) if lines else 0

    def _words_height(self) -> int:
        page = self.page
        if self.question or self.naming:
            return page.tall(26)
        if self.reason:
            return paragraph_height(page.ink, self.reason, metrics.SECONDARY, self.room) + page.tall(12)
        return 0

    def _controls_height(self) -> int:
        page = self.page
        high, gap = page.tall(metrics.BUTTON_HEIGHT), page.px(_GAP)
        if self.naming is not None:
            return self._place_naming(self.naming) + page.tall(14)
        widths = [button_width(page.ink, one.label) for one in self.buttons]
        if self.switch is not None:
            widths.append(self._switch_width())
        if not widths:
            return 0
        self.places, height = flow(widths, self.room, high, gap, gap)
        return height + page.tall(14)

    def _switch_width(self) -> int:
        page = self.page
        words = page.ink.text.width(_KEEP, metrics.BUTTON)
        return page.px(_GAP) + page.tall(_STYLE.toggle_size.x) + page.px(_GAP) + words

    def _place_naming(self, naming: ModelNaming) -> int:
        """Field and buttons beside each other; where that is too narrow, below. Returns their height.

        What is wrong with the name stands right below the field, where it is seen together with it.
        """
        page = self.page
        high, gap = page.tall(metrics.FIELD_HEIGHT), page.px(_GAP)
        widths = [button_width(page.ink, label) for label in (_verb(naming), "Cancel")]
        together = sum(widths) + 2 * gap
        beside = not page.narrow and self.room - together >= page.px(200)
        wide = min(self.room - together, page.px(_NAME_FIELD)) if beside else self.room
        rects, below = flow(widths, self.room, high if beside else page.tall(metrics.BUTTON_HEIGHT), gap, gap)
        error = 0
        if naming.error:
            error = page.tall(8) + paragraph_height(page.ink, naming.error, metrics.SECONDARY, self.room)
        move = (wide + gap, 0) if beside else (0, high + error + gap)
        self.places = [pygame.Rect(0, 0, wide, high), *(rect.move(move) for rect in rects)]
        return high + error + (0 if beside else gap + below)

    # ---- drawing

    def draw(self, draft: Draft) -> None:
        """Draw all of it."""
        if self.unfolded:
            self._draw_details(draft)
        theme, middle = draft.theme, self.text_top + self.page.tall(10)
        if self.question is not None:
            deleting = self.page.state.question == f"delete:{self.row.name}"
            draft.text(
                self.left, middle, self.question.text, metrics.SECONDARY,
                theme.tone(Tone.DANGER) if deleting else theme.text,
                max_width=self.room, role=Role.ALERT, shorten_middle=True,
            )  # fmt: skip
        elif self.naming is not None:
            self._draw_naming(draft, self.naming, middle)
            return
        elif self.reason:
            draft.paragraph(self.left, self.text_top, self.reason, metrics.SECONDARY, theme.text2, self.room)
        for one, place in zip(self.buttons, self.places, strict=False):
            rect = place.move(self.left, self.below_top)
            enabled = bool(self.question) or not self.row.busy
            button(draft, rect, one.node_id, one.label, one.action, name=one.name, kind=one.kind, enabled=enabled)
        if self.switch is not None:
            self._draw_switch(draft, self.places[-1].move(self.left, self.below_top))

    def _draw_details(self, draft: Draft) -> None:
        page, theme = self.page, draft.theme
        gap = page.px(12)
        column = (self.room + gap) // (1 if page.narrow else 2)
        labels = [page.ink.text.width(one.label, metrics.SECONDARY) for one in self.details]
        label_width = min(max(labels, default=0), (column - gap) // 2)
        middle = self.details_top + page.tall(_DETAIL) // 2
        for line in self._lines():
            for number, one in enumerate(line):
                x = self.left + number * column
                draft.text(x, middle, one.label, metrics.SECONDARY, theme.text2, max_width=label_width)
                first = x + label_width + gap
                end = self.left + self.room if len(line) == 1 else x + column - gap
                draft.text(
                    first, middle, one.text, metrics.SECONDARY_NUMBERS, theme.text,
                    max_width=end - first, shorten_middle=not one.wide,
                )  # fmt: skip
            middle += page.tall(_DETAIL)

    def _draw_switch(self, draft: Draft, place: pygame.Rect) -> None:
        page, row, size = self.page, self.row, _STYLE.toggle_size
        if self.switch is None:
            return
        wide, high = page.tall(size.x), page.tall(size.y)
        rect = pygame.Rect(place.x + page.px(_GAP), place.centery - high // 2, wide, high)
        toggle(
            draft, rect, f"stay:{row.name}", f"Keep {row.name} loaded", self.switch,
            on=row.pinned, step=self.step, enabled=not row.busy,
            colours=(_STYLE.inactive_color.rgb, _STYLE.active_color.rgb), area=place,
        )  # fmt: skip
        colour = mix(draft.theme.text, draft.theme.card, DISABLED) if row.busy else draft.theme.text
        left = rect.right + page.px(_GAP)
        room = place.right - left
        draft.text(left, place.centery, _KEEP, metrics.BUTTON, colour, max_width=room, role=None)

    def _draw_naming(self, draft: Draft, naming: ModelNaming, middle: int) -> None:
        page, theme, verb = self.page, draft.theme, _verb(naming)
        where = (
            f" on {naming.hosts[0]}" if len(naming.hosts) == 1 and naming.hosts[0] and len(self.row.hosts) > 1 else ""
        )
        where = f" on {len(naming.hosts)} hosts" if len(naming.hosts) > 1 else where
        text = f"{verb} {naming.model}{where} {'to' if naming.move else 'as'}"
        draft.text(self.left, middle, text, metrics.SECONDARY, theme.text, max_width=self.room, shorten_middle=True)
        field, submit, cancel = (place.move(self.left, self.below_top) for place in self.places)
        text_field(
            draft, field, NEW_NAME, text, naming.field, SubmitField(NEW_NAME),
            placeholder="Another name", focused=page.state.focus == NEW_NAME,
            border=theme.tone(Tone.DANGER) if naming.error else None,
        )  # fmt: skip
        button(
            draft, submit, NAMING_SUBMIT, verb, SubmitField(NEW_NAME), kind=ButtonKind.PRIMARY, name=f"{text} this name"
        )
        button(draft, cancel, NAMING_CANCEL, "Cancel", CloseNaming(), name=f"Keep the name of {naming.model}")
        if naming.error:
            draft.paragraph(
                self.left,
                field.bottom + page.tall(8),
                naming.error,
                metrics.SECONDARY,
                theme.tone(Tone.DANGER),
                self.room,
                role=Role.ALERT,
            )


def _verb(naming: ModelNaming) -> str:
    return "Rename" if naming.move else "Copy"
