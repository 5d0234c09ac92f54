"""The panel: draws a `PanelView` on any surface, and turns input into intents."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pygame

from ecs_localai.panel.animation import Glides
from ecs_localai.panel.appearance import Appearance
from ecs_localai.panel.clipboard import SystemClipboard
from ecs_localai.panel.composition import compose
from ecs_localai.panel.controller import Controller
from ecs_localai.panel.file_drops import DROPS
from ecs_localai.panel.ink import Ink
from ecs_localai.panel.key_input import KeyInput
from ecs_localai.panel.metrics import MAX_SCALE, MIN_SCALE, Metrics
from ecs_localai.panel.painter import Painter
from ecs_localai.panel.pointer_input import PointerInput, left_button
from ecs_localai.panel.scrolling import Scroller
from ecs_localai.panel.state import HOST_FIELD, UiState

if TYPE_CHECKING:
    from collections.abc import Callable

    from ecs_localai.components.panel import PanelSettings, ThemeChoice, WindowPlace
    from ecs_localai.components.panel_view import ImportView, PanelView
    from ecs_localai.panel.clipboard import Clipboard
    from ecs_localai.panel.frame import Frame
    from ecs_localai.panel.scene import Block, Cursor, SceneNode

MIN_WIDTH, MIN_HEIGHT = 480, 320
"""The smallest window, in logical pixels, that everything is laid out for."""
_FRAME = 1 / 60
_SWEEP_FRAME = 1 / 30
_REVEAL_MARGIN = 28


def _ignore(intent: object) -> None:
    """For a panel that nobody listens to: a picture."""


class Panel:
    """One panel.

    Args:
        size: width and height in logical pixels.
        theme: ``light``, ``dark``, or ``system`` for what the system prefers now, until the person chooses another
            in the panel; None: what the person chose before (`PanelView.settings`).
        scale: surface pixels for one logical pixel, in which sizes and positions are given.
        own_scale: whether a scale that the person chooses in the panel makes it draw larger, as far as the surface
            has room for it; False where the window does that and tells by `resize`.
        appearance: what the person chose, where that is known before there is a view; instead of ``theme``.
        font_scale: 0.8 to 2.0; multiplies type and the heights of rows.
        reduced_motion: nothing glides or sweeps.
        clock: seconds, going forward; a test gives its own.
        emit: called with each intent (see `ecs_localai.components.panel_intents`).
        clipboard: the system's when not given.

    Raises:
        AssetsMissing: the fonts have not been built.
        ValueError: an unknown theme, or a scale out of range.
    """

    def __init__(
        self,
        size: tuple[int, int],
        *,
        theme: str | None = None,
        scale: float = 1.0,
        own_scale: bool = True,
        appearance: Appearance | None = None,
        font_scale: float = 1.0,
        reduced_motion: bool = False,
        clock: Callable[[], float] = time.monotonic,
        emit: Callable[[object], None] = _ignore,
        clipboard: Clipboard | None = None,
    ) -> None:
        self._clock = clock
        self._still = reduced_motion
        self._appearance = Appearance(theme) if appearance is None else appearance
        self._ink = Ink(self._appearance.colours(), Metrics(scale, font_scale))
        self._host_scale, self._own_scale = scale, own_scale
        self._size = (self._ink.metrics.px(size[0]), self._ink.metrics.px(size[1]))
        self._asked: tuple[tuple[int, int], float | None] = (size, scale)
        self._state = UiState(appearance=self._appearance)
        self._scroller = Scroller(still=reduced_motion)
        self._glides = Glides(still=reduced_motion)
        self._controller = Controller(self._state, self._scroller, clipboard or SystemClipboard(), clock, emit)
        self._pointer = PointerInput(self._controller)
        self._keys = KeyInput(self._controller)
        self._painter = Painter()
        self._blocks: dict[str, Block] = {}
        self._view: PanelView | None = None
        self._revision = -1
        self._install_error: str | None = None
        self._import_question: ImportView | None = None
        self._next_due: float | None = None
        self._animating = False

    # ---- what is shown

    def show(self, view: PanelView) -> None:
        """Draw this view from now on. Costs nothing when it is the one shown, at the same revision."""
        if view is self._view and view.revision == self._revision:
            return
        self._view, self._revision = view, view.revision
        self._controller.view = view
        self._controller.stale = True
        self._appearance.take(view.settings)
        self._take_over_address(view.host.address)
        self._controller.form.answered(view)
        self._controller.namer.look(view)
        self._controller.model_form.look(view)
        self._controller.texts.look(view)
        self._controller.installs.look(view)
        if view.data.question is not self._import_question:
            self._import_question = view.data.question
            if self._import_question is not None:
                self._controller.asked_about_import()
        if view.install_error != self._install_error:
            self._install_error = view.install_error
            if view.install_error is not None:
                self._controller.install_refused()
        elif view.install_error is not None and self._controller.submitted:
            self._controller.install_refused()  # refused again, for the same reason

    def _take_over_address(self, address: str) -> None:
        """The view's address goes into the field, unless somebody is typing another there."""
        host = self._state.host
        typing = self._state.focus == HOST_FIELD and host.changed
        if address == host.shown and (typing or not host.changed):
            return
        host.shown = address
        host.edit.set_text(address)

    def resize(self, size: tuple[int, int], scale: float | None = None) -> None:
        """Take another size (logical pixels), and another scale where the window came to another screen.

        Costs nothing when they are what they were, so it may be called every frame.
        """
        if (size, scale) == self._asked:
            return
        self._asked = (size, scale)
        if scale is not None and scale != self._host_scale:
            self._host_scale = scale
            self._controller.stale = True
        self._take_size((round(size[0] * self._host_scale), round(size[1] * self._host_scale)))

    def set_theme(self, theme: str) -> None:
        """Change to ``light``, ``dark`` or ``system``, until the person chooses another in the panel.

        Raises `ValueError` for another name.
        """
        self._appearance.show_in(theme)
        self._take_look()
        self._controller.stale = True

    @property
    def settings(self) -> PanelSettings:
        """What the person chose, in the panel or before; without what was only told to this panel."""
        return self._appearance.settings

    @property
    def chosen_theme(self) -> ThemeChoice:
        """The choice that holds now; `theme_name` says which colours that means."""
        return self._appearance.theme

    @property
    def chosen_scale(self) -> float | None:
        """The scale that holds now, for a window that has it drawn so; None: as the system is set."""
        return self._appearance.scale

    def keep_window(self, place: WindowPlace) -> None:
        """Tell that the window is somewhere else, or of another size: that is remembered."""
        self._controller.keep_window(place)

    def _take_look(self) -> None:
        """Draw in the colours and at the scale that hold now."""
        theme, scale, before = self._appearance.colours(), self._scale_to_draw(), self._ink.metrics
        if theme is self._ink.theme and scale == before.scale:
            return
        self._ink = Ink(theme, before if scale == before.scale else Metrics(scale, before.font_scale))
        self._blocks.clear()
        if scale != before.scale:
            self._scroller.rescale(scale / before.scale)

    def _scale_to_draw(self) -> float:
        chosen = self._appearance.scale
        if chosen is None or not self._own_scale:
            return self._host_scale
        room = min(self._size[0] / MIN_WIDTH, self._size[1] / MIN_HEIGHT) / self._host_scale
        return min(max(self._host_scale * min(chosen, max(room, 1.0)), MIN_SCALE), MAX_SCALE)

    def _take_size(self, pixels: tuple[int, int]) -> None:
        if pixels != self._size:
            self._size = pixels
            self._controller.stale = True

    # ---- painting

    def paint(self, surface: pygame.Surface) -> list[pygame.Rect]:
        """Bring the surface up to date. Returns the rectangles that changed; none when nothing did.

        The surface must hold what was painted on it before: give the same one every time, and call
        `invalidate` after drawing over it. Its size is taken over as the window's.
        """
        now = self._clock()
        due = self._next_due is not None and now >= self._next_due
        known = self._painter.knows(surface) and surface.get_size() == self._size
        if not self._controller.stale and not due and known:
            return []
        self._take_size(surface.get_size())
        frame = self._lay_out(now)
        return self._painter.paint(surface, frame, self._ink)

    def invalidate(self) -> None:
        """Paint everything the next time."""
        self._painter.forget()

    def snapshot(self) -> pygame.Surface:
        """A picture of what was painted last, drawn anew on a surface of its own."""
        frame = self._controller.frame or self._current_frame()
        picture = pygame.Surface(frame.size, 0, 32)
        Painter().paint(picture, frame, self._ink)
        return picture

    @property
    def animating(self) -> bool:
        """Whether something moves, so that frames should follow each other quickly."""
        return self._animating

    @property
    def next_due(self) -> float | None:
        """The clock's time at which `paint` has something to do by itself; None: not before input or data.

        In the past when something has changed already.
        """
        return self._clock() if self._controller.stale else self._next_due

    def _lay_out(self, now: float) -> Frame:
        """Lay out what there is now; a second time where the first one moved focus or pointer."""
        controller = self._controller
        self._take_look()
        self._scroller.advance(now)
        for _ in range(3):
            controller.stale = False
            frame = self._compose(now)
            controller.frame, controller.ink = frame, self._ink
            controller.keep_focus_alive()
            self._reveal_focus()
            self._pointer.look()
            if not controller.stale and self._scroller.offset == frame.scroll:
                break
        controller.stale = False
        return frame

    def _compose(self, now: float) -> Frame:
        field = self._controller.field
        if field is not None:
            field.caret_on = self._controller.caret_on(now)
        composed = compose(
            self._ink, self._state, self._view, self._glides, self._scroller, now, self._size, self._blocks,
            still=self._still,
        )  # fmt: skip
        self._blocks = composed.blocks
        gliding = self._glides.moving(now) or self._scroller.moving
        self._animating = gliding or composed.sweeping
        blink = self._controller.next_blink(now)
        next_frame = now + (_FRAME if gliding else _SWEEP_FRAME) if self._animating else None
        times = [moment for moment in (blink, next_frame) if moment is not None]
        self._next_due = min(times, default=None)
        return composed.frame

    def _reveal_focus(self) -> None:
        """Scroll to the control that the keyboard went to, with its ring and some room."""
        controller = self._controller
        frame, wanted = controller.frame, controller.reveal
        controller.reveal = None
        found = None if frame is None else frame.find(wanted)
        if frame is None or found is None or not found.scrolls:
            return
        margin = min(self._ink.metrics.px(_REVEAL_MARGIN), frame.viewport.height // 4)
        # Where it will be when the page has come to rest.
        rest = frame.scroll - round(self._scroller.target)
        top, bottom = found.rect.top + rest, found.rect.bottom + rest
        if top < frame.viewport.top + margin:
            self._scroller.glide_by(top - frame.viewport.top - margin)
        elif bottom > frame.viewport.bottom - margin:
            self._scroller.glide_by(bottom - frame.viewport.bottom + margin)
        if self._scroller.moving:
            self._animating, self._next_due = True, self._clock()

    # ---- input

    def handle_event(self, event: pygame.event.Event) -> bool:
        """Act on an event of pygame's. Returns whether it meant something to the panel.

        Positions are logical pixels from the panel's corner (fractions are welcome); see `PanelWindow.pump`.
        """
        kind = event.type
        if kind == pygame.MOUSEMOTION:
            self._pointer.moved(self._pixels(event))
            return True
        if kind == pygame.MOUSEBUTTONDOWN and left_button(event):
            extend = bool(pygame.display.get_init() and pygame.key.get_mods() & pygame.KMOD_SHIFT)
            return self._pointer.pressed(self._pixels(event), extend=extend)
        if kind == pygame.MOUSEBUTTONUP and left_button(event):
            return self._pointer.released(self._pixels(event))
        if kind == pygame.MOUSEWHEEL:
            turned = float(getattr(event, "precise_y", event.y))
            return self._pointer.wheel(-turned if getattr(event, "flipped", False) else turned)
        if kind == pygame.KEYDOWN:
            return self._keys.key(event.key, event.mod)
        if kind == pygame.KEYUP:
            return self._keys.released(event.key)
        if kind == pygame.TEXTINPUT:
            return self._keys.typed(event.text)
        if kind == pygame.TEXTEDITING:
            return self._keys.composing(event.text)
        if kind in DROPS:
            return self._controller.drops.take(event)
        return self._window_event(kind)

    def _window_event(self, kind: int) -> bool:
        if kind == pygame.WINDOWLEAVE:
            self._pointer.left()
        elif kind in (pygame.WINDOWFOCUSLOST, pygame.WINDOWFOCUSGAINED):
            self._state.window_active = kind == pygame.WINDOWFOCUSGAINED
            self._controller.typed()
        elif kind in (pygame.WINDOWSIZECHANGED, pygame.WINDOWEXPOSED):
            self.invalidate()  # the surface may have lost its pixels, and come back to its old size
        else:
            return False
        return True

    def _pixels(self, event: pygame.event.Event) -> tuple[int, int]:
        scale = self._host_scale
        return int(event.pos[0] * scale), int(event.pos[1] * scale)

    @property
    def cursor(self) -> Cursor:
        """The shape that the pointer should have now."""
        return self._pointer.cursor

    @property
    def text_input(self) -> pygame.Rect | None:
        """Where text is being typed, in logical pixels, for an input method's window; None: nowhere."""
        frame = self._controller.frame
        if self._controller.field is None or frame is None:
            return None
        found = frame.find(self._state.focus)
        if found is None:
            return None
        scale = self._host_scale
        return pygame.Rect(*(round(part / scale) for part in found.rect))

    # ---- for tests, assistive technology and pictures

    @property
    def scale(self) -> float:
        """Surface pixels for one logical pixel, as it is drawn now."""
        return self._ink.metrics.scale

    @property
    def theme_name(self) -> str:
        """``light`` or ``dark``."""
        return self._ink.theme.name

    @property
    def page_height(self) -> int:
        """The height, in surface pixels, at which nothing would have to be scrolled."""
        frame = self._current_frame()
        return frame.viewport.y + frame.content_height

    def _current_frame(self) -> Frame:
        """The layout as it is now, which may not have been painted yet."""
        frame = self._controller.frame
        if frame is None or self._controller.stale:
            frame = self._lay_out(self._clock())
            self._controller.stale = True
        return frame

    def scene(self) -> SceneNode:
        """What is on the panel now, as a tree with roles, names and rectangles (surface pixels)."""
        frame = self._current_frame()
        title = "" if self._view is None else self._view.title
        return frame.scene(title, self._state.focus)
