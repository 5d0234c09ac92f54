"""A real reverse proxy to stand before an Ollama server: log-in, base path, TLS."""

from __future__ import annotations

import ssl
from types import TracebackType

import aiohttp
from aiohttp import web


class ReverseProxy:
    """Forwards to an Ollama on 127.0.0.1, on the running loop; use it with ``async with``.

    ``token`` is the bearer token it asks for, ``base_path`` what it serves Ollama under, ``redirect`` a
    place it sends everybody to instead. Like nginx it answers 502 with a page when Ollama is down.
    """

    def __init__(
        self,
        ollama_port: int,
        *,
        token: str = "",
        base_path: str = "",
        redirect: str = "",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._target = f"http://127.0.0.1:{ollama_port}"
        self._token = token
        self._base_path = base_path
        self._redirect = redirect
        self._tls = tls
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self.port = 0

    async def __aenter__(self) -> ReverseProxy:
        app = web.Application()
        app.router.add_route("*", self._base_path + "/{path:.*}", self._forward)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        self.port = int(self._runner.addresses[0][1])
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        if self._redirect:
            raise web.HTTPMovedPermanently(self._redirect)
        if self._token and request.headers.get("Authorization") != f"Bearer {self._token}":
            return web.Response(status=401, text="<html>log in</html>", content_type="text/html")
        if self._session is None:
            raise RuntimeError("the proxy was not started")
        url = f"{self._target}/{request.match_info['path']}"
        try:
            async with self._session.request(request.method, url, data=await request.read()) as answer:
                body = await answer.read()
                return web.Response(status=answer.status, body=body, content_type=answer.content_type)
        except aiohttp.ClientError:
            return web.Response(status=502, text="<html><h1>502 Bad Gateway</h1></html>", content_type="text/html")
