"""The endpoint's HTTP server: JSON-RPC over POST, and server-sent events for clients that watch.

Runs in the background, on the app's task pool. Import it there: aiohttp takes 0.15 s to import.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from ecs_localai.remote import messages
from ecs_localai.remote.address import LOOPBACK
from ecs_localai.remote.calls import Call
from ecs_localai.remote.desk import RemoteDesk
from ecs_localai.remote.errors import INVALID_REQUEST, REFUSED, TOO_MANY, ErrorObject, RpcError
from ecs_localai.remote.gate import MOST_BODY_BYTES, Refusal, refusal
from ecs_localai.remote.methods import find_question
from ecs_localai.remote.question import Question, WatchQuestion
from ecs_localai.remote.subscriptions import Subscription

MOST_CONNECTIONS: Final = 128
"""How many clients may be connected at once. Each takes a file descriptor, of which the app's own work needs some."""
MOST_WAITING: Final = 256
"""How many requests may wait for an answer at once."""
MOST_WATCHING: Final = 16
"""How many clients may watch at once."""
BODY_SECONDS: Final = 5.0
"""How long a client may take to send a body."""
IDLE_SECONDS: Final = 15.0
"""How long a connection may stay open without a request."""
LINGER_SECONDS: Final = 1.0
"""How long to go on reading a body that was refused: a client that is still sending would not see the answer."""
LAST_SECONDS: Final = 0.5
"""How long answers may take to be sent while the app shuts down."""


_LOGGER: Final = logging.getLogger("ecs_localai.remote")


def _is_no_client_s_mistake(record: logging.LogRecord) -> bool:
    """Whether aiohttp complains of something else than a request that is no HTTP, which its sender is told."""
    return record.exc_info is None or not isinstance(record.exc_info[1], HttpProcessingError)


_LOGGER.addFilter(_is_no_client_s_mistake)


class _Server(web.Server):
    """Hangs up on clients that are too many."""

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()


class RemoteServer:
    """Answers on one port of 127.0.0.1."""

    def __init__(self, desk: RemoteDesk, answer_seconds: float) -> None:
        self._desk = desk
        self._answer_seconds = answer_seconds
        self._calls: set[Call] = set()
        self._watching: set[Subscription] = set()

    @asynccontextmanager
    async def listening(self, port: int) -> AsyncIterator[int]:
        """Listen inside an ``async with`` block; gives the port, which differs only where 0 was asked for.

        Raises:
            OSError: the port cannot be had.
        """
        listener = socket.create_server((LOOPBACK, port))
        try:
            runner = web.ServerRunner(
                _Server(
                    self._let_in,
                    handler_cancellation=True,  # whoever has gone is forgotten at once
                    keepalive_timeout=IDLE_SECONDS,
                    lingering_time=LINGER_SECONDS,
                    auto_decompress=False,  # so that a small body stays small
                    access_log=None,
                    logger=_LOGGER,
                ),
                shutdown_timeout=LAST_SECONDS,
            )
            await runner.setup()
            try:
                await web.SockSite(runner, listener).start()
                yield int(listener.getsockname()[1])
            finally:
                for call in self._calls:
                    call.end()
                for subscription in self._watching:
                    subscription.end()
                await runner.cleanup()
        finally:
            listener.close()

    # HTTP

    async def _let_in(self, request: web.BaseRequest) -> web.StreamResponse:
        refused = refusal(
            request.method,
            request.rel_url.raw_path,
            request.headers.getall("Host", []),
            "Origin" in request.headers,
            request.headers.getall("Content-Type", []),
        )
        if refused is None:
            body = await _body(request)
            if isinstance(body, bytes):
                return await self._respond(request, body)
            refused = body
        error = ErrorObject(REFUSED, refused.message)
        headers = {"Allow": "POST"} if refused.status == 405 else None
        response = _json_response(messages.failure(None, error), status=refused.status, headers=headers)
        response.force_close()  # what is left of its body is not read
        return response

    async def _respond(self, request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        try:
            data = messages.parse(body)
        except RpcError as error:
            return _json_response(messages.failure(None, error.told))
        if isinstance(data, list):
            answers = await asyncio.gather(*(self._answer_or_refuse_to_stream(one) for one in data))
            told = [one for one in answers if one is not None]
            return _json_response(b"[" + b",".join(told) + b"]") if told else web.Response(status=204)
        answered = await self._answer(data)
        if isinstance(answered, WatchQuestion):
            return await self._stream(request, messages.id_of(data), answered)
        return web.Response(status=204) if answered is None else _json_response(answered)

    # JSON-RPC

    async def _answer(self, data: object) -> bytes | WatchQuestion | None:
        """The answer to one request, what it wants to watch, or None where no answer is wanted."""
        request_id = messages.id_of(data)
        try:
            request = messages.read_request(data)
            if request.is_notification:
                return None  # reading what nobody is told would do nothing
            question = find_question(request.method, request.params)
            if isinstance(question, WatchQuestion):
                return question
            return messages.answer(request_id, await self._ask(question))
        except RpcError as error:
            return messages.failure(request_id, error.told)

    async def _answer_or_refuse_to_stream(self, data: object) -> bytes | None:
        answered = await self._answer(data)
        if isinstance(answered, WatchQuestion):
            told = ErrorObject(INVALID_REQUEST, "What watches is answered by a stream, and cannot be in a batch.")
            return messages.failure(messages.id_of(data), told)
        return answered

    async def _ask(self, question: Question) -> bytes:
        if len(self._calls) >= MOST_WAITING:
            raise RpcError(TOO_MANY, f"{MOST_WAITING} requests are being answered already. Try again later.")
        call = Call(question)
        self._calls.add(call)
        try:
            self._desk.ask(call)
            return await call.answer(self._answer_seconds)
        finally:
            self._calls.discard(call)

    async def _stream(
        self, request: web.BaseRequest, request_id: object, question: WatchQuestion
    ) -> web.StreamResponse:
        """Send each update as a server-sent event that holds a whole JSON-RPC answer, as Bevy does."""
        if len(self._watching) >= MOST_WATCHING:
            told = ErrorObject(TOO_MANY, f"{MOST_WATCHING} clients are watching already. Try again later.")
            return _json_response(messages.failure(request_id, told))
        subscription = Subscription(question)
        self._watching.add(subscription)
        try:
            self._desk.watch(subscription)
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
            await response.prepare(request)
            while (update := await subscription.next()) is not None:
                if isinstance(update, ErrorObject):
                    message = messages.failure(request_id, update)
                else:
                    message = messages.answer(request_id, update)
                await response.write(b"data: " + message + b"\n\n")
                self._desk.tell(subscription.be_ready)
            await response.write_eof()
        except RpcError as error:
            return _json_response(messages.failure(request_id, error.told))
        finally:
            subscription.closed = True
            self._watching.discard(subscription)
        return response


async def _body(request: web.BaseRequest) -> bytes | Refusal:
    """The body, if it is no bigger and takes no longer than it may."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > MOST_BODY_BYTES:
                    return Refusal(413, f"The body is bigger than {MOST_BODY_BYTES} bytes.")
    except TimeoutError:
        return Refusal(408, f"The body did not arrive within {BODY_SECONDS:g} s.")
    return bytes(body)


def _json_response(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} | dict(headers or {})
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")
