"""Asking a registry over HTTP: without a log-in, through the proxy of the environment as Ollama does, bounded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from .address import parse_host
from .errors import InvalidHost, PullFailed, PullFailure
from .names import ModelName
from .pull_failures import file_missing, registry_status

if TYPE_CHECKING:
    import aiohttp

__all__ = ["RegistryCalls", "not_a_registry"]

_MOST_REDIRECTS = 5
_SAID = 500
_BLOBS = "blobs/"
_GONE = 404
_MOVED = frozenset({301, 302, 303, 307, 308})


class RegistryCalls:
    """Requests to the registry of one model, over connections that are kept until the block ends.

    ``insecure`` means plain http. The timeouts are in seconds: `timeout_s` for each request as a whole.
    """

    def __init__(
        self, name: ModelName, *, insecure: bool = False, connect_timeout: float = 5.0, timeout_s: float = 15.0
    ) -> None:
        self._name = name
        self._base = f"{'http' if insecure else 'https'}://{name.host}/v2/{name.namespace}/{name.model}/"
        self._connect_timeout = connect_timeout
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> RegistryCalls:
        import aiohttp  # here, because it takes 0.15 s

        limits = aiohttp.ClientTimeout(
            total=self._timeout_s, connect=self._connect_timeout, sock_connect=self._connect_timeout
        )
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), timeout=limits, trust_env=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def get(self, path: str, headers: Mapping[str, str], limit: int) -> AsyncIterator[RegistryReply]:
        """The successful answer to a GET below ``/v2/<namespace>/<model>/``; redirects are followed.

        No more than `limit` bytes of it can be read: leaving the block ends the connection where there are more.
        Raises PullFailed: NOT_FOUND, FILE_MISSING, REGISTRY_UNREACHABLE, PLAIN_HTTP, REGISTRY_ERROR, UNAUTHORIZED,
        NEEDS_NEWER_OLLAMA, NOT_A_REGISTRY.
        """
        import aiohttp

        try:
            async with await self._follow("GET", urljoin(self._base, path), headers) as reply:
                if reply.status not in (200, 206):
                    said = (await reply.content.read(_SAID)).decode(errors="replace")
                    if reply.status == _GONE and path.startswith(_BLOBS):
                        file = f"the one of the digest {path.rpartition(':')[2][:12]}"
                        raise file_missing(self._name.short, [file], detail=said)
                    raise registry_status(reply.status, self._name.short, said)
                yield RegistryReply(reply, limit)
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            raise unreachable(self._name, error) from error

    async def lacks(self, digest: str) -> bool | None:
        """Whether the registry says that it has no such file, asked by HEAD as Ollama does before it fetches one.

        None where it says neither that it has it nor that it has not. Raises nothing of a registry's.
        """
        import aiohttp

        try:
            async with await self._follow("HEAD", urljoin(self._base, f"{_BLOBS}{digest}"), {}) as reply:
                return {200: False, _GONE: True}.get(reply.status)
        except (PullFailed, aiohttp.ClientError, OSError):  # TimeoutError is an OSError
            return None

    async def answer_for(self, digest: str) -> int | None:
        """The HTTP status with which the server that has this file answers who wants its first byte.

        None where nothing answers. Raises nothing of a registry's.
        """
        import aiohttp

        try:
            url = urljoin(self._base, f"{_BLOBS}{digest}")
            async with await self._follow("GET", url, {"Range": "bytes=0-0"}) as reply:
                return reply.status
        except (PullFailed, aiohttp.ClientError, OSError):  # TimeoutError is an OSError
            return None

    async def _follow(self, method: str, url: str, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        """Where a blob lies elsewhere, the proxy is chosen for that host. From https nobody is led to plain http."""
        from yarl import URL  # aiohttp's own, and imported with it

        if self._session is None:
            raise RuntimeError("Use RegistryCalls in an `async with` statement.")
        target = url
        for _ in range(_MOST_REDIRECTS + 1):
            try:
                as_is = URL(url, encoded=url.isascii() and " " not in url)  # a signed address must not be spelled anew
            except ValueError:
                break
            reply = await self._session.request(
                method, as_is, headers=headers, proxy=proxy_for(url), allow_redirects=False
            )
            if reply.status not in _MOVED:
                return reply
            reply.release()
            target = reply.headers.get("Location", "")
            try:
                url, former = urljoin(url, target), url
                parts = urlsplit(url)
                leads_on = parts.scheme in ("http", "https") and parts.port != 0
            except ValueError:  # for example of an address that begins with a bracket
                break
            if not leads_on or (former.startswith("https:") and parts.scheme != "https"):
                break
        raise not_a_registry(self._name, f"redirected to {target}")


class RegistryReply:
    """What a registry sends, read piece by piece."""

    def __init__(self, reply: aiohttp.ClientResponse, limit: int) -> None:
        self._reply = reply
        self._limit = limit

    @property
    def is_partial(self) -> bool:
        """Whether it is the part that was asked for by Range; else it is the whole, from its beginning."""
        return self._reply.status == 206

    async def pieces(self) -> AsyncIterator[bytes]:
        """As they come, together no longer than the limit."""
        left = self._limit
        async for piece in self._reply.content.iter_any():
            yield piece[:left]
            left -= len(piece)
            if left <= 0:
                return

    async def read(self) -> bytes:
        """All of it, or as much as the limit allows."""
        return b"".join([piece async for piece in self.pieces()])


def proxy_for(url: str) -> str | None:
    """The proxy of the environment for a URL; None for this machine, as with Ollama, and where there is none."""
    from urllib.request import getproxies, proxy_bypass  # here, because it brings ssl along

    parts = urlsplit(url)
    try:
        address = parse_host(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}")
    except InvalidHost:
        return None
    if address.is_loopback or proxy_bypass(address.host):
        return None
    return getproxies().get(parts.scheme)


def unreachable(name: ModelName, error: Exception) -> PullFailed:
    """What it means that a request to a registry failed on the way."""
    import aiohttp

    from .tls_failures import tls_reason  # as above: it brings ssl along

    retryable, kind = True, PullFailure.REGISTRY_UNREACHABLE
    if isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError):
        what = "can't be reached through the proxy; check the proxy settings of this machine."
    elif isinstance(error, aiohttp.ClientResponseError):
        return not_a_registry(name, str(error))
    elif isinstance(error, TimeoutError):
        what = "gave no answer in time; check the internet connection, then try again."
    elif isinstance(error, aiohttp.ClientConnectorCertificateError):
        what = "has a certificate that is not trusted; correct it, or the clock of this machine."
        retryable = False
    elif isinstance(error, aiohttp.ClientSSLError):
        what = "doesn't speak https; allow an insecure registry for this install if it is yours."
        retryable = False
        if "ALERT" not in tls_reason(error):  # which only TLS itself sends
            kind = PullFailure.PLAIN_HTTP
    elif isinstance(error, aiohttp.ClientConnectorDNSError):
        what = "can't be found; check its name and the internet connection."
    else:
        what = "can't be reached; check the name and the internet connection."
    return PullFailed(
        f"The registry {name.host} {what}",
        kind,
        retryable,
        detail=str(error) or type(error).__name__,
    )


def not_a_registry(name: ModelName, said: str) -> PullFailed:
    """The error for an answer that no registry gives."""
    return PullFailed(
        f"{name.host} doesn't answer as a registry of models does; check the name {name.short} "
        "and whether a log-in page of the network is in the way.",
        PullFailure.NOT_A_REGISTRY,
        detail=said[:200],
    )
