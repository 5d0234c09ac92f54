"""``ecs-localai settings import``: settings from a file, after saying what changes."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from ecs_localai.commands.confirming import confirm
from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.host_settings import forget_secrets
from ecs_localai.commands.saved_settings import read_settings, settings_in
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import say, say_json, warn
from ecs_localai.systems.settings_exchange import keep_settings
from ecs_localai.systems.settings_file import SettingsFile, SettingsFileError, read_settings_file
from ecs_localai.systems.settings_plan import SettingsChange, SettingsPlan, plan_import
from ecs_localai.systems.settings_words import TITLES

LARGEST = 16 * 1024 * 1024
"""Bytes; what is larger is no settings file."""


class Imported(msgspec.Struct, frozen=True):
    """What ``settings import --json`` tells."""

    file: str
    applied: bool
    """Whether the settings are in the data folder now; False for a dry run, and where nothing is different."""
    changes: list[SettingsChange]
    notes: list[str]
    """Sentences."""


def import_settings(
    target: Target, file: Path | None, *, dry_run: bool, yes: bool, replace_hosts: bool, as_json: bool
) -> int:
    """Take over what a file says, standard input where it is None; returns the exit code.

    Raises:
        CommandFailed: it is no settings file, it was not wanted, nobody can be asked, or it could not be saved.
    """
    name = "standard input" if file is None else str(file)
    wanted = _read(file, name)
    folder = target.folder()
    plan = _plan(read_settings(folder), wanted, replace_hosts)
    if not as_json:
        _tell(plan, name)
    applied = bool(plan.changes) and not dry_run
    if applied:
        if not yes:
            otherwise = "Look with --dry-run, and give --yes to change the settings."
            confirm("Change the settings so?", otherwise, "Nothing was changed.")
        _apply(folder, wanted, plan, replace_hosts)
    if as_json:
        say_json(Imported(name, applied, plan.changes, plan.notes))
    elif applied:
        say("The settings are changed. A panel that runs takes them over, but for its own look.")
    return 0


def _read(file: Path | None, name: str) -> SettingsFile:
    try:
        if file is not None:
            with file.open("rb") as opened:
                data = opened.read(LARGEST + 1)
        elif sys.stdin is None:
            raise CommandFailed("There is no standard input. Name the file.")
        else:
            data = sys.stdin.buffer.read(LARGEST + 1)
    except OSError as error:
        raise CommandFailed(f"{name} cannot be read: {error.strerror or error}.") from error
    if len(data) > LARGEST:
        raise CommandFailed(f"{name} is too large to be a settings file.")
    try:
        return read_settings_file(data)
    except SettingsFileError as error:
        raise CommandFailed(*(f"{name}: {problem}" for problem in error.problems)) from error


def _plan(current: SettingsFile, wanted: SettingsFile, replace_hosts: bool) -> SettingsPlan:
    return plan_import(current, wanted, replace_hosts=replace_hosts)


def _apply(folder: Path, wanted: SettingsFile, shown: SettingsPlan, replace_hosts: bool) -> None:
    """Change what was shown, and nothing else."""
    from ecs_localai.store.store import Store

    with Store.open(folder) as store:
        current = settings_in(store)
        plan = _plan(current, wanted, replace_hosts)
        if plan.changes != shown.changes:
            raise CommandFailed("The settings were changed elsewhere meanwhile, so nothing was imported. Try again.")
        keep_settings(store, plan)
        if not store.flush():
            reason = store.notice or " ".join(store.failures) or "The disk took too long."
            raise CommandFailed(f"The settings were not saved. {reason}")
    if plan.hosts is None:
        return
    kept = [one.host.config for one in plan.hosts]
    for former in current.hosts or ():
        for trouble in forget_secrets(former.config, kept):
            warn(trouble)


def _tell(plan: SettingsPlan, name: str) -> None:
    for note in plan.notes:
        warn(note)
    if not plan.changes:
        say(f"Nothing changes: all that {name} says is set already.")
        return
    from ecs_localai.commands.tables import draw, text

    for section, title in TITLES.items():
        lines = [change.text for change in plan.changes if change.section == section]
        if lines:
            draw(text(title, "bold"), *(text(f"  {line}") for line in lines))
