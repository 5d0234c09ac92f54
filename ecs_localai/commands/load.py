"""``ecs-localai load`` and ``pin``: models into the server's memory, and how long they stay there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ecs_localai.commands.event_text import event_fields, event_text
from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.side_by_side import work_side_by_side
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import say_json
from ecs_localai.commands.waiting_note import WaitingNote
from ecs_localai.components.events import ModelAction, ModelActionFailed, ModelLoaded
from ecs_localai.components.models import LoadedModel
from ecs_localai.components.wording import format_duration, format_list
from ecs_localai.ollama.errors import OllamaError
from ecs_localai.ollama.names import ModelName, parse_model_name
from ecs_localai.systems.model_work import load_on
from ecs_localai.systems.saved_hosts import SavedHost

if TYPE_CHECKING:
    from ecs_localai.ollama.client import OllamaClient
    from ecs_localai.ollama.wire import TagEntry


def load_models(
    target: Target,
    models: Sequence[str],
    pinned: bool,
    as_json: bool,
    on: Sequence[str] = (),
    everywhere: bool = False,
) -> int:
    """Load models on the hosts named by `on`, or all of the list, else on the chosen one; returns the exit code.

    On one host one after the other, on several at a time. A model that is loaded already stays as long as this says.

    Raises:
        CommandFailed: a model is not loaded, or somebody stopped it.
        OllamaError: a name is none, or the only host does not answer.
    """
    names = list({name.key: name for name in map(parse_model_name, models)}.values())
    hosts = hosts_for(target, on, everywhere)
    with WaitingNote(as_json) as note:
        job = _Job(names, hosts, pinned, as_json, note)
        ended = work_side_by_side(hosts, job.load_on)
    if len(hosts) == 1:
        for _, error in ended.failures:
            raise error
    troubles = [f"{host.name}: {error.message}" for host, error in ended.failures] + job.troubles
    away = {host.config.base_url for host, _ in ended.failures}
    waiting = [place for (base_url, _), place in job.waiting.items() if base_url not in away]
    if ended.stopped and waiting:
        were = "was" if len(waiting) == 1 else "were"
        troubles.append(
            f"Stopped before {format_list(waiting)} {were} loaded. The connection is closed, which makes the server "
            "give that up."
        )
    if troubles:
        raise CommandFailed(*troubles)
    return 0


def hosts_for(target: Target, on: Sequence[str], everywhere: bool) -> list[SavedHost]:
    """The hosts named by `on`, or all of the list that speak Ollama's protocol, else the chosen one; never none.

    Raises:
        CommandFailed: what names a host is neither a name nor an address, or the list has no Ollama.
    """
    book = target.book()
    hosts = book.ollamas if everywhere else book.require_all(on) if on else [book.chosen]
    if not hosts:
        raise CommandFailed("No host of the list is an Ollama; add one: ecs-localai hosts add ADDRESS")
    return hosts


class _Job:
    """The models that one command was asked to load."""

    def __init__(
        self, names: Sequence[ModelName], hosts: Sequence[SavedHost], pinned: bool, as_json: bool, note: WaitingNote
    ) -> None:
        self.troubles: list[str] = []
        self._names = names
        self._pinned = pinned
        self._as_json = as_json
        self._note = note
        self._several = len(hosts) > 1
        self.waiting: dict[tuple[str, str], str] = {
            (host.config.base_url, name.key): self._place(name.short, host) for host in hosts for name in names
        }
        """What has not been dealt with yet, in words, by base URL and name."""

    async def load_on(self, client: OllamaClient, host: SavedHost) -> None:
        """Load all on one host, then say of each how long it stays.

        Raises:
            OllamaError: the host does not say which models it has.
        """
        installed = await client.tags()
        wanted = self._there(installed, host)
        loaded: list[tuple[TagEntry, timedelta]] = []
        try:
            for key, entry in wanted.items():
                took = await self._load(client, entry.name, host)
                del self.waiting[host.config.base_url, key]
                if took is not None:
                    loaded.append((entry, took))
            if not loaded:
                return
            # Once for all of them: asked faster than every 2 s, servers before 0.32.4 could crash (issue 17376).
            memory = await self._memory(client, installed, host)
        except asyncio.CancelledError:
            self._tell(loaded, None, host)
            raise
        self._tell(loaded, memory, host)

    def _label(self, host: SavedHost) -> str:
        """The host's name where there are several; else empty."""
        return host.name if self._several else ""

    def _place(self, name: str, host: SavedHost) -> str:
        return f"{name} on {host.name}" if self._several else name

    def _there(self, entries: Sequence[TagEntry], host: SavedHost) -> dict[str, TagEntry]:
        """Those of the wanted models that the host has."""
        installed = {parse_model_name(entry.name).key: entry for entry in entries}
        where = f"on {host.name}" if self._several else "here"
        for name in self._names:
            if name.key not in installed:
                self.troubles.append(
                    f"There is no model {name.short} {where}; `ecs-localai list` shows what is installed."
                )
                del self.waiting[host.config.base_url, name.key]
        return {name.key: installed[name.key] for name in self._names if name.key in installed}

    async def _load(self, client: OllamaClient, name: str, host: SavedHost) -> timedelta | None:
        """How long it took by our own clock, as Ollama does not say; None where it failed."""
        with self._note.about(f"Loading {self._place(name, host)}"):
            begun = time.perf_counter()
            try:
                await load_on(client, name, self._pinned)
            except OllamaError as error:
                failed = ModelActionFailed(ModelAction.LOAD, name, error.message, host.config.base_url)
                self.troubles.append(event_text(failed, self._label(host)) or error.message)
                return None
            return timedelta(seconds=time.perf_counter() - begun)

    async def _memory(
        self, client: OllamaClient, installed: Sequence[TagEntry], host: SavedHost
    ) -> Mapping[str, LoadedModel] | None:
        try:
            return await memory_by_name(client, installed)
        except OllamaError as error:
            self.troubles.append(f"{host.name}: {error.message}" if self._several else error.message)
            return None

    def _tell(
        self,
        loaded: Sequence[tuple[TagEntry, timedelta]],
        memory: Mapping[str, LoadedModel] | None,
        host: SavedHost,
    ) -> None:
        for entry, took in loaded:
            held = None if memory is None else memory.get(entry.name)
            pinned = self._pinned if held is None else held.pinned
            event = ModelLoaded(entry.name, took, pinned, host.config.base_url)
            if self._as_json:
                expires_at = None if held is None else held.expires_at
                is_loaded = None if memory is None else held is not None
                say_json({**event_fields(event), "is_loaded": is_loaded, "expires_at": expires_at})
            else:
                stays = "" if memory is None else f" {_stays(held)}"
                self._note.say(f"{event_text(event, self._label(host))}{stays}")


async def memory_by_name(client: OllamaClient, installed: Sequence[TagEntry]) -> dict[str, LoadedModel]:
    """What is in the host's memory, by every name of an installed model that it is the memory of.

    Raises:
        OllamaError: the host does not say.
    """
    from ecs_localai.systems.loaded_models import by_every_name, loaded_models

    return by_every_name(await loaded_models(client, installed, await client.ps()))


def _stays(held: LoadedModel | None) -> str:
    """How long it stays in memory, by what the server says."""
    if held is None:
        return "The server does not list it as loaded: it may have made room for another model."
    if held.pinned:
        return "It stays until it is unloaded."
    if held.expires_at is None:
        return "The server does not say how long it stays."
    # While it answers, the time may lie in the past (Ollama 0.9.3).
    left = (held.expires_at - datetime.now(UTC)).total_seconds()
    return f"It leaves memory in {format_duration(left)} if nobody uses it." if left > 0 else "It is in use."
