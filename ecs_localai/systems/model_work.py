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


class NotInstalled(ModelNotFound):
    """The host has no model of the name that is to be copied."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no model {name}.")


class NameTaken(InvalidRequest):
    """The host has a model of the new name already, `taken` in its own spelling."""

    def __init__(self, taken: str) -> None:
        super().__init__(f"There is a model {taken} already; choose another name, or delete that one first.")
        self.taken = taken


class CopyNotListed(ServerFailure):
    """The host said that it copied `name`, in its own spelling, but does not list the copy as it should."""

    def __init__(self, name: str, new_name: str) -> None:
        super().__init__(f"Ollama does not list the copy {new_name} as it should; look at the models, try again.")
        self.name = name


class BothThere(OllamaError):
    """The copy is there, and the old name, too, for `failure` came in the way of deleting it."""

    def __init__(self, former: str, name: str, failure: OllamaError) -> None:
        text = f"The model is there as {former} and as {name} now, for {former} could not be deleted: {failure.message}"
        super().__init__(text, failure.kind, failure.retryable, detail=failure.detail)
        self.former = former
        self.name = name
        self.failure = failure


async def load_on(client: OllamaClient, name: str, pinned: bool) -> None:
    """Load a model, however long it takes, and say how long to keep it. Cancelling ends the loading (0.9.3).

    One that only embeds is loaded by embedding nothing, which ``/api/embed`` answers once it is loaded (0.9.3).

    Raises:
        OllamaError: it was not loaded.
    """
    keep_alive = PINNED if pinned else KEPT_LOADED
    try:
        await client.load(name, keep_alive)
    except InvalidRequest as error:
        if _NO_TEXT_MODEL not in error.detail:
            raise
        await client.embed(name, [], keep_alive=keep_alive)


async def copy_on(client: OllamaClient, name: str, new_name: str) -> tuple[str, str]:
    """Give a model another name as well, and see that it has got it: both names as the host spells them.

    No model is overwritten. Ollama itself would do that without a word, in whatever case the name is written (0.9.3).

    Raises:
        NotInstalled: there is no such model.
        NameTaken: there is a model of the new name.
        CopyNotListed: the copy is not there afterwards, or is another model.
        OllamaError: the host does not answer, or refuses.
    """
    before = await client.tags()
    source = entry_named(before, name)
    if source is None:
        raise NotInstalled(name)
    there = entry_named(before, new_name)
    if there is not None:
        raise NameTaken(there.name)
    await client.copy(source.name, new_name)
    copied = entry_named(await client.tags(), new_name)
    if copied is None or copied.digest != source.digest:
        raise CopyNotListed(source.name, new_name)
    return source.name, copied.name


async def rename_on(client: OllamaClient, name: str, new_name: str) -> tuple[str, str]:
    """As `copy_on`; then delete the old name. Ollama cannot rename.

    Raises:
        BothThere: the old name could not be deleted.
        OllamaError: as `copy_on`; the old name is there, as it was.
    """
    former, copied = await copy_on(client, name, new_name)
    try:
        await client.delete(former)
    except ModelNotFound:
        pass  # somebody else has deleted it: it is gone, as it should be
    except OllamaError as error:
        raise BothThere(former, copied, error) from error
    return former, copied


async def load_model(clients: HostClients, manager: OllamaHostManager, name: str, pinned: bool) -> WorkEnd:
    """As `load_on`, for a host of the world."""
    async with clients.in_use(manager.api_client, manager.connection_pool):
        await load_on(await clients.get(manager), name, pinned)
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
    """As `copy_on`, or as `rename_on` if it is to move, for a host of the world."""
    async with clients.in_use(manager.api_client, manager.connection_pool):
        client = await clients.get(manager)
        _, copied = await (rename_on if move else copy_on)(client, name, new_name)
    return WorkEnd(time.monotonic(), copied)
