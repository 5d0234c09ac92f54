"""Asking an address whether it is an Ollama."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ecs_localai.components.found_hosts import FoundBy, FoundHost

from ..client import OllamaClient
from ..errors import OllamaError
from .places import Place

__all__ = ["Prober", "Sighting"]

CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 2.0
LIST_SECONDS = 10.0  # many models on a slow disk take their time; only who has told a version is asked
AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Sighting:
    """A host that has answered, and all the places where the same server can be reached, as far as we know."""

    host: FoundHost
    places: frozenset[Place]


class Prober:
    """Asks addresses, at most `at_once` at the same time. `connect_timeout` and `timeout` are seconds for each call."""

    def __init__(
        self, *, at_once: int = AT_ONCE, connect_timeout: float = CONNECT_SECONDS, timeout: float = ANSWER_SECONDS
    ) -> None:
        self._gate = asyncio.Semaphore(at_once)
        self._connect_timeout = connect_timeout
        self._timeout = timeout

    async def version_at(self, base_url: str) -> str | None:
        """The version of the Ollama at the address; None where there is none, or none that lets us in.

        A version alone proves nothing: Open WebUI, often on the same machine, has ``/api/version`` too. So the models
        are asked for as well (``/api/tags``), which must be a list like Ollama's.
        """
        async with self._gate:
            try:
                async with self._client(base_url, self._timeout) as client:
                    version = await client.version()
                async with self._client(base_url, LIST_SECONDS) as client:
                    await client.tags()
            except OllamaError:
                return None
            return version

    def _client(self, base_url: str, timeout: float) -> OllamaClient:
        return OllamaClient(base_url, connect_timeout=self._connect_timeout, timeout=timeout)

    async def sighting(
        self, base_url: str, found_by: FoundBy, places: frozenset[Place], name: str = ""
    ) -> Sighting | None:
        """What `version_at` says, as a sighting."""
        version = await self.version_at(base_url)
        return None if version is None else Sighting(FoundHost(base_url, version, found_by, name), places)
