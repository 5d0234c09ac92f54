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
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace

import aiohttp

from ecs_localai.components.hosts import ConnectionPool
from ecs_localai.components.tls import TlsSettings

from .address import HostAddress
from .certificate_reading import speaks_tls
from .errors import BadReply, ClientClosed, ErrorKind, HostUnreachable, NotAnOllama, OllamaError
from .tls_context import make_context, needs_context
from .tls_failures import expected_name, explain_hang_up, explain_tls_failure
from .transport_sockets import LocalhostResolver, keepalive_socket

__all__ = ["Reply", "Transport"]

Reply = aiohttp.ClientResponse

_UNREACHABLE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL}
_NO_CONNECTION = _UNREACHABLE | {errno.ECONNREFUSED, errno.ETIMEDOUT}
_LAST_CALLS_S = 5.0
_HANG_UP_TURNS = 20
"""So many turns the loop is given to end a connection that is shut down; it needs three."""
_LOOK_S = 1.5  # so long we look whether a server that hung up speaks https, in seconds


class Transport:
    """A session for one host, bound to the loop that is running when it is made.

    ``tls`` is for https alone: its files and its key's password are read with the first request, in a thread, and
    again after a handshake that failed. Without own files there the system's certificates are trusted, and no others;
    nothing switches verification off.

    ``pool`` bounds the short calls, those with a time limit: ``max_connections`` of them run at once, the others wait
    within their own limit. Streams (pulls, loads, generations) are not counted, because they stay for minutes and
    would starve the short calls, among them those that a pull itself needs; how many of them run is decided by who
    starts them. ``keep_alive`` is how long an unused connection stays open, whoever used it; zero closes each at once.
    """

    def __init__(
        self,
        address: HostAddress,
        *,
        connect_timeout: float,
        headers: Mapping[str, str],
        tls: TlsSettings | None = None,
        pool: ConnectionPool | None = None,
    ) -> None:
        self._address = address
        self._loop = asyncio.get_running_loop()
        self._connect_timeout = connect_timeout
        self._tls = tls
        self._tls_context: ssl.SSLContext | None = None
        self._tls_turn = asyncio.Lock()
        self._limit = (pool or ConnectionPool()).max_connections
        self._turns = asyncio.Semaphore(self._limit)
        self._has_answered = False
        self._sockets: list[weakref.ref[socket.socket]] = []
        self._leashes: set[asyncio.Timeout] = set()  # of the calls that run: to end them when we close
        self._idle = asyncio.Event()
        # aiohttp 3.14 connects to a zone behind a plain % alone. No other machine knows what our zone is.
        self._origin = address.base_url.replace("%25", "%", 1) if address.zone else address.base_url
        zoneless = {"Host": address.zoneless} if address.zone else {}
        local = len(address.candidates) > 1
        keep_alive = (pool or ConnectionPool()).keep_alive.total_seconds()
        connector = aiohttp.TCPConnector(
            limit=0,
            force_close=keep_alive <= 0,
            keepalive_timeout=keep_alive if keep_alive > 0 else None,
            resolver=LocalhostResolver(address.candidates) if local else aiohttp.ThreadedResolver(),
            use_dns_cache=not local,  # the cache rotates addresses
            socket_factory=self._make_socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers={
                "Accept": "application/x-ndjson, application/json",
                "Accept-Encoding": "identity",
                **zoneless,
                **headers,
            },
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
        body: bytes | AsyncIterable[bytes] | None = None,
        *,
        within: float | None = None,
        on_sent: Callable[[], None] | None = None,
        last: bool = False,
    ) -> AsyncIterator[Reply]:
        """Send a request and give its reply, whatever its status. Bytes are JSON, pieces are a file.

        ``within`` bounds the whole exchange, in seconds; None bounds only the connecting, and makes it a stream, for
        which the pool has no limit. ``on_sent`` is called just before the first byte is sent over an open connection.
        ``last`` asks the server to end the connection with the reply, so that the end always wakes us (see
        `wake_for`). Leaving the block before the body was read closes the connection. Raises HostUnreachable (also
        CertificateRefused, ClientCertificateRefused, TlsFileUnusable), SecretUnavailable, NotAnOllama.
        """
        headers = {}
        if body is not None:
            headers["Content-Type"] = "application/json" if isinstance(body, bytes) else "application/octet-stream"
        if last:
            headers["Connection"] = "close"
        leash = asyncio.timeout(None)
        try:
            async with leash:
                self._leashes.add(leash)
                left = None if within is None else await self._turn(within)
                try:
                    reply = await self._send(method, path, body, headers, within, left, on_sent)
                    self._has_answered = True
                    async with reply:
                        yield reply
                finally:
                    if within is not None:
                        self._turns.release()
        except TimeoutError:
            if leash.expired():
                raise self._closed_error() from None
            raise
        finally:
            self._leashes.discard(leash)
            if not self._leashes:
                self._idle.set()

    async def _turn(self, within: float) -> float:
        """Wait until one more short call may run; how many of its seconds are left then."""
        begun = self._loop.time()
        try:
            async with asyncio.timeout(within) as limit:
                await self._turns.acquire()
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise HostUnreachable(
                f"No free connection to {self._address.display} within {within:g} s, of {self._limit} at most; "
                "try again, or allow more of them.",
                ErrorKind.TIMED_OUT,
                True,
            ) from error
        return max(0.001, within - (self._loop.time() - begun))

    async def _send(
        self,
        method: str,
        path: str,
        body: bytes | AsyncIterable[bytes] | None,
        headers: Mapping[str, str],
        within: float | None,
        left: float | None,
        on_sent: Callable[[], None] | None,
    ) -> Reply:
        secure = self._address.scheme == "https"
        limits = aiohttp.ClientTimeout(
            total=left,
            connect=self._connect_timeout * len(self._address.candidates),
            sock_connect=self._connect_timeout,
        )
        context = await self._context() if secure else True
        try:
            return await self._session.request(
                method,
                self._origin + path,
                data=body,
                headers=headers,
                timeout=limits,
                allow_redirects=False,
                trace_request_ctx=on_sent,
                ssl=context,
                server_hostname=expected_name(self._address, self._tls) if secure else None,
            )
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            caught = error
        failure = await self._explained(caught, False, within)
        if failure.kind is ErrorKind.TLS:
            self._tls_context = None  # its files may be replaced now
        # A ClientResponseError holds the request's headers, with the secrets in them.
        raise failure from (None if isinstance(caught, aiohttp.ClientResponseError) else caught)

    async def _context(self) -> ssl.SSLContext | bool:
        """Whom to trust and who we are; True is aiohttp's own context, which trusts what the system trusts."""
        tls = self._tls
        if tls is None or not needs_context(tls):
            return True
        async with self._tls_turn:
            if self._tls_context is None:
                self._tls_context = await asyncio.to_thread(make_context, tls)
            return self._tls_context

    async def read(self, reply: Reply, within: float | None = None) -> bytes:
        """Read what has arrived of a body, waiting for something; empty at its end.

        ``within`` is that of the request, for the message. Raises BadReply, HostUnreachable.
        """
        try:
            return await reply.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise await self._explained(error, True, within) from error

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
        try:
            if self._leashes:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._idle.wait(), _LAST_CALLS_S)
        finally:  # also where this is given up while it waits
            await self._session.close()
            await self._hang_up()

    async def _hang_up(self) -> None:
        """End what aiohttp does not know of: a call given up in the moment in which its TLS handshake was done.

        Asyncio closes such a connection politely, waiting for the server's word (3.11 to 3.14): the loop may be gone.
        """
        left = [made for reference in self._sockets if (made := reference()) is not None and made.fileno() >= 0]
        for made in left:
            with contextlib.suppress(OSError):
                made.shutdown(socket.SHUT_RDWR)
        for _ in range(_HANG_UP_TURNS):
            if all(made.fileno() < 0 for made in left):
                return
            await asyncio.sleep(0)

    def _make_socket(self, info: tuple[object, ...]) -> socket.socket:
        made = keepalive_socket(info)
        kept = [known for known in self._sockets if (old := known()) is not None and old.fileno() >= 0]
        self._sockets = [*kept, weakref.ref(made)]
        return made

    async def _explained(self, error: Exception, answered: bool, within: float | None) -> OllamaError:
        shown = self._address.display
        detail = str(error)
        if self._session.closed:
            return self._closed_error()
        if isinstance(error, TimeoutError):
            return self._timed_out(error, within)
        if self._address.scheme == "https" and not answered:
            cause = error.certificate_error if isinstance(error, aiohttp.ClientConnectorCertificateError) else error
            told = await explain_tls_failure(self._address, self._tls, cause)
            if told is not None:
                return told
        if isinstance(error, aiohttp.ClientConnectorError | ssl.SSLError):
            return self._not_connected(error)
        if not self._has_answered and self._address.scheme == "http" and await speaks_tls(self._address, _LOOK_S):
            address = self._address.base_url.replace("http://", "https://", 1)
            return HostUnreachable(f"{shown} speaks https; write the address as {address}.", ErrorKind.TLS)
        if isinstance(error, aiohttp.ClientResponseError | aiohttp.InvalidURL):
            return NotAnOllama(f"{shown} doesn't answer in HTTP; check that it is an Ollama server.", detail=detail)
        if answered:
            return BadReply(
                f"The connection to {shown} broke in the middle of a reply; check that Ollama still runs there.",
                detail=detail,
            )
        if self._address.scheme == "https" and not self._has_answered:
            return await explain_hang_up(self._address, self._tls, self._tls_context, detail)
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
