"""What is kept on this computer: where it lies, the settings as a file, and forgetting, in a card at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pygame

from ecs_localai.components.forgetting import Forgettable
from ecs_localai.components.panel_intents import ExportSettingsRequested, ForgetRequested, ImportSettingsAnswered
from ecs_localai.components.panel_view import Tone
from ecs_localai.panel import metrics
from ecs_localai.panel.actions import Agree, Ask, CopyText, Decline, ShowImportHint
from ecs_localai.panel.draft import paragraph_height
from ecs_localai.panel.layout import flow
from ecs_localai.panel.scene import Role
from ecs_localai.panel.sections.card_items import Item, build_card
from ecs_localai.panel.widgets.button import ButtonKind, button, button_width
from ecs_localai.panel.widgets.row import PADDING, row_background, text_after_tile, tile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ecs_localai.panel.actions import Intent, LocalAction
    from ecs_localai.panel.draft import Draft
    from ecs_localai.panel.page import Page
    from ecs_localai.panel.theme import RGB, Theme

IMPORT, IMPORT_LEAVE, IMPORT_AGREE = "import-settings", "import-leave", "import-agree"
"""The nodes of the button, and of the answers to the question about a dropped file."""
_FORGET, _FORGET_KEEP = "forget", "forget-keep"
_NOTHING_KEPT = "Nothing is kept: this program was given no data folder."
_SETTINGS = "Hosts, switches, privacy and look in a file to keep or to carry elsewhere. Secrets are not in it."
_HINT = (
    "Drop a settings file onto this window, or use `ecs-localai settings import FILE`. You are asked before anything "
    "changes."
)
_FORGETTING = "What is forgotten is taken out of the file for good. Models stay where they are."
_ASKING = "Forget what? This cannot be undone."
_CHOICES = (
    (
        Forgettable.HISTORY_AND_USAGE, "History and usage", ButtonKind.DANGER_PLAIN,
        "The list of installations that ended, and how often and when models were used.",
    ),
    (
        Forgettable.MEASUREMENTS, "Measurements", ButtonKind.DANGER_PLAIN,
        "What processor, memory and graphics card were measured to do, up to a year back.",
    ),
    (
        Forgettable.EVERYTHING, "Everything", ButtonKind.DANGER,
        "All that is kept and all that you set, hosts with their secrets too; installations under way are stopped.",
    ),
)  # fmt: skip


class _Button(NamedTuple):
    node_id: str
    label: str
    action: Intent | LocalAction
    name: str = ""
    kind: ButtonKind = ButtonKind.PLAIN


class _Head(NamedTuple):
    """What a row says and offers."""

    icon: str
    title: str
    detail: str
    tone: Tone = Tone.NEUTRAL
    buttons: tuple[_Button, ...] = ()
    one_line: bool = False
    """Whether the detail is shortened in its middle instead of wrapped."""
    role: Role = Role.TEXT


class _Part(NamedTuple):
    """Something below a row's head."""

    key: str
    """What it says."""
    height: int
    draw: Callable[[Draft, int], None]
    """Gets its top."""


def build_your_data(page: Page) -> None:
    """Add the heading and the card."""
    data = page.view.data
    page.heading("your-data", "Your data")
    items = [_folder_item(page)]
    if data.notice is not None:
        items.append(_notice_item(page, data.notice))
    items += [_settings_item(page), _forget_item(page)]
    build_card(page, "your-data-card", items, "Your data")


def _folder_item(page: Page) -> Item:
    folder = page.view.data.folder
    if not folder:
        return _item(page, "data-folder", _Head("folder", "Data folder", _NOTHING_KEPT))
    label = "Copied" if page.state.copied == folder else "Copy"
    copy = _Button("copy-folder", label, CopyText(folder), f"{label}: path of the data folder")
    return _item(page, "data-folder", _Head("folder", "Data folder", folder, buttons=(copy,), one_line=True))


def _notice_item(page: Page, text: str) -> Item:
    left = text_after_tile(page.ink)
    room = page.width - left - page.px(PADDING)
    text_height = paragraph_height(page.ink, text, metrics.SECONDARY, room)
    height = max(page.tall(40), text_height + page.tall(22))

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, height)

        def draw(draft: Draft) -> None:
            colour = draft.theme.tone(Tone.WARN)
            row_background(draft, rect.size, first=first, last=last, text_left=left)
            middle = page.px(PADDING) + page.tall(metrics.TILE) // 2
            draft.icon("triangle-alert", (middle, height // 2), page.tall(16), colour)
            top = (height - text_height) // 2
            draft.paragraph(left, top, text, metrics.SECONDARY, colour, room, role=Role.STATUS)

        page.add("data-notice", (text, first, last), rect, draw, name="About the data folder")

    return Item(height, build)


def _settings_item(page: Page) -> Item:
    data = page.view.data
    buttons = (
        _Button(IMPORT, "Import…", ShowImportHint(), "Import settings"),
        _Button("export-settings", "Export", ExportSettingsRequested(), "Export settings"),
    )
    detail, tone, role = _SETTINGS, Tone.NEUTRAL, Role.TEXT
    if page.state.import_hint:
        detail, tone, role = _HINT, Tone.ACCENT, Role.STATUS
    elif data.exchange_text:
        detail, tone, role = data.exchange_text, data.exchange_tone, Role.STATUS
    head = _Head("settings", "Settings", detail, tone, buttons, role=role)
    return _item(page, "settings-file", head, _import_question(page))


def _import_question(page: Page) -> list[_Part]:
    """The question whether a dropped file is to be taken over, with what it would change."""
    question = page.view.data.question
    if question is None:
        return []
    parts = [_text(page, f"Import the settings from {question.file}?", metrics.SECONDARY_MEDIUM, _plain, Role.ALERT)]
    parts += [_text(page, line, metrics.SECONDARY, _plain, bullet=True) for line in question.changes]
    parts += [_text(page, line, metrics.SECONDARY, _quiet) for line in question.notes]
    leave = _Button(IMPORT_LEAVE, "Leave as it is", ImportSettingsAnswered(agreed=False), "Leave the settings")
    agree = _Button(
        IMPORT_AGREE, "Import", ImportSettingsAnswered(agreed=True), "Import these settings", kind=ButtonKind.PRIMARY
    )
    return [*parts, _buttons(page, (leave, agree))]


def _forget_item(page: Page) -> Item:
    data = page.view.data
    role = Role.STATUS if data.forget_text else Role.TEXT
    head = _Head("trash-2", "Forget", data.forget_text or _FORGETTING, data.forget_tone, role=role)
    if page.state.question == _FORGET:
        keep = _Button(_FORGET_KEEP, "Keep all", Decline(), "Keep all of it")
        asked = _text(page, _ASKING, metrics.SECONDARY, _danger, Role.ALERT, below=9)
        return _item(page, "forget-row", head._replace(buttons=(keep,)), [asked, *_forget_choices(page)])
    ask = _Button(_FORGET, "Forget…", Ask(_FORGET, _FORGET_KEEP, f"forget:{_CHOICES[-1][0].value}"), "Forget data")
    return _item(page, "forget-row", head._replace(buttons=(ask,)))


def _forget_choices(page: Page) -> list[_Part]:
    """A line for each thing that can be forgotten: the button, and what it does."""
    ink, left, high = page.ink, text_after_tile(page.ink), page.tall(metrics.BUTTON_HEIGHT)
    end = page.width - page.px(PADDING)
    most = min(max(button_width(ink, label) for _, label, _, _ in _CHOICES), end - left)
    beside = not page.narrow
    text_left = left + most + page.px(14) if beside else left
    parts = []
    for what, label, kind, sentence in _CHOICES:
        text_height = paragraph_height(ink, sentence, metrics.SECONDARY, end - text_left)
        height = max(high, text_height) if beside else high + page.tall(5) + text_height

        def draw(
            draft: Draft, top: int, what: Forgettable = what, label: str = label, kind: ButtonKind = kind,
            sentence: str = sentence, text_height: int = text_height, height: int = height,
        ) -> None:  # fmt: skip
            place = pygame.Rect(left, top + ((height - high) // 2 if beside else 0), most, high)
            button(
                draft, place, f"forget:{what.value}", label, Agree((ForgetRequested(what),)), kind=kind,
                name=f"Forget {label[0].lower()}{label[1:]} now",
            )  # fmt: skip
            text_top = top + ((height - text_height) // 2 if beside else high + page.tall(5))
            draft.paragraph(text_left, text_top, sentence, metrics.SECONDARY, draft.theme.text2, end - text_left)

        parts.append(_Part(label, height + page.tall(10), draw))
    return parts


def _plain(theme: Theme) -> RGB:
    return theme.text


def _quiet(theme: Theme) -> RGB:
    return theme.text2


def _danger(theme: Theme) -> RGB:
    return theme.tone(Tone.DANGER)


def _text(
    page: Page,
    text: str,
    style: metrics.TextStyle,
    colour: Callable[[Theme], RGB],
    role: Role = Role.TEXT,
    *,
    bullet: bool = False,
    below: int = 5,
) -> _Part:
    """A paragraph below a row's head, with so many logical pixels below it."""
    left = text_after_tile(page.ink) + (page.px(14) if bullet else 0)
    room = page.width - page.px(PADDING) - left
    height = paragraph_height(page.ink, text, style, room)

    def draw(draft: Draft, top: int) -> None:
        if bullet:
            size = page.px(4)
            middle = top + paragraph_height(page.ink, "x", style, room) // 2
            dot = pygame.Rect(left - page.px(11), middle - size // 2, size, size)
            draft.rounded(dot, size / 2, draft.theme.text2)
        draft.paragraph(left, top, text, style, colour(draft.theme), room, role=role)

    return _Part(text, height + page.tall(below), draw)


def _buttons(page: Page, buttons: tuple[_Button, ...]) -> _Part:
    """Buttons below a row's head, beside each other."""
    left, high = text_after_tile(page.ink), page.tall(metrics.BUTTON_HEIGHT)
    room = page.width - page.px(PADDING) - left
    widths = [button_width(page.ink, one.label) for one in buttons]
    places, height = flow(widths, room, high, page.px(8), page.px(8))

    def draw(draft: Draft, top: int) -> None:
        for one, place in zip(buttons, places, strict=True):
            button(
                draft, place.move(left, top + page.tall(6)), one.node_id, one.label, one.action,
                kind=one.kind, name=one.name,
            )  # fmt: skip

    return _Part("buttons", height + page.tall(6) + page.tall(12), draw)


class _Layout:
    """Where the parts of one row are, in surface pixels from its top."""

    def __init__(self, page: Page, head: _Head, parts: Sequence[_Part]) -> None:
        ink, self.high = page.ink, page.tall(metrics.BUTTON_HEIGHT)
        self.left, self.end = text_after_tile(ink), page.width - page.px(PADDING)
        widths, gap = [button_width(ink, one.label) for one in head.buttons], page.px(8)
        together = sum(widths) + gap * max(0, len(widths) - 1)
        beside = bool(widths) and (not page.narrow or head.one_line)
        self.room = self.end - self.left - (together + page.px(16) if beside else 0)
        self.line = paragraph_height(ink, "x", metrics.SECONDARY, self.room)
        self.detail = self.line
        if not head.one_line:
            self.detail = paragraph_height(ink, head.detail, metrics.SECONDARY, self.room)
        self.title = page.tall(20)
        self.head = page.tall(58) if self.detail <= self.line else page.tall(21) + self.title + self.detail
        places, below = flow(widths, together if beside else self.room, self.high, gap, gap)
        self.parts_top = self.head
        if beside:
            self.places = [place.move(self.end - together, (self.head - self.high) // 2) for place in places]
        else:
            self.places = [place.move(self.left, self.head - page.tall(2)) for place in places]
            self.parts_top += below + page.tall(10) if below else 0
        self.height = self.parts_top + sum(part.height for part in parts) + (page.tall(4) if parts else 0)


def _item(page: Page, block_id: str, head: _Head, parts: Sequence[_Part] = ()) -> Item:
    """A row: a tile, a title with a line or more about it, buttons at the right or below, then the parts."""
    layout = _Layout(page, head, parts)
    key = (*head[:4], tuple(one.label for one in head.buttons), tuple(part.key for part in parts))

    def build(first: bool, last: bool) -> None:
        rect = pygame.Rect(page.left, page.y, page.width, layout.height)

        def draw(draft: Draft) -> None:
            row_background(draft, rect.size, first=first, last=last, text_left=layout.left)
            _draw_head(draft, page, head, layout)
            top = layout.parts_top
            for part in parts:
                part.draw(draft, top)
                top += part.height

        page.add(block_id, (*key, page.narrow, first, last), rect, draw, name=head.title)

    return Item(layout.height, build)


def _draw_head(draft: Draft, page: Page, head: _Head, layout: _Layout) -> None:
    theme, side = draft.theme, page.tall(metrics.TILE)
    colour, soft = theme.tones[Tone.NEUTRAL]
    tile_place = pygame.Rect(page.px(PADDING), (page.tall(58) - side) // 2, side, side)
    tile(draft, tile_place, head.icon, soft, colour)
    top = (layout.head - layout.title - layout.detail) // 2
    draft.text(layout.left, top + layout.title // 2, head.title, metrics.ROW, theme.text, max_width=layout.room)
    top += layout.title
    shade = theme.text2 if head.tone is Tone.NEUTRAL else theme.tone(head.tone)
    if head.one_line:
        draft.text(
            layout.left, top + layout.line // 2, head.detail, metrics.SECONDARY, shade, max_width=layout.room,
            shorten_middle=True, role=head.role,
        )  # fmt: skip
    else:
        draft.paragraph(layout.left, top, head.detail, metrics.SECONDARY, shade, layout.room, role=head.role)
    for one, place in zip(head.buttons, layout.places, strict=True):
        button(draft, place, one.node_id, one.label, one.action, kind=one.kind, name=one.name)
