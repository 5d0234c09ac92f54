"""Real faults between a client and a real server: always a typed error, never a hang."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import psutil
import pytest

from ecs_localai.ollama.errors import BadReply, ClientClosed, ErrorKind, HostUnreachable, NotAnOllama, OllamaError
from ecs_localai.providers import ChatOptions, OpenAIProvider
from tests.providers.providers_parts import HELLO, LONG, SHORT, assert_clear
from tests.rig.model_files import TINY_PARAMETERS, create_model, tiny_gpt2
from tests.rig.ollama_server import OllamaServer
from tests.rig.relay import Relay
from tests.rig.waiting import wait_until_async

pytestmark = pytest.mark.ollama

Call = Callable[[OpenAIProvider], Awaitable[object]]
CALLS: dict[str, Call] = {
    "probe": lambda provider: provider.probe(),
    "models": lambda provider: provider.models(),
    "chat": lambda provider: provider.chat("tiny", HELLO, SHORT),
    "complete": lambda provider: provider.complete("tiny", "hi", SHORT),
    "embed": lambda provider: provider.embed("tiny", ["hi"]),
}


@pytest.fixture(scope="module")
def own_ollama(ollama_server: OllamaServer) -> Iterator[OllamaServer]:
    """A server for hundreds of aborted generations, after which Ollama 0.9.3 may owe others an answer."""
    with OllamaServer(program=ollama_server.program) as server:
        create_model(server, "tiny:latest", tiny_gpt2(), parameters=TINY_PARAMETERS)
        yield server


async def _failure_of(call: Awaitable[object]) -> OllamaError | None:
    """How it fails; None when it succeeds, as it does where the cut comes after all that matters."""
    try:
        await asyncio.wait_for(call, 60)
    except OllamaError as error:
        return error
    return None


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("how", ["rst", "fin", "half-close"])
async def test_cut_all_over_the_answer(own_ollama: OllamaServer, name: str, how: str) -> None:
    """At every byte: `test_providers_recorded`."""
    with Relay("127.0.0.1", own_ollama.port) as relay:
        async with OpenAIProvider(relay.base_url) as provider:
            await CALLS[name](provider)
        size = relay.bytes_to_client
        for count in {1, *range(2, size + 40, max(size // 9, 1))}:
            if how == "half-close":
                relay.half_close_after(count)
            else:
                relay.cut_after_bytes(count, "rst" if how == "rst" else "fin")
            async with OpenAIProvider(relay.base_url) as provider:
                error = await _failure_of(CALLS[name](provider))
            if error is not None:
                assert isinstance(error, HostUnreachable | BadReply | NotAnOllama)
                assert_clear(error)
        relay.resume()
        async with OpenAIProvider(relay.base_url) as provider:
            await CALLS[name](provider)


@pytest.mark.parametrize("name", CALLS)
async def test_nothing_listens(ollama_server: OllamaServer, name: str) -> None:
    with Relay("127.0.0.1", ollama_server.port) as relay:
        relay.refuse()
        async with OpenAIProvider(relay.base_url) as provider:
            with pytest.raises(HostUnreachable) as caught:
                await CALLS[name](provider)
            assert caught.value.kind is ErrorKind.REFUSED
            assert_clear(caught.value)
            relay.accept()
            await CALLS[name](provider)


@pytest.mark.parametrize("name", ["probe", "models", "embed"])
async def test_a_short_call_without_an_answer(ollama_server: OllamaServer, name: str) -> None:
    with Relay("127.0.0.1", ollama_server.port) as relay:
        relay.stall()
        async with OpenAIProvider(relay.base_url, timeout=0.3) as provider:
            with pytest.raises(HostUnreachable) as caught:
                await (provider.embed("tiny", ["hi"], timeout=0.3) if name == "embed" else CALLS[name](provider))
        assert caught.value.kind is ErrorKind.TIMED_OUT
        assert caught.value.retryable
        assert_clear(caught.value)


async def test_an_answer_that_never_begins(ollama_server: OllamaServer) -> None:
    with Relay("127.0.0.1", ollama_server.port) as relay:
        relay.stall()
        async with OpenAIProvider(relay.base_url) as provider:
            with pytest.raises(HostUnreachable) as caught:
                await provider.chat("tiny", HELLO, ChatOptions(max_tokens=5, start_timeout=0.3))
    assert caught.value.kind is ErrorKind.TIMED_OUT
    assert caught.value.retryable
    assert "0.3 s" in caught.value.message
    assert_clear(caught.value)


async def test_an_answer_that_stands_still(ollama_server: OllamaServer) -> None:
    told: list[str] = []
    with Relay("127.0.0.1", ollama_server.port) as relay:

        def stall(text: str) -> None:
            told.append(text)
            relay.stall()

        async with OpenAIProvider(relay.base_url) as provider:
            with pytest.raises(HostUnreachable) as caught:
                await provider.chat("tiny", HELLO, ChatOptions(max_tokens=20_000, stall_timeout=0.4), stall)
            assert caught.value.kind is ErrorKind.TIMED_OUT
            assert caught.value.retryable
            assert "0.4 s" in caught.value.message
            assert "middle" in caught.value.message
            assert_clear(caught.value)
            relay.resume()
            assert (await provider.chat("tiny", HELLO, SHORT)).text
    assert told


async def test_cancelling_closes_the_connection(ollama_server: OllamaServer) -> None:
    with Relay("127.0.0.1", ollama_server.port) as relay:
        async with OpenAIProvider(relay.base_url) as provider:
            begun = asyncio.Event()
            call = asyncio.create_task(provider.chat("tiny", HELLO, LONG, lambda _: begun.set()))
            await asyncio.wait_for(begun.wait(), 20)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await wait_until_async(lambda: relay.open_connections == 0)
            assert (await provider.chat("tiny", HELLO, SHORT)).text


async def test_closing_ends_what_runs(ollama_server: OllamaServer) -> None:
    provider = OpenAIProvider(ollama_server.base_url)
    begun = asyncio.Event()
    call = asyncio.create_task(provider.chat("tiny", HELLO, LONG, lambda _: begun.set()))
    await asyncio.wait_for(begun.wait(), 20)
    await asyncio.wait_for(provider.aclose(), 10)
    with pytest.raises(ClientClosed) as caught:
        await call
    assert_clear(caught.value)


async def test_ollamas_runner_dies_in_the_middle(fresh_ollama: OllamaServer) -> None:
    """Ollama ends the stream then with neither an error nor a last event."""
    create_model(fresh_ollama, "tiny:latest", tiny_gpt2(), parameters=TINY_PARAMETERS)

    killed: list[str] = []

    def kill(text: str) -> None:
        killed.append(text)
        for child in psutil.Process(fresh_ollama.pid).children(recursive=True):
            child.kill()

    async with OpenAIProvider(fresh_ollama.base_url) as provider:
        for _ in range(5):
            with pytest.raises(OllamaError) as caught:
                await provider.chat("tiny", HELLO, LONG, kill)
            if killed:
                break  # otherwise the runner died by itself while it started, as it does at times (0.9.3)
        assert isinstance(caught.value, BadReply)
        assert caught.value.retryable
        assert_clear(caught.value)
        assert await provider.models()


async def test_a_server_that_dies_and_comes_back(fresh_ollama: OllamaServer) -> None:
    async with OpenAIProvider(fresh_ollama.base_url, timeout=5) as provider:
        before = await provider.probe()
        fresh_ollama.kill()
        with pytest.raises(HostUnreachable) as caught:
            await provider.probe()
        assert caught.value.kind in (ErrorKind.REFUSED, ErrorKind.DISCONNECTED)
        assert_clear(caught.value)
        fresh_ollama.restart()
        assert await provider.probe() == before


async def test_many_calls_at_once_and_pooled_connections_that_died(ollama_server: OllamaServer) -> None:
    with Relay("127.0.0.1", ollama_server.port) as relay:
        async with OpenAIProvider(relay.base_url) as provider:
            for _ in range(3):
                await asyncio.gather(*(provider.models() for _ in range(8)), provider.embed("tiny", ["hi"]))
                relay.cut()
                await asyncio.sleep(0)
                assert (await provider.embed("tiny", ["hi"])).vectors
