"""An installation's row: how far it is, pausing, cancelling; unfolded, its files and its place in the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pygame

from ecs_localai.components.panel_intents import (
    CancelRequested,
    DismissRequested,
    PauseRequested,
    ResumeRequested,
    RetryRequested,
)
from ecs_localai.components.panel_view import Tone
from ecs_localai.panel import metrics
from ecs_localai.panel.actions import Unfold
from ecs_localai.panel.draft import paragraph_height
from ecs_localai.panel.scene import Role
from ecs_localai.panel.sections.card_items import Item
from ecs_localai.panel.sections.installation_foot import InstallationFoot, can_unfold, unfolded_name
from ecs_localai.panel.widgets.badge import badge, badge_width
from ecs_localai.panel.widgets.button import button, button_width, icon_button
from ecs_localai.panel.widgets.progress_bar import progress_bar, sweep_step
from ecs_localai.panel.widgets.row import PADDING, row_background, text_after_tile, tile, tile_rect

if TYPE_CHECKING:
    from ecs_localai.components.panel_view import InstallationRow
    from ecs_localai.panel.actions import Intent, LocalAction
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.page import Page

_ICONS = {
    Tone.ACCENT: "download",
    Tone.OK: "check",
    Tone.DANGER: "triangle-alert",
    Tone.WARN: "pause",
    Tone.NEUTRAL: "clock",
}
_FAILED_LINES = 6
_LEAST_TEXT = 150
"""With less room for text beside them, the buttons stand below."""
_AGAIN_LINE = 18


class _Control(NamedTuple):
    """A button of a row; with an icon it has no label."""

    node_id: str
    icon: str
    label: str
    name: str
    action: Intent | LocalAction | None
    """None: its room stays empty, so that nothing moves when it comes."""


def _controls(row: InstallationRow, *, unfolded: bool) -> list[_Control]:
    """From the left. What an installation may get later has its place from the beginning."""
    one, name = row.installation_id, row.name
    controls: list[_Control] = []
    if row.can_resume:
        controls.append(_Control(f"resume:{one}", "play", "", f"Resume {name}", ResumeRequested(one)))
    elif row.can_cancel:
        pause = PauseRequested(one) if row.can_pause else None
        controls.append(_Control(f"pause:{one}", "pause", "", f"Pause {name}", pause))
    if row.can_cancel:
        controls.append(_Control(f"cancel:{one}", "", "Cancel", f"Cancel {name}", CancelRequested(one)))
    if row.can_retry:
        controls.append(_Control(f"retry:{one}", "", "Retry", f"Retry {name}", RetryRequested(one)))
    if row.can_dismiss:
        dismiss = DismissRequested(one)
        controls.append(_Control(f"dismiss:{one}", "x", "", f"Take {name} off the list", dismiss))
    if can_unfold(row):
        icon = "chevron-up" if unfolded else "chevron-down"
        said = f"Show {'less' if unfolded else 'more'} of installing {name}"
        controls.append(_Control(f"installation-more:{one}", icon, "", said, Unfold(unfolded_name(row), not unfolded)))
    elif not row.can_dismiss:
        controls.append(_Control(f"installation-more:{one}", "chevron-down", "", "", None))
    return controls


class _Layout:
    """Where everything of one row goes, in surface pixels from its corner."""

    def __init__(self, page: Page, row: InstallationRow) -> None:
        self.page, self.row = page, row
        self.unfolded = can_unfold(row) and unfolded_name(row) in page.state.unfolded
        self.controls = _controls(row, unfolded=self.unfolded)
        self.left = text_after_tile(page.ink)
        high = page.tall(metrics.BUTTON_HEIGHT)
        widths = [high if one.icon else button_width(page.ink, one.label) for one in self.controls]
        gaps = [0, *(page.px(4 if one.icon else 8) for one in self.controls[1:])]
        together = sum(widths) + sum(gaps)
        end = page.width - page.px(PADDING) + (page.px(6) if self.controls and self.controls[-1].icon else 0)
        self.beside = end - together - page.px(12) - self.left >= page.tall(_LEAST_TEXT)
        self.right = end - together - page.px(12) if self.beside else page.width - page.px(PADDING)
        """The right edge of the room for text and bar."""
        self.head = self._head_height()
        top = (self.head - high) // 2 if self.beside else self.head - page.tall(4)
        x = end - together if self.beside else min(self.left, max(page.px(6), end - together))
        self.places: list[pygame.Rect] = []
        for wide, gap in zip(widths, gaps, strict=True):
            x += gap
            self.places.append(pygame.Rect(x, top, wide, high))
            x += wide
        below = self.head if self.beside else top + high + page.tall(10)
        self.foot = InstallationFoot(page, row, below - page.tall(4)) if self.unfolded else None
        self.height = below if self.foot is None else below - page.tall(4) + self.foot.height

    def _head_height(self) -> int:
        page, row = self.page, self.row
        height = page.tall(metrics.PROGRESS_ROW)
        if row.tone is Tone.DANGER:
            room = self.right - self.left
            text = paragraph_height(page.ink, row.detail, metrics.SECONDARY, room, _FAILED_LINES)
            return max(height, page.tall(34) + text + page.tall(12))
        height = page.tall(82) if page.narrow else height
        return height + page.tall(_AGAIN_LINE) if row.again_text else height


def installation_item(page: Page, row: InstallationRow) -> Item:
    """The row of one installation."""
    layout = _Layout(page, row)
    # Queued and cancelled ones are waiting for somebody: only work that goes on moves.
    sweeping = row.fraction is None and row.tone is Tone.ACCENT
    sweep = sweep_step(page.now, still=page.still) if sweeping else None
    page.sweeping = page.sweeping or (sweeping and not page.still)
    # What of the fraction can be seen, or is told as a percentage.
    wide = layout.right - layout.left
    done = None if row.fraction is None else (round(row.fraction * wide), round(row.fraction * 100))
    foot = () if layout.foot is None else layout.foot.key
    key = (
        row.name, row.detail, done, row.tone, row.icon, sweep, row.host, row.again_text, tuple(layout.controls), foot,
        page.narrow, layout.beside,
    )  # fmt: skip

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, layout.height)

        def draw(draft: Draft) -> None:
            row_background(draft, rect.size, first=first, last=last, text_left=layout.left)
            colour, soft = draft.theme.tones[row.tone]
            tile(draft, tile_rect(page.ink, layout.head), row.icon or _ICONS[row.tone], soft, colour)
            _buttons(draft, layout)
            if row.tone is Tone.DANGER:
                _failed_text(draft, layout)
            else:
                _progress_text(draft, layout, sweep)
            if layout.foot is not None:
                layout.foot.draw(draft)

        block = f"installation:{row.installation_id}"
        page.add(block, (*key, first, last), rect, draw, role=Role.LIST_ITEM, name=row.name)

    return Item(layout.height, build)


def _buttons(draft: Draft, layout: _Layout) -> None:
    """Draw a row's buttons; a click on its text unfolds it, too."""
    theme = draft.theme
    for one, place in zip(layout.controls, layout.places, strict=True):
        if one.action is None:
            continue
        if one.icon:
            unfolds = isinstance(one.action, Unfold)
            area = pygame.Rect(0, 0, layout.right, layout.head - layout.page.tall(4)) if unfolds else None
            icon_button(draft, place, one.node_id, one.icon, one.name, one.action, theme.text2, theme.card, area)
        else:
            button(draft, place, one.node_id, one.label, one.action, name=one.name)


def _failed_text(draft: Draft, layout: _Layout) -> None:
    page, left, room = layout.page, layout.left, layout.right - layout.left
    _name(draft, layout.row, left, page.tall(21), room)
    draft.paragraph(
        left, page.tall(33), layout.row.detail, metrics.SECONDARY, draft.theme.tone(Tone.DANGER), room,
        max_lines=_FAILED_LINES, role=Role.STATUS,
    )  # fmt: skip


def _name(draft: Draft, row: InstallationRow, left: int, middle: int, room: int) -> None:
    """The model's name, and the host's where there are several and it fits."""
    host = f"on {row.host}" if row.host else ""
    wide = badge_width(draft.ink, host) + draft.metrics.px(8) if host else 0
    if wide > room // 2:
        host, wide = "", 0
    name = draft.text(left, middle, row.name, metrics.ROW, draft.theme.text, max_width=room - wide, shorten_middle=True)
    if host:
        badge(draft, name.right + draft.metrics.px(8), middle, host)


def _progress_text(draft: Draft, layout: _Layout, sweep: int | None) -> None:
    page, row, theme = layout.page, layout.row, draft.theme
    left, right = layout.left, layout.right
    title_y, bar_y = page.tall(21), page.tall(42)
    detail_colour = theme.tone(row.tone) if row.tone in (Tone.OK, Tone.WARN) else theme.text2
    room = right - left
    if page.narrow:
        draft.text(left, page.tall(62), row.detail, metrics.SECONDARY_NUMBERS, detail_colour, max_width=room)
    else:
        # The name needs a third; a long detail is shortened before it takes more than the rest.
        shown = f"{row.name} on {row.host}  " if row.host else row.name
        name_width = min(draft.ink.text.width(shown, metrics.ROW), room // 3)
        detail = draft.text(
            right, title_y, row.detail, metrics.SECONDARY_NUMBERS, detail_colour,
            align="right", max_width=room - name_width - page.px(16),
        )  # fmt: skip
        room = detail.left - left - page.px(16)
    _name(draft, row, left, title_y, room)
    height = max(2, page.px(metrics.BAR_HEIGHT))
    colour = {Tone.ACCENT: theme.bar, Tone.OK: theme.gauges["memory"]}.get(row.tone, theme.bar_idle)
    progress_bar(
        draft, pygame.Rect(left, bar_y - height // 2, right - left, height), f"bar:{row.installation_id}",
        f"Progress of {row.name}", row.fraction, colour, sweep,
    )  # fmt: skip
    if row.again_text:
        _again(draft, layout, page.tall(80 if page.narrow else 61))


def _again(draft: Draft, layout: _Layout, middle: int) -> None:
    """Apart from the rest, since it is not part of how far the installation is."""
    page = layout.page
    size, colour = page.tall(13), draft.theme.tone(Tone.WARN)
    draft.icon("rotate-ccw", (layout.left + size // 2, middle), size, colour)
    left = layout.left + size + page.px(6)
    draft.text(
        left, middle, layout.row.again_text, metrics.SECONDARY_NUMBERS, colour, max_width=layout.right - left,
        role=Role.STATUS,
    )  # fmt: skip
