"""What the tests of the systems share: an app on a real Ollama, stepped by the test, that remembers all it told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from ecs_localai import (
    EVENTS,
    App,
    DownloadConfig,
    EventReader,
    ExperimentalFeaturesManager,
    LocalModelManager,
    LocalModelsPlugin,
    ModelInstallation,
    ModelInstallationManager,
    ModelInstallRequest,
    OllamaConfiguration,
    PanelView,
    SystemFailed,
    UIUpdateKind,
)
from ecs_localai.components.events import UIUpdateEvent
from ecs_localai.components.panel_view import InstallationRow, ModelRow
from tests.rig.model_files import TINY_PARAMETERS, create_model, write_gguf
from tests.rig.odd_servers import OddServer, closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.plain_http import call
from tests.rig.registry import Registry
from tests.rig.waiting import run_frames_until

T = TypeVar("T")
PATIENCE = 40.0
"""Seconds until waiting is a failure: far more than anything takes, as this machine may be busy."""
INSECURE = DownloadConfig(insecure=True)
"""For the registry of the tests, which speaks plain HTTP."""


def config_for(port: int) -> OllamaConfiguration:
    """The configuration of a server on this machine."""
    return OllamaConfiguration(host="127.0.0.1", port=port)


class Driven:
    """An app with the plugin, whose frames a test runs; it collects every event. Use it in a ``with`` statement.

    At the end it is shut down, and the test fails when a system failed or the background thread is still there.
    Without a `port` its host is one where nothing listens.
    """

    def __init__(
        self, port: int | None = None, *, data_dir: Path | None = None, world: str | None = None, given: bool = True
    ) -> None:
        self.app = App(world)
        config = config_for(port if port is not None else closed_port()) if given else None
        self.app.add_plugins(LocalModelsPlugin(config, data_dir=data_dir))
        self._readers: list[EventReader[object]] = []
        kinds: tuple[type[object], ...] = (SystemFailed, *EVENTS)
        for kind in kinds:
            self._readers.append(self.app.events(kind).reader())
        self.clock_stands = False
        """Whether no time goes by in the world, so that no timer becomes due: what then happens, something caused."""
        self.log: list[object] = []
        """Every event so far; those of one frame by type, in the order in which a frame writes the types."""

    @classmethod
    def saved(cls, data_dir: Path) -> Self:
        """An app that is given no host: those that were saved in this folder."""
        return cls(data_dir=data_dir, given=False)

    def update(self, dt: float | None = None) -> None:
        """Run one frame and collect what it told."""
        self.app.update(0.0 if dt is None and self.clock_stands else dt)
        self._collect()

    def _collect(self) -> None:
        for reader in self._readers:
            self.log.extend(reader.read())

    def until(self, condition: Callable[[], T], timeout: float = PATIENCE, describe: str | Callable[[], str] = "") -> T:
        """Run frames until the condition is true; returns what it returned."""
        return run_frames_until(self, condition, timeout, describe or self._describe)

    def until_event(self, kind: type[T], number: int = 1, timeout: float = PATIENCE) -> T:
        """Run frames until there have been so many events of this kind; returns that event."""
        self.until(
            lambda: len(self.events(kind)) >= number, timeout, lambda: f"{kind.__name__} {number}; {self._describe()}"
        )
        return self.events(kind)[number - 1]

    def _describe(self) -> str:
        last = [event for event in self.log if not isinstance(event, UIUpdateEvent)][-5:]
        return f"host {self.view.host}, installations {self.view.installations}, last events {last}"

    def events(self, kind: type[T]) -> list[T]:
        """Every event of this kind so far."""
        return [event for event in self.log if isinstance(event, kind)]

    def write(self, event: object) -> None:
        """Write an event, as the panel does."""
        self.app.events(type(event)).writer().write(event)

    def connect(self) -> None:
        """Run frames until the host is connected and its models are known."""
        self.until(lambda: self.view.host.status_text == "Connected" and bool(self.models.installed_models))

    def ask_for(self, name: str, config: DownloadConfig = INSECURE) -> int:
        """Spawn a request to install from the registry of the tests; returns its entity."""
        return self.app.world.spawn(ModelInstallRequest(name, config))

    @property
    def view(self) -> PanelView:
        """What a person sees."""
        return self.app.world.resource(PanelView)

    @property
    def models(self) -> LocalModelManager:
        """The models' resource."""
        return self.app.world.resource(LocalModelManager)

    @property
    def manager(self) -> ModelInstallationManager:
        """The installations' resource."""
        return self.app.world.resource(ModelInstallationManager)

    @property
    def features(self) -> ExperimentalFeaturesManager:
        """The experimental features' resource."""
        return self.app.world.resource(ExperimentalFeaturesManager)

    @property
    def installations(self) -> list[ModelInstallation]:
        """The installations in the world."""
        return [installation for _, installation in self.app.world.query(ModelInstallation)]

    def installation(self, name: str) -> ModelInstallation:
        """The only installation of this model."""
        found = [one for one in self.installations if one.model_name == name]
        assert len(found) == 1, self.installations
        return found[0]

    def installation_row(self, name: str) -> InstallationRow:
        """How the panel shows the only installation of this model."""
        found = [row for row in self.view.installations if row.name == name]
        assert len(found) == 1, self.view.installations
        return found[0]

    def model_row(self, name: str) -> ModelRow | None:
        """How the panel shows an installed model."""
        return next((row for row in self.view.models if row.name == name), None)

    def notices(self) -> list[str]:
        """The sentences on the panel."""
        return [notice.text for notice in self.view.notices]

    def ui_kinds(self) -> set[UIUpdateKind]:
        """The kinds of UI updates so far."""
        return {event.kind for event in self.events(UIUpdateEvent)}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.app.shutdown()
        if error is not None:
            return
        self._collect()
        failures = self.events(SystemFailed)
        assert not failures, "\n".join(failure.traceback for failure in failures)
        left = [thread.name for thread in threading.enumerate() if thread.name == f"{self.app.world.name}-io"]
        assert not left, f"still running: {left}"


def assert_clear(sentence: str | None) -> None:
    """What a person is told is one sentence: what happened and what to do, without anything technical."""
    assert sentence is not None
    assert sentence.endswith("."), sentence
    assert "\n" not in sentence
    assert 20 < len(sentence) < 260, sentence
    for technical in ("Traceback", "rrno", "Exception", "Error", "aiohttp", "None", "0x"):
        assert technical not in sentence, sentence


def size_in_registry(registry: Registry, name: str) -> int:
    """What a first download of this model takes: the sizes of its distinct files."""
    manifest = registry.manifest(name)
    layers, config = manifest["layers"], manifest["config"]
    assert isinstance(layers, list)
    sizes = {str(layer["digest"]): int(layer["size"]) for layer in [*layers, config]}
    return sum(sizes.values())


def push_small_models(server: OllamaServer, registry: Registry, folder: Path, names: list[str]) -> dict[str, str]:
    """Makes real models of half a megabyte without a file in common, and pushes them; returns their full names by
    `names`."""
    full: dict[str, str] = {}
    for number, name in enumerate(names):
        file = write_gguf(folder / f"{name}.gguf", 500_000, seed=1000 + number)
        own = TINY_PARAMETERS | {"seed": number, "num_predict": 8 + number}
        create_model(server, f"{name}:latest", file, parameters=own, template=f"{name} {{{{ .Prompt }}}}")
        full[name] = registry.push(server, f"{name}:latest", f"{name}:latest")
        server.delete(f"{name}:latest")
    return full


class EmptyManifests(OddServer):
    """A registry gone wrong: answers ``200 {}`` to everything, which Ollama 0.9.3 takes for a model without files."""

    BODY = b"{}"
    HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n"

    async def respond(self, method: str, path: str, writer: asyncio.StreamWriter) -> None:
        """An empty JSON object."""
        writer.write(self.HEAD + (b"" if method == "HEAD" else self.BODY))


class LateEmptyManifests(EmptyManifests):
    """The same, but slow."""

    SECONDS = 4.0

    async def respond(self, method: str, path: str, writer: asyncio.StreamWriter) -> None:
        """An empty JSON object, after some seconds."""
        await asyncio.sleep(self.SECONDS)
        await super().respond(method, path, writer)


class EmptyManifestsForOllama(EmptyManifests):
    """The same, but it resets the connections of everybody but Ollama, as a firewall may."""

    def lets_in(self, head: str) -> bool:
        """By the name that Ollama gives itself."""
        return "\r\nuser-agent: ollama/" in head.lower()


class PrivateRegistry(OddServer):
    """A door to a registry that only an Ollama may pass: everybody else is asked for a log-in.

    So it looks where Ollama is known to a registry by its key, which no other program has.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._from_ollama = False
        super().__init__()

    def lets_in(self, head: str) -> bool:
        """Everybody; who it is decides about the answer."""
        self._from_ollama = "\r\nuser-agent: ollama/" in head.lower()
        return True

    async def respond(self, method: str, path: str, writer: asyncio.StreamWriter) -> None:
        """What the registry answers, or that a log-in is needed."""
        if not self._from_ollama:
            writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
            return
        asked = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
        answer = await asyncio.to_thread(call, self._registry.port, method, path, headers=asked)
        kept = {name: value for name, value in answer.headers.items() if name in ("location", "content-type")}
        kept["content-length"] = answer.headers.get("content-length", str(len(answer.body)))
        head = "".join(f"{name}: {value}\r\n" for name, value in kept.items())
        writer.write(f"HTTP/1.1 {answer.status} Answer\r\n{head}\r\n".encode() + answer.body)
