"""llama.cpp's own server, where the machine has it: what it does otherwise than Ollama's ``/v1``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ecs_localai.ollama.errors import BadReply, InvalidRequest, OllamaError, Unauthorized
from ecs_localai.providers import ChatMessage, ChatOptions, ChatRole, OpenAIProvider
from tests.providers.llama_cpp_server import LlamaCppServer, find_llama_server
from tests.providers.providers_parts import HELLO, LONG, SHORT, assert_clear
from tests.rig.model_files import tiny_gpt2
from tests.rig.parts import PartMissing
from tests.rig.relay import Relay


@pytest.fixture(scope="module")
def llama_cpp() -> Iterator[LlamaCppServer]:
    """A server with the tiny model, which makes embeddings, too."""
    try:
        find_llama_server()
        model = tiny_gpt2()
    except PartMissing as missing:
        pytest.skip(str(missing))
    with LlamaCppServer(model, "--embeddings", "--pooling", "mean") as server:
        yield server


async def test_it_says_who_it_is_and_what_it_has(llama_cpp: LlamaCppServer) -> None:
    async with OpenAIProvider(llama_cpp.base_url) as provider:
        identity = await provider.probe()
        assert identity.program == "llama.cpp"
        assert identity.version
        (model,) = await provider.models()
    assert model.name.endswith("tiny-gpt2.gguf")
    assert model.context_length == 512
    assert model.size_bytes
    assert model.parameter_count


async def test_generations_one_after_the_other(llama_cpp: LlamaCppServer) -> None:
    """It hangs up after every stream without having said so; the next call must not meet that connection."""
    async with OpenAIProvider(llama_cpp.base_url) as provider:
        for _ in range(10):
            pieces: list[str] = []
            reply = await provider.chat("any name will do", HELLO, SHORT, pieces.append)
            assert reply.text == "".join(pieces)
            assert reply.completion_tokens == 4
            assert reply.prompt_tokens
            assert reply.finish_reason == "length"
            assert reply.model is not None
            assert reply.model.endswith("tiny-gpt2.gguf")
            assert (await provider.complete("", "hi", SHORT)).completion_tokens == 4


async def test_vectors(llama_cpp: LlamaCppServer) -> None:
    async with OpenAIProvider(llama_cpp.base_url) as provider:
        answer = await provider.embed("", ["hi", "ho", "hum"])
    assert [len(vector) for vector in answer.vectors] == [64] * 3


async def test_a_prompt_that_is_too_long(llama_cpp: LlamaCppServer) -> None:
    async with OpenAIProvider(llama_cpp.base_url) as provider:
        with pytest.raises(InvalidRequest) as caught:
            await provider.chat("", [ChatMessage(ChatRole.USER, "hello you " * 600)], SHORT)
    assert "context size" in caught.value.detail
    assert_clear(caught.value)


async def test_cut_and_stalled_in_the_middle(llama_cpp: LlamaCppServer) -> None:
    with Relay("127.0.0.1", llama_cpp.port) as relay:
        async with OpenAIProvider(relay.base_url) as provider:
            relay.cut_after_bytes(1500, "fin")
            with pytest.raises(OllamaError) as caught:
                await provider.complete("", "hi", ChatOptions(max_tokens=400))
            assert isinstance(caught.value, BadReply)
            assert_clear(caught.value)
            relay.resume()
            with pytest.raises(OllamaError) as caught:
                await provider.complete(
                    "", "hi", ChatOptions(max_tokens=400, stall_timeout=0.4), lambda _: relay.stall()
                )
            assert "0.4 s" in caught.value.message
            assert_clear(caught.value)


async def test_an_api_key() -> None:
    """The list of models is open there, so a probe alone does not try the key."""
    try:
        server = LlamaCppServer(tiny_gpt2(), "--api-key", "open sesame")
    except PartMissing as missing:
        pytest.skip(str(missing))
    with server:
        async with OpenAIProvider(server.base_url) as provider:
            assert (await provider.probe()).program == "llama.cpp"
            with pytest.raises(Unauthorized) as caught:
                await provider.chat("", HELLO, LONG)
            assert "API key" in caught.value.message
            assert_clear(caught.value)
        headers = {"Authorization": "Bearer open sesame"}
        async with OpenAIProvider(server.base_url, headers=headers) as provider:
            assert (await provider.chat("", HELLO, SHORT)).text
            with pytest.raises(InvalidRequest) as refused:
                await provider.embed("", ["hi"])
            assert "--embeddings" in refused.value.detail
            assert_clear(refused.value)
