"""What the tests of the queue share: models to queue up, and looks at what a server and a file have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecs_localai import InstallationStatus, ModelInstallation, ModelInstallationTask
from ecs_localai.store import Store
from ecs_localai.systems.queue_book import QueueBook
from tests.rig.model_files import TINY_PARAMETERS, create_model
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.systems.systems_parts import Driven

SLOW = 1_500_000
"""Bytes a second: the 12 MB model then takes eight seconds."""


def push_sharing_models(server: OllamaServer, registry: Registry, file: Path, names: list[str]) -> list[str]:
    """Pushes models of the same weights that differ in their templates; returns their full names."""
    full = []
    for name in names:
        create_model(server, f"{name}:latest", file, parameters=TINY_PARAMETERS, template=f"{name} {{{{ .Prompt }}}}")
        full.append(registry.push(server, f"{name}:latest", f"{name}:latest"))
        server.delete(f"{name}:latest")
    return full


def running(driven: Driven) -> list[ModelInstallation]:
    """The installations that are at work."""
    return [one for _, (one, _) in driven.app.world.query(ModelInstallation, ModelInstallationTask)]


def names_of(installations: list[ModelInstallation]) -> list[str]:
    """Their models."""
    return [one.model_name for one in installations]


def has_bytes(driven: Driven, name: str, count: int = 1) -> bool:
    """Whether so much of a model has arrived."""
    found = [one for one in driven.installations if one.model_name == name]
    return bool(found) and found[0].progress.bytes_downloaded >= count


def status_of(driven: Driven, name: str) -> InstallationStatus:
    """How the only installation of a model stands."""
    return driven.installation(name).status


def orphan_blobs(server: OllamaServer) -> set[str]:
    """The files in a server's folder that no installed model names, and no pull is at work on: nobody needs them."""
    named: set[str] = set()
    for manifest in (server.models_dir / "manifests").rglob("*"):
        if manifest.is_file():
            content = json.loads(manifest.read_bytes())
            named |= {layer["digest"].replace(":", "-") for layer in [*content["layers"], content["config"]]}
    there = {file.name for file in (server.models_dir / "blobs").glob("*")}
    return {name for name in there if name.partition("-partial")[0] not in named}


@contextmanager
def book_of(folder: Path) -> Iterator[QueueBook]:
    """The queue of a data folder, as a command has it."""
    with Store.open(folder) as store:
        yield QueueBook(store)
