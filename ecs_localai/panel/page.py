"""The page being laid out: sections add blocks to it, and blocks that haven't changed are kept as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.panel import metrics
from ecs_localai.panel.draft import Draft, paragraph_height
from ecs_localai.panel.scene import Block, Placed, Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from ecs_localai.components.panel_view import PanelView
    from ecs_localai.panel.animation import Glides
    from ecs_localai.panel.ink import Ink
    from ecs_localai.panel.state import UiState

_MAX_CONTENT = 1120
_WIDE, _MEDIUM = 720, 560
_NARROW_ROWS = 600


class Page:
    """One layout of the whole page.

    Args:
        width: of the window, in surface pixels.
        before: the blocks of the last layout by their ids; those whose key is the same are used again.
    """

    def __init__(
        self,
        ink: Ink,
        state: UiState,
        view: PanelView,
        glides: Glides,
        now: float,
        width: int,
        before: dict[str, Block],
        *,
        still: bool,
    ) -> None:
        self.ink = ink
        self.state = state
        self.view = view
        self.glides = glides
        self.now = now
        self.still = still
        """Whether nothing moves by itself: reduced motion."""
        self.window_width = width
        self._before = before
        self.blocks: dict[str, Block] = {}
        self.header: list[Placed] = []
        self.content: list[Placed] = []
        self.y = 0
        """Where the next block of content goes."""
        self.below_install_field: pygame.Rect | None = None
        """Where the list of names below the install field begins, and how wide it is."""
        self.lowest = 0
        """Where the lowest of what lies over the page ends."""
        self.sweeping = False
        """Whether a bar of unknown size is moving."""
        logical = width / ink.metrics.scale
        margin = 40 if logical >= _WIDE else 24 if logical >= _MEDIUM else 16
        room = width - 2 * ink.metrics.px(margin)
        self.width = min(room, ink.metrics.px(_MAX_CONTENT))
        """The width of the content, in surface pixels."""
        self.left = (width - self.width) // 2
        self.stacked = logical / ink.metrics.font_scale < _WIDE
        """Whether the window is too narrow for the header's field to stand beside the title."""
        self.narrow = self.width / ink.metrics.scale / ink.metrics.font_scale < _NARROW_ROWS
        """Whether rows have to spread over more lines."""

    def px(self, logical: float) -> int:
        """A distance in surface pixels."""
        return self.ink.metrics.px(logical)

    def tall(self, logical: float) -> int:
        """The height of something that holds text, in surface pixels."""
        return self.ink.metrics.tall(logical)

    def add(
        self,
        block_id: str,
        key: tuple[object, ...],
        rect: pygame.Rect,
        draw: Callable[[Draft], None],
        *,
        role: Role = Role.GROUP,
        name: str = "",
        header: bool = False,
    ) -> None:
        """Put a block at ``rect``. ``draw`` is called only when ``key``, the size or the pointer changed."""
        if block_id in self.blocks:  # two models of one name: they are still two rows
            block_id = f"{block_id}#{len(self.blocks)}"
        pointer = self.state.pointer(block_id)
        whole = (key, rect.size, pointer)
        block = self._before.get(block_id)
        if block is None or block.key != whole:
            draft = Draft(self.ink, block_id, pointer)
            draw(draft)
            block = Block(block_id, whole, role, name, draft.marks, draft.nodes)
        self.blocks[block_id] = block
        (self.header if header else self.content).append(Placed(block, rect))

    def space(self, logical: float) -> None:
        """Leave room before what comes next."""
        self.y += self.px(logical)

    def heading(self, block_id: str, text: str, description: str = "") -> None:
        """A section's heading, with the section's gap above it and a sentence about it below."""
        self.space(28)
        height = self.tall(18)
        lines = 0
        width = self.width - self.px(8)
        if description:
            lines = paragraph_height(self.ink, description, metrics.SECONDARY, width)
        rect = pygame.Rect(self.left + self.px(4), self.y, width, height + lines)

        def draw(draft: Draft) -> None:
            draft.text(
                0, height // 2, text, metrics.HEADING, draft.theme.text,
                max_width=width, role=Role.HEADING,
            )  # fmt: skip
            if description:
                draft.paragraph(0, height, description, metrics.SECONDARY, draft.theme.text2, width)

        self.add(block_id, (text, description), rect, draw, name=text)
        self.y += rect.height + self.px(9)

    def card(self, block_id: str, height: int, name: str = "") -> pygame.Rect:
        """The background of a card at the present place; its rows are added on it afterwards."""
        rect = pygame.Rect(self.left, self.y, self.width, height)

        def draw(draft: Draft) -> None:
            whole = pygame.Rect((0, 0), rect.size)
            radius = draft.metrics.px(metrics.CARD_RADIUS)
            draft.rounded(whole, radius, draft.theme.card, draft.theme.border)

        self.add(block_id, (), rect, draw, name=name)
        return rect
