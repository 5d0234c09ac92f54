"""Every call on a real server: what it gives, what it tells on the way, and what is said where it is missing."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from ecs_localai.ollama import OllamaClient
from ecs_localai.ollama.errors import (
    ErrorKind,
    InvalidRequest,
    ModelNotFound,
    NotSupported,
    OllamaError,
    ServerFailure,
)
from ecs_localai.ollama.features import Feature, parse_version
from ecs_localai.ollama.file_digest import digest_with_progress
from ecs_localai.ollama.managing import WorkProgress
from ecs_localai.ollama.upload import UploadProgress
from ecs_localai.ollama.wire_generation import Message, Tool, ToolFunction
from tests.ollama.ollama_parts import assert_one_clear_sentence
from tests.rig.model_files import TINY_GPT2
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry

pytestmark = pytest.mark.ollama

SHORT = {"num_predict": 6, "seed": 3, "temperature": 0}

NEWER: dict[str, tuple[Callable[[OllamaClient], Awaitable[object]], str]] = {
    "status": (lambda client: client.status(), "0.16.2"),
    "me": (lambda client: client.me(), "0.12.0"),
    "signout": (lambda client: client.signout(), "0.12.1"),
    "web_search": (lambda client: client.web_search("ollama"), "0.18.0"),
    "web_fetch": (lambda client: client.web_fetch("https://ollama.com"), "0.18.0"),
    "recommendations": (lambda client: client.model_recommendations(), "0.22.1"),
}


async def test_the_root(ollama_server: OllamaServer) -> None:
    async with OllamaClient(ollama_server.base_url) as client:
        assert await client.root() == "Ollama is running"


@pytest.mark.parametrize("name", NEWER)
async def test_a_call_that_is_newer_than_the_server(ollama_server: OllamaServer, name: str) -> None:
    call, since = NEWER[name]
    async with OllamaClient(ollama_server.base_url) as client:
        version = await client.version()
        (result,) = await asyncio.gather(call(client), return_exceptions=True)
        number, needed = parse_version(version), parse_version(since)
        if number is None or needed is None or number >= needed:
            pytest.skip(f"this Ollama is {version}: it has this call")
        assert isinstance(result, NotSupported)
        assert result.kind is ErrorKind.NOT_SUPPORTED
        assert not result.retryable
        assert (result.since, result.version) == (since, version)
        assert version in result.message
        assert f"update it to {since}" in result.message
        assert_one_clear_sentence(result)


async def test_what_the_server_can_do(ollama_server: OllamaServer) -> None:
    async with OllamaClient(ollama_server.base_url) as client:
        features = await client.features()
        before = ollama_server.log_text().count("HEAD ")
        assert await client.features() is features
        assert ollama_server.log_text().count("HEAD ") == before, "asked again"
    number = parse_version(features.version)
    assert number is not None
    assert set(features.offered) == set(Feature)
    assert features.offers(Feature.STATUS) is (number >= (0, 16, 2))
    assert features.offers(Feature.ME) is (number >= (0, 12, 0))
    assert features.offers(Feature.WEB_SEARCH) is (number >= (0, 18, 0))
    assert features.offers(Feature.THINKING) is (number >= (0, 9, 0))
    assert features.offers(Feature.LOGPROBS) is (number >= (0, 12, 11))
    for feature, sentence in features.missing.items():
        assert features.offers(feature) is False
        assert features.version in sentence
        assert sentence.endswith(".")


async def test_a_verbose_description_has_the_vocabulary(ollama_server: OllamaServer) -> None:
    async with OllamaClient(ollama_server.base_url) as client:
        short, long = await asyncio.gather(client.show("tiny"), client.show("tiny", verbose=True))
    assert short.model_info["tokenizer.ggml.tokens"] is None
    assert isinstance(long.model_info["tokenizer.ggml.tokens"], list)
    assert {tensor.name for tensor in long.tensors} >= {"token_embd.weight", "output_norm.weight"}
    assert all(tensor.shape for tensor in long.tensors)


async def test_generating_with_everything_that_can_be_asked_for(ollama_server: OllamaServer) -> None:
    told: list[str] = []
    async with OllamaClient(ollama_server.base_url) as client:
        first = await client.generate("tiny", "Hello", options=SHORT, keep_alive="5m", on_token=told.append)
        assert first.context
        again = await client.generate("tiny", "Hello", options=SHORT)
        other = await client.generate(
            "tiny",
            "Hello",
            system="Be short.",
            template="{{ .System }} {{ .Prompt }}",
            context=first.context,
            options=SHORT,
        )
        raw = await client.generate("tiny", "Hello", raw=True, options=SHORT)
        shaped = await client.generate("tiny", "Hello", response_format="json", options=SHORT)
        schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
        by_schema = await client.generate("tiny", "Hello", response_format=schema, options=SHORT)
        await client.unload("tiny")
    assert "".join(told) == first.response == again.response
    assert first.eval_count == 6
    assert first.prompt_tokens_per_second is not None
    assert other.prompt_eval_count > first.prompt_eval_count
    assert raw.context is None
    assert shaped.response.lstrip()[:1] in {"{", "[", '"', ""}
    assert by_schema.response.lstrip()[:1] in {"{", ""}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"think": True}, "thinking"),
        ({"suffix": "}"}, "insert"),
        ({"keep_alive": "30"}, "time"),
    ],
)
async def test_what_a_model_cannot_do_is_refused(
    ollama_server: OllamaServer, arguments: dict[str, object], words: str
) -> None:
    async with OllamaClient(ollama_server.base_url) as client:
        with pytest.raises(OllamaError) as caught:
            await client.generate("tiny", "Hello", options=SHORT, **arguments)  # type: ignore[arg-type]  # one of several
    assert words in caught.value.detail
    assert_one_clear_sentence(caught.value)


async def test_a_conversation(ollama_server: OllamaServer) -> None:
    told: list[str] = []
    messages = [Message("system", "Be short."), Message("user", "Hello")]
    async with OllamaClient(ollama_server.base_url) as client:
        reply = await client.chat("tiny", messages, options=SHORT, on_token=told.append)
        assert reply.done
        assert reply.message.role == "assistant"
        assert reply.message.content == "".join(told)
        assert reply.tool_calls == ()
        assert reply.eval_count == 6
        more = await client.chat("tiny", [*messages, reply.message, Message("user", "Go on")], options=SHORT)
        assert more.prompt_eval_count > reply.prompt_eval_count
        await client.unload("tiny")


async def test_tools_for_a_model_without_them(ollama_server: OllamaServer) -> None:
    tool = Tool(ToolFunction("look", "Looks.", {"type": "object", "properties": {"at": {"type": "string"}}}))
    async with OllamaClient(ollama_server.base_url) as client:
        for tools in ([tool], [{"type": "function", "function": {"name": "look"}}]):
            with pytest.raises(InvalidRequest) as caught:
                await client.chat("tiny", [Message("user", "Look")], tools=tools, options=SHORT)
            assert "does not support tools" in caught.value.detail


async def test_what_json_has_no_form_for_is_refused_here(ollama_server: OllamaServer) -> None:
    async with OllamaClient(ollama_server.base_url) as client:
        with pytest.raises(InvalidRequest) as caught:
            await client.generate("tiny", "Hello", options={"seed": object()})
    assert_one_clear_sentence(caught.value)


async def test_vectors(ollama_server: OllamaServer) -> None:
    async with OllamaClient(ollama_server.base_url) as client:
        reply = await client.embed("tiny", ["one", "two"])
        (alone,) = (await client.embed("tiny", "one")).embeddings
        older = await client.embeddings("tiny", "one")
        await client.unload("tiny")
    assert len(reply.embeddings) == 2
    assert all(abs(sum(x * x for x in vector) - 1) < 1e-3 for vector in reply.embeddings)
    assert len(alone) == len(older) == len(reply.embeddings[0])
    assert reply.prompt_eval_count > 0


async def test_a_missing_model_does_nothing(ollama_server: OllamaServer) -> None:
    async with OllamaClient(ollama_server.base_url) as client:
        for call in (
            client.chat("nope", [Message("user", "Hi")]),
            client.embed("nope", "x"),
            client.embeddings("nope", "x"),
        ):
            with pytest.raises(ModelNotFound) as caught:
                await call
            assert_one_clear_sentence(caught.value)


async def test_a_file_becomes_a_model(fresh_ollama: OllamaServer) -> None:
    sent: list[UploadProgress] = []
    steps: list[WorkProgress] = []
    size = TINY_GPT2.stat().st_size
    async with OllamaClient(fresh_ollama.base_url) as client:
        digest = await client.upload_blob(TINY_GPT2, on_progress=sent.append)
        assert digest == await digest_with_progress(TINY_GPT2, lambda _: None)
        assert await client.blob_exists(digest)
        assert sent[-1] == UploadProgress(size, size)
        assert sent[-1].fraction == 1.0
        assert [one.bytes_sent for one in sent] == sorted({one.bytes_sent for one in sent})
        await client.create(
            "made:1",
            files={"tiny.gguf": digest},
            system="Be short.",
            parameters={"num_predict": 4},
            license_texts=["Free."],
            messages=[Message("user", "Hi"), Message("assistant", "Ho")],
            on_progress=steps.append,
        )
        shown = await client.show("made:1")
        told = len(sent)
        assert await client.upload_blob(str(TINY_GPT2), on_progress=sent.append) == digest
        assert len(sent) == told, "sent again"
    assert steps[-1].status == "success"
    assert "writing manifest" in [step.status for step in steps]
    assert shown.system == "Be short."
    assert shown.license == "Free."
    assert [(message.role, message.content) for message in shown.messages] == [("user", "Hi"), ("assistant", "Ho")]


@pytest.mark.parametrize("with_size", [True, False])
async def test_pieces_are_uploaded_as_they_come(fresh_ollama: OllamaServer, with_size: bool) -> None:
    content = bytes(range(256)) * 4000
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 100_000):
            yield content[start : start + 100_000]
            yield b""

    sent: list[UploadProgress] = []
    async with OllamaClient(fresh_ollama.base_url) as client:
        size = len(content) if with_size else None
        assert await client.upload_blob(pieces(), digest, size=size, on_progress=sent.append) == digest
        assert await client.blob_exists(digest)
    assert sent[-1] == UploadProgress(len(content), size)
    assert len(sent) == -(-len(content) // 100_000)


async def test_uploads_that_cannot_be(fresh_ollama: OllamaServer, tmp_path: Path) -> None:
    class Mine(Exception):
        pass

    async def failing() -> AsyncIterator[bytes]:
        yield b"x"
        raise Mine

    async def wrong() -> AsyncIterator[bytes]:
        yield b"other bytes"

    digest = "sha256:" + "0" * 64
    async with OllamaClient(fresh_ollama.base_url) as client:
        for call in (
            client.upload_blob(tmp_path / "missing"),
            client.upload_blob(tmp_path),
            client.upload_blob(wrong()),
            client.upload_blob(wrong(), digest),
        ):
            with pytest.raises(InvalidRequest) as caught:
                await call
            assert_one_clear_sentence(caught.value)
        assert "digest mismatch" in caught.value.detail
        with pytest.raises(Mine):
            await client.upload_blob(failing(), digest)
        assert not await client.blob_exists(digest)
        assert await client.version()


async def test_a_model_that_cannot_be_made(ollama_server: OllamaServer) -> None:
    async with OllamaClient(ollama_server.base_url) as client:
        for files in ({}, {"a.gguf": "sha256:" + "0" * 64}):
            with pytest.raises(OllamaError) as caught:
                await client.create("unmade:1", files=files)
            assert isinstance(caught.value, InvalidRequest | ServerFailure | ModelNotFound)
            assert_one_clear_sentence(caught.value)
        assert "unmade:1" not in [entry.name for entry in await client.tags()]


@pytest.mark.registry
async def test_pushing_a_model(ollama_server: OllamaServer, registry: Registry) -> None:
    name = registry.name_for("sent:1")
    steps: list[WorkProgress] = []
    async with OllamaClient(ollama_server.base_url) as client:
        await client.create(name, source="tiny", system="Pushed.")
        await client.push(name, insecure=True, on_progress=steps.append)
        await client.delete(name)
        with pytest.raises(OllamaError) as caught:
            await client.push(name, insecure=True)
    assert registry.layer_digests("sent:1")["system"] in {step.digest for step in steps}
    assert steps[-1].status == "success"
    assert any(0 < step.completed <= step.total for step in steps)
    assert_one_clear_sentence(caught.value)
