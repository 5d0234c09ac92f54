"""What the client reads from a real server is what Ollama's official client reads."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

import ollama
import pytest

from ecs_localai.ollama import OllamaClient, OllamaError, parse_host
from ecs_localai.ollama.errors import ClientClosed, ErrorKind, InvalidRequest, ModelNotFound, ServerFailure
from ecs_localai.ollama.wire import GenerateReply, parse_timestamp
from tests.ollama.ollama_parts import assert_one_clear_sentence, pipe_to
from tests.rig.ollama_server import OllamaServer
from tests.rig.waiting import wait_until_async

pytestmark = pytest.mark.ollama


async def test_the_version(ollama_server: OllamaServer) -> None:
    async with OllamaClient(ollama_server.base_url) as client:
        assert await client.version() == ollama_server.call("GET", "/api/version").json()["version"]


async def test_the_models_are_those_of_the_official_client(ollama_server: OllamaServer) -> None:
    with ollama.Client(ollama_server.base_url) as other:
        official = sorted(other.list().models, key=lambda entry: entry.model or "")  # of one second: in any order
    async with OllamaClient(ollama_server.base_url) as client:
        ours = sorted(await client.tags(), key=lambda entry: entry.name)
    assert len(ours) == len(official) >= 2
    for mine, theirs in zip(ours, official, strict=True):
        assert (mine.name, mine.digest, mine.size) == (theirs.model, theirs.digest, theirs.size)
        moment = parse_timestamp(mine.modified_at)
        assert moment is not None
        assert theirs.modified_at is not None
        assert abs((moment - theirs.modified_at).total_seconds()) < 1e-5
        assert theirs.details is not None
        assert mine.details.format == theirs.details.format
        assert mine.details.family == theirs.details.family
        assert list(mine.details.families) == list(theirs.details.families or [])
        assert mine.details.parameter_size == theirs.details.parameter_size
        assert mine.details.quantization_level == theirs.details.quantization_level
        assert not mine.is_remote


@pytest.mark.parametrize("model", ["tiny:latest", "smollm2:135m"])
async def test_a_model_is_shown_as_the_official_client_shows_it(ollama_server: OllamaServer, model: str) -> None:
    with ollama.Client(ollama_server.base_url) as other:
        official = other.show(model)
    async with OllamaClient(ollama_server.base_url) as client:
        ours = await client.show(model)
    # The order of the parameters is another one in every answer.
    assert sorted(ours.modelfile.splitlines()) == sorted((official.modelfile or "").splitlines())
    assert sorted(ours.parameters.splitlines()) == sorted((official.parameters or "").splitlines())
    assert ours.template == (official.template or "")
    assert ours.license == (official.license or "")
    assert list(ours.capabilities) == list(official.capabilities or [])
    assert ours.model_info == dict(official.modelinfo or {})
    assert official.modelinfo is not None
    assert ours.architecture == official.modelinfo["general.architecture"]
    assert ours.parameter_count == official.modelinfo["general.parameter_count"]
    assert ours.context_length == official.modelinfo[f"{ours.architecture}.context_length"]


async def test_loading_and_unloading_are_seen_in_the_running_models(ollama_server: OllamaServer) -> None:
    async with OllamaClient(ollama_server.base_url) as client:
        assert (await client.load("tiny", keep_alive="7m")).done_reason == "load"
        with ollama.Client(ollama_server.base_url) as other:
            official = other.ps().models
        (entry,) = await client.ps()
        (theirs,) = official
        assert (entry.name, entry.digest, entry.size) == (theirs.model, theirs.digest, theirs.size)
        assert entry.size_vram == theirs.size_vram
        expires = parse_timestamp(entry.expires_at)
        assert expires is not None
        assert theirs.expires_at is not None
        assert abs((expires - theirs.expires_at).total_seconds()) < 1e-5
        assert (await client.load("tiny", keep_alive=-1)).done
        for _ in range(3):  # the server notes it only after it has answered
            (pinned,) = await client.ps()
            forever = parse_timestamp(pinned.expires_at)
            assert forever is not None
            if forever.year > 2200:
                break
            await asyncio.sleep(2)
        assert forever is not None
        assert forever.year > 2200
        assert (await client.unload("tiny")).done_reason == "unload"
        for _ in range(3):
            if not await client.ps():
                break
            await asyncio.sleep(2)  # asked more often, an old server may crash
        assert await client.ps() == []


async def test_generated_pieces_add_up(ollama_server: OllamaServer) -> None:
    pieces: list[str] = []
    async with OllamaClient(ollama_server.base_url) as client:
        reply = await client.generate("tiny", "Hello", options={"num_predict": 12, "seed": 1}, on_token=pieces.append)
        await client.unload("tiny")
    assert "".join(pieces) == reply.response
    assert reply.done
    assert reply.eval_count == 12
    assert reply.total_duration > 0
    assert reply.tokens_per_second is not None


async def test_an_error_of_the_callers_own_callback_is_his(ollama_server: OllamaServer) -> None:
    def fail(piece: str) -> None:
        raise ConnectionError("mine")

    async with OllamaClient(ollama_server.base_url) as client:
        with pytest.raises(ConnectionError, match="mine"):
            await client.generate("tiny", "Hello", options={"num_predict": 5}, on_token=fail)
        await client.unload("tiny")
        assert await client.version()


async def test_copying_and_deleting(ollama_server: OllamaServer) -> None:
    async with OllamaClient(ollama_server.base_url) as client:
        await client.copy("tiny", "copied:1")
        assert "copied:1" in [entry.name for entry in await client.tags()]
        await client.delete("copied:1")
        assert "copied:1" not in [entry.name for entry in await client.tags()]
        for call in (client.delete("copied:1"), client.copy("copied:1", "x"), client.show("copied:1")):
            with pytest.raises(ModelNotFound) as caught:
                await call
            assert "copied:1" in caught.value.message
            assert "copied:1" in caught.value.detail
            assert_one_clear_sentence(caught.value)


async def test_names_that_are_wrong_are_refused_by_the_server(ollama_server: OllamaServer) -> None:
    async with OllamaClient(ollama_server.base_url) as client:
        for call in (client.delete("a b"), client.copy("tiny", "a b"), client.show("a b"), client.blob_exists("a")):
            with pytest.raises(InvalidRequest) as caught:
                await call
            assert not caught.value.retryable
            assert_one_clear_sentence(caught.value)


async def test_a_missing_model_neither_loads_nor_generates(ollama_server: OllamaServer) -> None:
    async with OllamaClient(ollama_server.base_url) as client:
        for call in (client.load("nope"), client.unload("nope"), client.generate("nope", "x")):
            with pytest.raises(ModelNotFound):
                await call


async def test_a_model_that_this_build_cannot_run_is_a_server_failure(ollama_server: OllamaServer) -> None:
    """The CPU-only build of the rig runs GPT-2 models alone; another Ollama loads it, which is fine too."""
    async with OllamaClient(ollama_server.base_url) as client:
        (result,) = await asyncio.gather(client.load("smollm2:135m", keep_alive=0), return_exceptions=True)
    assert isinstance(result, ServerFailure | GenerateReply)
    if isinstance(result, ServerFailure):
        assert result.detail
        assert_one_clear_sentence(result)


async def test_blobs_that_are_there_and_not(ollama_server: OllamaServer) -> None:
    blobs = sorted(path.name for path in (ollama_server.models_dir / "blobs").iterdir())
    async with OllamaClient(ollama_server.base_url) as client:
        assert await client.blob_exists(blobs[0].replace("-", ":"))
        assert not await client.blob_exists("sha256:" + "0" * 64)


async def test_many_calls_at_once_share_the_client(ollama_server: OllamaServer) -> None:
    async with OllamaClient(ollama_server.base_url) as client:
        answers = await asyncio.gather(*(client.tags() for _ in range(20)), *(client.version() for _ in range(20)))
    assert len(answers) == 40


async def test_localhost_is_reached_by_ipv4(ollama_server: OllamaServer) -> None:
    async with OllamaClient(f"localhost:{ollama_server.port}") as client:
        before = client.answered_address
        assert await client.version()
        assert (before, client.answered_address) == (None, "127.0.0.1")
        assert client.address == parse_host(f"localhost:{ollama_server.port}")


async def test_localhost_is_reached_by_ipv6_where_only_that_listens(ollama_server: OllamaServer) -> None:
    try:
        door = await asyncio.start_server(partial(pipe_to, ollama_server.port), "::1", 0)
    except OSError as error:
        pytest.skip(f"this machine has no IPv6 loopback: {error}")
    async with door, OllamaClient(f"http://localhost:{door.sockets[0].getsockname()[1]}") as client:
        assert await client.version()
        assert client.answered_address == "::1"


async def test_a_closed_client_says_so(ollama_server: OllamaServer) -> None:
    client = OllamaClient(ollama_server.base_url)
    await client.version()
    await client.aclose()
    await client.aclose()
    for call in (client.version(), client.pull("x")):
        with pytest.raises(ClientClosed) as caught:
            await call
        assert caught.value.kind is ErrorKind.CLOSED
        assert_one_clear_sentence(caught.value)


async def test_closing_ends_a_call_that_runs(ollama_server: OllamaServer) -> None:
    client = OllamaClient(ollama_server.base_url)
    started = asyncio.Event()
    options = {"num_predict": 5000}
    call = asyncio.create_task(client.generate("tiny", "Hello", options=options, on_token=lambda piece: started.set()))
    await asyncio.wait_for(started.wait(), 30)
    await client.aclose()
    with pytest.raises(ClientClosed):
        await call
    async with OllamaClient(ollama_server.base_url) as another:
        await another.unload("tiny")


async def test_cancelling_a_generation_stops_the_server_too(ollama_server: OllamaServer) -> None:
    started = asyncio.Event()
    async with OllamaClient(ollama_server.base_url) as client:
        before = ollama_server.log_text().count('"/api/generate"')
        call = asyncio.create_task(
            client.generate("tiny", "Hi", options={"num_predict": 5000}, on_token=lambda piece: started.set())
        )
        await asyncio.wait_for(started.wait(), 30)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        # The server logs a request when it is over.
        await wait_until_async(lambda: ollama_server.log_text().count('"/api/generate"') > before, 10)
        await client.unload("tiny")


async def test_a_client_belongs_to_the_loop_of_its_first_call(ollama_server: OllamaServer) -> None:
    caught: list[OllamaError] = []
    async with OllamaClient(ollama_server.base_url) as client:
        await client.version()

        async def use_it_elsewhere() -> None:
            with pytest.raises(ClientClosed) as error:
                await client.version()
            caught.append(error.value)

        thread = threading.Thread(target=lambda: asyncio.run(use_it_elsewhere()))
        thread.start()
        await wait_until_async(lambda: not thread.is_alive())
    assert "another event loop" in caught[0].message
