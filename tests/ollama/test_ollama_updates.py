"""Whether models are outdated, asked of a real Ollama and a real registry; nothing is pulled to find out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ecs_localai.components.registry import RegistryEntry
from ecs_localai.components.updates import ModelUpdate, UpdateState
from ecs_localai.ollama import OllamaClient, parse_model_name
from ecs_localai.ollama.local_models import models_folder
from ecs_localai.ollama.registry_look import AT_ONCE, RegistryLook
from ecs_localai.ollama.updates import check_updates
from tests.rig.model_files import TINY_PARAMETERS, create_model, tiny_gpt2, write_gguf
from tests.rig.odd_servers import CaptivePortal, OddServer, closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import MANIFEST_TYPE, Registry

pytestmark = [pytest.mark.ollama, pytest.mark.registry]


class TooManyRequests(OddServer):
    """A registry that has had too many requests."""

    def __init__(self, retry_after: str = "") -> None:
        self._header = f"Retry-After: {retry_after}\r\n" if retry_after else ""
        super().__init__()

    async def respond(self, method: str, path: str, writer: asyncio.StreamWriter) -> None:
        """429."""
        writer.write(f"HTTP/1.1 429 Too Many Requests\r\n{self._header}Content-Length: 0\r\n\r\n".encode())


class BusyAtFirst(OddServer):
    """A way to a registry that answers the first request by 429 and passes the others on."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._said = False
        super().__init__()

    async def respond(self, method: str, path: str, writer: asyncio.StreamWriter) -> None:
        """429 with a ``Retry-After`` of no time at all, then the registry's own answer."""
        if not self._said:
            self._said = True
            writer.write(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n")
            return
        answer = await asyncio.to_thread(self._registry.call, method, path, None, {"Accept": MANIFEST_TYPE})
        writer.write(f"HTTP/1.1 {answer.status} X\r\nContent-Length: {len(answer.body)}\r\n\r\n".encode())
        writer.write(answer.body)


@pytest.fixture
def pulled(
    fresh_ollama: OllamaServer, registry: Registry, ollama_server: OllamaServer, tmp_path: Path
) -> Iterator[str]:
    """A model that was pulled from a tag of its own; the tag is gone afterwards."""
    # With weights of its own: a server takes up a push of the same file that was broken off before (0.9.3).
    file = write_gguf(tmp_path / "former.gguf", 500_000, seed=61)
    create_model(ollama_server, "former:latest", file, parameters=TINY_PARAMETERS)
    name = registry.push(ollama_server, "former:latest", "moving:1")
    ollama_server.delete("former:latest")
    _pull(fresh_ollama, name)
    yield name
    registry.delete_tag("moving:1")


def _pull(server: OllamaServer, name: str) -> None:
    answer = server.call("POST", "/api/pull", {"model": name, "insecure": True}, timeout=60)
    assert answer.json_lines()[-1].get("status") == "success", answer.body


@asynccontextmanager
async def _asking(server: OllamaServer) -> AsyncIterator[tuple[OllamaClient, RegistryLook]]:
    async with OllamaClient(server.base_url) as client:
        yield client, RegistryLook(lambda name: name.host.startswith(("localhost", "127.")))


async def _check(server: OllamaServer, *names: str, near: bool = True) -> dict[str, ModelUpdate]:
    """What is found out; of a host whose files are read where it is `near`."""
    async with _asking(server) as (client, look):
        folder = await models_folder(client) if near else None
        keys = {parse_model_name(name).key for name in names}
        return {one.model_name: one for one in await check_updates(client, look, folder, names=keys)}


def _move(registry: Registry, server: OllamaServer, folder: Path) -> None:
    """Another model is pushed to the tag."""
    create_model(
        server, "newer:latest", write_gguf(folder / "newer.gguf", 500_000, seed=77), parameters=TINY_PARAMETERS
    )
    registry.push(server, "newer:latest", "moving:1")
    server.delete("newer:latest")


def _write_otherwise(registry: Registry) -> None:
    """The same manifest, with spaces and a field that Ollama before 0.19 does not keep."""
    manifest = registry.manifest("moving:1")
    manifest["annotations"] = {"made": "again"}
    registry.put_manifest("moving:1", json.dumps(manifest, indent=3).encode())


@pytest.mark.parametrize("near", [True, False])
async def test_what_was_just_pulled_is_current(fresh_ollama: OllamaServer, pulled: str, near: bool) -> None:
    found = await _check(fresh_ollama, near=near)
    assert list(found) == [pulled]
    assert found[pulled].state is UpdateState.CURRENT, found
    assert found[pulled].checked_at is not None
    assert found[pulled].reason == ""


@pytest.mark.parametrize("near", [True, False])
async def test_a_moved_tag_is_an_update(
    fresh_ollama: OllamaServer, registry: Registry, ollama_server: OllamaServer, pulled: str, tmp_path: Path, near: bool
) -> None:
    _move(registry, ollama_server, tmp_path)
    registry.files.reset_counts()
    before = fresh_ollama.call("GET", "/api/tags").body
    assert (await _check(fresh_ollama, near=near))[pulled].state is UpdateState.OUTDATED
    assert fresh_ollama.call("GET", "/api/tags").body == before, "looking has changed something"
    _pull(fresh_ollama, pulled)
    assert (await _check(fresh_ollama, near=near))[pulled].state is UpdateState.CURRENT


async def test_a_manifest_that_is_only_written_otherwise_is_no_update(
    fresh_ollama: OllamaServer, registry: Registry, pulled: str
) -> None:
    _write_otherwise(registry)
    assert (await _check(fresh_ollama))[pulled].state is UpdateState.CURRENT
    possibly = (await _check(fresh_ollama, near=False))[pulled]
    assert possibly.state is UpdateState.POSSIBLY
    assert not possibly.may_be_another
    assert possibly.reason.endswith(".")


async def test_a_manifest_that_is_only_written_otherwise_is_recognised_where_it_was_seen_before(
    fresh_ollama: OllamaServer, registry: Registry, pulled: str
) -> None:
    known: dict[str, RegistryEntry] = {}
    remembered: list[RegistryEntry] = []
    async with _asking(fresh_ollama) as (client, look):
        first = await check_updates(
            client,
            look,
            None,
            remember=remembered.append,
            recognise=lambda entry: known.__setitem__(entry.digest, entry),
        )
        assert [entry.model_name for entry in remembered] == [pulled]
        assert list(known) == [first[0].digest]
        _write_otherwise(registry)
        (update,) = await check_updates(client, look, None, installed_from=known)
        assert update.state is UpdateState.CURRENT


async def test_a_model_that_was_made_here_is_local(
    fresh_ollama: OllamaServer, registry: Registry, pulled: str, tmp_path: Path
) -> None:
    own = registry.name_for("own:1")
    create_model(fresh_ollama, own, write_gguf(tmp_path / "own.gguf", 500_000, seed=5), parameters=TINY_PARAMETERS)
    found = await _check(fresh_ollama)
    assert found[own].state is UpdateState.LOCAL
    assert found[pulled].state is UpdateState.CURRENT


async def test_a_model_that_was_made_here_is_local_though_the_registry_has_its_name(
    fresh_ollama: OllamaServer, pulled: str, tmp_path: Path
) -> None:
    file = write_gguf(tmp_path / "own.gguf", 500_000, seed=5)
    create_model(fresh_ollama, pulled, file, parameters=TINY_PARAMETERS)
    update = (await _check(fresh_ollama))[pulled]
    assert update.state is UpdateState.LOCAL
    assert "replace" in update.reason


async def test_a_far_hosts_model_that_has_nothing_of_the_registrys_is_perhaps_another_one(
    fresh_ollama: OllamaServer, pulled: str, tmp_path: Path
) -> None:
    """So that updating all never replaces what a person made there."""
    file = write_gguf(tmp_path / "own.gguf", 500_000, seed=5)
    fresh_ollama.delete(pulled)  # with its files
    create_model(fresh_ollama, pulled, file, parameters={"num_ctx": 256})
    update = (await _check(fresh_ollama, near=False))[pulled]
    assert update.state is UpdateState.POSSIBLY
    assert "replace" in update.reason


async def test_a_far_hosts_model_that_was_made_of_the_registrys_is_perhaps_another_one(
    fresh_ollama: OllamaServer, registry: Registry, ollama_server: OllamaServer, pulled: str
) -> None:
    """What a person changed keeps its weights; updating all must not undo that."""
    own = {"model": pulled, "from": pulled, "system": "You are a pirate."}
    assert fresh_ollama.call("POST", "/api/create", own).json_lines()[-1].get("status") == "success"
    create_model(ollama_server, "made:latest", tiny_gpt2(), parameters=TINY_PARAMETERS, template="{{ .Prompt }} now")
    registry.push(ollama_server, "made:latest", "moving:1")  # the same weights, and a file that the host lacks
    ollama_server.delete("made:latest")
    update = (await _check(fresh_ollama, near=False))[pulled]
    assert update.state is UpdateState.POSSIBLY
    assert update.may_be_another
    assert pulled in update.reason


async def test_a_model_that_was_made_here_is_local_whether_its_registry_answers_or_not(
    fresh_ollama: OllamaServer, tmp_path: Path
) -> None:
    """The host may reach a registry that does not answer us."""
    own = f"localhost:{closed_port()}/library/own:1"
    create_model(fresh_ollama, own, write_gguf(tmp_path / "own.gguf", 500_000, seed=5), parameters=TINY_PARAMETERS)
    assert (await _check(fresh_ollama))[own].state is UpdateState.LOCAL


async def test_a_model_whose_tag_was_taken_away_is_local(
    fresh_ollama: OllamaServer, registry: Registry, pulled: str
) -> None:
    copy = pulled.replace("moving:1", "moving:gone")
    assert fresh_ollama.call("POST", "/api/copy", {"source": pulled, "destination": copy}).status == 200
    found = await _check(fresh_ollama)
    assert (found[pulled].state, found[copy].state) == (UpdateState.CURRENT, UpdateState.LOCAL)


async def test_a_registry_that_is_down_makes_nothing_known(fresh_ollama: OllamaServer, pulled: str) -> None:
    down = f"localhost:{closed_port()}/library/tiny:1"
    fresh_ollama.call("POST", "/api/copy", {"source": pulled, "destination": down})
    found = await _check(fresh_ollama)
    assert found[pulled].state is UpdateState.CURRENT
    assert found[down].state is UpdateState.UNKNOWN
    assert "reached" in found[down].reason


async def test_a_web_page_is_no_update(fresh_ollama: OllamaServer, pulled: str) -> None:
    with CaptivePortal() as portal:
        name = f"localhost:{portal.port}/library/tiny:1"
        fresh_ollama.call("POST", "/api/copy", {"source": pulled, "destination": name})
        found = await _check(fresh_ollama, name)
    assert list(found) == [name]
    assert found[name].state is UpdateState.UNKNOWN


@pytest.mark.parametrize("retry_after", ["", "3600"])
async def test_a_registry_with_too_many_requests_is_left_alone(
    fresh_ollama: OllamaServer, pulled: str, retry_after: str
) -> None:
    with TooManyRequests(retry_after) as registry:
        names = [f"localhost:{registry.port}/library/tiny:{number}" for number in range(12)]
        for name in names:
            fresh_ollama.call("POST", "/api/copy", {"source": pulled, "destination": name})
        found = await _check(fresh_ollama, *names)
        assert {one.state for one in found.values()} == {UpdateState.UNKNOWN}
        assert len(found) == 12
        assert "too many requests" in found[names[0]].reason
        assert len(registry.requests) <= AT_ONCE


async def test_a_registry_that_asks_for_a_moment_gets_it(
    fresh_ollama: OllamaServer, registry: Registry, pulled: str
) -> None:
    with BusyAtFirst(registry) as busy:
        name = f"localhost:{busy.port}/library/moving:1"
        fresh_ollama.call("POST", "/api/copy", {"source": pulled, "destination": name})
        found = await _check(fresh_ollama, name)
        assert found[name].state is UpdateState.CURRENT, found
        assert len(busy.requests) == 2
