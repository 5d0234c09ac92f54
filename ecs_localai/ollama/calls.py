"""What every call of the client goes through: one session, its errors, repeating, and one request for equal reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from .address import HostAddress, parse_host
from .errors import (
    BadReply,
    ClientClosed,
    ErrorKind,
    HostUnreachable,
    NotAnOllama,
    NotSupported,
    OllamaError,
)
from .features import ENDPOINTS, missing_call
from .ndjson import LineSplitter
from .refusals import looks_like_html, not_an_ollama, refusal, stream_error
from .requests import encode_request
from .retrying import Attempts, Repeat
from .sharing import SharedReads
from .steps import Line, Step
from .watchdog import Watchdog
from .wire import UNREADABLE, decode_version

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from ecs_localai.components.hosts import ConnectionPool, RetryPolicy
    from ecs_localai.components.tls import TlsSettings

    from .transport import Reply, Transport

__all__ = ["Calls", "Exchange", "nothing"]

_REPLY_LIMIT = 64 * 1024 * 1024
_LAST_BYTES_S = 0.25
"""How long a stream's end may take after its last line; a connection that is slower is not used again."""
_T = TypeVar("_T")


_L = TypeVar("_L", bound=Line)


class Exchange(NamedTuple):
    """A reply that is no refusal, and where it comes from."""

    transport: Transport
    reply: Reply


class Calls:
    """One server and the way to it. `OllamaClient` is made of this and of what its base classes can ask for."""

    def __init__(
        self,
        base_url: str,
        *,
        connect_timeout: float,
        timeout: float,
        headers: Mapping[str, str] | None,
        tls: TlsSettings | None,
        pool: ConnectionPool | None,
        retry_policy: RetryPolicy | None,
    ) -> None:
        self._address = parse_host(base_url)
        self._connect_timeout = connect_timeout
        self._timeout = timeout
        self._headers = dict(headers or {})
        self._tls = tls
        self._pool = pool
        self._retry_policy = retry_policy
        self._transport: Transport | None = None
        self._shared = SharedReads()
        self._closing = asyncio.Event()

    @property
    def address(self) -> HostAddress:
        """The address this client talks to."""
        return self._address

    @property
    def base_url(self) -> str:
        """Its URL."""
        return self._address.base_url

    @property
    def answered_address(self) -> str | None:
        """The IP address that answered: for ``localhost`` 127.0.0.1 or ::1. None while not connected."""
        return None if self._transport is None else self._transport.answered_address

    async def aclose(self) -> None:
        """Stop what runs and close the connections; a second call does nothing."""
        self._closing.set()
        if self._transport is not None:  # kept until it is closed: a call that is given up can be followed by another
            await self._transport.aclose()
            self._transport = None

    def _open(self) -> Transport:
        if self._closing.is_set():
            raise ClientClosed(f"The connection to {self._address.display} was closed; open a new client.")
        if self._transport is None:
            from .transport import Transport  # here, because it imports aiohttp

            self._transport = Transport(
                self._address,
                connect_timeout=self._connect_timeout,
                headers=self._headers,
                tls=self._tls,
                pool=self._pool,
            )
        elif self._transport.loop is not asyncio.get_running_loop():
            raise ClientClosed("This client belongs to another event loop; open a new client in this one.")
        return self._transport

    async def _read(
        self,
        path: str,
        decode: Callable[[bytes], _T],
        request: Struct | None = None,
        *,
        method: str = "GET",
        model: str = "",
        retry: bool = True,
    ) -> _T:
        """A call that changes nothing: repeated as the policy says, and shared with equal ones that run."""
        self._open()  # a closed client, or one of another loop, joins nothing
        encoded = None if request is None else encode_request(request)
        repeat = Repeat.ALWAYS if retry else Repeat.NEVER

        async def exchange(on_sent: Callable[[], None]) -> _T:
            return await self._exchange(method, path, decode, encoded, on_sent, model=model)

        return await self._shared.join((method, path, encoded, retry), lambda: self._repeating(repeat, exchange))

    async def _ask(
        self,
        path: str,
        decode: Callable[[bytes], _T],
        request: Struct | None = None,
        *,
        method: str = "POST",
        model: str = "",
        repeat: Repeat = Repeat.UNSENT,
        bounded: bool = True,
        stall_timeout: float | None = None,
    ) -> _T:
        """A call whose reply is a single piece of JSON; ``bounded`` by the client's own timeout."""
        encoded = None if request is None else encode_request(request)

        async def exchange(on_sent: Callable[[], None]) -> _T:
            return await self._exchange(
                method, path, decode, encoded, on_sent, model=model, bounded=bounded, stall_timeout=stall_timeout
            )

        try:
            return await self._repeating(repeat, exchange)
        finally:
            self._shared.part()

    async def _stream(
        self,
        path: str,
        request: Struct,
        decode: Callable[[bytes], _L],
        take: Callable[[_L], Step],
        *,
        model: str,
        repeat: Repeat = Repeat.UNSENT,
        stall_timeout: float | None = None,
    ) -> None:
        """A call that is answered by lines, each given to ``take`` until one is the last.

        No line that moves anything for ``stall_timeout`` seconds is a failure; None waits for ever.
        """
        encoded = encode_request(request)
        halfway: list[OllamaError] = []

        async def attempt(on_sent: Callable[[], None]) -> None:
            watch = Watchdog(stall_timeout)
            try:
                async with self._request("POST", path, encoded, on_sent, model=model, watch=watch) as exchange:
                    await self._read_lines(exchange, watch, decode, take, model)
            except OllamaError as error:
                if not watch.has_moved:
                    raise
                halfway.append(error)  # not to be repeated: what was told once would be told again

        try:
            await self._repeating(repeat, attempt)
        finally:
            self._shared.part()
        if halfway:
            raise halfway[0]

    async def _read_lines(
        self, exchange: Exchange, watch: Watchdog, decode: Callable[[bytes], _L], take: Callable[[_L], Step], model: str
    ) -> None:
        transport, reply = exchange
        splitter = LineSplitter()
        chunk = b"?"
        while chunk:
            chunk = await transport.read(reply)
            rest = b"" if chunk else splitter.finish()
            for line in [rest] if rest else splitter.feed(chunk):
                entry = self._decode(decode, reply, line)
                if isinstance(entry.error, str) and entry.error:
                    await self._let_end(transport, reply)  # 0.9.3 goes on with a creation, to a broken model
                    raise stream_error(self._address, entry.error, model)
                step = take(entry)
                if step is Step.DONE:
                    await self._let_end(transport, reply)
                    return
                if step is Step.MOVED:
                    watch.moved()
        raise BadReply(f"{self._address.display} ended its answer too early; check that it still runs.")

    async def _exists(self, path: str, *, retry: bool = True) -> int:
        """The status of a HEAD where it is 200, 400, 404 or 405."""
        self._open()
        repeat = Repeat.ALWAYS if retry else Repeat.NEVER

        async def exchange(on_sent: Callable[[], None]) -> int:
            transport = self._open()
            async with transport.request("HEAD", path, within=self._timeout, on_sent=on_sent) as reply:
                if reply.status not in {400, 404, 405}:
                    await self._check(transport, reply, path, "")
                    if looks_like_html(reply.content_type, b""):
                        raise not_an_ollama(self._address, reply.content_type, b"")
                return reply.status

        return await self._shared.join(("HEAD", path, None, retry), lambda: self._repeating(repeat, exchange))

    async def _repeating(self, repeat: Repeat, exchange: Callable[[Callable[[], None]], Awaitable[_T]]) -> _T:
        attempts = Attempts(self._retry_policy, repeat)
        while True:
            sent: list[bool] = []
            try:
                return await exchange(lambda sent=sent: sent.append(True))  # type: ignore[misc]  # mypy can't infer it
            except OllamaError as error:
                delay = attempts.delay_after(error, bool(sent))
                if delay is None:
                    raise
            await self._pause(delay)

    async def _pause(self, seconds: float) -> None:
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), seconds)

    @asynccontextmanager
    async def _request(
        self,
        method: str,
        path: str,
        body: bytes | AsyncIterable[bytes] | None,
        on_sent: Callable[[], None],
        *,
        model: str = "",
        within: float | None = None,
        watch: Watchdog,
    ) -> AsyncIterator[Exchange]:
        """A reply that is no refusal; what comes too late for ``watch`` is HostUnreachable."""
        transport = self._open()
        try:
            async with watch, transport.request(method, path, body, within=within, on_sent=on_sent) as reply:
                await self._check(transport, reply, path, model)
                yield Exchange(transport, reply)
        except TimeoutError:
            if not watch.bit:
                raise
            raise self._silent(f"made no progress for {watch.seconds or 0:g} s") from None

    async def _exchange(
        self,
        method: str,
        path: str,
        decode: Callable[[bytes], _T],
        body: bytes | None,
        on_sent: Callable[[], None],
        *,
        model: str,
        bounded: bool = True,
        stall_timeout: float | None = None,
    ) -> _T:
        within = self._timeout if bounded else None
        async with self._request(
            method, path, body, on_sent, model=model, within=within, watch=Watchdog(stall_timeout)
        ) as (transport, reply):
            content = await self._body(transport, reply)
            if looks_like_html(reply.content_type, content):
                raise not_an_ollama(self._address, reply.content_type, content)
            return self._decode(decode, reply, content)

    async def _body(self, transport: Transport, reply: Reply) -> bytes:
        """The whole body, in the client's own time: once a reply has begun, nothing is left to wait for."""
        limit = asyncio.timeout(self._timeout)
        try:
            async with limit:
                return await transport.read_all(reply, _REPLY_LIMIT, self._timeout)
        except TimeoutError:
            if not limit.expired():
                raise
            raise self._silent(f"did not end its answer within {self._timeout:g} s") from None

    async def _let_end(self, transport: Transport, reply: Reply) -> None:
        """Read a stream's end, so that its connection can be used again."""
        with suppress(TimeoutError, OllamaError):
            async with asyncio.timeout(_LAST_BYTES_S):
                while await transport.read(reply):
                    pass

    async def _check(self, transport: Transport, reply: Reply, path: str, model: str) -> None:
        """Raise the error that a status other than 2xx means."""
        status = reply.status
        if 200 <= status < 300:
            return
        body = await self._body(transport, reply)
        if status in {404, 405} and reply.content_type == "text/plain" and path in ENDPOINTS:
            raise await self._missing(path, body)
        raise refusal(
            self._address,
            status,
            reply.content_type,
            body,
            model=model,
            location=reply.headers.get("Location", ""),
            retry_after=reply.headers.get("Retry-After", ""),
        )

    async def _missing(self, path: str, body: bytes) -> NotSupported | NotAnOllama:
        """What it means that a path is unknown: an Ollama too old for it, or none at all."""
        foreign = not_an_ollama(self._address, "text/plain", body)
        if path == "/api/version":
            return foreign
        try:
            version = await self._version(retry=False)
        except OllamaError:
            return foreign
        return missing_call(self._address, path, version)

    async def _version(self, *, retry: bool) -> str:
        reply = await self._read("/api/version", decode_version, retry=retry)
        if not isinstance(reply.version, str) or not reply.version:
            raise not_an_ollama(self._address, "", b"")
        return reply.version

    def _decode(self, decode: Callable[[bytes], _T], reply: Reply, content: bytes) -> _T:
        try:
            return decode(content)
        except msgspec.ValidationError as error:
            raise not_an_ollama(self._address, reply.content_type, content) from error
        except UNREADABLE as error:
            if looks_like_html(reply.content_type, content) or "json" not in reply.content_type:
                raise not_an_ollama(self._address, reply.content_type, content) from error
            raise BadReply(
                f"{self._address.display} sent JSON that is broken; check that it is an Ollama server.",
                detail=content[:200].decode(errors="replace"),
            ) from error

    def _silent(self, what: str) -> HostUnreachable:
        return HostUnreachable(
            f"{self._address.display} {what}; check whether Ollama hangs or is overloaded.", ErrorKind.TIMED_OUT, True
        )

    def _not_ollama(self) -> NotAnOllama:
        """For a reply that is JSON without what Ollama's must have."""
        return not_an_ollama(self._address, "", b"")


def nothing(content: bytes) -> None:
    """Reads the empty body that means success; a later Ollama might send an object."""
    if content.strip() not in {b"", b"null"}:
        msgspec.json.decode(content, type=dict[str, object])
