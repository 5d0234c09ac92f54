"""What the tests of the queue share: models to queue up, and looks at what a server and a file have."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import ecs_localai
from ecs_localai import InstallationPhase, InstallationStatus, ModelInstallation, ModelInstallationTask, WaitReason
from ecs_localai.store import Store
from ecs_localai.systems.queue_book import QueueBook
from tests.rig.model_files import TINY_PARAMETERS, create_model
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.store.store_parts import answer
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


WORKER = Path(__file__).with_name("queue_worker_child.py")


@dataclass(frozen=True)
class Told:
    """How an installation of another program stands."""

    phase: InstallationPhase
    bytes: int
    name: str
    waits: WaitReason | None


class Worker:
    """Another program, which installs models as soon as it may go."""

    def __init__(self, folder: Path, port: int, names: tuple[str, ...]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER), str(folder), str(port), *names],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(Path(ecs_localai.__file__).parent.parent)},
        )

    def until(self, is_so: Callable[[Told], object]) -> Told:
        """Wait until it tells of an installation that stands so."""
        while True:
            line = answer(self.process)
            if not line:
                pytest.fail("the program has ended")
            phase, count, name, waits = line.split()
            told = Told(InstallationPhase(phase), int(count), name, None if waits == "-" else WaitReason(waits))
            if is_so(told):
                return told

    def until_bytes(self, count: int) -> None:
        """Wait until it has so many bytes of something."""
        self.until(lambda told: told.bytes >= count)

    def kill(self) -> None:
        """End it by SIGKILL."""
        self.process.kill()
        self.process.wait(60)

    def end(self) -> None:
        """Let it end, if it has not been killed."""
        if self.process.poll() is None and self.process.stdin is not None:
            self.process.stdin.close()
            self.process.stdin = None
        self.process.communicate(timeout=60)


@contextmanager
def worker(folder: Path, port: int, *names: str) -> Iterator[Worker]:
    """A program that installs these, and what it finds in the queue; it ends with the block, or when it is killed."""
    child = Worker(folder, port, names)
    try:
        yield child
    finally:
        child.end()
