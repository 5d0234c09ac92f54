"""How much room there is for models on a host's disk, where that is ours to see."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import msgspec

if TYPE_CHECKING:
    from ecs_localai.ollama.client import OllamaClient

ELSEWHERE = "Its host is another computer: its disk is not ours to see."
NOT_FOUND = "Where its host keeps the models could not be found out, so its disk is not ours to see."

FOLDER_SECONDS = 60.0
"""So long it is believed where a host keeps its models: finding out takes several requests."""
_folders: WeakKeyDictionary[OllamaClient, tuple[float, Path | None]] = WeakKeyDictionary()
"""By client, with the moment on a steady clock until which it is believed."""


class Room(msgspec.Struct, frozen=True):
    """What is free on the disk of a host's models. The reserve (`DISK_RESERVE`) is not taken off."""

    free: int | None = None
    """Bytes that the host may still write; None where that is not ours to see."""
    reason: str = ""
    """Why it is None, one sentence."""
    folder: str = ""
    """The folder of the models; empty where it is not known."""


async def room_for_models(client: OllamaClient) -> Room:
    """Look at the disk of the models of a host that runs on this machine. Called in the background.

    Raises nothing: a host that does not answer leaves it unknown, with the reason.
    """
    import asyncio  # in the background: a first frame need not wait for it

    from ecs_localai.ollama.errors import OllamaError
    from ecs_localai.ollama.this_machine import runs_here

    if not await runs_here(client.address):
        return Room(reason=ELSEWHERE)
    try:
        folder = await _folder_of(client)
    except OllamaError as error:
        return Room(reason=error.message)
    if folder is None:
        return Room(reason=NOT_FOUND)
    return await asyncio.to_thread(_room_in, folder)


def taken_already(folder: Path, sizes: Mapping[str, int]) -> int:
    """The bytes of the disk that unfinished downloads of these files have taken already. It asks the disk.

    Ollama gives such a file its whole length at once, with holes where nothing has arrived, and writes on into the same
    file (``blobs/sha256-…-partial``, 0.9.3): so what counts are its blocks. Windows does not tell them.
    """
    from ecs_localai.ollama.local_models import blob_file

    taken = 0
    for digest, size in sizes.items():
        try:
            there = Path(f"{blob_file(folder, digest)}-partial").stat()
        except OSError:  # nothing of it has arrived, or it is complete by now
            continue
        taken += min(size, int(getattr(there, "st_blocks", 0)) * 512)
    return taken


async def _folder_of(client: OllamaClient) -> Path | None:
    """The models' folder of a host, looked for once in a while. Raises OllamaError."""
    from ecs_localai.ollama.local_models import models_folder

    until, folder = _folders.get(client, (0.0, None))
    now = time.monotonic()
    if now >= until:
        folder = await models_folder(client)
        _folders[client] = now + FOLDER_SECONDS, folder
    return folder


def _room_in(folder: Path) -> Room:
    try:
        return Room(shutil.disk_usage(folder).free, folder=str(folder))
    except OSError as error:
        return Room(reason=f"The disk of {folder} cannot be looked at: {error.strerror or error}.", folder=str(folder))
