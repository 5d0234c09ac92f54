"""A model's row, with a question before it is deleted, and with several hosts where it is and could be.

Unfolded, what is known of it and what can be done with it (`model_foot`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.components.panel_intents import DeleteModelRequested, InstallRequested
from ecs_localai.components.panel_view import Tone
from ecs_localai.panel import metrics
from ecs_localai.panel.actions import Agree, Ask, Decline, Unfold
from ecs_localai.panel.layout import FromRight
from ecs_localai.panel.scene import Role
from ecs_localai.panel.sections.card_items import Item
from ecs_localai.panel.sections.model_actions import unfolded_name
from ecs_localai.panel.sections.model_foot import ModelFoot
from ecs_localai.panel.widgets.badge import badge, badge_row, badge_width, toned_badge_row
from ecs_localai.panel.widgets.button import ButtonKind, button, button_width, icon_button
from ecs_localai.panel.widgets.pill import pill, pill_width
from ecs_localai.panel.widgets.row import PADDING, row_background

if TYPE_CHECKING:
    from ecs_localai.components.panel_view import ModelRow
    from ecs_localai.panel.actions import Intent, LocalAction
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.page import Page

_LEAST_NAME = 110
_PLACES = 32
"""The height of the line that says where a model is."""


class _ModelLayout:
    """Where the lines of one row are, in surface pixels from its top."""

    def __init__(self, page: Page, row: ModelRow) -> None:
        self.page, self.row = page, row
        self.deleting = not row.busy and page.state.question == f"delete:{row.name}"
        y = page.tall(metrics.MODEL_ROW)
        more = bool(row.status or row.busy or row.capabilities or row.update_text)
        self.third_line = y if page.narrow and more else 0
        y += page.tall(28) if self.third_line else 0
        self.places_top = y - page.tall(5) if row.where_text else 0
        y += page.tall(_PLACES - 5) if row.where_text else 0
        self.foot = ModelFoot(page, row, y)
        self.height = y + self.foot.height

    @property
    def asks_here(self) -> bool:
        """Whether the question is the short one at the row's right end."""
        return self.deleting and self.foot.question is None


def model_item(page: Page, row: ModelRow, size_width: int) -> Item:
    """The row of one model. ``size_width`` is the room that the longest size needs."""
    layout = _ModelLayout(page, row)
    key = (
        row.name, row.subtitle, row.quantization, tuple(row.capabilities), row.size_text, row.status,
        row.tone, row.busy, row.where_text, tuple((one.text, one.tone) for one in row.places), row.absent_text,
        tuple(row.hosts), tuple(row.installable_on), row.install_label, size_width, layout.deleting,
        page.narrow, row.update_text, row.update_is_sure, row.freed_text, *layout.foot.key,
    )  # fmt: skip

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, layout.height)

        def draw(draft: Draft) -> None:
            padding = page.px(PADDING)
            row_background(draft, rect.size, first=first, last=last, text_left=padding)
            at = FromRight(page.width - padding + page.px(6))
            chevron = _chevron_rect(page, at)
            right = (
                _question(draft, page, row, at) if layout.asks_here else _right_side(draft, page, row, size_width, at)
            )
            _left_side(draft, layout, padding, right - page.px(16))
            _chevron(draft, layout, chevron, right)
            _places(draft, layout)
            layout.foot.draw(draft)

        page.add(f"model:{row.name}", (*key, first, last), rect, draw, role=Role.LIST_ITEM, name=row.name)

    return Item(layout.height, build)


def _button_rect(page: Page, left: int, width: int) -> pygame.Rect:
    high = page.tall(metrics.BUTTON_HEIGHT)
    return pygame.Rect(left, (page.tall(metrics.MODEL_ROW) - high) // 2, width, high)


def _chevron_rect(page: Page, at: FromRight) -> pygame.Rect:
    """Take the place of the button that unfolds the row."""
    side = page.tall(metrics.BUTTON_HEIGHT)
    return _button_rect(page, at.take(side, page.px(4)), side)


def _chevron(draft: Draft, layout: _ModelLayout, rect: pygame.Rect, right: int) -> None:
    """Draw that button; a click on what stands left of ``right`` counts, too."""
    page, row, unfolded = layout.page, layout.row, layout.foot.unfolded
    icon_button(
        draft, rect, f"model-more:{row.name}", "chevron-up" if unfolded else "chevron-down",
        f"Show less of {row.name}" if unfolded else f"Show more of {row.name}",
        Unfold(unfolded_name(row), not unfolded), draft.theme.text2, draft.theme.card,
        area=pygame.Rect(0, 0, right, page.tall(metrics.MODEL_ROW)),
    )  # fmt: skip


def _right_side(draft: Draft, page: Page, row: ModelRow, size_width: int, at: FromRight) -> int:
    """Draw button, size and pill from the right. Returns the right edge of what is left."""
    ink, middle = page.ink, page.tall(metrics.MODEL_ROW) // 2
    wide = button_width(ink, "Delete")
    button(
        draft, _button_rect(page, at.take(wide, page.px(16)), wide), f"delete:{row.name}", "Delete",
        Ask(f"delete:{row.name}", f"keep:{row.name}"), name=f"Delete {row.name}", enabled=not row.busy,
    )  # fmt: skip
    if page.narrow:
        return at.right
    draft.text(at.right, middle, row.size_text, metrics.SECONDARY_NUMBERS, draft.theme.text2, align="right")
    at.take(size_width, page.px(16))
    if row.status or row.busy:
        most = at.right - page.px(PADDING) - page.px(_LEAST_NAME)
        wide = min(_pill_width(page, row), max(most, page.px(60)))
        _pill(draft, page, row, at.take(wide), middle, wide)
    return at.right


def _pill_width(page: Page, row: ModelRow) -> int:
    return pill_width(page.ink, row.busy or row.status)


def _pill(draft: Draft, page: Page, row: ModelRow, left: int, middle: int, width: int) -> None:
    height = page.tall(metrics.PILL_HEIGHT)
    rect = pygame.Rect(left, middle - height // 2, width, height)
    tone = Tone.NEUTRAL if row.busy else row.tone
    pill(draft, rect, f"status:{row.name}", row.busy or row.status, tone)


def _question(draft: Draft, page: Page, row: ModelRow, at: FromRight) -> int:
    """Draw "Delete?" with its two answers instead of what is otherwise at the right."""
    ink, middle = page.ink, page.tall(metrics.MODEL_ROW) // 2
    # "Keep" is where "Delete" was, so that the second click of a double click deletes nothing.
    wide = max(button_width(ink, "Keep"), button_width(ink, "Delete"))
    button(
        draft, _button_rect(page, at.take(wide, page.px(8)), wide), f"keep:{row.name}", "Keep",
        Decline(), name=f"Keep {row.name}",
    )  # fmt: skip
    host = row.hosts[0] if row.hosts else ""
    button(
        draft, _button_rect(page, at.take(wide, page.px(14)), wide), f"confirm:{row.name}", "Delete",
        Agree((DeleteModelRequested(row.name, host),)), kind=ButtonKind.DANGER, name=f"Delete {row.name} now",
    )  # fmt: skip
    room = at.right - page.px(PADDING + 48)
    whole = f"Delete? {row.freed_text}" if row.freed_text and not page.narrow else "Delete?"
    for text in (whole, "Delete?"):
        if ink.text.width(text, metrics.SECONDARY) <= room:
            colour = draft.theme.tone(Tone.DANGER)
            return draft.text(at.right, middle, text, metrics.SECONDARY, colour, align="right").left
    return at.right  # with large type in a small window the two answers have to speak for themselves


def _left_side(draft: Draft, layout: _ModelLayout, left: int, right: int) -> None:
    """Draw name, badges and subtitle."""
    page, row = layout.page, layout.row
    theme, first = draft.theme, page.tall(17.5)
    room = right - left
    gap = page.px(8)
    capabilities = [] if page.narrow else list(row.capabilities)
    badges = [row.quantization, *capabilities] if row.quantization else capabilities
    # The name gives way to the first badge and to the sign that there are more.
    newer = row.update_text if not page.narrow else ""
    least = badge_width(page.ink, badges[0]) + gap if badges else 0
    least += badge_width(page.ink, newer) + gap if newer else 0
    least += badge_width(page.ink, f"+{len(badges)}") + gap if len(badges) > 1 else 0
    name = draft.text(
        left, first, row.name, metrics.ROW, theme.text,
        max_width=max(room - least, room // 2), shorten_middle=True,
    )  # fmt: skip
    x = name.right + gap
    if newer:
        x += _newer_badge(draft, row, x, first, right - x)
    badge_row(draft, x, first, badges, right - x)
    size = [row.size_text] if page.narrow and row.size_text else []
    subtitle = " · ".join([*size, *([row.subtitle] if row.subtitle else [])])
    colour = theme.text2
    if layout.asks_here and page.narrow and row.freed_text:
        subtitle, colour = row.freed_text, theme.tone(Tone.DANGER)
    draft.text(left, page.tall(35.5), subtitle, metrics.SECONDARY, colour, max_width=room)
    if not layout.third_line:
        return
    middle = layout.third_line + page.tall(8)
    end = page.width - page.px(PADDING)
    if row.status or row.busy:
        room = end - left
        kept = badge_width(page.ink, row.update_text) + gap if row.update_text else 0
        wide = min(_pill_width(page, row), room - min(kept, room // 2))
        _pill(draft, page, row, left, middle, wide)
        left += wide + gap
    if row.update_text:
        left += _newer_badge(draft, row, left, middle, end - left)
    badge_row(draft, left, middle, row.capabilities, end - left)


def _newer_badge(draft: Draft, row: ModelRow, left: int, middle: int, room: int) -> int:
    """Say that there is a newer version. Returns the width taken, with the gap after it."""
    if room < draft.metrics.px(40):
        return 0
    tone = Tone.ACCENT if row.update_is_sure else Tone.WARN
    return badge(draft, left, middle, row.update_text, tone=tone, most=room) + draft.metrics.px(5)


def _places(draft: Draft, layout: _ModelLayout) -> None:
    """Draw where the model is, and the button that brings it to the other hosts."""
    page, row, theme = layout.page, layout.row, draft.theme
    if not row.where_text:
        return
    high, gap = page.tall(metrics.BUTTON_HEIGHT), page.px(6)
    middle = layout.places_top + page.tall(metrics.BUTTON_HEIGHT) // 2 - page.tall(1)
    left, end = page.px(PADDING), page.width - page.px(PADDING)
    if row.install_label:
        action: Intent | LocalAction = InstallRequested(row.name, [*row.installable_on])
        if len(row.installable_on) > 1:
            action = Ask(f"install:{row.name}", f"leave:{row.name}")
        wide = min(button_width(page.ink, row.install_label), (end - left) // 2)
        place = pygame.Rect(end + page.px(13) - wide, middle - high // 2, wide, high)
        button(
            draft, place, f"install-missing:{row.name}", row.install_label, action, kind=ButtonKind.LINK,
            name=f"{row.install_label}: {row.name}", enabled=not row.busy,
        )  # fmt: skip
        end = place.x - page.px(4)
    word = draft.text(left, middle, row.where_text, metrics.SECONDARY, theme.text2, max_width=end - left)
    x = word.right + gap
    absent = min(page.ink.text.width(row.absent_text, metrics.SECONDARY) + page.px(10), (end - x) // 2)
    x += toned_badge_row(draft, x, middle, row.places, max(0, end - x - absent))
    if row.absent_text:
        x += page.px(10) if row.places else 0
        draft.text(x, middle, row.absent_text, metrics.SECONDARY, theme.text2, max_width=max(0, end - x))
