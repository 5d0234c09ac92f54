"""The settings in the data folder, as commands read them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ecs_localai.commands.terminal import warn
from ecs_localai.systems.settings_exchange import stored_settings
from ecs_localai.systems.settings_file import SettingsFile

if TYPE_CHECKING:
    from ecs_localai.store.store import Store


def read_settings(folder: Path) -> SettingsFile:
    """What is set; what makes no sense is told on standard error. Nothing is created where nothing was kept."""
    from ecs_localai.store.opening import FILE_NAME
    from ecs_localai.store.reading import is_there
    from ecs_localai.store.state import StoredState
    from ecs_localai.store.store import Store

    if not is_there(folder / FILE_NAME):
        return told(stored_settings(StoredState()))
    with Store.open(folder) as store:
        return settings_in(store)


def settings_in(store: Store) -> SettingsFile:
    """What an open store said at its opening; what makes no sense is told on standard error."""
    if store.notice is not None:
        warn(store.notice)
    for sentence in store.initial.unreadable:
        warn(sentence)
    return told(stored_settings(store.initial))


def told(read: tuple[SettingsFile, list[str]]) -> SettingsFile:
    """The settings, after telling what was wrong with them."""
    settings, problems = read
    for problem in problems:
        warn(problem)
    return settings
