"""Servers that speak another protocol, or this one in their own way."""

from __future__ import annotations

import asyncio

import pytest

from ecs_localai.ollama.errors import (
    BadReply,
    ErrorKind,
    HostUnreachable,
    InvalidRequest,
    NotAnOllama,
    OllamaError,
    ServerFailure,
)
from ecs_localai.providers import ChatOptions, OpenAIProvider
from tests.providers.providers_parts import HELLO, SHORT, assert_clear
from tests.providers.test_providers_faults import CALLS
from tests.rig.odd_servers import (
    CaptivePortal,
    HalfCloser,
    LongLines,
    LooseJsonApi,
    NotHttp,
    OddServer,
    OtherJsonApi,
    Silent,
    closed_port,
)

PIECE = b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
END = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


class Streaming(OddServer):
    """Sends these pieces of an event stream with a pause before each, and then ends the connection or leaves it."""

    def __init__(self, *pieces: bytes, pause: float = 0.0, leave_open: bool = False) -> None:
        self._pieces = pieces
        self._pause = pause
        self._leave_open = leave_open
        super().__init__()

    async def respond(self, method: str, path: str, writer: asyncio.StreamWriter) -> None:
        """The pieces, whatever was asked for."""
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        for piece in self._pieces:
            await asyncio.sleep(self._pause)
            writer.write(piece)
            await writer.drain()
        if self._leave_open:
            await writer.wait_closed()
        writer.close()


class Answering(OddServer):
    """Answers everything with one body of JSON."""

    def __init__(self, body: bytes, status: str = "200 OK") -> None:
        self._body = body
        self._status = status
        super().__init__()

    async def respond(self, method: str, path: str, writer: asyncio.StreamWriter) -> None:
        """The body, whatever was asked for."""
        head = f"HTTP/1.1 {self._status}\r\nContent-Type: application/json\r\nContent-Length: {len(self._body)}\r\n\r\n"
        writer.write(head.encode() + self._body)


async def _failure(base_url: str, name: str) -> OllamaError:
    async with OpenAIProvider(base_url, connect_timeout=2, timeout=0.5) as provider:
        with pytest.raises(OllamaError) as caught:
            await asyncio.wait_for(CALLS[name](provider), 20)
    assert_clear(caught.value)
    return caught.value


async def _chat(server: OddServer, options: ChatOptions = SHORT) -> str:
    async with OpenAIProvider(server.base_url) as provider:
        return (await asyncio.wait_for(provider.chat("x", HELLO, options), 20)).text


async def _chat_failure(server: OddServer, options: ChatOptions = SHORT) -> OllamaError:
    with pytest.raises(OllamaError) as caught:
        await _chat(server, options)
    assert_clear(caught.value)
    return caught.value


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", [CaptivePortal, OtherJsonApi, LooseJsonApi, NotHttp])
async def test_something_else(kind: type[OddServer], name: str) -> None:
    with kind() as server:
        error = await _failure(server.base_url, name)
    assert isinstance(error, NotAnOllama)
    assert not error.retryable


@pytest.mark.parametrize("name", CALLS)
async def test_a_reply_that_ends_in_the_middle(name: str) -> None:
    with HalfCloser() as server:
        error = await _failure(server.base_url, name)
    assert isinstance(error, BadReply)
    assert error.retryable


@pytest.mark.parametrize("name", CALLS)
async def test_ten_megabytes_of_the_wrong_json(name: str) -> None:
    with LongLines() as server:
        assert isinstance(await _failure(server.base_url, name), NotAnOllama | BadReply)


@pytest.mark.parametrize("name", CALLS)
async def test_a_port_where_nothing_listens(name: str) -> None:
    error = await _failure(f"127.0.0.1:{closed_port()}", name)
    assert isinstance(error, HostUnreachable)
    assert error.kind is ErrorKind.REFUSED


@pytest.mark.parametrize("name", ["probe", "models"])
async def test_a_server_that_never_answers(name: str) -> None:
    with Silent() as server:
        error = await _failure(server.base_url, name)
    assert isinstance(error, HostUnreachable)
    assert error.kind is ErrorKind.TIMED_OUT


async def test_signs_of_life_without_text_are_no_progress() -> None:
    keep_alive = b": ping\n\n"
    empty = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'
    options = ChatOptions(max_tokens=5, start_timeout=0.6, stall_timeout=0.5)
    with Streaming(*[keep_alive, empty] * 100, pause=0.05) as server:
        error = await _chat_failure(server, options)
    assert error.kind is ErrorKind.TIMED_OUT
    assert "0.6 s" in error.message
    with Streaming(PIECE, *[keep_alive, empty] * 100, pause=0.05) as server:
        error = await _chat_failure(server, options)
    assert error.kind is ErrorKind.TIMED_OUT
    assert "0.5 s" in error.message


async def test_there_is_no_limit_on_the_whole() -> None:
    options = ChatOptions(max_tokens=5, start_timeout=1.2, stall_timeout=1.2)
    with Streaming(*[PIECE] * 8, END, pause=0.25) as server:
        assert await _chat(server, options) == "a" * 8


async def test_the_answer_ends_with_done_though_the_connection_stays() -> None:
    with Streaming(PIECE, END, leave_open=True) as server:
        assert await _chat(server) == "a"


@pytest.mark.parametrize("end", [b"data: [DONE]", b"data: [DONE]\n\n", b"data: [DONE]\r\n\r\n", END[:-14]])
async def test_ends_of_every_kind(end: bytes) -> None:
    with Streaming(PIECE, end) as server:
        assert await _chat(server) == "a"


async def test_reasoning_and_parts() -> None:
    thought = b'data: {"choices":[{"delta":{"reasoning_content":"hm","content":null}}]}\n\n'
    parts = b'data: {"choices":[{"delta":{"content":[{"type":"text","text":"b"},{"type":"image"}]}}],"new":{}}\n\n'
    other = b'data: {"choices":[{"index":1,"delta":{"content":"another answer"}}]}\n\n'
    with Streaming(thought, PIECE, other, parts, END) as server:
        async with OpenAIProvider(server.base_url) as provider:
            reply = await provider.chat("x", HELLO, SHORT)
    assert (reply.text, reply.reasoning, reply.finish_reason) == ("ab", "hm", "stop")
    assert (reply.prompt_tokens, reply.completion_tokens, reply.model) == (None, None, None)


async def test_an_answer_that_is_not_streamed() -> None:
    with Answering(
        b'{"choices":[{"message":{"role":"assistant","content":"whole"},"finish_reason":"stop"}]}'
    ) as server:
        assert await _chat(server) == "whole"


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (b'data: {"error":{"message":"out of memory","type":"server_error","code":500}}', ServerFailure),
        (b'data: {"error":{"message":"too long","type":"invalid_request_error","code":null}}', InvalidRequest),
        (b'data: {"error":"out of memory"}', ServerFailure),
        (
            b'data: {"error":{"message":"bad","code":400},"choices":[{"delta":{},"finish_reason":"error"}]}',
            InvalidRequest,
        ),
        (b'data: {"object":"error","message":"too long","type":"BadRequestError","code":400}', InvalidRequest),
        (b'event: error\ndata: {"message":"out of memory"}', ServerFailure),
        (b"event: error\ndata: out of memory", ServerFailure),
        (b'error: {"code":500,"message":"out of memory","type":"server_error"}', ServerFailure),
        (b'data: {"answer":42}', NotAnOllama),
        (b"data: {oh", BadReply),
    ],
)
async def test_errors_in_the_stream(event: bytes, kind: type[OllamaError]) -> None:
    with Streaming(PIECE, event + b"\n\n", END) as server:
        error = await _chat_failure(server)
    assert isinstance(error, kind)


@pytest.mark.parametrize("name", CALLS)
async def test_a_refusal_with_a_200(name: str) -> None:
    """As LM Studio refuses a path that it does not know."""
    with Answering(b'{"error":"Unexpected endpoint or method. (GET /v1/x). Returning 200 anyway"}') as server:
        error = await _failure(server.base_url, name)
    assert isinstance(error, NotAnOllama)
    assert "Unexpected endpoint" in error.detail


@pytest.mark.parametrize("body", [b'{"data":null}', b'{"data":[]}', b'{"object":"list","data":[{}]}'])
async def test_a_server_without_models(body: bytes) -> None:
    with Answering(body) as server:
        async with OpenAIProvider(server.base_url) as provider:
            assert await provider.models() == []
            assert (await provider.probe()).program is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"data":[]}',
        b'{"data":[{"embedding":[1.0],"index":0},{"embedding":[1.0],"index":1}]}',
        b'{"data":[{"embedding":[1.0],"index":3}]}',
    ],
)
async def test_vectors_that_do_not_match_the_texts(body: bytes) -> None:
    with Answering(body) as server:
        assert isinstance(await _failure(server.base_url, "embed"), BadReply)
