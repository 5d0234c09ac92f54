"""What lies below an unfolded installation: how far each of its files is, and its place in the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.components.panel_intents import MoveInstallationRequested
from ecs_localai.panel import metrics
from ecs_localai.panel.layout import flow
from ecs_localai.panel.widgets.button import button, button_width
from ecs_localai.panel.widgets.row import PADDING, text_after_tile

if TYPE_CHECKING:
    from ecs_localai.components.panel_view import InstallationRow
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.page import Page

_LINE = 19
"""From one file to the next."""


def unfolded_name(row: InstallationRow) -> str:
    """As in `UiState.unfolded`."""
    return f"installation:{row.installation_id}"


def can_unfold(row: InstallationRow) -> bool:
    """Whether there is anything below it."""
    return bool(row.layers) or row.can_move_up or row.can_move_down


class InstallationFoot:
    """Where everything below a row goes, in surface pixels from the row's corner.

    Args:
        top: where the row's own lines end.
    """

    def __init__(self, page: Page, row: InstallationRow, top: int) -> None:
        self.page, self.row, self.top = page, row, top
        self.left = page.px(PADDING) if page.narrow else text_after_tile(page.ink)
        self.room = page.width - page.px(PADDING) - self.left
        self.moves = row.can_move_up or row.can_move_down
        y = top
        if row.layers:
            y += page.tall(_LINE) * self._lines + page.tall(8)
        self.buttons_top = y
        self.places: list[pygame.Rect] = []
        if self.moves:
            widths = [button_width(page.ink, label) for label in ("Move up", "Move down")]
            self.places, below = flow(widths, self.room, page.tall(metrics.BUTTON_HEIGHT), page.px(8), page.px(8))
            y += below + page.tall(8)
        self.height = y + page.tall(5) - top

    @property
    def _lines(self) -> int:
        return len(self.row.layers) if self.page.narrow else (len(self.row.layers) + 1) // 2

    @property
    def key(self) -> tuple[object, ...]:
        """What its look depends on."""
        row = self.row
        return (tuple((one.label, one.text) for one in row.layers), row.can_move_up, row.can_move_down)

    def draw(self, draft: Draft) -> None:
        """Draw all of it."""
        self._draw_layers(draft)
        row = self.row
        moves = (("Move up", "earlier", -1, row.can_move_up), ("Move down", "later", 1, row.can_move_down))
        for (label, when, by, can), place in zip(moves, self.places, strict=False):
            button(
                draft, place.move(self.left, self.buttons_top),
                f"{'earlier' if by < 0 else 'later'}:{row.installation_id}", label,
                MoveInstallationRequested(row.installation_id, by), name=f"Install {row.name} {when}", enabled=can,
            )  # fmt: skip

    def _draw_layers(self, draft: Draft) -> None:
        page, theme, layers = self.page, draft.theme, self.row.layers
        gap = page.px(16)
        columns = 1 if page.narrow else 2
        wide = (self.room - gap * (columns - 1)) // columns
        labels = [page.ink.text.width(one.label, metrics.SECONDARY) for one in layers]
        label_width = min(max(labels, default=0), (wide - page.px(12)) // 2)
        for number, one in enumerate(layers):
            column, line = divmod(number, max(1, self._lines))
            x = self.left + column * (wide + gap)
            middle = self.top + line * page.tall(_LINE) + page.tall(_LINE) // 2
            draft.text(x, middle, one.label, metrics.SECONDARY, theme.text2, max_width=label_width)
            first = x + label_width + page.px(12)
            draft.text(first, middle, one.text, metrics.SECONDARY_NUMBERS, theme.text, max_width=x + wide - first)
