"""What the tests of a model's life share: a server with nothing loaded, and what it says of its models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from ecs_localai import (
    CopyModelRequested,
    LoadModelRequested,
    ModelAction,
    ModelActionFailed,
    OllamaHosts,
    UnloadModelRequested,
)
from ecs_localai.ollama.wire import parse_timestamp
from tests.rig.ollama_server import OllamaServer
from tests.rig.waiting import wait_until
from tests.systems.systems_parts import Driven, assert_clear

TINY = "tiny:latest"
OTHER = "tiny-by-another-name:latest"
Request = Callable[[str, str], object]
REQUESTS: dict[ModelAction, Request] = {
    ModelAction.LOAD: LoadModelRequested,
    ModelAction.UNLOAD: UnloadModelRequested,
    ModelAction.COPY: lambda name, host: CopyModelRequested(name, OTHER, host),
    ModelAction.RENAME: lambda name, host: CopyModelRequested(name, OTHER, host, move=True),
}
"""What asks for each action: called with a model's name and a host's."""


@contextmanager
def emptied(server: OllamaServer) -> Iterator[None]:
    """Has nothing loaded before and after, and no model left whose name begins with ``tiny-``."""
    _unload_all(server)
    try:
        yield
    finally:
        _unload_all(server)
        for name in server.model_names():
            if name.startswith("tiny-"):
                server.delete(name)


def _unload_all(server: OllamaServer) -> None:
    if not running(server):
        return
    # Not those that are running: one that is called otherwise by now is listed by the name that it was loaded by.
    for name in server.model_names():
        server.call("POST", "/api/generate", {"model": name, "keep_alive": 0})
    wait_until(lambda: not running(server), poll=2.0)  # no faster than Ollama can bear


def running(server: OllamaServer) -> dict[str, timedelta]:
    """``/api/ps``: how long each model still stays, by name."""
    models = server.call("GET", "/api/ps").json()["models"]
    assert isinstance(models, list)
    left = {}
    for model in models:
        expires = parse_timestamp(model["expires_at"])
        assert expires is not None
        left[str(model["name"])] = expires - datetime.now(UTC)
    return left


def digests(server: OllamaServer) -> dict[str, str]:
    """``/api/tags``: the models' digests by name."""
    models = server.call("GET", "/api/tags").json()["models"]
    assert isinstance(models, list)
    return {str(model["name"]): str(model["digest"]) for model in models}


def hosts_of(driven: Driven) -> OllamaHosts:
    """The list of hosts."""
    return driven.app.world.resource(OllamaHosts)


def busy(driven: Driven, name: str) -> str:
    """What the panel says is being done to a model."""
    row = driven.model_row(name)
    assert row is not None
    return row.busy


def the_failure(driven: Driven, action: ModelAction, name: str = TINY) -> ModelActionFailed:
    """The only failure, told as an event and to the person in front of the panel."""
    failed = driven.until_event(ModelActionFailed)
    assert (failed.action, failed.model_name) == (action, name)
    assert_clear(failed.error_message)
    driven.until(lambda: any(failed.error_message in text for text in driven.notices()))
    assert len(driven.events(ModelActionFailed)) == 1
    return failed
