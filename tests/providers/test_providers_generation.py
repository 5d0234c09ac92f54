"""Everything that a system needs, from a real server of the protocol: Ollama under ``/v1``."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from ecs_localai.ollama import OllamaClient
from ecs_localai.ollama.errors import ClientClosed, InvalidRequest, ModelNotFound, ServerFailure
from ecs_localai.providers import ChatMessage, ChatOptions, ChatRole, ModelProvider, OpenAIProvider, ServerIdentity
from tests.providers.providers_parts import HELLO, SHORT, assert_clear
from tests.rig.ollama_server import OllamaServer

pytestmark = pytest.mark.ollama


async def test_who_is_there_and_which_models_it_has(ollama_server: OllamaServer) -> None:
    async with OpenAIProvider(ollama_server.base_url) as openai, OllamaClient(ollama_server.base_url) as ollama:
        provider: ModelProvider = openai
        assert await provider.probe() == ServerIdentity("Ollama", await ollama.version())
        assert provider.answered_address == "127.0.0.1"
        models = {model.name: model for model in await provider.models()}
        assert set(models) == {entry.name for entry in await ollama.tags()}
        made = models["tiny:latest"].created
        assert made is not None
        assert timedelta(0) <= datetime.now(UTC) - made < timedelta(hours=2)


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/", "/v1/models", "/v1/chat/completions"])
async def test_however_the_address_is_typed(ollama_server: OllamaServer, ending: str) -> None:
    async with OpenAIProvider(f"localhost:{ollama_server.port}{ending}") as provider:
        assert len(await provider.models()) >= 2
        assert provider.answered_address == "127.0.0.1"
        assert provider.base_url == f"http://localhost:{ollama_server.port}/v1"


async def test_a_chat_comes_piece_by_piece(ollama_server: OllamaServer) -> None:
    pieces: list[str] = []
    async with OpenAIProvider(ollama_server.base_url) as provider:
        reply = await provider.chat("tiny", HELLO, ChatOptions(max_tokens=12), pieces.append)
        assert "".join(pieces) == reply.text
        assert len(pieces) > 3
        assert all(pieces)
        assert reply.finish_reason == "length"
        assert reply.completion_tokens == 12
        assert reply.prompt_tokens
        assert reply.model == "tiny"
        assert reply.reasoning == ""


async def test_options_reach_the_server(ollama_server: OllamaServer) -> None:
    options = ChatOptions(max_tokens=6, temperature=0, seed=5, top_p=0.9)
    async with OpenAIProvider(ollama_server.base_url) as provider:
        first = await provider.complete("tiny", "hello", options)
        again = await provider.complete("tiny", "hello", options)
        assert first.text == again.text
        assert first.completion_tokens == 6
        stop = first.text.strip()[-1]
        stopped = await provider.complete(
            "tiny", "hello", ChatOptions(max_tokens=6, temperature=0, seed=5, top_p=0.9, stop=(stop,))
        )
        assert stopped.finish_reason == "stop"
        assert stop not in stopped.text
        assert first.text.startswith(stopped.text)


async def test_a_conversation_of_several_messages(ollama_server: OllamaServer) -> None:
    one = [ChatMessage(ChatRole.USER, "hello")]
    more = [ChatMessage(ChatRole.SYSTEM, "You are a model."), *one, ChatMessage(ChatRole.ASSISTANT, "so?"), *one]
    async with OpenAIProvider(ollama_server.base_url) as provider:
        short = (await provider.chat("tiny", one, SHORT)).prompt_tokens
        long = (await provider.chat("tiny", more, SHORT)).prompt_tokens
    assert short is not None
    assert long is not None
    assert long > short


async def test_embeddings(ollama_server: OllamaServer) -> None:
    async with OpenAIProvider(ollama_server.base_url) as provider:
        both = await provider.embed("tiny", ["hi", "ho"])
        second = await provider.embed("tiny", ["ho"])
    assert [len(vector) for vector in both.vectors] == [64, 64]
    assert both.vectors[1] == pytest.approx(second.vectors[0], abs=1e-4)
    assert both.prompt_tokens
    assert both.model == "tiny"


async def test_a_model_that_is_not_there(ollama_server: OllamaServer) -> None:
    async with OpenAIProvider(ollama_server.base_url) as provider:
        for call in (
            provider.chat("nobody", HELLO, SHORT),
            provider.complete("nobody", "hi", SHORT),
            provider.embed("nobody", ["hi"]),
        ):
            with pytest.raises(ModelNotFound) as caught:
                await call
            assert "nobody" in caught.value.message
            assert "nobody" in caught.value.detail
            assert_clear(caught.value)


async def test_requests_that_the_server_refuses(ollama_server: OllamaServer) -> None:
    async with OpenAIProvider(ollama_server.base_url) as provider:
        for call in (provider.chat("tiny", [], SHORT), provider.embed("tiny", [])):
            with pytest.raises(InvalidRequest) as caught:
                await call
            assert not caught.value.retryable
            assert_clear(caught.value)


async def test_a_model_that_cannot_be_loaded(fresh_ollama: OllamaServer) -> None:
    """Its weights are gone from the disk."""
    from tests.rig.model_files import TINY_PARAMETERS, create_model, tiny_gpt2

    create_model(fresh_ollama, "tiny:latest", tiny_gpt2(), parameters=TINY_PARAMETERS)
    weights = max((fresh_ollama.models_dir / "blobs").iterdir(), key=lambda path: path.stat().st_size)
    weights.write_bytes(b"GGUF" + b"\0" * 100)
    async with OpenAIProvider(fresh_ollama.base_url) as provider:
        with pytest.raises((ServerFailure, InvalidRequest)) as caught:
            await provider.chat("tiny", HELLO, SHORT)
    assert_clear(caught.value)


async def test_what_the_callback_raises_comes_back(ollama_server: OllamaServer) -> None:
    def fail(text: str) -> None:
        raise TimeoutError("the callback's own")

    async with OpenAIProvider(ollama_server.base_url) as provider:
        with pytest.raises(TimeoutError, match="the callback's own"):
            await provider.chat("tiny", HELLO, SHORT, fail)
        assert (await provider.chat("tiny", HELLO, SHORT)).text


async def test_a_closed_client(ollama_server: OllamaServer) -> None:
    provider = OpenAIProvider(ollama_server.base_url)
    assert await provider.probe()
    await provider.aclose()
    await provider.aclose()
    with pytest.raises(ClientClosed) as caught:
        await provider.probe()
    assert_clear(caught.value)
    assert provider.answered_address is None


@pytest.mark.parametrize("wrong", [{"max_tokens": 0}, {"start_timeout": 0.0}, {"stall_timeout": -1.0}])
def test_limits_that_make_no_sense(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ChatOptions(**wrong)  # type: ignore[arg-type]  # a float for max_tokens is never given


def test_heavy_modules_wait_for_the_first_request() -> None:
    code = (
        "import sys; from ecs_localai.providers import OpenAIProvider; OpenAIProvider('localhost'); "
        "print([name for name in ('aiohttp', 'pygame', 'psutil') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_everything_promised_is_there() -> None:
    import ecs_localai.providers as package

    for name in package.__all__:
        assert getattr(package, name).__name__ == name
    with pytest.raises(AttributeError, match="nothing_of_this_name"):
        _ = getattr(package, "nothing_of_this_name")  # noqa: B009 - the attribute is not there, which is the point
