"""A model's names, on a real Ollama: copied and renamed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from ecs_localai import (
    CopyModelRequested,
    DeleteModelRequested,
    InstalledModelsChanged,
    LoadModelRequested,
    ModelAction,
    ModelActionFailed,
    ModelCopied,
    ModelDeleted,
    ModelLoaded,
    UnloadModelRequested,
)
from tests.ollama.ollama_proxy import ReverseProxy, standing
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.systems.model_life_parts import OTHER, TINY, busy, digests, emptied, the_failure
from tests.systems.systems_parts import Driven


@pytest.fixture
def server(ollama_server: OllamaServer) -> Iterator[OllamaServer]:
    """The shared server with nothing loaded."""
    with emptied(ollama_server):
        yield ollama_server


def test_a_copy_is_there_beside_the_model(server: OllamaServer) -> None:
    with Driven(server.port) as driven:
        driven.connect()
        driven.clock_stands = True
        driven.write(CopyModelRequested("Tiny", OTHER.removesuffix(":latest")))
        driven.update()
        assert busy(driven, TINY) == "Copying"
        copied = driven.until_event(ModelCopied)
        assert copied == ModelCopied(TINY, OTHER, False, server.base_url)
        change = driven.until_event(InstalledModelsChanged, 2)
        assert (change.added, change.removed) == ([OTHER], [])
        there = digests(server)
        assert there[OTHER] == there[TINY]
        assert busy(driven, TINY) == ""


@pytest.mark.parametrize("move", [False, True])
@pytest.mark.parametrize("taken", ["smollm2:135m", "SmolLM2:135M", TINY, "Tiny", "no name"])
def test_a_name_that_cannot_be_given_is_refused_and_nothing_overwritten(
    server: OllamaServer, taken: str, move: bool
) -> None:
    before = digests(server)
    with Driven(server.port) as driven:
        driven.connect()
        driven.write(CopyModelRequested(TINY, taken, move=move))
        the_failure(driven, ModelAction.RENAME if move else ModelAction.COPY)
        assert driven.events(ModelCopied) == []
    assert digests(server) == before


def test_a_name_that_somebody_took_a_moment_ago_is_not_overwritten(server: OllamaServer) -> None:
    """The host is asked: what was seen of it last may be out of date."""
    with Driven(server.port) as driven:
        driven.connect()
        driven.clock_stands = True
        server.call("POST", "/api/copy", {"source": "smollm2:135m", "destination": OTHER})
        before = digests(server)
        assert OTHER not in driven.models.installed_models
        driven.write(CopyModelRequested(TINY, OTHER))
        assert OTHER in the_failure(driven, ModelAction.COPY).error_message
        driven.until(lambda: OTHER in driven.models.installed_models)
    assert digests(server) == before


def test_two_copies_to_one_name_make_one(server: OllamaServer) -> None:
    with Driven(server.port) as driven:
        driven.connect()
        driven.write(CopyModelRequested(TINY, OTHER))
        driven.write(CopyModelRequested("smollm2:135m", OTHER))
        the_failure(driven, ModelAction.COPY, "smollm2:135m")
        driven.until_event(ModelCopied)
    there = digests(server)
    assert there[OTHER] == there[TINY]


def test_the_name_of_a_model_that_is_being_installed_is_not_given_to_another(
    server: OllamaServer, registry: Registry
) -> None:
    name = registry.name_for("middle:latest")
    server.delete(name)
    registry.files.throttle(1e6)
    with Driven(server.port) as driven:
        driven.connect()
        driven.ask_for(name)
        driven.until(lambda: driven.installation(name).progress.bytes_downloaded > 0)
        driven.write(CopyModelRequested(TINY, name))
        assert name in the_failure(driven, ModelAction.COPY).error_message
    assert name not in digests(server)


def test_one_thing_at_a_time_is_done_to_a_model(server: OllamaServer) -> None:
    with Driven(server.port) as driven:
        driven.connect()
        driven.write(LoadModelRequested(TINY))
        driven.write(CopyModelRequested(TINY, OTHER))
        assert "loading" in the_failure(driven, ModelAction.COPY).error_message
        driven.until_event(ModelLoaded)
        driven.write(CopyModelRequested(TINY, OTHER))
        driven.until_event(ModelCopied)


def test_a_model_that_is_being_deleted_is_not_loaded(server: OllamaServer) -> None:
    server.call("POST", "/api/copy", {"source": TINY, "destination": OTHER})
    with Driven(server.port) as driven:
        driven.connect()
        driven.write(DeleteModelRequested(OTHER))
        driven.write(LoadModelRequested(OTHER))
        assert "deleting" in the_failure(driven, ModelAction.LOAD, OTHER).error_message
        driven.until_event(ModelDeleted)


def test_a_renamed_model_keeps_what_is_known_of_its_use(server: OllamaServer, tmp_path: Path) -> None:
    former, name = "tiny-former:latest", "tiny-renamed:v2"
    server.call("POST", "/api/copy", {"source": TINY, "destination": former})
    with Driven(server.port, data_dir=tmp_path) as driven:
        driven.connect()
        driven.write(LoadModelRequested(former))
        driven.until(lambda: driven.models.installed_models[former].usage_count == 1)
        used = driven.models.installed_models[former].last_used
        driven.write(CopyModelRequested(former, name, move=True))
        driven.update()
        assert busy(driven, former) == "Renaming"
        renamed = driven.until_event(ModelCopied)
        assert renamed == ModelCopied(former, name, True, server.base_url)
        assert former not in digests(server)
        assert digests(server)[name] == digests(server)[TINY]
        driven.until(lambda: former not in driven.models.installed_models and name in driven.models.installed_models)
        model = driven.models.installed_models[name]
        assert (model.usage_count, model.last_used) == (1, used)
        driven.until(lambda: former not in driven.models.loaded_models)
        assert name in driven.models.loaded_models  # Ollama goes on listing it by its former name
        assert model.usage_count == 1
        driven.write(UnloadModelRequested(name))
        driven.until(lambda: not driven.models.loaded_models)
        assert driven.events(ModelActionFailed) == []
    server.call("POST", "/api/copy", {"source": TINY, "destination": former})
    with Driven(server.port, data_dir=tmp_path) as driven:
        driven.connect()
        driven.until(lambda: name in driven.models.installed_models)
        assert driven.models.installed_models[name].usage_count == 1
        assert driven.models.installed_models[former].usage_count == 0


class NoDeleting(ReverseProxy):
    """One whose administrator lets nobody delete anything."""

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        if request.method == "DELETE":
            raise web.HTTPForbidden
        return await super()._forward(request)


def test_where_the_old_name_cannot_be_deleted_both_names_are_said_to_be_there(server: OllamaServer) -> None:
    with standing(NoDeleting(server.port)) as proxy, Driven(proxy.port) as driven:
        driven.connect()
        driven.write(CopyModelRequested(TINY, OTHER, move=True))
        text = the_failure(driven, ModelAction.RENAME).error_message
        assert f"as {TINY} and as {OTHER}" in text
        driven.until(lambda: OTHER in driven.models.installed_models)
        assert driven.events(ModelCopied) == []
        assert digests(server).keys() >= {TINY, OTHER}
