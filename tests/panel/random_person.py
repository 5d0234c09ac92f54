"""A person who does random things to a panel, while random things happen to what it shows."""

from __future__ import annotations

import random

import numpy as np
import pygame

from ecs_localai.components.panel_view import InstallationRow, NoticeView, Tone
from tests.panel.install_samples import fitting_row, full_card, looking_card, queue, refused_row, requirements
from tests.panel.life_samples import history
from tests.panel.panel_driver import FRAME, Driver

_OPENERS = (
    "form:", "host-more:", "edit:", "add-host", "find-hosts", "model-more:", "history-more", "copy", "rename",
    "new-name", "stay", "preflight-", "installation-more", "at-once", "install",
)  # fmt: skip
"""What unfolds something, opens a form or a question, and what is in it, by the beginnings of their ids."""


class Person:
    """Does random things to a panel, and random things happen to what it shows."""

    def __init__(self, driver: Driver, seed: int, size: tuple[int, int]) -> None:
        self.driver = driver
        self.random = random.Random(seed)
        self.size = size
        self.said = ""

    def somewhere(self) -> tuple[float, float]:
        return self.random.uniform(0, self.size[0]), self.random.uniform(0, self.size[1])

    def act(self) -> None:
        act = self.random.choice(
            [
                self.hover, self.hover, self.click, self.wheel, self.wheel, self.frames, self.frames, self.progress,
                self.progress, self.gauge, self.toggle, self.key, self.type, self.compose, self.drag, self.notice,
                self.model, self.host, self.installation, self.leave, self.hosts, self.hosts, self.press, self.press,
                self.answer, self.past, self.card, self.needs,
            ]
        )  # fmt: skip
        self.said = act.__name__
        act()

    def hover(self) -> None:
        self.driver.move(*self.somewhere())

    def click(self) -> None:
        at = self.somewhere()
        self.driver.press(*at)
        self.driver.release(*at)

    def drag(self) -> None:
        start, end = self.somewhere(), self.somewhere()
        if self.random.random() < 0.5:
            start = (self.size[0] - 4, start[1])  # the scroll bar
        self.driver.press(*start)
        self.driver.move(*end)
        self.driver.release(*end)

    def wheel(self) -> None:
        self.driver.wheel(self.random.choice([-3, -1, -1, 0.25, 1, 2]))
        self.driver.run(self.random.choice([FRAME, 3 * FRAME, 20 * FRAME]))

    def frames(self) -> None:
        self.driver.run(self.random.choice([FRAME, 0.05, 0.3, 0.6]))

    def progress(self) -> None:
        for row in self.driver.view.installations:
            if row.fraction is not None and row.tone is Tone.ACCENT:
                row.fraction = min(1.0, row.fraction + self.random.random() * 0.02)
                row.detail = f"{row.fraction * 5.2:.1f} of 5.2 GB · {self.random.randint(1, 99)} MB/s"
        self.driver.changed()

    def gauge(self) -> None:
        for gauge in self.driver.view.gauges:
            if isinstance(gauge.history, np.ndarray):
                gauge.history[:-1] = gauge.history[1:]
                gauge.history[-1] = self.random.choice([float("nan"), self.random.uniform(0, gauge.maximum)])
                gauge.value = f"{self.random.uniform(0, gauge.maximum):.1f}"
        self.driver.changed()

    def toggle(self) -> None:
        row = self.random.choice(self.driver.view.features[0].toggles)
        row.on = not row.on
        row.can_change = self.random.random() < 0.8
        self.driver.changed()

    def key(self) -> None:
        keys = [
            pygame.K_TAB, pygame.K_TAB, pygame.K_TAB, pygame.K_SPACE, pygame.K_RETURN, pygame.K_ESCAPE, pygame.K_UP,
            pygame.K_DOWN, pygame.K_PAGEDOWN, pygame.K_PAGEUP, pygame.K_HOME, pygame.K_END, pygame.K_LEFT,
            pygame.K_RIGHT, pygame.K_BACKSPACE,
        ]  # fmt: skip
        self.driver.key(self.random.choice(keys), self.random.choice([0, 0, pygame.KMOD_SHIFT, pygame.KMOD_CTRL]))

    def type(self) -> None:
        self.driver.type(self.random.choice(["llama3.2:1b", "lla", "é", "模型", " ", "a" * 60]))

    def compose(self) -> None:
        self.driver.compose(self.random.choice(["", "ni", "你"]))

    def notice(self) -> None:
        notices = self.driver.view.notices
        if notices and self.random.random() < 0.6:
            notices.pop()
        else:
            notices.append(NoticeView(self.random.randint(10, 10**6), "Something happened. " * 5, Tone.WARN))
        self.driver.changed()

    def model(self) -> None:
        models = self.driver.view.models
        if models:
            row = self.random.choice(models)
            row.status = self.random.choice(["", "Loaded · 100 % GPU", "Loading"])
            row.busy = self.random.choice(["", "", "Deleting"])
            row.pinned = self.random.random() < 0.5
            row.loaded = self.random.random() < 0.5
            row.inert_reason = self.random.choice(["", "", "Its host is not connected. " * 9])
            if self.random.random() < 0.2:
                models.remove(row)
        self.driver.changed()

    def host(self) -> None:
        host = self.driver.view.host
        host.status_text, host.tone = self.random.choice(
            [("Connected", Tone.OK), ("Not reachable", Tone.DANGER), ("Connecting", Tone.NEUTRAL)]
        )
        host.detail = None if host.tone is Tone.OK else "Nothing answers there."
        self.driver.changed()

    def hosts(self) -> None:
        rows = self.driver.view.hosts
        if rows:
            row = self.random.choice(rows)
            row.status_text, row.tone, row.reason = self.random.choice(
                [("Connected", Tone.OK, ""), ("Not connected", Tone.DANGER, "Gone. " * 30), ("Unstable", Tone.WARN, "")]
            )
            row.facts = f"10.0.0.1:11434 · {self.random.randint(1, 99)} ms"
            if self.random.random() < 0.3:
                rows.insert(0, rows.pop())
            elif self.random.random() < 0.2 and len(rows) > 1:
                rows.pop()
            search = self.driver.view.search
            search.is_running = not search.is_running
            search.text = "Looking…" if search.is_running else "Done"
        self.driver.changed()

    def press(self) -> None:
        """A control wherever it is, so that what unfolds does unfold, and forms and questions open."""
        controls = [node.id for node in self.driver.panel.scene().walk() if node.focusable]
        own = [one for one in controls if one.startswith(_OPENERS)]
        if controls:
            self.driver.tab_to(self.random.choice(own or controls))
            self.driver.key(pygame.K_SPACE)

    def answer(self) -> None:
        self.driver.view.host_answers += 1
        self.driver.view.host_error = self.random.choice([None, "It is in the list already."])
        self.driver.changed()

    def past(self) -> None:
        view = self.driver.view
        row = self.random.choice(history())
        row.installation_id, row.host = f"p{self.random.random()}", self.random.choice(["", "team"])
        view.history = [] if self.random.random() < 0.2 else [row, *view.history[:8]]
        view.history_count = len(view.history)
        self.driver.changed()

    def installation(self) -> None:
        rows = self.driver.view.installations
        if rows and self.random.random() < 0.5:
            rows.pop(self.random.randrange(len(rows)))
        else:
            row = self.random.choice([InstallationRow("", "new:1b", "Asking", None), *queue()])
            row.installation_id = f"n{self.random.random()}"
            rows.insert(0, row)
        self.driver.changed()

    def card(self) -> None:
        view = self.driver.view
        view.preflight = self.random.choice([None, looking_card(), full_card()])
        if view.preflight is not None and self.random.random() < 0.5:
            view.preflight.rows = self.random.sample([fitting_row(), refused_row(), *view.preflight.rows], 2)
        self.driver.changed()

    def needs(self) -> None:
        view = self.driver.view
        view.requirements = self.random.sample(requirements(), self.random.randint(0, 2))
        for row in view.requirements:
            row.fraction = None if row.fraction is None else self.random.random()
        for one in view.installations:
            one.again_text = self.random.choice(["", "fetching 40 MB again"])
            one.can_pause, one.can_resume, one.can_move_up = (self.random.random() < 0.5 for _ in range(3))
        view.queue.at_once = self.random.randint(1, 4)
        view.queue.summary = self.random.choice(["", "2 running, 5 waiting · 31 GB left"])
        self.driver.changed()

    def leave(self) -> None:
        self.driver.panel.handle_event(pygame.event.Event(pygame.WINDOWLEAVE))
        self.driver.paint()
