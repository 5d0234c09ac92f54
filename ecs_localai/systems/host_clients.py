"""The HTTP clients of the hosts: made when first needed, in the background, and closed with the app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_localai.systems.background_imports import import_in_background

if TYPE_CHECKING:
    from ecs_localai.components.hosts import OllamaAPIClient
    from ecs_localai.ollama.client import OllamaClient


class HostClients:
    """One HTTP client a host, made when it is first needed. A resource; used in the background only.

    aiohttp is imported with the first client, in the background, because that takes longer than a frame.
    """

    def __init__(self) -> None:
        self._clients: dict[OllamaAPIClient, OllamaClient] = {}

    def get(self, api: OllamaAPIClient) -> OllamaClient:
        """The client for a host with these settings. Called in the background loop.

        Raises:
            Unauthorized: its credentials lack their secret.
        """
        client = self._clients.get(api)
        if client is None:
            import_in_background("aiohttp")  # before the first answer, whose time would be mostly this otherwise
            from ecs_localai.ollama.client import OllamaClient
            from ecs_localai.ollama.errors import Unauthorized

            try:
                headers = api.authentication.request_headers() if api.authentication else None
            except ValueError as error:  # its secret was not saved
                raise Unauthorized(str(error)) from error
            client = OllamaClient(api.base_url, connect_timeout=api.timeout.total_seconds(), headers=headers)
            self._clients[api] = client
        return client

    async def close(self) -> None:
        """Close every client's connections."""
        clients = list(self._clients.values())
        self._clients.clear()
        for client in clients:
            await client.aclose()
