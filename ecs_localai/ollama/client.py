"""A client for one Ollama server. No ECS, no threads: coroutines on the running loop.

Opened lazily: making an :class:`OllamaClient` costs nothing, its first request imports aiohttp and
opens the pooled session, which then belongs to the loop that was running.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from .account import AccountCalls
from .generation import GenerationCalls
from .managing import ManagingCalls
from .reading import ReadingCalls
from .requests import KeepAlive

if TYPE_CHECKING:
    from ecs_localai.components.hosts import ConnectionPool, RetryPolicy
    from ecs_localai.components.tls import TlsSettings

__all__ = ["KeepAlive", "OllamaClient"]


class OllamaClient(ReadingCalls, ManagingCalls, GenerationCalls, AccountCalls):
    """Talks to one Ollama server over one pool of connections.

    ``base_url`` is anything that ``parse_host`` reads (raises InvalidHost). ``connect_timeout`` bounds
    each attempt to connect, ``timeout`` each short call as a whole, both in seconds; pulls, loads and
    generations have no bound of their own. ``headers`` go with every request (a proxy's log-in); ``tls`` is
    for certificates of one's own, ``pool`` limits the connections. No proxy of the environment is used, no
    Origin is sent (Ollama answers foreign ones by 403). Use it as an async context manager, or call ``aclose``.

    ``retry_policy`` says how often a call that failed is made again: reads always, generating where it was
    not begun, changes where nothing was sent, and none where somebody has to change something first. Without
    one each call is made once, but for a read over a connection that turns out to be dead.

    Every method raises an OllamaError: HostUnreachable, NotAnOllama, NotSupported, HostForbidden,
    Unauthorized, BadReply, ServerFailure, ClientClosed, and those it names itself.
    """

    def __init__(
        self,
        base_url: str,
        *,
        connect_timeout: float = 5.0,
        timeout: float = 10.0,
        headers: Mapping[str, str] | None = None,
        tls: TlsSettings | None = None,
        pool: ConnectionPool | None = None,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        super().__init__(
            base_url,
            connect_timeout=connect_timeout,
            timeout=timeout,
            headers=headers,
            tls=tls,
            pool=pool,
            retry_policy=retry_policy,
        )
        self._flights = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop what runs and close the connections; a second call does nothing.

        Waits for pulls that can't be left yet without harm to the server, ten seconds at most.
        """
        self._closing.set()
        flights = list(self._flights.values())
        for flight in flights:
            flight.abandon()
        for flight in flights:
            await flight.wait_closed()
        await super().aclose()
