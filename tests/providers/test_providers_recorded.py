"""Real answers of two servers, cut at every byte: the whole answer, or an error that says so."""

from __future__ import annotations

import pytest

from ecs_localai.ollama.errors import BadReply, OllamaError
from ecs_localai.providers import ChatReply, parse_openai_address
from ecs_localai.providers.event_stream import EventSplitter
from ecs_localai.providers.openai_answer import AnswerGatherer
from ecs_localai.providers.openai_wire import decode_models, shown_model
from tests.providers.providers_parts import RECORDED, assert_clear

STREAMS = ["ollama_chat", "ollama_completion", "llama_cpp_chat", "llama_cpp_completion"]


def _reply(chunks: list[bytes]) -> tuple[ChatReply, str]:
    gatherer = AnswerGatherer(parse_openai_address(""), "tiny")
    splitter = EventSplitter()
    told = ""
    for chunk in chunks:
        for event in splitter.feed(chunk):
            told += gatherer.take(event)[0]
    for event in splitter.finish():
        told += gatherer.take(event)[0]
    return gatherer.reply(), told


def _outcome(body: bytes) -> tuple[ChatReply | None, OllamaError | None]:
    try:
        return _reply([body])[0], None
    except OllamaError as error:
        return None, error


@pytest.mark.parametrize("name", STREAMS)
def test_the_whole_answer(name: str) -> None:
    reply, told = _reply([(RECORDED / f"{name}.txt").read_bytes()])
    assert reply.text == told
    assert reply.text
    assert reply.finish_reason == "length"
    assert reply.completion_tokens == 3
    assert reply.prompt_tokens
    assert reply.model in ("tiny", "tiny-gpt2.gguf")


@pytest.mark.parametrize("name", STREAMS)
def test_in_two_pieces_wherever_it_is_cut(name: str) -> None:
    body = (RECORDED / f"{name}.txt").read_bytes()
    whole = _reply([body])
    for at in range(1, len(body)):
        assert _reply([body[:at], body[at:]]) == whole


@pytest.mark.parametrize("name", STREAMS)
def test_ended_anywhere(name: str) -> None:
    """Before the finish reason an end is an error; after it the text is whole, whatever else is missing."""
    body = (RECORDED / f"{name}.txt").read_bytes()
    whole = _reply([body])[0]
    outcomes: list[bool] = []
    for length in range(len(body)):
        reply, error = _outcome(body[:length])
        outcomes.append(reply is not None)
        if reply is not None:
            assert reply.text == whole.text
            assert reply.finish_reason == "length"
            assert reply.completion_tokens in (3, None)
        else:
            assert isinstance(error, BadReply)
            assert error.retryable
            assert_clear(error)
    assert not any(outcomes[: len(body) // 2])
    assert outcomes[-1]


def test_a_stream_that_ends_without_an_end() -> None:
    with pytest.raises(BadReply) as caught:
        _reply([(RECORDED / "ollama_chat_runner_killed.txt").read_bytes()])
    assert "too early" in caught.value.message
    assert_clear(caught.value)


def test_lists_of_models() -> None:
    ollama = decode_models((RECORDED / "ollama_models.json").read_bytes()).data
    assert ollama
    model = shown_model(ollama[0])
    assert (model.name, model.owner) == ("tiny:latest", "library")
    assert model.created is not None
    assert (model.size_bytes, model.context_length, model.parameter_count) == (None, None, None)
    llama_cpp = decode_models((RECORDED / "llama_cpp_models.json").read_bytes()).data
    assert llama_cpp
    model = shown_model(llama_cpp[0])
    assert (model.name, model.owner) == ("tiny-gpt2.gguf", "llamacpp")
    assert (model.size_bytes, model.context_length, model.parameter_count) == (866816, 512, 216704)
