"""A client for servers that speak OpenAI's API: llama.cpp's, LM Studio, vLLM, LocalAI, Jan, Ollama under ``/v1``.

Coroutines on the running loop, no threads. Opened lazily: making an `OpenAIProvider` costs nothing, its first request
imports aiohttp and opens the pooled session, which then belongs to the loop that was running.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import msgspec
from msgspec import UNSET

from ecs_localai.components.hosts import ConnectionPool
from ecs_localai.components.tls import TlsSettings
from ecs_localai.ollama.errors import BadReply, ClientClosed, ErrorKind, HostUnreachable, OllamaError

from .event_stream import EventSplitter
from .openai_address import OpenAIAddress, parse_openai_address
from .openai_answer import AnswerGatherer
from .openai_identity import identity
from .openai_refusals import error_in, in_our_words, not_this_protocol, refusal, stream_error
from .openai_wire import (
    EmbeddingsReply,
    ModelEntry,
    ModelsReply,
    Usage,
    decode_embeddings,
    decode_models,
    shown_model,
)
from .provider import ChatMessage, ChatOptions, ChatReply, Embeddings, ProvidedModel, ServerIdentity

if TYPE_CHECKING:
    from ecs_localai.ollama.transport import Reply, Transport

__all__ = ["OpenAIProvider"]

_REPLY_LIMIT = 256 * 1024 * 1024
"""Embeddings of many texts are long."""
_REFUSAL_LIMIT = 1024 * 1024
_T = TypeVar("_T")


class OpenAIProvider:
    """Talks to one server of OpenAI's API over one pool of connections: a `ModelProvider`.

    ``base_url`` is anything that `parse_openai_address` reads (raises InvalidHost). ``connect_timeout`` bounds each
    attempt to connect, ``timeout`` each short call as a whole, both in seconds; generations and embeddings have their
    own limits. ``headers`` go with every request (``Authorization: Bearer …`` is the API key); ``tls`` says whom to
    trust over https, ``pool`` how many connections to keep. Use it as an async context manager, or call ``aclose``.

    Every method raises an OllamaError: HostUnreachable, NotAnOllama (something else answers), HostForbidden,
    Unauthorized, BadReply, InvalidRequest, ServerFailure, ClientClosed, and those it names itself.
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
    ) -> None:
        self._address = parse_openai_address(base_url)
        self._connect_timeout = connect_timeout
        self._timeout = timeout
        self._headers = dict(headers or {})
        self._tls = tls
        self._pool = pool
        self._transport: Transport | None = None
        self._identity: ServerIdentity | None = None
        self._closed = False

    @property
    def address(self) -> OpenAIAddress:
        """The address this client talks to."""
        return self._address

    @property
    def base_url(self) -> str:
        """The URL of its API, such as ``http://127.0.0.1:8080/v1``."""
        return self._address.base_url

    @property
    def answered_address(self) -> str | None:
        """The IP address that answered: for ``localhost`` 127.0.0.1 or ::1. None while not connected."""
        return None if self._transport is None else self._transport.answered_address

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End what runs by ClientClosed and close the connections; a second call does nothing."""
        self._closed = True
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()

    async def probe(self) -> ServerIdentity:
        """Ask for the list of models: the one call that all these servers answer quickly; and who they are, once.

        llama.cpp's server answers it without an API key, too, so a success does not mean that the key is right.
        """
        try:
            entries, server_header = await self._entries()
        except OllamaError:
            self._identity = None  # another program may answer next time
            raise
        if self._identity is None:
            self._identity = await identity(server_header, entries, self._ask)
        return self._identity

    async def models(self) -> list[ProvidedModel]:
        """The models that it offers, in its own order."""
        entries, _ = await self._entries()
        return [shown_model(entry) for entry in entries if entry.id]

    async def chat(
        self,
        model: str,
        messages: Sequence[ChatMessage],
        options: ChatOptions | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> ChatReply:
        """Answer a conversation, telling each piece of the text to ``on_text`` on the loop as it comes.

        What ``on_text`` raises ends the call. Raises ModelNotFound.
        """
        body = {"messages": [{"role": message.role.value, "content": message.content} for message in messages]}
        wished = options or ChatOptions()
        return await _once_more(lambda: self._generate("/chat/completions", model, body, wished, on_text))

    async def complete(
        self,
        model: str,
        prompt: str,
        options: ChatOptions | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> ChatReply:
        """Go on with a text, without the model's chat template; otherwise as `chat`. Raises ModelNotFound."""
        body = {"prompt": prompt}
        wished = options or ChatOptions()
        return await _once_more(lambda: self._generate("/completions", model, body, wished, on_text))

    async def embed(self, model: str, texts: Sequence[str], *, timeout: float = 600.0) -> Embeddings:  # noqa: ASYNC109 - it bounds the exchange in words of its own
        """Make vectors of texts within ``timeout`` seconds, loading the model included. Raises ModelNotFound."""
        return await _once_more(lambda: self._embed(model, texts, timeout))

    async def _entries(self) -> tuple[list[ModelEntry], str]:
        async with self._request("GET", "/models", within=self._timeout) as (transport, reply):
            content = await self._content(transport, reply, self._timeout, "")
            server_header = reply.headers.get("Server", "")
        answer: ModelsReply = self._decode(decode_models, reply, content)
        if said := error_in(answer.error):
            raise stream_error(self._address, said, "")
        if answer.data is UNSET:
            raise not_this_protocol(self._address, reply.content_type, content)
        return answer.data or [], server_header

    async def _ask(self, path: str) -> bytes:
        """The body at a path beside the API, which belongs to some of the servers only; empty if this one refuses."""
        try:
            async with self._request("GET", path, within=self._timeout, beside=True) as (transport, reply):
                if reply.status != 200:
                    return b""
                return await transport.read_all(reply, _REFUSAL_LIMIT, self._timeout)
        except ClientClosed:
            raise
        except OllamaError:
            return b""  # the server is there, as it has just shown: it only does not like the question

    async def _embed(self, model: str, texts: Sequence[str], within: float) -> Embeddings:
        body = msgspec.json.encode({"model": model, "input": list(texts)})
        async with self._request("POST", "/embeddings", body, within=within) as (transport, reply):
            content = await self._content(transport, reply, within, model)
        answer = self._decode(decode_embeddings, reply, content)
        return self._embeddings(answer, len(texts), model, content)

    async def _generate(
        self,
        path: str,
        model: str,
        body: Mapping[str, object],
        options: ChatOptions,
        on_text: Callable[[str], None] | None,
    ) -> ChatReply:
        encoded = msgspec.json.encode({"model": model, **body, **_wished(options)})
        gatherer = AnswerGatherer(self._address, model)
        try:
            async with asyncio.timeout(options.start_timeout) as watch:
                async with self._request("POST", path, encoded, last=True) as (transport, reply):
                    await self._check(transport, reply, model)
                    if "json" in reply.content_type:  # it does not stream
                        content = await transport.read_all(reply, _REPLY_LIMIT)
                        _tell(on_text, gatherer.take_whole(content, reply.content_type))
                    else:
                        await self._follow(transport, reply, gatherer, options, watch, on_text)
        except TimeoutError:
            if not watch.expired():
                raise  # it is of on_text
            raise self._stalled(gatherer, options) from None
        return gatherer.reply()

    async def _follow(
        self,
        transport: Transport,
        reply: Reply,
        gatherer: AnswerGatherer,
        options: ChatOptions,
        watch: asyncio.Timeout,
        on_text: Callable[[str], None] | None,
    ) -> None:
        """Read the events of an answer to its end; only what brings it further puts the watchdog's time off."""
        if "event-stream" not in reply.content_type:
            raise not_this_protocol(self._address, reply.content_type, b"")
        loop = asyncio.get_running_loop()
        splitter = EventSplitter()
        chunk = b"?"
        while chunk and not gatherer.ended:
            chunk = await transport.read(reply)
            for event in splitter.feed(chunk) if chunk else splitter.finish():
                text, moved = gatherer.take(event)
                if moved:
                    watch.reschedule(loop.time() + options.stall_timeout)
                _tell(on_text, text)

    def _stalled(self, gatherer: AnswerGatherer, options: ChatOptions) -> HostUnreachable:
        shown = self._address.display
        if gatherer.begun:
            message = f"{shown} fell silent in the middle of its answer for {options.stall_timeout:g} s"
        else:
            message = f"{shown} gave no answer within {options.start_timeout:g} s"
        return HostUnreachable(
            f"{message}; check whether the server hangs or is overloaded.", ErrorKind.TIMED_OUT, True
        )

    def _embeddings(self, answer: EmbeddingsReply, count: int, model: str, content: bytes) -> Embeddings:
        if said := error_in(answer.error):
            raise stream_error(self._address, said, model)
        if answer.data is UNSET:
            raise not_this_protocol(self._address, "", content)
        vectors: dict[int, tuple[float, ...]] = {}
        for at, entry in enumerate(answer.data):
            vectors[at if entry.index is None else entry.index] = tuple(entry.embedding)
        if sorted(vectors) != list(range(count)):
            raise BadReply(
                f"{self._address.display} gave {len(vectors)} vectors for {count} texts; try again, or fewer at once.",
                retryable=False,
            )
        usage = answer.usage or Usage()
        ordered = tuple(vectors[at] for at in range(count))
        return Embeddings(ordered, usage.prompt_tokens, answer.model or None)

    def _open(self) -> Transport:
        if self._closed:
            raise ClientClosed(f"The connection to {self._address.display} was closed; open a new client.")
        if self._transport is None:
            from ecs_localai.ollama.transport import Transport  # here, because it imports aiohttp

            self._transport = Transport(
                self._address.root,
                connect_timeout=self._connect_timeout,
                headers={"Accept": "text/event-stream, application/json", **self._headers},
                tls=self._tls,
                pool=self._pool,
            )
        elif self._transport.loop is not asyncio.get_running_loop():
            raise ClientClosed("This client belongs to another event loop; open a new client in this one.")
        return self._transport

    @asynccontextmanager
    async def _request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        within: float | None = None,
        beside: bool = False,
        last: bool = False,
    ) -> AsyncIterator[tuple[Transport, Reply]]:
        """Send a request to a path of the API, or with ``beside`` of the server's root; errors get our words.

        ``last`` is for streams: llama.cpp's server (b10434) hangs up after one without having said so, which would
        break the next request.
        """
        transport = self._open()
        whole = path if beside else self._address.api_path + path
        try:
            async with transport.request(method, whole, body, within=within, last=last) as reply:
                yield transport, reply
        except OllamaError as error:
            ours = in_our_words(error, self._address)
            if ours is error:
                raise
            raise ours from error

    async def _content(self, transport: Transport, reply: Reply, within: float, model: str) -> bytes:
        await self._check(transport, reply, model)
        return await transport.read_all(reply, _REPLY_LIMIT, within)

    async def _check(self, transport: Transport, reply: Reply, model: str) -> None:
        """Raise the error that a status other than 2xx means."""
        if 200 <= reply.status < 300:
            return
        body = await transport.read_all(reply, _REFUSAL_LIMIT, self._timeout)
        location = reply.headers.get("Location", "")
        raise refusal(self._address, reply.status, reply.content_type, body, model=model, location=location)

    def _decode(self, decode: Callable[[bytes], _T], reply: Reply, content: bytes) -> _T:
        try:
            return decode(content)
        except msgspec.ValidationError as error:
            raise not_this_protocol(self._address, reply.content_type, content) from error
        except msgspec.DecodeError as error:
            if "json" not in reply.content_type:
                raise not_this_protocol(self._address, reply.content_type, content) from error
            raise BadReply(
                f"{self._address.display} sent JSON that is broken; try again, or check the server.",
                detail=content[:200].decode(errors="replace"),
            ) from error


async def _once_more(call: Callable[[], Awaitable[_T]]) -> _T:
    """Repeat a call whose pooled connection the server has closed in this very moment; aiohttp repeats only GETs."""
    try:
        return await call()
    except HostUnreachable as error:
        if error.kind is not ErrorKind.DISCONNECTED:
            raise
    return await call()


def _tell(on_text: Callable[[str], None] | None, text: str) -> None:
    if text and on_text is not None:
        on_text(text)


def _wished(options: ChatOptions) -> dict[str, object]:
    """The request's fields; what is left to the server is left out. ``include_usage`` makes streams end with counts."""
    fields: dict[str, object] = {"stream": True, "stream_options": {"include_usage": True}}
    for name in ("max_tokens", "temperature", "top_p", "seed"):
        value = getattr(options, name)
        if value is not None:
            fields[name] = value
    if options.stop:
        fields["stop"] = list(options.stop)
    return fields
