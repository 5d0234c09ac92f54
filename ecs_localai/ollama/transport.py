"""One pooled HTTP session to one Ollama host. The only module that talks to aiohttp for the client.

Import it when a session is opened, not before: aiohttp takes 0.15 s to import.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
import weakref
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from .address import HostAddress
from .errors import BadReply, ClientClosed, ErrorKind, HostUnreachable, NotAnOllama, OllamaError

__all__ = ["Reply", "Transport", "keepalive_socket"]

Reply = aiohttp.ClientResponse

_UNREACHABLE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL}
_NO_CONNECTION = _UNREACHABLE | {errno.ECONNREFUSED, errno.ETIMEDOUT}
_LAST_CALLS_S = 5.0
_KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPALIVE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}


def keepalive_socket(info: tuple[object, ...]) -> socket.socket:
    """Make a socket that notices within a minute that the other machine is gone.

    A pull may be silent for minutes while big blobs are verified, so silence alone is no sign.
    """
    family, kind, protocol = info[:3]
    made = socket.socket(_number(family), _number(kind), _number(protocol))
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        option = getattr(socket, name, None)
        if isinstance(option, int):
            made.setsockopt(socket.IPPROTO_TCP, option, value)
    return made


def _number(value: object) -> int:
    return value if isinstance(value, int) else -1


class _LocalhostResolver(AbstractResolver):
    """Resolves ``localhost`` without asking the system: 127.0.0.1, then ::1.

    Ollama listens on 127.0.0.1 alone unless told otherwise, while systems often name ::1 first.
    """

    def __init__(self, candidates: tuple[str, ...]) -> None:
        self._candidates = candidates

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the candidates in their order."""
        return [
            ResolveResult(
                hostname=host,
                host=candidate,
                port=port,
                family=socket.AF_INET6 if ":" in candidate else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for candidate in self._candidates
        ]

    async def close(self) -> None:
        """Nothing to close."""


class Transport:
    """A session for one host, bound to the loop that is running when it is made."""

    def __init__(
        self,
        address: HostAddress,
        *,
        connect_timeout: float,
        headers: Mapping[str, str],
        ca_file: str | None,
    ) -> None:
        self._address = address
        self._loop = asyncio.get_running_loop()
        self._connect_timeout = connect_timeout
        self._sockets: list[weakref.ref[socket.socket]] = []
        self._leashes: set[asyncio.Timeout] = set()  # of the calls that run: to end them when we close
        self._idle = asyncio.Event()
        local = len(address.candidates) > 1
        connector = aiohttp.TCPConnector(
            limit=0,  # pulls and generations stay open for long and must not starve the short calls
            resolver=_LocalhostResolver(address.candidates) if local else aiohttp.ThreadedResolver(),
            use_dns_cache=not local,  # the cache rotates addresses
            socket_factory=self._make_socket,
            ssl=_tls_context(ca_file) if ca_file and address.scheme == "https" else True,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers={"Accept": "application/x-ndjson, application/json", "Accept-Encoding": "identity", **headers},
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[_sent_trace()],
            trust_env=False,  # a proxy from the environment would swallow calls to this machine
        )

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that the session belongs to."""
        return self._loop

    @property
    def answered_address(self) -> str | None:
        """The IP address of the newest open connection, None when there is none."""
        for reference in reversed(self._sockets):
            made = reference()
            if made is None or made.fileno() < 0:
                continue
            try:
                peer = made.getpeername()
            except OSError:
                continue
            return str(peer[0])
        return None

    @asynccontextmanager
    async def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        within: float | None = None,
        on_sent: Callable[[], None] | None = None,
        last: bool = False,
    ) -> AsyncIterator[Reply]:
        """Send a request and give its reply, whatever its status.

        ``within`` bounds the whole exchange, in seconds; None bounds only the connecting. ``on_sent`` is
        called just before the first byte is sent over an open connection. ``last`` asks the server to end the
        connection with the reply, so that the end always wakes us (see `wake_for`). Leaving the block before the
        body was read closes the connection. Raises HostUnreachable, NotAnOllama.
        """
        headers = {} if body is None else {"Content-Type": "application/json"}
        if last:
            headers["Connection"] = "close"
        limits = aiohttp.ClientTimeout(
            total=within,
            connect=self._connect_timeout * len(self._address.candidates),
            sock_connect=self._connect_timeout,
        )
        leash = asyncio.timeout(None)
        try:
            async with leash:
                self._leashes.add(leash)
                try:
                    reply = await self._session.request(
                        method,
                        self._address.base_url + path,
                        data=body,
                        headers=headers,
                        timeout=limits,
                        allow_redirects=False,
                        trace_request_ctx=on_sent,
                    )
                except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
                    raise self._explained(error, False, within) from error
                async with reply:
                    yield reply
        except TimeoutError:
            if leash.expired():
                raise self._closed_error() from None
            raise
        finally:
            self._leashes.discard(leash)
            if not self._leashes:
                self._idle.set()

    async def read(self, reply: Reply, within: float | None = None) -> bytes:
        """Read what has arrived of a body, waiting for something; empty at its end.

        ``within`` is that of the request, for the message. Raises BadReply, HostUnreachable.
        """
        try:
            return await reply.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise self._explained(error, True, within) from error

    def wake_for(self, reply: Reply, size: int) -> None:
        """Read a body only when ``size`` bytes of it have come, or the connection has ended; 1: whatever comes.

        Where the system knows no such mark, as Windows, nothing changes.
        """
        connection = reply.connection
        stream = None if connection is None else connection.transport
        made = None if stream is None else stream.get_extra_info("socket")
        if made is not None:
            with contextlib.suppress(OSError):
                made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)

    async def read_all(self, reply: Reply, limit: int, within: float | None = None) -> bytes:
        """Read a body to its end. Raises BadReply when it is longer than ``limit`` bytes or broken."""
        pieces: list[bytes] = []
        size = 0
        while piece := await self.read(reply, within):
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                raise BadReply(
                    f"{self._address.display} sent more than {limit // 2**20} MiB where Ollama sends little; "
                    "check that it is an Ollama server.",
                    retryable=False,
                )
        return b"".join(pieces)

    async def aclose(self) -> None:
        """End what runs by ClientClosed, and close the pool.

        Closing the session alone would not do: aiohttp 3.14 leaves those who read a body waiting for ever.
        """
        if self._leashes:
            self._idle.clear()
            for leash in tuple(self._leashes):
                leash.reschedule(self._loop.time())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), _LAST_CALLS_S)
        await self._session.close()

    def _make_socket(self, info: tuple[object, ...]) -> socket.socket:
        made = keepalive_socket(info)
        kept = [known for known in self._sockets if (old := known()) is not None and old.fileno() >= 0]
        self._sockets = [*kept, weakref.ref(made)]
        return made

    def _explained(self, error: Exception, answered: bool, within: float | None) -> OllamaError:
        shown = self._address.display
        detail = str(error)
        if self._session.closed:
            return self._closed_error()
        if isinstance(error, TimeoutError):
            return self._timed_out(error, within)
        if isinstance(error, aiohttp.ClientConnectorError | ssl.SSLError):
            return self._not_connected(error)
        if isinstance(error, aiohttp.ClientResponseError | aiohttp.InvalidURL):
            return NotAnOllama(f"{shown} doesn't answer in HTTP; check that it is an Ollama server.", detail=detail)
        if answered:
            return BadReply(
                f"The connection to {shown} broke in the middle of a reply; check that Ollama still runs there.",
                detail=detail,
            )
        return HostUnreachable(
            f"{shown} hung up without an answer; check that it is an Ollama server and that it runs.",
            ErrorKind.DISCONNECTED,
            True,
            detail=detail,
        )

    def _closed_error(self) -> ClientClosed:
        shown = self._address.display
        return ClientClosed(f"The connection to {shown} was closed during the call; open a new client.")

    def _timed_out(self, error: Exception, within: float | None) -> HostUnreachable:
        shown = self._address.display
        connecting = isinstance(error, aiohttp.ConnectionTimeoutError)
        if connecting or within is None:
            message = f"No connection to {shown} within {self._connect_timeout:g} s; "
            message += "check the address, the network and the firewall."
        else:
            message = f"{shown} gave no answer within {within:g} s; check whether Ollama hangs or is overloaded."
        return HostUnreachable(message, ErrorKind.TIMED_OUT, True, detail=str(error))

    def _not_connected(self, error: Exception) -> HostUnreachable:
        address = self._address
        detail = str(error)
        if isinstance(error, aiohttp.ClientConnectorDNSError):
            return HostUnreachable(
                f"The host name {address.host} is not known; check its spelling and the network.",
                ErrorKind.DNS,
                True,
                detail=detail,
            )
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            return HostUnreachable(
                f"The certificate of {address.display} is not trusted; give its CA, or correct the certificate.",
                ErrorKind.TLS,
                detail=detail,
            )
        number = error.errno if isinstance(error, OSError) else None
        if isinstance(error, ssl.SSLError) or (address.scheme == "https" and number not in _NO_CONNECTION):
            return HostUnreachable(
                f"{address.display} doesn't speak TLS as it should; try the address with http:// instead.",
                ErrorKind.TLS,
                detail=detail,
            )
        if number in _UNREACHABLE and not address.is_loopback:
            return HostUnreachable(
                f"There is no way to {address.display} from here; check the address and the network.",
                ErrorKind.UNREACHABLE,
                True,
                detail=detail,
            )
        return HostUnreachable(
            f"Nothing listens at {address.display}; start Ollama there, or correct the address.",
            ErrorKind.REFUSED,
            True,
            detail=detail,
        )


def _sent_trace() -> aiohttp.TraceConfig:
    async def on_headers_sent(
        session: aiohttp.ClientSession, context: SimpleNamespace, sent: aiohttp.TraceRequestHeadersSentParams
    ) -> None:
        on_sent = context.trace_request_ctx
        if on_sent is not None:
            on_sent()

    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(on_headers_sent)
    return trace


def _tls_context(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise HostUnreachable(
            f"The CA file {ca_file} can't be read; give a file with certificates in PEM form.",
            ErrorKind.TLS,
            detail=str(error),
        ) from error
