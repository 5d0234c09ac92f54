"""``ecs-localai settings export``: the settings as a file."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.saved_settings import read_settings
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import say, say_json, write_bytes
from ecs_localai.systems.settings_file import SECTIONS, SettingsFile, settings_object, write_settings_file
from ecs_localai.systems.settings_words import TITLES


class Exported(msgspec.Struct, frozen=True):
    """What ``settings export FILE --json`` tells."""

    file: str
    size: int
    """Bytes."""
    hosts: int
    features: int
    sections: list[str]
    """What else is in it."""


def export_settings(target: Target, file: str, force: bool, as_json: bool) -> int:
    """Write the settings to a file, or to standard output for ``-``; returns the exit code.

    To standard output, ``--json`` makes it one line.

    Raises:
        CommandFailed: the file is there already, or cannot be written.
    """
    path = None if file == "-" else Path(file)
    if path is not None:
        _refuse(path, force)
    settings = read_settings(target.folder())
    if path is None:
        if as_json:
            say_json(settings_object(settings))
        else:
            write_bytes(write_settings_file(settings).encode())
        return 0
    data = write_settings_file(settings).encode()
    _write(path, data, force)
    told = _told(path, len(data), settings)
    if as_json:
        say_json(told)
    else:
        say(f"Wrote {path}: {_words(told)}. Secrets are not in it.")
    return 0


def _refuse(path: Path, force: bool) -> None:
    if os.path.isdir(path):
        raise CommandFailed(f"{path} is a folder. Give the name of a file in it.")
    if os.path.lexists(path) and not force:  # unlike Path.exists(), never an error: a name may be too long
        raise CommandFailed(f"{path} is there already. Choose another name, or give --force to replace it.")


def _write(path: Path, data: bytes, force: bool) -> None:
    """Write the whole file or nothing, for its owner's eyes: hosts and domains are nobody else's business."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "wb") as opened:
                opened.write(data)
                opened.flush()
                os.fsync(opened.fileno())
            _refuse(path, force)  # another program may have been quicker
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise CommandFailed(f"{path} cannot be written: {error.strerror or error}.") from error


def _told(path: Path, size: int, settings: SettingsFile) -> Exported:
    sections = [name for name in SECTIONS if settings.section(name) is not None]
    return Exported(str(path), size, len(settings.hosts or ()), len(settings.features or ()), sections)


def _words(told: Exported) -> str:
    parts = []
    if told.hosts:
        parts.append(f"{told.hosts} {'host' if told.hosts == 1 else 'hosts'}")
    if told.features:
        parts.append(f"{told.features} switched {'feature' if told.features == 1 else 'features'}")
    return ", ".join([*parts, *(TITLES[name].lower() for name in told.sections)]) or "nothing was set"
