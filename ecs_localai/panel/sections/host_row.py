"""A host's row: what it is and how it is doing; unfolded, what to do about it and with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pygame

from ecs_localai.components.panel_intents import (
    DefaultHostRequested,
    MoveHostRequested,
    RemoveHostRequested,
    StopLocalServerRequested,
)
from ecs_localai.components.panel_view import Tone
from ecs_localai.panel import metrics
from ecs_localai.panel.actions import Agree, Ask, Decline, OpenHostForm, Unfold
from ecs_localai.panel.draft import paragraph_height
from ecs_localai.panel.layout import FromRight, flow
from ecs_localai.panel.scene import Role
from ecs_localai.panel.sections.card_items import Item
from ecs_localai.panel.widgets.badge import badge, badge_width
from ecs_localai.panel.widgets.button import ButtonKind, button, button_width, icon_button
from ecs_localai.panel.widgets.pill import pill, pill_width
from ecs_localai.panel.widgets.row import PADDING, row_background, text_after_tile, tile

if TYPE_CHECKING:
    from ecs_localai.components.panel_view import HostRow
    from ecs_localai.panel.actions import Intent, LocalAction
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.page import Page

_DEFAULT = "Default"
_FOLDED_LINES = 2
"""So many lines of a reason are shown while the row is folded."""
_FACT_LINES = 3


@dataclass(slots=True)
class _Button:
    node_id: str
    label: str
    action: Intent | LocalAction
    name: str
    kind: ButtonKind = ButtonKind.PLAIN


class _HostLayout:
    """Where everything of one row goes, in surface pixels from its corner."""

    def __init__(self, page: Page, row: HostRow, buttons: list[_Button], question: str) -> None:
        self.page, self.row, self.buttons, self.question = page, row, buttons, question
        self.unfolded = bool(buttons)
        ink = page.ink
        self.left = text_after_tile(ink)
        self.right = page.width - page.px(PADDING)
        self.room = self.right - self.left
        self.facts_room = self.room - page.tall(metrics.BUTTON_HEIGHT)
        """In a narrow window, beside the button that unfolds the row."""
        head = page.tall(metrics.HOST_ROW)
        # A line of facts ends between two of them.
        self.facts = " · ".join(part.replace(" ", "\u00a0") for part in row.facts.split(" · "))
        self.facts_lines = _FACT_LINES if page.narrow else 1
        y = head
        if page.narrow:
            facts = paragraph_height(ink, self.facts, metrics.SECONDARY_NUMBERS, self.facts_room, self.facts_lines)
            self.facts_top = page.tall(30)
            self.state_top = self.facts_top + facts + page.tall(5)
            y = self.state_top + page.tall(metrics.BUTTON_HEIGHT) + page.tall(9)
        self.reason_top = y - page.tall(5)
        self.reason_lines = 0 if self.unfolded else _FOLDED_LINES
        if row.reason:
            y += self._paragraph(row.reason, self.reason_lines) + page.tall(4)
        self.advice_top = y
        if self.unfolded:
            y += sum(self._paragraph(line) + page.tall(3) for line in row.advice)
            y += page.tall(6) if row.advice else page.tall(3) if row.reason else 0
        self.question_top = y
        if question:
            y += self._paragraph(question) + page.tall(6)
        self.buttons_top = y
        widths = [button_width(ink, one.label) for one in buttons]
        self.places, below = flow(widths, self.room, page.tall(metrics.BUTTON_HEIGHT), page.px(8), page.px(8))
        self.height = y + (below + page.tall(14) if buttons else 0)

    def _paragraph(self, text: str, most: int = 0) -> int:
        return paragraph_height(self.page.ink, text, metrics.SECONDARY, self.room, most)


def host_item(page: Page, row: HostRow, *, first_of_all: bool, last_of_all: bool) -> Item:
    """The row of one host among several."""
    ui = page.state
    unfolded = f"host:{row.name}" in ui.unfolded
    editing = ui.form is not None and ui.form.host == row.name
    asking = unfolded and ui.question == f"remove:{row.name}"
    question = f"Take {row.name} off the list? Its models stay where they are." if asking else ""
    buttons: list[_Button] = []
    if asking:
        buttons = _answers(row)
    elif unfolded and not editing:
        buttons = _buttons(row, first_of_all=first_of_all, last_of_all=last_of_all)
    layout = _HostLayout(page, row, buttons, question)
    key = (
        row.name, row.facts, row.status_text, row.tone, row.is_default, row.reason, tuple(row.advice), row.icon,
        unfolded, asking, tuple(one.label for one in buttons), page.narrow,
    )  # fmt: skip

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, layout.height)

        def draw(draft: Draft) -> None:
            row_background(draft, rect.size, first=first, last=last, text_left=layout.left)
            _draw(draft, layout, unfolded=unfolded)

        page.add(f"host:{row.name}", (*key, first, last), rect, draw, role=Role.LIST_ITEM, name=row.name)

    return Item(layout.height, build)


def _buttons(row: HostRow, *, first_of_all: bool, last_of_all: bool) -> list[_Button]:
    name = row.name
    buttons = [_Button(f"edit:{name}", "Edit", OpenHostForm(name), f"Edit {name}")]
    if not first_of_all:
        buttons.append(_Button(f"up:{name}", "Move up", MoveHostRequested(name, -1), f"Move {name} up"))
    if not last_of_all:
        buttons.append(_Button(f"down:{name}", "Move down", MoveHostRequested(name, 1), f"Move {name} down"))
    if row.can_stop:
        buttons.append(_Button(f"stop:{name}", "Stop Ollama", StopLocalServerRequested(), f"Stop Ollama on {name}"))
    ask = Ask(f"remove:{name}", f"keep-host:{name}")
    return [*buttons, _Button(f"remove:{name}", "Remove…", ask, f"Remove {name}")]


def _answers(row: HostRow) -> list[_Button]:
    name = row.name
    remove = Agree((RemoveHostRequested(name),))
    return [
        _Button(f"keep-host:{name}", "Keep", Decline(), f"Keep {name}"),
        _Button(f"confirm-remove:{name}", "Remove", remove, f"Remove {name} now", ButtonKind.DANGER),
    ]


def _draw(draft: Draft, layout: _HostLayout, *, unfolded: bool) -> None:
    page, row, theme = layout.page, layout.row, draft.theme
    colour, soft = theme.tones[Tone.NEUTRAL if row.tone is Tone.OK else row.tone]
    side = page.tall(metrics.TILE)
    tile(
        draft,
        pygame.Rect(page.px(PADDING), (page.tall(metrics.HOST_ROW) - side) // 2, side, side),
        row.icon,
        soft,
        colour,
    )
    end = _right_side(draft, layout, unfolded=unfolded)
    first = page.tall(19)
    mark = badge_width(page.ink, _DEFAULT) + page.px(8) if row.is_default else 0
    room = end - layout.left
    name = draft.text(
        layout.left,
        first,
        row.name,
        metrics.ROW,
        theme.text,
        max_width=max(room - mark, room // 2),
        shorten_middle=True,
    )
    if row.is_default:
        badge(draft, name.right + page.px(8), first, _DEFAULT, tone=Tone.ACCENT)
    if page.narrow:
        draft.paragraph(
            layout.left, layout.facts_top, layout.facts, metrics.SECONDARY_NUMBERS, theme.text2, layout.facts_room,
            max_lines=layout.facts_lines,
        )  # fmt: skip
    else:
        draft.text(layout.left, page.tall(38), row.facts, metrics.SECONDARY_NUMBERS, theme.text2, max_width=room)
    if row.reason:
        mood = theme.tone(Tone.WARN if row.tone is Tone.OK else row.tone)
        draft.paragraph(
            layout.left, layout.reason_top, row.reason, metrics.SECONDARY, mood, layout.room,
            max_lines=layout.reason_lines, role=Role.STATUS,
        )  # fmt: skip
    _draw_unfolded(draft, layout)


def _right_side(draft: Draft, layout: _HostLayout, *, unfolded: bool) -> int:
    """Draw the state and the buttons that are always there. Returns the right edge of the room for the name."""
    page, row = layout.page, layout.row
    high, head = page.tall(metrics.BUTTON_HEIGHT), page.tall(metrics.HOST_ROW)
    at = FromRight(layout.right + page.px(6))
    top = page.tall(5) if page.narrow else (head - high) // 2
    icon_button(
        draft, pygame.Rect(at.take(high, page.px(4)), top, high, high), f"host-more:{row.name}",
        "chevron-up" if unfolded else "chevron-down",
        f"Show less of {row.name}" if unfolded else f"Show more of {row.name}",
        Unfold(f"host:{row.name}", not unfolded), draft.theme.text2, draft.theme.card,
    )  # fmt: skip
    end = at.right
    use = button_width(page.ink, "Use")
    pill_wide, pill_high = pill_width(page.ink, row.status_text, dot=True), page.tall(metrics.PILL_HEIGHT)
    if page.narrow:
        top = layout.state_top
        pill_left, use_left = layout.left, layout.right - use
        pill_wide = min(pill_wide, use_left - page.px(8) - pill_left)
    else:
        use_left = at.take(use, page.px(10))
        pill_left = at.take(pill_wide, page.px(14))
        end = at.right
    if not row.is_default:
        rect = pygame.Rect(use_left, top, use, high)
        button(draft, rect, f"use:{row.name}", "Use", DefaultHostRequested(row.name), name=f"Use {row.name}")
    place = pygame.Rect(pill_left, top + (high - pill_high) // 2, pill_wide, pill_high)
    pill(draft, place, f"host-state:{row.name}", row.status_text, row.tone, dot=True)
    return end


def _draw_unfolded(draft: Draft, layout: _HostLayout) -> None:
    page, row, theme = layout.page, layout.row, draft.theme
    y = layout.advice_top
    for line in row.advice if layout.unfolded else ():
        y += draft.paragraph(layout.left, y, line, metrics.SECONDARY, theme.text, layout.room) + page.tall(3)
    if layout.question:
        draft.paragraph(
            layout.left, layout.question_top, layout.question, metrics.SECONDARY, theme.tone(Tone.DANGER), layout.room,
            role=Role.ALERT,
        )  # fmt: skip
    for one, place in zip(layout.buttons, layout.places, strict=True):
        rect = place.move(layout.left, layout.buttons_top)
        button(draft, rect, one.node_id, one.label, one.action, name=one.name, kind=one.kind)
