"""One model of the card under the install field: what installing it on one host would mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pygame

from ecs_localai.components.panel_view import Tone
from ecs_localai.panel import metrics
from ecs_localai.panel.draft import paragraph_height, paragraph_step
from ecs_localai.panel.layout import FromRight
from ecs_localai.panel.scene import Role
from ecs_localai.panel.sections.card_items import Item
from ecs_localai.panel.widgets.badge import badge, badge_width
from ecs_localai.panel.widgets.pill import pill, pill_width
from ecs_localai.panel.widgets.row import PADDING, row_background

if TYPE_CHECKING:
    from ecs_localai.components.installing_view import PreflightRow
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.page import Page

_ICON, _ICON_GAP = 14, 8
_LINE_GAP = 5
_BAR = 9
"""The height of what stands for a line that is not known yet."""
_VERDICT_LETTERS = 26
"""What is before the colon of `PreflightRow.fit_text` is a verdict, to be seen at a glance, if it is no longer."""


class _Line(NamedTuple):
    """Something that is said of it."""

    icon: str
    text: str
    tone: Tone | None = None
    """None: secondary text."""
    role: Role = Role.TEXT


class _Placed(NamedTuple):
    line: _Line
    rect: pygame.Rect
    """Of icon and text, from the row's corner."""


class _Layout:
    """Where everything of one row goes, in surface pixels from its corner."""

    def __init__(self, page: Page, row: PreflightRow) -> None:
        self.page, self.row = page, row
        self.left = page.px(PADDING)
        self.room = page.width - 2 * self.left
        self.indent = page.tall(_ICON) + page.px(_ICON_GAP)
        self.verdict, rest = _verdict(row)
        y = page.tall(metrics.MODEL_ROW)
        if page.narrow and not row.is_looking:
            facts = paragraph_height(page.ink, row.facts, metrics.SECONDARY, self.room) if row.facts else 0
            y = page.tall(30) + facts + page.tall(4)
            self.pill_top = y + page.tall(2)
            y += page.tall(metrics.PILL_HEIGHT + 8) if self.verdict else 0
        elif not row.facts and not row.is_looking:
            y = page.tall(36)
        self.lines: list[_Placed] = []
        self.bars: list[pygame.Rect] = []
        y = self._place_bars(y) if row.is_looking else self._place(_lines(row, rest), y)
        self.height = y + page.tall(9)

    def _text_height(self, text: str, width: int) -> int:
        return paragraph_height(self.page.ink, text, metrics.SECONDARY, max(1, width))

    def _place(self, lines: list[_Line], y: int) -> int:
        """Lines that need less than half of the room stand beside each other. Returns where they end."""
        page = self.page
        gap = page.px(16)
        half = (self.room - gap) // 2
        beside: int | None = None
        for line in lines:
            wide = page.ink.text.width(line.text, metrics.SECONDARY) + self.indent
            short = not page.narrow and wide <= half and line.tone is None
            if short and beside is not None:
                last = self.lines[-1].rect
                self.lines.append(_Placed(line, pygame.Rect(self.left + half + gap, last.y, half, last.height)))
                beside = None
                continue
            width = half if short else self.room
            height = self._text_height(line.text, width - self.indent)
            self.lines.append(_Placed(line, pygame.Rect(self.left, y, width, height)))
            y += height + page.tall(_LINE_GAP)
            beside = y if short else None
        return y

    def _place_bars(self, y: int) -> int:
        """Bars as long as the lines that will probably stand there, so that these move little when they come."""
        page = self.page
        step = paragraph_step(page.ink, metrics.SECONDARY)
        high = page.tall(_BAR)
        gap = page.px(16)
        half = (self.room - gap) // 2
        column = self.left + half + gap
        shapes = [(self.left, 0.5, 0), (column, 0.45, 0), (self.left, 0.7, 1)]
        if page.narrow:
            half = self.room
            shapes = [(self.left, 0.6, 0), (self.left, 0.5, 1), (self.left, 0.7, 2)]
        for left, share, line in shapes:
            top = y + line * (step + page.tall(_LINE_GAP)) + (step - high) // 2
            self.bars.append(pygame.Rect(left, top, round(half * share), high))
        return y + (max(line for _, _, line in shapes) + 1) * (step + page.tall(_LINE_GAP))


def _verdict(row: PreflightRow) -> tuple[str, str]:
    """What of the sentence about memory is the verdict, and what explains it."""
    head, colon, rest = row.fit_text.partition(": ")
    if not colon or len(head) > _VERDICT_LETTERS:
        return ("", row.fit_text) if len(row.fit_text) > _VERDICT_LETTERS else (row.fit_text, "")
    return head, rest[:1].upper() + rest[1:]


def _lines(row: PreflightRow, memory: str) -> list[_Line]:
    lines = [
        _Line("circle-alert", row.problem, Tone.DANGER, Role.ALERT),
        _Line("download", row.download_text),
        _Line("hard-drive", row.disk_text),
        _Line("memory-stick", memory),
        _Line("refresh-cw", row.replaces),
        _Line("info", row.note),
    ]
    return [line for line in lines if line.text]


def preflight_item(page: Page, row: PreflightRow, number: int) -> Item:
    """The row of one model on one host."""
    layout = _Layout(page, row)
    key = (
        row.name, row.host, row.facts, row.download_text, row.disk_text, row.fit_text, row.fit_tone, row.replaces,
        row.problem, row.note, row.is_looking, page.narrow,
    )  # fmt: skip

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, layout.height)

        def draw(draft: Draft) -> None:
            row_background(draft, rect.size, first=first, last=last, text_left=layout.left)
            _draw(draft, layout, number)

        name = f"{row.name} on {row.host}" if row.host else row.name
        page.add(f"preflight-row:{number}", (*key, first, last), rect, draw, role=Role.LIST_ITEM, name=name)

    return Item(layout.height, build)


def _draw(draft: Draft, layout: _Layout, number: int) -> None:
    page, row, theme = layout.page, layout.row, draft.theme
    at = FromRight(page.width - page.px(PADDING))
    if layout.verdict and not row.is_looking:
        high = page.tall(metrics.PILL_HEIGHT)
        wide = min(pill_width(page.ink, layout.verdict, dot=True), layout.room)
        place = pygame.Rect(layout.left, 0, wide, high)
        if page.narrow:
            place.y = layout.pill_top
        else:
            place.topleft = (at.take(wide, page.px(16)), page.tall(17.5) - high // 2 + page.tall(2))
        pill(draft, place, f"preflight-fit:{number}", layout.verdict, row.fit_tone, dot=True)
    room = at.right - layout.left
    host = f"on {row.host}" if row.host else ""
    mark = min(badge_width(page.ink, host), room // 3) + page.px(8) if host else 0
    first = page.tall(18.5)
    name = draft.text(layout.left, first, row.name, metrics.ROW, theme.text, max_width=room - mark, shorten_middle=True)
    if host:
        badge(draft, name.right + page.px(8), first, host, most=mark - page.px(8))
    if row.is_looking:
        high = page.tall(_BAR)
        bar = pygame.Rect(layout.left, page.tall(36) - high // 2, layout.room * 2 // 5, high)
        for one in (bar, *layout.bars):
            draft.rounded(one, high / 2, theme.track)
        return
    if row.facts and page.narrow:
        draft.paragraph(layout.left, page.tall(30), row.facts, metrics.SECONDARY, theme.text2, layout.room)
    elif row.facts:
        draft.text(layout.left, page.tall(36.5), row.facts, metrics.SECONDARY, theme.text2, max_width=layout.room)
    for line, rect in layout.lines:
        _draw_line(draft, layout, line, rect)


def _draw_line(draft: Draft, layout: _Layout, line: _Line, rect: pygame.Rect) -> None:
    page, theme = layout.page, draft.theme
    size = page.tall(_ICON)
    text_colour = theme.text if line.tone is None else theme.tone(line.tone)
    icon_colour = theme.text2 if line.tone is None else text_colour
    middle = rect.y + paragraph_step(page.ink, metrics.SECONDARY) // 2
    draft.icon(line.icon, (rect.x + size // 2, middle), size, icon_colour)
    draft.paragraph(
        rect.x + layout.indent, rect.y, line.text, metrics.SECONDARY, text_colour, max(1, rect.width - layout.indent),
        role=line.role,
    )  # fmt: skip
