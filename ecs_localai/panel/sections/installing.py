"""Installing: the field for a model's name, and the installations that run or have just ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.components.panel_intents import CancelRequested, DismissRequested, RetryRequested
from ecs_localai.components.panel_view import Tone
from ecs_localai.panel import metrics
from ecs_localai.panel.actions import SubmitField, Unfold
from ecs_localai.panel.draft import paragraph_height
from ecs_localai.panel.layout import FromRight
from ecs_localai.panel.scene import Role
from ecs_localai.panel.sections.history import build_history
from ecs_localai.panel.sections.install_places import build_install_places
from ecs_localai.panel.state import INSTALL_FIELD
from ecs_localai.panel.widgets.badge import badge, badge_width
from ecs_localai.panel.widgets.button import ButtonKind, button, button_width, icon_button
from ecs_localai.panel.widgets.progress_bar import progress_bar, sweep_step
from ecs_localai.panel.widgets.row import PADDING, row_background, text_after_tile, tile, tile_rect
from ecs_localai.panel.widgets.text_field import field_key, text_field

if TYPE_CHECKING:
    from ecs_localai.components.panel_view import InstallationRow
    from ecs_localai.panel.actions import Intent
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.page import Page

COLLAPSED = 3
"""How many installations are shown before "Show all"."""
_PLACEHOLDER = "Install a model: name, for example llama3.2:1b"
_ICONS = {
    Tone.ACCENT: "download",
    Tone.OK: "check",
    Tone.DANGER: "triangle-alert",
    Tone.WARN: "pause",
    Tone.NEUTRAL: "clock",
}
_FAILED_LINES = 6


def build_installing(page: Page) -> None:
    """Add the heading, the field, the rows and what is remembered of others."""
    page.heading("installing", "Installing" if page.view.installations else "Install a model")
    _build_field(page)
    _build_error(page)
    build_install_places(page)
    if page.view.installations:
        _build_rows(page)
    build_history(page)


def _build_rows(page: Page) -> None:
    rows = page.view.installations
    page.space(12)
    folds = len(rows) > COLLAPSED
    shown = rows if "installations" in page.state.unfolded or not folds else rows[:COLLAPSED]
    heights = [_row_height(page, row) for row in shown]
    link = page.tall(40) if folds else 0
    page.card("installing-card", sum(heights) + link)
    for number, (row, height) in enumerate(zip(shown, heights, strict=True)):
        last = number == len(shown) - 1 and not folds
        _build_row(page, row, height, first=number == 0, last=last)
    if folds:
        _build_link(page, len(rows), link)


def _build_field(page: Page) -> None:
    ui = page.state
    focused = ui.focus == INSTALL_FIELD
    failed = page.view.install_error is not None and not ui.install_error_hidden
    height = page.tall(metrics.FIELD_HEIGHT)
    rect = pygame.Rect(page.left, page.y, page.width, height)

    def draw(draft: Draft) -> None:
        wide = button_width(page.ink, "Install") + page.px(8)
        field = pygame.Rect(0, 0, rect.width - wide - page.px(10), height)
        text_field(
            draft, field, INSTALL_FIELD, "Install a model", ui.install, SubmitField(INSTALL_FIELD),
            icon="download", placeholder=_PLACEHOLDER, focused=focused,
            border=draft.theme.tone(Tone.DANGER) if failed else None,
        )  # fmt: skip
        button(
            draft, pygame.Rect(rect.width - wide, 0, wide, height), "install-button", "Install",
            SubmitField(INSTALL_FIELD), kind=ButtonKind.PRIMARY, name="Install this model",
            behind=draft.theme.background,
        )  # fmt: skip

    key = (focused, failed, *field_key(ui.install, focused=focused))
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


def _failed_width(page: Page, row: InstallationRow) -> int:
    """The room for what went wrong, beside the row's buttons."""
    return page.width - text_after_tile(page.ink) - page.px(PADDING) - _buttons_width(page, row)


def _buttons_width(page: Page, row: InstallationRow) -> int:
    """The room that a row's buttons take, with the gap before them."""
    total = 0
    for label in _labels(row):
        total += button_width(page.ink, label) + page.px(8 if total else 12)
    if row.can_dismiss:
        total += page.tall(metrics.BUTTON_HEIGHT) + page.px(8)
    return total


def _labels(row: InstallationRow) -> list[str]:
    return [*(["Cancel"] if row.can_cancel else []), *(["Retry"] if row.can_retry else [])]


def _row_height(page: Page, row: InstallationRow) -> int:
    height = page.tall(metrics.PROGRESS_ROW)
    if row.tone is Tone.DANGER:
        text = paragraph_height(page.ink, row.detail, metrics.SECONDARY, _failed_width(page, row), _FAILED_LINES)
        return max(height, page.tall(34) + text + page.tall(12))
    return page.tall(82) if page.narrow else height


def _build_row(page: Page, row: InstallationRow, height: int, *, first: bool, last: bool) -> None:
    # Queued and cancelled ones are waiting for somebody: only work that goes on moves.
    sweeping = row.fraction is None and row.tone is Tone.ACCENT
    sweep = sweep_step(page.now, still=page.still) if sweeping else None
    page.sweeping = page.sweeping or (sweeping and not page.still)
    rect = pygame.Rect(page.left, page.y, page.width, height)
    bar_left, bar_right = _bar_ends(page, row)
    # What of the fraction can be seen, or is told as a percentage.
    done = None if row.fraction is None else (round(row.fraction * (bar_right - bar_left)), round(row.fraction * 100))
    key = (
        row.name, row.detail, done, row.tone, row.can_cancel, row.can_retry, row.can_dismiss, row.icon,
        sweep, row.host, first, last, page.narrow,
    )  # fmt: skip

    def draw(draft: Draft) -> None:
        text_left = text_after_tile(page.ink)
        row_background(draft, rect.size, first=first, last=last, text_left=text_left)
        colour, soft = draft.theme.tones[row.tone]
        tile(draft, tile_rect(page.ink, height), row.icon or _ICONS[row.tone], soft, colour)
        right = _buttons(draft, page, row, height)
        if row.tone is Tone.DANGER:
            _failed_text(draft, page, row, text_left, right)
        else:
            _progress_text(draft, page, row, (text_left, right), sweep)

    page.add(f"installation:{row.installation_id}", key, rect, draw, role=Role.LIST_ITEM, name=row.name)
    page.y += height


def _bar_ends(page: Page, row: InstallationRow) -> tuple[int, int]:
    return text_after_tile(page.ink), page.width - page.px(PADDING) - _buttons_width(page, row)


def _buttons(draft: Draft, page: Page, row: InstallationRow, height: int) -> int:
    """Draw a row's buttons. Returns the right edge of what is left for text."""
    high = page.tall(metrics.BUTTON_HEIGHT)
    top = (height - high) // 2
    at = FromRight(page.width - page.px(PADDING))
    if row.can_dismiss:
        left = at.take(high, page.px(8))
        icon_button(
            draft, pygame.Rect(left, top, high, high), f"dismiss:{row.installation_id}", "x",
            f"Take {row.name} off the list", DismissRequested(row.installation_id), draft.theme.text2,
            draft.theme.card,
        )  # fmt: skip
    actions: dict[str, Intent] = {
        "Cancel": CancelRequested(row.installation_id),
        "Retry": RetryRequested(row.installation_id),
    }
    for label in reversed(_labels(row)):
        wide = button_width(page.ink, label)
        rect = pygame.Rect(at.take(wide, page.px(8)), top, wide, high)
        name = f"{label} {row.name}"
        button(draft, rect, f"{label.lower()}:{row.installation_id}", label, actions[label], name=name)
    return _bar_ends(page, row)[1]


def _failed_text(draft: Draft, page: Page, row: InstallationRow, left: int, right: int) -> None:
    _name(draft, row, left, page.tall(21), right - left)
    draft.paragraph(
        left, page.tall(33), row.detail, metrics.SECONDARY, draft.theme.tone(Tone.DANGER), right - left,
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


def _progress_text(draft: Draft, page: Page, row: InstallationRow, ends: tuple[int, int], sweep: int | None) -> None:
    theme = draft.theme
    left, right = ends
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


def _build_link(page: Page, count: int, height: int) -> None:
    """The last row: unfolds the list, or folds it again."""
    all_shown = "installations" in page.state.unfolded
    label = "Show fewer" if all_shown else f"Show all ({count})"
    rect = pygame.Rect(page.left, page.y, page.width, height)

    def draw(draft: Draft) -> None:
        wide, high = button_width(page.ink, label), page.tall(metrics.BUTTON_HEIGHT)
        left = text_after_tile(page.ink) - page.px(13)
        action = Unfold("installations", not all_shown)
        place = pygame.Rect(left, (height - high) // 2, wide, high)
        button(draft, place, "show-all", label, action, kind=ButtonKind.LINK, name=f"{label} installations")

    page.add("installing-more", (label,), rect, draw, name=label)
    page.y += height
