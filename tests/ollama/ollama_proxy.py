"""A real reverse proxy to stand before an Ollama server: log-in, base path, TLS, client certificates, IPv6."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TypeVar

import aiohttp
from aiohttp import web

from tests.rig.loop_thread import LoopThread
from tests.rig.tls_proxy import TlsProxy

_NOT_FORWARDED = {"host", "authorization", "content-length", "transfer-encoding", "connection", "accept-encoding"}

P = TypeVar("P", bound="ReverseProxy")


class ReverseProxy:
    """Forwards to an Ollama on 127.0.0.1, on the running loop; use it with ``async with``.

    ``token`` is the bearer token it asks for, ``basic`` a user name and a password, ``header`` a header and its value;
    ``base_path`` is what it serves Ollama under, ``redirect`` a place it sends everybody to instead, ``host`` the
    address it listens on. ``keep_host`` hands on the client's Host header, as a proxy does that nobody has set up to
    rewrite it. Bodies are passed on as they come. Like nginx it answers 502 with a page when Ollama is down.
    """

    def __init__(
        self,
        ollama_port: int,
        *,
        token: str = "",
        basic: tuple[str, str] | None = None,
        header: tuple[str, str] | None = None,
        base_path: str = "",
        redirect: str = "",
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        keep_host: bool = False,
    ) -> None:
        self._target = f"http://127.0.0.1:{ollama_port}"
        self._wanted: dict[str, str] = {}
        if token:
            self._wanted["Authorization"] = f"Bearer {token}"
        if basic is not None:
            self._wanted["Authorization"] = "Basic " + base64.b64encode(":".join(basic).encode()).decode()
        if header is not None:
            self._wanted[header[0]] = header[1]
        self._base_path = base_path
        self._redirect = redirect
        self._tls = tls
        self._host = host
        self._keep_host = keep_host
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self._tls_proxy: TlsProxy | None = None
        self.port = 0
        self.requests: list[str] = []
        """Method and path of every request that got through the TLS handshake, also of refused ones."""
        self.headers: list[dict[str, str]] = []
        """The headers of each, as they came."""

    async def __aenter__(self) -> ReverseProxy:
        app = web.Application(client_max_size=0)
        app.router.add_route("*", self._base_path + "/{path:.*}", self._forward)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host if self._tls is None else "127.0.0.1", 0).start()
        self.port = int(self._runner.addresses[0][1])
        if self._tls is not None:
            self._tls_proxy = TlsProxy(self.port, self._tls, self._host)
            self._tls_proxy.__enter__()
            self.port = self._tls_proxy.port
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None), auto_decompress=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._tls_proxy is not None:
            # Its client may live on this loop, and has its part in ending a connection.
            await asyncio.to_thread(self._tls_proxy.__exit__, kind, error, trace)

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path}")
        self.headers.append(dict(request.headers))
        if self._redirect:
            raise web.HTTPMovedPermanently(self._redirect)
        if any(request.headers.get(name) != value for name, value in self._wanted.items()):
            return web.Response(status=401, text="<html>log in</html>", content_type="text/html")
        if self._session is None:
            raise RuntimeError("the proxy was not started")
        url = f"{self._target}/{request.match_info['path']}"
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _NOT_FORWARDED}
        if self._keep_host:
            headers["Host"] = request.headers["Host"]
        body = await request.read()
        try:
            async with self._session.request(request.method, url, data=body or None, headers=headers) as answer:
                return await self._passed_on(request, answer)
        except aiohttp.ClientConnectionError:
            return web.Response(status=502, text="<html><h1>502 Bad Gateway</h1></html>", content_type="text/html")

    async def _passed_on(self, request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        reply = web.StreamResponse(status=answer.status)
        reply.content_type = answer.content_type
        if "Content-Length" in answer.headers:
            reply.content_length = int(answer.headers["Content-Length"])
        await reply.prepare(request)
        if request.method != "HEAD":
            async for piece in answer.content.iter_any():
                await reply.write(piece)
        await reply.write_eof()
        return reply


@contextmanager
def standing(proxy: P) -> Iterator[P]:
    """The proxy, on a loop of its own."""
    loop = LoopThread("rig-reverse-proxy")
    try:
        loop.run(proxy.__aenter__())
        try:
            yield proxy
        finally:
            loop.run(proxy.__aexit__(None, None, None), timeout=30.0)
    finally:
        loop.stop()
