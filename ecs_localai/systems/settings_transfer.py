"""HOST_CONNECTION: the panel's export of the settings into a file, and its import, with a question in between."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from ecs_localai.components.events import SettingsExported, SettingsImported, UIUpdateEvent, UIUpdateKind
from ecs_localai.components.features import ExperimentalFeaturesManager, FeatureFlag
from ecs_localai.components.panel_intents import (
    ExportSettingsRequested,
    ImportSettingsAnswered,
    ImportSettingsRequested,
)
from ecs_localai.components.panel_view import ImportView, Tone
from ecs_localai.components.time_values import utc_now
from ecs_localai.runtime import App, EventReader, Res, Task, TaskCancelled
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.settings_exchange import apply_settings, settings_of
from ecs_localai.systems.settings_file import (
    SettingsFile,
    SettingsFileError,
    read_settings_file,
    write_settings_file,
)
from ecs_localai.systems.settings_plan import SettingsPlan, plan_import
from ecs_localai.systems.settings_words import TITLES

if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST = 16 * 1024 * 1024
"""Bytes; what is larger is no settings file."""
MOST_CHANGES = 10
"""So many changes are shown in the question; of the others, how many there are."""
_MOST_NAMES = 1000
_T = TypeVar("_T")


class TransferError(Exception):
    """A settings file could not be written or read. The message is a sentence that says what to do."""


class _Read(msgspec.Struct, frozen=True):
    """A settings file that was read, and what it would change."""

    settings: SettingsFile
    plan: SettingsPlan


class SettingsTransfer:
    """Exporting and importing the settings: how it stands, and how the last time went. A resource."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._writing: Task[Path] | None = None
        self._reading: tuple[str, Task[_Read]] | None = None
        self._asked: tuple[str, _Read] | None = None
        self._exported = app.add_event(SettingsExported).writer()
        self._imported = app.add_event(SettingsImported).writer()
        self._ui = app.add_event(UIUpdateEvent).writer()
        self.text = ""
        """How it stands or went, in a sentence; empty before the first time."""
        self.tone = Tone.NEUTRAL
        self.question: ImportView | None = None
        """What a person is asked before anything is changed."""

    def export(self, folder: str) -> None:
        """Write the settings as they are now to a file, in the background; one at a time."""
        if self._writing is not None:
            return
        settings, today = settings_of(self._app), utc_now().astimezone().date()
        work = _in_thread(lambda: export_to(_folder(folder), settings, today))
        self._writing = self._app.tasks.spawn(work, "export the settings")
        self._say("Writing the settings…", Tone.NEUTRAL)

    def read(self, path: str) -> None:
        """Read a settings file in the background. A question that is asked about another one is taken away."""
        self._asked = self.question = None
        current = self._current()
        flags = copy.deepcopy(self._app.world.resource(ExperimentalFeaturesManager).feature_flags)
        work = _in_thread(lambda: _read_and_plan(Path(path), current, flags))
        self._reading = path, self._app.tasks.spawn(work, "read a settings file")
        self._say(f"Reading {Path(path).name}…", Tone.NEUTRAL)

    def answer(self, *, agreed: bool) -> None:
        """Do what was asked about, or leave everything as it is."""
        if self._asked is None:
            return
        path, read = self._asked
        self._asked = self.question = None
        if not agreed:
            self._say("Nothing was imported.", Tone.NEUTRAL)
            return
        now = self._plan(read.settings)
        if now.changes != read.plan.changes:  # what a person has agreed to is done, and nothing else
            self._ask(path, _Read(read.settings, now))
            return
        plan = apply_settings(self._app, read.settings)
        self._imported.write(SettingsImported(path, len(plan.changes)))
        word = "One setting is" if len(plan.changes) == 1 else f"{len(plan.changes)} settings are"
        self._say(" ".join([f"{word} as {Path(path).name} says now.", *plan.notes]), Tone.OK)
        for kind in (UIUpdateKind.HOST_CHANGED, UIUpdateKind.MODELS_CHANGED):
            self._ui.write(UIUpdateEvent(kind))

    def go_on(self) -> None:
        """Take in what the background has done."""
        if self._writing is not None and self._writing.is_finished():
            task, self._writing = self._writing, None
            self._take_written(task)
        if self._reading is not None and self._reading[1].is_finished():
            (path, reading), self._reading = self._reading, None
            self._take_read(path, reading)

    def _take_written(self, task: Task[Path]) -> None:
        try:
            file = task.check_ready()
        except TransferError as error:
            self._exported.write(SettingsExported("", str(error)))
            self._say(str(error), Tone.DANGER)
        except TaskCancelled:  # the app ends
            return
        else:
            self._exported.write(SettingsExported(str(file)))
            self._say(f"The settings are in {file}. Secrets are not in it.", Tone.OK)

    def _take_read(self, path: str, task: Task[_Read]) -> None:
        try:
            read = task.check_ready()
        except TransferError as error:
            self._imported.write(SettingsImported(path, 0, str(error)))
            self._say(str(error), Tone.DANGER)
        except TaskCancelled:  # the app ends
            return
        else:
            if read is not None:
                self._ask(path, read)

    def _ask(self, path: str, read: _Read) -> None:
        name, plan = Path(path).name, read.plan
        if not plan.changes:
            self._imported.write(SettingsImported(path, 0))
            self._say(" ".join([f"Nothing changes: all that {name} says is set already.", *plan.notes]), Tone.NEUTRAL)
            return
        self._asked = path, read
        shown = [f"{TITLES.get(one.section, one.section)}: {one.text}" for one in plan.changes[:MOST_CHANGES]]
        more = len(plan.changes) - len(shown)
        if more:
            shown.append(f"and {more} more {'change' if more == 1 else 'changes'}")
        self.question = ImportView(name, shown, list(plan.notes))
        self._say("", Tone.NEUTRAL)

    def _current(self) -> SettingsFile:
        """What is set now; of the hosts also those of this run."""
        hosts = self._app.world.resource(OllamaHosts).all()
        return msgspec.structs.replace(settings_of(self._app), hosts=[one.to_saved() for one in hosts])

    def _plan(self, wanted: SettingsFile) -> SettingsPlan:
        flags = self._app.world.resource(ExperimentalFeaturesManager).feature_flags
        return plan_import(self._current(), wanted, flags=flags)

    def _say(self, text: str, tone: Tone) -> None:
        self.text, self.tone = text, tone
        self._ui.write(UIUpdateEvent(UIUpdateKind.DATA_CHANGED))


def transfer_settings(
    exports: EventReader[ExportSettingsRequested],
    imports: EventReader[ImportSettingsRequested],
    answers: EventReader[ImportSettingsAnswered],
    transfer: Res[SettingsTransfer],
) -> None:
    """Begin what is asked for, and take in what the background has done. Of several dropped files the last counts."""
    for answer in answers.read()[-1:]:
        transfer.answer(agreed=answer.agreed)
    for export in exports.read()[-1:]:
        transfer.export(export.folder)
    for wanted in imports.read()[-1:]:
        transfer.read(wanted.path)
    transfer.go_on()


def export_to(folder: Path, settings: SettingsFile, today: date) -> Path:
    """Write a settings file into the folder, under a name that is not taken; returns where it lies. Blocks.

    Only its owner can read it: hosts and domains are nobody else's business.

    Raises:
        TransferError: it cannot be written there.
    """
    data = write_settings_file(settings).encode()
    try:
        for number in range(1, _MOST_NAMES):
            end = "" if number == 1 else f"-{number}"
            file = folder / f"ecs-localai-settings-{today.isoformat()}{end}.json"
            try:
                descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                continue
            _write(file, descriptor, data)
            return file
    except OSError as error:
        raise TransferError(
            f"The settings could not be written to {folder} ({error.strerror or error}). Make room there, or use "
            "`ecs-localai settings export FILE` with another place."
        ) from error
    raise TransferError(f"{folder} is full of settings files of this day. Delete some of them.")


def _write(file: Path, descriptor: int, data: bytes) -> None:
    """The whole file or none. Raises `OSError`."""
    try:
        with open(descriptor, "wb") as opened:
            opened.write(data)
            opened.flush()
            os.fsync(opened.fileno())
    except OSError:
        file.unlink(missing_ok=True)
        raise


def _folder(wanted: str) -> Path:
    """The folder that was asked for, else that for documents, else the home folder."""
    if wanted:
        return Path(wanted)
    import platformdirs  # in the background: a first frame need not wait for it

    documents = platformdirs.user_documents_path()
    return documents if documents.is_dir() else Path.home()


def _read_and_plan(file: Path, current: SettingsFile, flags: Mapping[str, FeatureFlag]) -> _Read:
    """Raises `TransferError`."""
    try:
        if file.exists() and not file.is_file():
            raise TransferError(f"{file.name} is no file. Drop a settings file, one by one.")
        with file.open("rb") as opened:
            data = opened.read(LARGEST + 1)
    except OSError as error:
        raise TransferError(f"{file.name} cannot be read: {error.strerror or error}.") from error
    if len(data) > LARGEST:
        raise TransferError(f"{file.name} is too large to be a settings file.")
    try:
        settings = read_settings_file(data)
    except SettingsFileError as error:
        raise TransferError(f"{file.name} was not imported. {' '.join(error.problems)}") from error
    return _Read(settings, plan_import(current, settings, flags=flags))


async def _in_thread(work: Callable[[], _T]) -> _T:
    import asyncio  # in the background: a first frame need not wait for it

    return await asyncio.to_thread(work)
