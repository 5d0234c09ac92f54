"""MODEL_MANAGEMENT: finds out what files are that were dropped on the window, and hands them on as what they are."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from ecs_localai.components.panel_intents import FilesDropped, ImportModelRequested, ImportSettingsRequested
from ecs_localai.runtime import EventReader, EventWriter, IoTaskPool, Res, Task
from ecs_localai.systems.links import settle

_HEAD = 4096
"""So much of a file is looked at."""


class DropKind(StrEnum):
    """What can be dropped."""

    MODEL = "model"
    SETTINGS = "settings"


class DroppedFiles:
    """The files that are being looked at. A resource."""

    def __init__(self) -> None:
        self.looking: list[tuple[FilesDropped, Task[DropKind]]] = []


def kind_by_name(paths: Sequence[str]) -> DropKind | None:
    """What files are, where their names say it: GGUF files make up one model, everything else comes alone."""
    names = [Path(path).name.lower() for path in paths]
    if names and all(name.endswith(".gguf") for name in names):
        return DropKind.MODEL
    if len(names) != 1:
        return None
    if names[0] == "modelfile" or names[0].endswith(".modelfile"):
        return DropKind.MODEL
    return DropKind.SETTINGS if names[0].endswith(".json") else None


def requests_for(
    kind: DropKind, paths: Sequence[str], hosts: Sequence[str]
) -> list[ImportModelRequested | ImportSettingsRequested]:
    """What is to be done with them. No host is the default one."""
    if kind is DropKind.SETTINGS:
        return [ImportSettingsRequested(paths[0])]
    return [ImportModelRequested([*paths], "", host) for host in hosts or ("",)]


def hand_on_dropped_files(
    drops: EventReader[FilesDropped],
    tasks: Res[IoTaskPool],
    files: Res[DroppedFiles],
    models: EventWriter[ImportModelRequested],
    settings: EventWriter[ImportSettingsRequested],
) -> None:
    """Look into what was dropped in the background. What is no settings file goes on as a model.

    Whoever imports models says of everything that is none what it is, and what to do.
    """
    for drop in drops.read():
        files.looking.append((drop, tasks.spawn(_look(drop), "look at what was dropped")))
    if not files.looking or not tasks.arrived:
        return
    done = [one for one in files.looking if one[1].is_finished()]
    files.looking = [one for one in files.looking if one not in done]
    for drop, task in done:
        kind = settle(task)
        if not isinstance(kind, DropKind):
            continue
        for request in requests_for(kind, drop.paths, drop.hosts):
            if isinstance(request, ImportModelRequested):
                models.write(request)
            else:
                settings.write(request)


async def _look(drop: FilesDropped) -> DropKind:
    import asyncio  # in the background: a first frame need not wait for it

    return await asyncio.to_thread(kind_of, drop.paths)


def kind_of(paths: Sequence[str]) -> DropKind:
    """What files are, where their names do not say it. It reads the disk.

    One that cannot be read counts as a model: then it is said why.
    """
    named = kind_by_name(paths)
    if named is not None or len(paths) != 1:
        return named or DropKind.MODEL
    try:
        with Path(paths[0]).open("rb") as file:
            start = file.read(_HEAD)
    except OSError:
        return DropKind.MODEL
    return DropKind.SETTINGS if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{") else DropKind.MODEL
