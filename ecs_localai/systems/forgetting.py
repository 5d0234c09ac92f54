"""HOST_CONNECTION: a person wants kept data forgotten: in the world, in the file, and beside it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from ecs_localai.components.events import DataForgotten, UIUpdateEvent, UIUpdateKind
from ecs_localai.components.forgetting import Forgettable
from ecs_localai.components.installation import ModelInstallationManager
from ecs_localai.components.panel_intents import CancelRequested, ForgetRequested
from ecs_localai.components.panel_view import Tone
from ecs_localai.runtime import App, EventReader, Res, Task, TaskCancelled
from ecs_localai.store.tables import Table
from ecs_localai.systems.first_day import reset_choices, reset_history, reset_hosts, reset_measurements
from ecs_localai.systems.paired_browsers import PairedBrowsers
from ecs_localai.systems.persistence import SavedState

if TYPE_CHECKING:
    from pathlib import Path

WIPE_SECONDS = 10.0
"""So long is waited for the bytes to go: writing a file of some megabytes anew, and other programs that read it."""

_TABLES = {
    Forgettable.HISTORY_AND_USAGE: (Table.HISTORY, Table.MODEL_USAGE),
    Forgettable.MEASUREMENTS: (Table.MEASUREMENTS, Table.MEASUREMENT_MINUTES, Table.MEASUREMENT_HOURS),
}
_WORDS = {
    Forgettable.HISTORY_AND_USAGE: "History and usage are",
    Forgettable.MEASUREMENTS: "The measurements are",
    Forgettable.EVERYTHING: "Everything is",
}
_DOING = {
    Forgettable.HISTORY_AND_USAGE: "Forgetting history and usage…",
    Forgettable.MEASUREMENTS: "Forgetting the measurements…",
    Forgettable.EVERYTHING: "Forgetting everything…",
}


class Forgetting:
    """What is being forgotten, and how the last time went. A resource.

    Everything is forgotten in steps: what is being installed is stopped, the world is made as on a first day, the
    systems take note of that, then the file is emptied, and the background waits until no byte is left.
    """

    def __init__(self, app: App, saved: SavedState) -> None:
        self._app = app
        self._saved = saved
        self._wanted: deque[Forgettable] = deque()
        self._stopping: set[str] | None = None
        self._is_reset = False
        self._wiping: Task[list[str]] | None = None
        self._told = app.add_event(DataForgotten).writer()
        self._ui = app.add_event(UIUpdateEvent).writer()
        self._cancels = app.add_event(CancelRequested).writer()
        self.text = ""
        """How it stands or went; empty before the first time."""
        self.tone = Tone.NEUTRAL

    def ask(self, what: Forgettable) -> None:
        """Forget this, after what is being forgotten already."""
        if what not in self._wanted:
            self._wanted.append(what)
            self._empty(what)  # at once, in case the app ends before the steps are done; and again at their end

    def go_on(self) -> None:
        """Do the next step, if it can be done now."""
        if not self._wanted:
            return
        what = self._wanted[0]
        if self._wiping is not None:
            if self._wiping.is_finished():
                self._finish(what, self._wiping)
        elif not self._is_reset:
            self._say(_DOING[what], Tone.NEUTRAL)
            if what is not Forgettable.EVERYTHING or self._has_stopped():
                self._reset(what)
        else:  # in the frame after: the systems have taken note, so that none keeps anything of it again
            self._wipe(what)

    def _has_stopped(self) -> bool:
        """Whether nothing is being installed any more of what was when this was asked for."""
        active = self._app.world.resource(ModelInstallationManager).active_installations
        if self._stopping is None:
            self._stopping = set(active)
            for installation_id in active:
                self._cancels.write(CancelRequested(installation_id))
        return self._stopping.isdisjoint(active)

    def _reset(self, what: Forgettable) -> None:
        world = self._app.world
        if what is not Forgettable.MEASUREMENTS:
            reset_history(world)
        if what is not Forgettable.HISTORY_AND_USAGE:
            reset_measurements(self._app)
        if what is Forgettable.EVERYTHING:
            reset_choices(self._app)
            reset_hosts(world)
        for kind in (
            UIUpdateKind.HOST_CHANGED,
            UIUpdateKind.MODELS_CHANGED,
            UIUpdateKind.INSTALLATIONS_CHANGED,
            UIUpdateKind.MEASUREMENTS_CHANGED,
        ):
            self._ui.write(UIUpdateEvent(kind))
        self._is_reset = True
        self._app.wakeups.request_frame()

    def _wipe(self, what: Forgettable) -> None:
        self._empty(what)
        is_everything = what is Forgettable.EVERYTHING
        browsers = self._app.world.get_resource(PairedBrowsers) if is_everything else None
        work = _wiped(self._saved, browsers, is_everything=is_everything)
        self._wiping = self._app.tasks.spawn(work, "wait until what was forgotten is gone")

    def _empty(self, what: Forgettable) -> None:
        if what is Forgettable.EVERYTHING:
            self._saved.forget_everything()
        else:
            self._saved.forget(*_TABLES[what])

    def _finish(self, what: Forgettable, work: Task[list[str]]) -> None:
        self._wanted.popleft()
        self._stopping, self._is_reset, self._wiping = None, False, None
        try:
            problems = work.check_ready() or []
        except TaskCancelled:  # the app ends
            return
        done = f"{_WORDS[what]} forgotten"
        if problems:
            message = " ".join([f"{done}, but traces may be left.", *problems])
        elif self._saved.file is None:
            message = f"{done}."
        else:
            message = f"{done}, and no byte of it is left in the data folder."
        self._told.write(DataForgotten(what, not problems, message))
        self._say(message, Tone.WARN if problems else Tone.OK)
        self._app.wakeups.request_frame()  # for what was asked for meanwhile

    def _say(self, text: str, tone: Tone) -> None:
        if (text, tone) != (self.text, self.tone):
            self.text, self.tone = text, tone
            self._ui.write(UIUpdateEvent(UIUpdateKind.DATA_CHANGED))


def forget_data(requests: EventReader[ForgetRequested], forgetting: Res[Forgetting]) -> None:
    """Begin what is asked for, and go on with what is under way."""
    for request in requests.read():
        forgetting.ask(request.what)
    forgetting.go_on()


async def _wiped(saved: SavedState, browsers: PairedBrowsers | None, *, is_everything: bool) -> list[str]:
    """Wait until the bytes are gone; a sentence for each thing that may be left."""
    import asyncio  # in the background: a first frame need not wait for it

    problems = await _forget_browsers(browsers) if browsers is not None else []
    if not await asyncio.to_thread(saved.flush, WIPE_SECONDS):
        problems.append(f"It could not yet be taken out of {saved.file}: that is tried again until it is.")
        if saved.notice is not None:
            problems.append(saved.notice)
    if saved.file is not None:
        problems.extend(await asyncio.to_thread(_copies_left, saved.file))
    if saved.file is not None and is_everything:
        from ecs_localai.ollama.server_log import delete_server_logs

        problems.extend(await asyncio.to_thread(delete_server_logs, saved.file.parent))
    return problems


async def _forget_browsers(browsers: PairedBrowsers) -> list[str]:
    from ecs_localai.ollama.errors import OllamaError

    problems = []
    for browser in browsers.all():
        try:
            await browsers.forget(browser.browser_id)
        except (OllamaError, OSError) as error:
            problems.append(f"The key of the browser {browser.browser_id} could not be deleted: {error}")
    return problems


def _copies_left(file: Path) -> list[str]:
    from ecs_localai.store.reading import copies_beside

    left = [copy.file for copy in copies_beside(file)]
    if not left:
        return []
    return [
        f"It may still be in {' and in '.join(left)}, beside the file. Delete that yourself, or forget everything, if "
        "nothing in it is needed any more."
    ]
