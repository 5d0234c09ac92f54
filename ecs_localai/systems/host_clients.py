"""The HTTP clients of the hosts: made when first needed, in the background, and closed with the app."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from ecs_localai.systems.background_imports import import_in_background
from ecs_localai.systems.host_secrets import headers_of

if TYPE_CHECKING:
    import asyncio

    from ecs_localai.components.hosts import ConnectionPool, OllamaAPIClient, OllamaHostManager
    from ecs_localai.ollama.client import OllamaClient
    from ecs_localai.providers.provider import ModelProvider

HostKey = tuple["OllamaAPIClient", "ConnectionPool"]
"""What a client is made of: hosts with the same settings share one."""


class HostClients:
    """One HTTP client a host, made when it is first needed. A resource; used in the background only.

    aiohttp is imported with the first client, in the background, because that takes longer than a frame. A host's
    secret is read then, too, in a thread of its own: a keyring may ask the person first, which makes nobody else wait.
    """

    def __init__(self) -> None:
        self._clients: dict[HostKey, OllamaClient] = {}
        self._making: dict[HostKey, asyncio.Task[OllamaClient]] = {}
        self._providers: dict[HostKey, ModelProvider] = {}
        self._users: dict[HostKey, int] = {}
        """How many installations are at work with these settings."""
        self._left: dict[HostKey, list[OllamaClient | ModelProvider]] = {}
        """Those that were dropped while an installation was at work with them: they are closed after it."""
        self._former: set[HostKey] = set()
        """The settings that no host has any more."""
        self._closing: set[OllamaClient | ModelProvider] = set()

    async def get(self, manager: OllamaHostManager) -> OllamaClient:
        """The client for a host with these settings. Called in the background loop.

        Raises:
            OllamaError: its secret, or a certificate, cannot be had; with a sentence.
        """
        key = manager.api_client, manager.connection_pool
        self._former.discard(key)
        return await self.get_for(*key)

    async def get_for(self, api: OllamaAPIClient, pool: ConnectionPool) -> OllamaClient:
        """Like `get`, for the settings themselves."""
        key = api, pool
        client = self._clients.get(key)
        if client is not None:
            return client
        import asyncio  # in the background: a first frame need not wait for it

        making = self._making.get(key)
        if making is None:
            making = self._making[key] = asyncio.ensure_future(self._make(api, pool))
            making.add_done_callback(lambda _: self._making.pop(key, None))
        return await asyncio.shield(making)

    async def _make(self, api: OllamaAPIClient, pool: ConnectionPool) -> OllamaClient:
        import_in_background("aiohttp")  # before the first answer, whose time would be mostly this otherwise
        from ecs_localai.ollama.client import OllamaClient

        client = OllamaClient(
            api.base_url,
            connect_timeout=api.timeout.total_seconds(),
            headers=await headers_of(api),
            tls=api.tls,
            pool=pool,
            retry_policy=api.retry_policy,
        )
        self._clients[api, pool] = client
        return client

    async def provider(self, manager: OllamaHostManager) -> ModelProvider:
        """What talks to a host that is no Ollama, in OpenAI's protocol. Called in the background loop.

        Raises:
            OllamaError: as `get`.
        """
        api, pool = manager.api_client, manager.connection_pool
        self._former.discard((api, pool))
        provider = self._providers.get((api, pool))
        if provider is None:
            import_in_background("aiohttp")  # as above
            from ecs_localai.providers.openai_protocol import OpenAIProvider

            headers = await headers_of(api)
            made = OpenAIProvider(
                api.base_url, connect_timeout=api.timeout.total_seconds(), headers=headers, tls=api.tls, pool=pool
            )
            provider = self._providers.setdefault((api, pool), made)
        return provider

    @asynccontextmanager
    async def in_use(self, api: OllamaAPIClient, pool: ConnectionPool) -> AsyncIterator[None]:
        """As long as the block runs, a client with these settings is not closed, though its host may be changed."""
        key = api, pool
        self._users[key] = self._users.get(key, 0) + 1
        try:
            yield
        finally:
            self._users[key] -= 1
            if not self._users[key]:
                del self._users[key]
                left = self._left.pop(key, [])
                if key in self._former:  # it began after its host had been changed
                    left += self._take(key)
                await self._close(left)

    async def drop(self, api: OllamaAPIClient, pool: ConnectionPool, *, for_good: bool = False) -> None:
        """Close the client with these settings; the next `get` makes another one.

        An installation that is at work with it may go on to its end. `for_good`: no host has these settings any more.
        """
        key = api, pool
        if for_good:
            self._former.add(key)
        making = self._making.get(key)
        if making is not None:
            import asyncio  # as above

            await asyncio.wait({making})
            if for_good and key not in self._former:
                return  # a host has them again
        if key in self._users:
            self._left.setdefault(key, []).extend(self._take(key))
        else:
            await self._close(self._take(key))

    def _take(self, key: HostKey) -> list[OllamaClient | ModelProvider]:
        there = self._clients.pop(key, None), self._providers.pop(key, None)
        return [one for one in there if one is not None]

    async def _close(self, clients: list[OllamaClient | ModelProvider]) -> None:
        self._closing.update(clients)  # so that they are closed also when this is cancelled
        for client in clients:
            await client.aclose()
            self._closing.discard(client)

    async def close(self) -> None:
        """Close every client's connections."""
        for making in list(self._making.values()):
            making.cancel()
        left = [client for clients in self._left.values() for client in clients]
        clients = [*self._clients.values(), *self._providers.values(), *left, *self._closing]
        self._clients.clear()
        self._providers.clear()
        self._left.clear()
        await self._close(clients)
