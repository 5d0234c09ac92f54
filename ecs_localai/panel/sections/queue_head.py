"""The queue as a whole, as the first row of the installations: how it stands, pausing all, how many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pygame

from ecs_localai.components.panel_intents import DownloadLimitChanged, PauseRequested, ResumeRequested
from ecs_localai.panel import metrics
from ecs_localai.panel.draft import paragraph_height
from ecs_localai.panel.layout import flow
from ecs_localai.panel.scene import Role
from ecs_localai.panel.sections.card_items import Item
from ecs_localai.panel.widgets.button import ButtonKind, button, link_width
from ecs_localai.panel.widgets.choice import choice, choice_width
from ecs_localai.panel.widgets.row import PADDING, row_background

if TYPE_CHECKING:
    from ecs_localai.components.installing_view import QueueView
    from ecs_localai.panel.actions import Intent
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.page import Page

LIMITS = (1, 2, 3, 4)
"""How many at once can be chosen."""
_AT_ONCE = "At once"


class _Link(NamedTuple):
    node_id: str
    label: str
    action: Intent
    name: str


def _links(queue: QueueView) -> list[_Link]:
    links = []
    if queue.can_resume_all:
        links.append(_Link("resume-all", "Resume all", ResumeRequested(), "Resume all installations"))
    if queue.can_pause_all:
        links.append(_Link("pause-all", "Pause all", PauseRequested(), "Pause all installations"))
    return links


class _Layout:
    """Where everything goes, in surface pixels from the row's corner."""

    def __init__(self, page: Page, queue: QueueView) -> None:
        self.page, self.links = page, _links(queue)
        padding, high = page.px(PADDING), page.tall(metrics.BUTTON_HEIGHT)
        self.icon_left = padding
        self.left = padding + page.tall(16) + page.px(10)
        gap = page.px(6)
        label = page.ink.text.width(_AT_ONCE, metrics.SECONDARY) + page.px(8)
        chip = max(choice_width(page.ink, str(limit)) for limit in LIMITS)
        links = [link_width(page.ink, link.label) for link in self.links]
        widths = [label, *[chip] * len(LIMITS), *links]
        together = sum(widths) + gap * (len(widths) - 1)
        end = page.width - padding + (page.px(13) if links else 0)
        room = end - self.left - together - page.px(20)
        style = metrics.SECONDARY_MEDIUM
        summary = page.ink.text.width(queue.summary, style)
        self.beside = summary <= room
        """Whether all of it is one line."""
        if self.beside:
            self.text_room, self.height = room, page.tall(46)
            places, _ = flow(widths, together, high, gap, gap)
            left, top = end - together, (self.height - high) // 2
            self.text_top = (
                self.height - paragraph_height(page.ink, queue.summary, metrics.SECONDARY_MEDIUM, room)
            ) // 2
        else:
            self.text_room = page.width - padding - self.left
            text = paragraph_height(page.ink, queue.summary, style, self.text_room)
            self.text_top = page.tall(13)
            left, top = self.left, self.text_top + text + page.tall(7)
            chips, below = flow(widths[: 1 + len(LIMITS)], self.text_room, high, gap, gap)
            commands, more = flow(links, self.text_room, high, gap, gap)
            places = [*chips, *(place.move(-page.px(13), below + page.tall(2)) for place in commands)]
            self.height = top + below + (more + page.tall(2) if links else 0) + page.tall(9)
        self.places = [place.move(left, top) for place in places]


def queue_item(page: Page) -> Item | None:
    """The row; None where the queue is too short to have one."""
    queue = page.view.queue
    if not queue.summary:
        return None
    layout = _Layout(page, queue)

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, layout.height)

        def draw(draft: Draft) -> None:
            row_background(draft, rect.size, first=first, last=last, text_left=page.px(PADDING))
            _draw(draft, layout, queue)

        key = (queue.summary, queue.at_once, queue.can_pause_all, queue.can_resume_all, layout.beside, first, last)
        page.add("queue", key, rect, draw, name="All installations")

    return Item(layout.height, build)


def _draw(draft: Draft, layout: _Layout, queue: QueueView) -> None:
    page, theme = layout.page, draft.theme
    line = paragraph_height(page.ink, "x", metrics.SECONDARY_MEDIUM, layout.text_room)
    draft.icon("list", (layout.icon_left + page.tall(8), layout.text_top + line // 2), page.tall(16), theme.text2)
    draft.paragraph(
        layout.left, layout.text_top, queue.summary, metrics.SECONDARY_MEDIUM, theme.text, layout.text_room,
        role=Role.STATUS,
    )  # fmt: skip
    label, *rest = layout.places
    draft.text(label.x, label.centery, _AT_ONCE, metrics.SECONDARY, theme.text2, max_width=label.width)
    high = page.tall(metrics.CHOICE_HEIGHT)
    for limit, place in zip(LIMITS, rest, strict=False):
        chip = pygame.Rect(place.x, place.centery - high // 2, place.width, high)
        name = "One download at once on each host" if limit == 1 else f"{limit} downloads at once on each host"
        choice(
            draft, chip, f"at-once:{limit}", str(limit), DownloadLimitChanged(limit), chosen=limit == queue.at_once,
            group="at-once", name=name,
        )  # fmt: skip
    for link, place in zip(layout.links, rest[len(LIMITS) :], strict=True):
        button(draft, place, link.node_id, link.label, link.action, kind=ButtonKind.LINK, name=link.name)
