"""The folder in which an Ollama of this machine keeps its models, and the manifests in it.

Where it is, is Ollama's affair: ``OLLAMA_MODELS``, else ``.ollama/models`` at home; as a service of Linux its home is
``/usr/share/ollama`` (Ollama 0.9.3, ``envconfig/config.go``, ``scripts/install.sh``). Each manifest is a file
``manifests/HOST/NAMESPACE/MODEL/TAG``, each blob one ``blobs/sha256-HEX``.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from .errors import InvalidModelName, OllamaError, PullFailed
from .names import ModelName, parse_model_name
from .registry import Manifest, parse_manifest
from .this_machine import runs_here

if TYPE_CHECKING:
    from .client import OllamaClient
    from .wire import TagEntry

__all__ = ["blob_file", "is_made_here", "manifest_file", "models_folder", "read_manifests"]

_SERVICE_FOLDER = Path("/usr/share/ollama/.ollama/models")
_LARGEST = 4 * 1024 * 1024
"""Bytes. A manifest is some hundred; what is larger is none."""
_LOOKED_AT = 3
"""So many models are compared with the folder before it is believed to be another server's."""
_TOLD_SECONDS = 60.0
"""What a server has told of its folder is believed for so long, if it holds: then it need not be asked again."""


async def models_folder(client: OllamaClient) -> Path | None:
    """The folder with the host's ``blobs`` and ``manifests``; None where it is not on this machine, or not readable.

    A folder that lies where one would be is not enough: an Ollama in a container, or behind a tunnel, has an address
    of this machine, too. It must hold a manifest with the digest that the host lists (its digests are the sha256 of
    these files, Ollama 0.9.3), or, of a host without models, be the one that the listening program was given.

    Raises OllamaError where the host does not answer.
    """
    if not await runs_here(client.address):
        return None
    entries = [entry for entry in await client.tags() if entry.digest and not entry.is_remote]
    if not entries:
        return await asyncio.to_thread(_empty_folder, client.address.port)
    told = _folder_told(client, _TOLD_SECONDS)
    if told and await asyncio.to_thread(_first_that_holds, told, entries[:_LOOKED_AT]) is not None:
        return told[0]
    for entry in entries[:_LOOKED_AT]:
        told = await _asked_folder(client, entry.name)
        if told:
            break
    folders = [*told, *_usual_folders()]
    return await asyncio.to_thread(_folder_of, folders, entries[:_LOOKED_AT], client.address.port)


def read_manifests(folder: Path) -> dict[str, Manifest]:
    """All manifests in a models folder, by `ModelName.key`. Reads some hundred bytes of each model, so it blocks.

    What is no manifest, or cannot be read, is left out: a pull may be writing it. `Manifest.digest` is the one that
    ``/api/tags`` shows.
    """
    found: dict[str, Manifest] = {}
    root = folder / "manifests"
    for file in _files(root, 4):
        try:
            name = _name_of(file.relative_to(root))
            found[name.key] = parse_manifest(_content(file), name)
        except (InvalidModelName, PullFailed, OSError):
            continue
    return found


def manifest_file(folder: Path, name: ModelName) -> Path:
    """Where a model's manifest lies, spelled as the name is; Ollama keeps the spelling that a name was first given."""
    return folder / "manifests" / name.host / name.namespace / name.model / name.tag


def is_made_here(folder: Path, name: ModelName) -> bool:
    """Whether a model was created on its host, not pulled: its manifest then ends in a line end. False if unreadable.

    ``/api/create`` writes it with Go's ``json.Encoder``, which ends it so; a pull before 0.19 with ``json.Marshal``,
    and since then as the registry gave it (0.9.3, ``server/manifest.go``, ``server/images.go``).
    """
    try:
        return _content(manifest_file(folder, name)).endswith(b"\n")
    except OSError:
        return False


def blob_file(folder: Path, digest: str) -> Path:
    """Where a blob lies; ``digest`` as in a manifest, ``sha256:…``."""
    return folder / "blobs" / digest.replace(":", "-")


def _folder_told(client: OllamaClient, within: float) -> list[Path]:
    """The folder that a model's ``FROM`` named (0.9.3; a server elsewhere names one there); none where none did."""
    blob = client.told_blob(within)
    return [Path(blob).parent.parent] if blob else []


async def _asked_folder(client: OllamaClient, model: str) -> list[Path]:
    try:
        await client.show(model)
    except OllamaError:
        return []  # its weights are gone, or it was deleted meanwhile: others may tell
    return _folder_told(client, _TOLD_SECONDS)


def _usual_folders() -> Iterator[Path]:
    if chosen := os.environ.get("OLLAMA_MODELS", "").strip().strip("\"'"):
        yield Path(chosen)
    yield Path.home() / ".ollama" / "models"
    yield _SERVICE_FOLDER


def _folders_of_listener(port: int) -> list[Path]:
    """What the environment of the program that listens there says; nothing where it is not ours to see."""
    import psutil

    from .finding.listening import listening_sockets

    found: list[Path] = []
    try:
        for pid in {one.pid for one in listening_sockets() if one.port == port and one.pid is not None}:
            if not _sees_our_files(pid):
                continue
            environment = psutil.Process(pid).environ()
            if chosen := environment.get("OLLAMA_MODELS", "").strip().strip("\"'"):
                found.append(Path(chosen))
            elif home := environment.get("HOME") or environment.get("USERPROFILE"):
                found.append(Path(home) / ".ollama" / "models")
    except (psutil.Error, OSError):
        return found
    return found


def _sees_our_files(pid: int) -> bool:
    """Whether a program's paths are ours; one in a container has files of its own (Linux' mount namespaces)."""
    try:
        return os.path.samefile(f"/proc/{pid}/root", "/")  # the link's own target is what the program takes for /
    except FileNotFoundError:
        return not Path("/proc/self").exists()  # no Linux
    except OSError:
        return False


def _empty_folder(port: int) -> Path | None:
    """The folder of a host without models."""
    for folder in _folders_of_listener(port):
        try:
            if folder.is_dir() and not read_manifests(folder):
                return folder
        except OSError:
            continue
    return None


def _folder_of(likely: Sequence[Path], entries: Sequence[TagEntry], port: int) -> Path | None:
    """The folder among the likely ones, or else the one of the program that listens there, which is dearer to find."""
    return _first_that_holds(likely, entries) or _first_that_holds(_folders_of_listener(port), entries)


def _first_that_holds(folders: Sequence[Path], entries: Sequence[TagEntry]) -> Path | None:
    for folder in dict.fromkeys(folders):
        if any(_holds(folder, entry) for entry in entries):
            return folder
    return None


def _holds(folder: Path, entry: TagEntry) -> bool:
    """Whether a model's manifest lies there, and is the one that the host lists."""
    try:
        content = _content(manifest_file(folder, parse_model_name(entry.name)))
    except (InvalidModelName, OSError):
        return False
    return hashlib.sha256(content).hexdigest() == entry.digest


def _files(folder: Path, depth: int) -> Iterator[Path]:
    """The files exactly so many levels down."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if depth > 1:
            yield from _files(Path(entry.path), depth - 1)
        else:
            yield Path(entry.path)


def _name_of(path: PurePath) -> ModelName:
    host, namespace, model, tag = path.parts
    return parse_model_name(f"{host}/{namespace}/{model}:{tag}")


def _content(file: Path) -> bytes:
    with file.open("rb") as opened:
        content = opened.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise OSError(f"{file} is too large for a manifest.")
    return content
