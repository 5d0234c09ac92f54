"""What is being done to an installed model in the background: loading, unloading, copying and renaming it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from ecs_localai.components.events import ModelAction
from ecs_localai.ollama.errors import InvalidRequest, ModelNotFound, OllamaError, ServerFailure

if TYPE_CHECKING:
    from ecs_localai.components.hosts import OllamaHostManager
    from ecs_localai.ollama.client import OllamaClient
    from ecs_localai.ollama.wire import TagEntry
    from ecs_localai.runtime import Task
    from ecs_localai.systems.host_clients import HostClients

KEPT_LOADED: Final = "5m"
"""How long an unpinned model stays after its last use: Ollama's default (0.9.3, ``KeepAlive`` in ``envconfig``).

A server may have been started with another ``OLLAMA_KEEP_ALIVE``, which no call tells; and to leave the value out would
keep what the model was loaded with before, so that a pinned one would stay pinned (0.9.3, ``server/sched.go``).
"""
PINNED: Final = -1
"""Any negative number of seconds is for ever (0.9.3, ``api/types.go``, ``Duration``)."""
_NO_TEXT_MODEL = "does not support generate"
"""What ``/api/generate`` says of a model that only embeds (0.9.3, ``server/routes.go``)."""
_WORDS = {
    ModelAction.LOAD: ("Loading", "loaded"),
    ModelAction.UNLOAD: ("Unloading", "unloaded"),
    ModelAction.COPY: ("Copying", "copied"),
    ModelAction.RENAME: ("Renaming", "renamed"),
}


class WorkEnd(msgspec.Struct, frozen=True):
    """How work on a model has ended, where it was done."""

    ended_at: float
    """When, on the clock of `time.monotonic`."""
    name: str
    """The model's name as its host lists it; of a copied or renamed one the new name."""


@dataclass(slots=True)
class ModelWork:
    """Something under way with one model of a host."""

    action: ModelAction
    task: Task[WorkEnd]
    begun_at: float
    """On the clock of `time.monotonic`."""
    new_name: str = ""
    """Of what is copied or renamed."""
    pinned: bool = False
    """Whether what is being loaded is to stay; somebody may say otherwise meanwhile."""
    asked_pinned: bool = False
    """What the host was asked for."""
    load_seconds: float | None = None
    """How long loading took, where the host is being asked once more how long to keep the model."""

    @property
    def doing(self) -> str:
        """For example ``Loading``."""
        return _WORDS[self.action][0]


def done_word(action: ModelAction) -> str:
    """For example ``loaded``."""
    return _WORDS[action][1]


def entry_named(entries: Iterable[TagEntry], name: str) -> TagEntry | None:
    """The model of this name: Ollama compares names without regard to case (0.9.3, ``types/model/name.go``)."""
    return next((entry for entry in entries if entry.name.lower() == name.lower()), None)


async def load_model(clients: HostClients, manager: OllamaHostManager, name: str, pinned: bool) -> WorkEnd:
    """Load a model, however long it takes, and say how long to keep it. Cancelling ends the loading (0.9.3).

    One that only embeds is loaded by embedding nothing, which ``/api/embed`` answers once it is loaded (0.9.3).

    Raises:
        OllamaError: it was not loaded.
    """
    keep_alive = PINNED if pinned else KEPT_LOADED
    async with clients.in_use(manager.api_client, manager.connection_pool):
        client = await clients.get(manager)
        try:
            await client.load(name, keep_alive)
        except InvalidRequest as error:
            if _NO_TEXT_MODEL not in error.detail:
                raise
            await client.embed(name, [], keep_alive=keep_alive)
    return WorkEnd(time.monotonic(), name)


async def unload_model(clients: HostClients, manager: OllamaHostManager, name: str) -> WorkEnd:
    """Unload a model, by whichever of its names; one that is not loaded is none the worse for it (0.9.3).

    Raises:
        OllamaError: the host did not do it.
    """
    async with clients.in_use(manager.api_client, manager.connection_pool):
        client = await clients.get(manager)
        await client.unload(name)
    return WorkEnd(time.monotonic(), name)


async def copy_model(
    clients: HostClients, manager: OllamaHostManager, name: str, new_name: str, *, move: bool
) -> WorkEnd:
    """Give a model another name: as well, or instead if it is to move. No model of that name is overwritten.

    The old name is deleted only once the new one is listed with the same manifest.

    Raises:
        OllamaError: it was not done, or only half; the message says which.
    """
    async with clients.in_use(manager.api_client, manager.connection_pool):
        client = await clients.get(manager)
        before = await client.tags()
        source = entry_named(before, name)
        if source is None:
            raise ModelNotFound(f"There is no model {name}.")
        there = entry_named(before, new_name)
        if there is not None:
            raise InvalidRequest(
                f"There is a model {there.name} already; choose another name, or delete that one first."
            )
        await client.copy(source.name, new_name)
        copied = entry_named(await client.tags(), new_name)
        if copied is None or copied.digest != source.digest:
            raise ServerFailure(
                f"Ollama does not list the copy {new_name} as it should; look at the models, try again."
            )
        if move:
            await _delete_former(client, source.name, copied.name)
    return WorkEnd(time.monotonic(), copied.name)


async def _delete_former(client: OllamaClient, former: str, name: str) -> None:
    try:
        await client.delete(former)
    except ModelNotFound:
        return  # somebody else has deleted it: it is gone, as it should be
    except OllamaError as error:
        both = f"The model is there as {former} and as {name} now, for {former} could not be deleted: {error.message}"
        raise OllamaError(both, error.kind, error.retryable, detail=error.detail) from error
