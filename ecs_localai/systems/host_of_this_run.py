"""The host that was named for this run: what was given for it is used, and never written over what is saved."""

from __future__ import annotations

import msgspec

from ecs_localai.components.codec import to_builtins
from ecs_localai.components.hosts import OllamaConfiguration
from ecs_localai.systems.host_entries import given_over_saved
from ecs_localai.systems.saved_hosts import server_of


class HostOfThisRun:
    """Knows what was given for this run, by ``--host`` or ``OLLAMA_HOST``, if anything was."""

    __slots__ = ("_given", "_over")

    def __init__(self, given: OllamaConfiguration | None = None) -> None:
        self._given = given
        self._over: dict[int, tuple[OllamaConfiguration, OllamaConfiguration]] = {}

    def is_at(self, base_url: str) -> bool:
        """Whether it is this server that was named."""
        return self._given is not None and server_of(self._given.base_url) == server_of(base_url)

    def configuration(self, entity: int, saved: OllamaConfiguration) -> OllamaConfiguration:
        """What a host that is in the saved list is in this run."""
        if self._given is None or not self.is_at(saved.base_url):
            return saved
        config = given_over_saved(self._given, saved)
        self._over[entity] = config, saved
        return config

    def to_keep(self, entity: int, config: OllamaConfiguration) -> OllamaConfiguration:
        """What is to be saved of a host: as it was saved, unless somebody has changed it in this run."""
        used, saved = self._over.get(entity, (None, config))
        return saved if used is not None and is_same(used, config) else config


def is_same(config: OllamaConfiguration, other: OllamaConfiguration) -> bool:
    """Whether they differ in nothing that a person has set; the version is what a server says."""
    return _chosen(config) == _chosen(other)


def _chosen(config: OllamaConfiguration) -> object:
    return to_builtins(msgspec.structs.replace(config, api_version=""))
