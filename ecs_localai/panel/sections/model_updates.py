"""Whether newer versions of the models are known of: a line below their heading, and the question before all come."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.components.panel_intents import CheckUpdatesRequested, UpdateModelsRequested
from ecs_localai.panel import metrics
from ecs_localai.panel.actions import Agree, Ask, Decline
from ecs_localai.panel.draft import paragraph_height
from ecs_localai.panel.layout import FromRight, flow
from ecs_localai.panel.scene import Role
from ecs_localai.panel.widgets.button import ButtonKind, button, button_width, link_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecs_localai.components.panel_view import ModelRow
    from ecs_localai.panel.actions import Intent, LocalAction
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.page import Page

_QUESTION = "update-all"
_LEAVE, _CONFIRM = "update-all-leave", "update-all-confirm"
_NEVER = "Not checked for updates yet"
_MOST_NAMED = 8
_MOST_LINES = 4
_BELOW = 6
"""The room below it, the same with and without the question: the list stays where it is."""


def update_intents(rows: Sequence[ModelRow]) -> tuple[UpdateModelsRequested, ...]:
    """What updates all that is surely outdated, host by host; what only may be outdated there is left."""
    hosts = dict.fromkeys(host for row in rows if row.update_is_sure for host in row.update_on)
    return tuple(UpdateModelsRequested([], host) for host in hosts)


def question_text(rows: Sequence[ModelRow]) -> str:
    """The models that would be replaced, by name."""
    names = [row.name for row in rows if row.update_is_sure and row.update_on]
    rest = len(names) - _MOST_NAMED
    listed = ", ".join(names[:_MOST_NAMED] if rest > 1 else names)
    more = f" and {rest} more" if rest > 1 else ""
    what = "Update this model" if len(names) == 1 else f"Update these {len(names)} models"
    return f"{what}? {listed}{more}. What is installed is replaced."


def build_updates_line(page: Page) -> None:
    """Add the line: what is known, and what can be done about it; or the question."""
    view = page.view
    intents = update_intents(view.models) if view.can_update_all else ()
    if page.state.question == _QUESTION and intents:
        _build_question(page, intents)
        return
    links: list[tuple[str, str, Intent | LocalAction, bool]] = []
    label = "Checking…" if view.updates_running else "Check for updates"
    links.append(("check-updates", label, CheckUpdatesRequested(), not view.updates_running))
    if intents:
        links.append(("update-all", "Update all…", Ask(_QUESTION, _LEAVE, _CONFIRM), True))
    text = view.updates_text or _NEVER
    high, gap = page.tall(metrics.BUTTON_HEIGHT), page.px(2)
    widths = [link_width(page.ink, one[1]) for one in links]
    together, room = sum(widths) + gap * (len(links) - 1), page.width - page.px(4)
    beside = page.ink.text.width(text, metrics.SECONDARY) + page.px(12) + together <= room
    above = 0 if beside else page.tall(18)
    places, high_in_all = flow(widths, room, high, gap, 0)
    inset = 0 if beside else page.px(13)  # below the words, the links' own words begin where those do
    rect = pygame.Rect(page.left + page.px(4) - inset, page.y, room + inset, above + high_in_all)

    def draw(draft: Draft) -> None:
        theme = draft.theme
        left = room - together if beside else 0
        for (node_id, words, action, enabled), place in zip(links, places, strict=True):
            button(
                draft, place.move(left, above), node_id, words, action, kind=ButtonKind.LINK,
                behind=theme.background, enabled=enabled, name=words if enabled else "Checking for updates",
            )  # fmt: skip
        draft.text(
            inset, page.tall(9) if above else high // 2, text, metrics.SECONDARY, theme.text2,
            max_width=left if beside else room, role=Role.STATUS,
        )  # fmt: skip

    page.add("models-updates", (text, label, bool(intents)), rect, draw, name="Updates")
    page.y += rect.height + page.px(_BELOW)


def _build_question(page: Page, intents: tuple[UpdateModelsRequested, ...]) -> None:
    text = question_text(page.view.models)
    high, gap = page.tall(metrics.BUTTON_HEIGHT), page.px(8)
    labels = ("Update", "Leave")
    together = sum(button_width(page.ink, label) for label in labels) + gap
    room = page.width - page.px(8)
    beside = not page.narrow
    words = room - together - page.px(16) if beside else room
    tall = paragraph_height(page.ink, text, metrics.SECONDARY, words, _MOST_LINES)
    height = max(high, tall) if beside else tall + page.tall(6) + high
    rect = pygame.Rect(page.left + page.px(4), page.y, page.width - page.px(4), height)

    def draw(draft: Draft) -> None:
        theme = draft.theme
        top = (high - page.tall(17)) // 2 if beside and tall < high else 0
        draft.paragraph(
            0, top, text, metrics.SECONDARY, theme.text, words, max_lines=_MOST_LINES, role=Role.ALERT
        )  # fmt: skip
        at = FromRight(rect.width)
        # "Leave" is where "Update all…" was, so that the second click of a double click updates nothing.
        wide = button_width(page.ink, "Leave")
        place = pygame.Rect(at.take(wide, gap), height - high if not beside else 0, wide, high)
        button(draft, place, _LEAVE, "Leave", Decline(), name="Update nothing", behind=theme.background)
        wide = button_width(page.ink, "Update")
        place = pygame.Rect(at.take(wide), place.y, wide, high)
        button(
            draft, place, _CONFIRM, "Update", Agree(intents), kind=ButtonKind.PRIMARY,
            name="Update all of them now", behind=theme.background,
        )  # fmt: skip

    page.add("models-updates", (text, intents), rect, draw, name="Updates")
    page.y += height + page.px(_BELOW)
