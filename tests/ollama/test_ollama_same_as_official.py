"""Differential: what a call of our client gives is what Ollama's official client gives, value for value.

Ours is read from the real server through our structs; theirs through pydantic. Both become plain data and are compared
whole: a field that ours misses or misreads shows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime

import msgspec
import ollama
import pytest
from ollama._types import SubscriptableBaseModel

from ecs_localai.ollama import OllamaClient
from ecs_localai.ollama.errors import OllamaError
from ecs_localai.ollama.wire import parse_timestamp
from ecs_localai.ollama.wire_generation import Message
from tests.rig.ollama_server import OllamaServer

pytestmark = pytest.mark.ollama

OPTIONS = {"num_predict": 8, "seed": 5, "temperature": 0}
MEASURED = {
    "created_at",
    "total_duration",
    "load_duration",
    "prompt_eval_duration",
    "eval_duration",
}
"""What differs from one call to the next."""


@pytest.fixture
def official(ollama_server: OllamaServer) -> Iterator[ollama.Client]:
    with ollama.Client(ollama_server.base_url) as client:
        yield client


@pytest.fixture
async def ours(ollama_server: OllamaServer) -> AsyncIterator[OllamaClient]:
    async with OllamaClient(ollama_server.base_url) as client:
        yield client


def plain(value: object, *, without: set[str] = MEASURED) -> object:
    """Plain data in one form for both: moments as such, and what is empty, zero or not told left out."""
    if isinstance(value, SubscriptableBaseModel):
        value = value.model_dump(by_alias=True)
    elif isinstance(value, msgspec.Struct):
        value = msgspec.to_builtins(value)
    if isinstance(value, Mapping):
        items = {str(name): plain(item, without=without) for name, item in value.items() if name not in without}
        return {name: item for name, item in items.items() if item not in (None, "", 0, False, [], {})}
    if isinstance(value, list | tuple):
        return [plain(item, without=without) for item in value]
    if isinstance(value, datetime):
        return parse_timestamp(value.isoformat())
    if isinstance(value, str) and (moment := parse_timestamp(value)) is not None:
        return moment
    return value


async def test_the_list_of_models(official: ollama.Client, ours: OllamaClient) -> None:
    # Models made in the same second are in any order.
    mine = plain(sorted(await ours.tags(), key=lambda entry: entry.model))
    theirs = plain(sorted(official.list().models, key=lambda entry: entry.model or ""))
    assert isinstance(mine, list)
    assert isinstance(theirs, list)
    # The official client 0.6 has no name; it is the same as the model.
    assert [{key: value for key, value in entry.items() if key != "name"} for entry in mine] == theirs
    assert all(entry["name"] == entry["model"] for entry in mine)
    assert len(mine) >= 2


async def test_the_running_models(official: ollama.Client, ours: OllamaClient) -> None:
    await ours.load("tiny", keep_alive="5m")
    mine, theirs = plain(await ours.ps()), plain(official.ps().models)
    await ours.unload("tiny")
    assert mine == theirs
    assert isinstance(mine, list)
    assert len(mine) == 1


@pytest.mark.parametrize("model", ["tiny", "smollm2:135m"])
async def test_a_model(official: ollama.Client, ours: OllamaClient, model: str) -> None:
    mine, theirs = plain(await ours.show(model)), plain(official.show(model))
    assert isinstance(mine, dict)
    assert isinstance(theirs, dict)
    for shown in (mine, theirs):
        for unordered in ("modelfile", "parameters"):  # the order of the parameters is another one in every answer
            shown[unordered] = sorted(shown.get(unordered, "").splitlines())
    missing = set(theirs) - set(mine)
    assert not missing
    assert {name: mine[name] for name in theirs} == theirs
    assert set(mine) - set(theirs) <= {"tensors", "system", "messages", "projector_info"}, "ours alone"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_generated_text(official: ollama.Client, ours: OllamaClient, stream: bool) -> None:
    mine = await ours.generate("tiny", "Hello", options=OPTIONS)
    if stream:
        lines = list(official.generate("tiny", "Hello", options=OPTIONS, stream=True))
        theirs = lines[-1].model_dump() | {"response": "".join(line.response or "" for line in lines)}
    else:
        theirs = official.generate("tiny", "Hello", options=OPTIONS).model_dump()
    await ours.unload("tiny")
    assert plain(mine) == plain(theirs)


async def test_a_chat(official: ollama.Client, ours: OllamaClient) -> None:
    mine = await ours.chat("tiny", [Message("user", "Hello")], options=OPTIONS)
    theirs = official.chat("tiny", [{"role": "user", "content": "Hello"}], options=OPTIONS)
    await ours.unload("tiny")
    assert plain(mine) == plain(theirs)


async def test_vectors(official: ollama.Client, ours: OllamaClient) -> None:
    texts = ["one", "two and three"]
    mine, theirs = await ours.embed("tiny", texts), official.embed("tiny", texts)
    older = await ours.embeddings("tiny", "one"), official.embeddings("tiny", "one").embedding
    await ours.unload("tiny")
    assert plain(mine) == plain(theirs)
    assert older[0] == list(older[1])


@pytest.mark.parametrize("model", ["nope", "a b"])
async def test_a_refusal_in_the_servers_own_words(official: ollama.Client, ours: OllamaClient, model: str) -> None:
    with pytest.raises(OllamaError) as mine:
        await ours.show(model)
    with pytest.raises(ollama.ResponseError) as theirs:
        official.show(model)
    assert mine.value.detail == theirs.value.error
