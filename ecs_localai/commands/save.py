"""``ecs-localai save``: the world that a server is watched with as a file, and what such a file contains."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.inspect import HZ, run_until_answered
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import say, say_json
from ecs_localai.components.wording import format_bytes
from ecs_localai.runtime import App, ScheduleRunner
from ecs_localai.runtime.saving.errors import LoadError
from ecs_localai.runtime.saving.format import saved_contents
from ecs_localai.runtime.saving.writing import Skipped, save_world
from ecs_localai.systems import LocalModelsPlugin


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A saved world as ``save --json`` and ``save --show --json`` tell it."""

    file: str
    size: int
    """Bytes."""
    version: int
    """Of the file's format."""
    entities: int
    components: dict[str, int]
    """How many entities have a component of this type, by name."""
    resources: list[str]
    states: dict[str, str]
    skipped: list[Skipped] | None
    """What was left out; None for a file that was there already, which does not say."""


def save_to_file(target: Target, file: Path, frames: int | None, force: bool, as_json: bool) -> int:
    """Run the world for some frames, save it and print what was saved; returns the exit code.

    Raises:
        CommandFailed: the host is no address, or the file cannot be written.
    """
    if os.path.isdir(file):
        raise CommandFailed(f"{file} is a folder. Give the name of a file in it.")
    if os.path.exists(file) and not force:  # unlike Path.exists(), never an error: a name may be too long
        raise CommandFailed(f"{file} is there already. Choose another name, or give --force to replace it.")
    config, folder = target.configuration(), target.folder()
    with App() as app:
        app.add_plugins(LocalModelsPlugin(config, data_dir=folder, resume=False))
        if frames is None:
            run_until_answered(app)
        else:
            ScheduleRunner(hz=HZ, frames=frames)(app)
        saved = save_world(app)
    _write(file, saved.data)
    _tell(_told(file, saved.data, saved.skipped), as_json)
    return 0


def show_saved(file: Path, as_json: bool) -> int:
    """Print what a saved world contains; returns the exit code. Runs nothing of it.

    Raises:
        CommandFailed: there is no such file, or it is no saved world.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror or error}.") from error
    try:
        told = _told(file, data, None)
    except LoadError as error:
        raise CommandFailed(f"{file}: {error}") from error
    _tell(told, as_json)
    return 0


def _write(file: Path, data: bytes) -> None:
    """Write the whole file or nothing: one that is there stays until the new one is complete."""
    beside = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        try:
            beside.write_bytes(data)
            beside.replace(file)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise CommandFailed(f"{file} cannot be written: {error.strerror or error}.") from error


def _told(file: Path, data: bytes, skipped: list[Skipped] | None) -> SavedFile:
    contents = saved_contents(data)
    return SavedFile(
        str(file),
        len(data),
        contents.version,
        contents.entities,
        contents.components,
        contents.resources,
        contents.states,
        skipped,
    )


def _tell(told: SavedFile, as_json: bool) -> None:
    if as_json:
        say_json(told)
        return
    say(f"{told.file}: a saved world, version {told.version}, {format_bytes(told.size)}")
    say(f"{told.entities} {'entity' if told.entities == 1 else 'entities'}")
    for name, count in told.components.items():
        say(f"  {count} with {name}")
    for title, lines in (
        ("Resources", told.resources),
        ("States", [f"{kind} is {state}" for kind, state in told.states.items()]),
        ("Left out", [_left_out(one) for one in told.skipped or ()]),
    ):
        if lines:
            say(title)
            for line in lines:
                say(f"  {line}")


def _left_out(skipped: Skipped) -> str:
    count = f" ({len(skipped.entities)})" if skipped.entities else ""
    return f"{skipped.kind}{count}: {skipped.reason}"
