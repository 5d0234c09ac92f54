"""A model in memory, on a real Ollama: loaded, kept loaded, unloaded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import gguf
import pytest
from gguf.scripts.gguf_new_metadata import MetadataDetails, copy_with_new_metadata

from ecs_localai import (
    LoadedModelsChanged,
    LoadModelRequested,
    ModelAction,
    ModelActionFailed,
    ModelLoaded,
    ModelUnloaded,
    UnloadModelRequested,
)
from ecs_localai.runtime import Time, Wakeups
from ecs_localai.systems.links import LEAST_BETWEEN_LOOKS, HostLinks
from tests.rig.gpt2_gguf import shape_of_size, write_gpt2
from tests.rig.model_files import create_model
from tests.rig.ollama_server import OllamaServer
from tests.rig.waiting import wait_until
from tests.systems.model_life_parts import OTHER, TINY, busy, emptied, running
from tests.systems.systems_parts import Driven, assert_clear


@pytest.fixture
def server(ollama_server: OllamaServer) -> Iterator[OllamaServer]:
    """The shared server with nothing loaded."""
    with emptied(ollama_server):
        yield ollama_server


# ---- loading


def test_a_model_is_loaded_and_the_panel_says_so_meanwhile_and_afterwards(server: OllamaServer) -> None:
    with Driven(server.port) as driven:
        driven.connect()
        begun = time.monotonic()
        driven.write(LoadModelRequested(TINY))
        driven.update()
        assert busy(driven, TINY) == "Loading"
        loaded = driven.until_event(ModelLoaded)
        took = timedelta(seconds=time.monotonic() - begun)
        assert (loaded.model_name, loaded.pinned, loaded.host) == (TINY, False, server.base_url)
        assert timedelta(0) < loaded.load_time <= took
        assert timedelta(minutes=4) < running(server)[TINY] < timedelta(minutes=6)
        assert busy(driven, TINY) == ""
        driven.until(lambda: TINY in driven.models.loaded_models)
        row = driven.model_row(TINY)
        assert row is not None
        assert row.status.startswith("Loaded · ")
        assert driven.models.installed_models[TINY].usage_count == 1
        assert driven.events(ModelActionFailed) == []


def test_a_pinned_model_stays_until_it_is_loaded_without_being_pinned(server: OllamaServer) -> None:
    """To leave the time out would keep what was said last (Ollama 0.9.3)."""
    with Driven(server.port) as driven:
        driven.connect()
        driven.write(LoadModelRequested("tiny", pinned=True))
        assert driven.until_event(ModelLoaded).pinned
        assert running(server)[TINY] > timedelta(days=100 * 365)
        driven.until(lambda: TINY in driven.models.loaded_models and driven.models.loaded_models[TINY].pinned)
        driven.write(LoadModelRequested("tiny"))
        assert not driven.until_event(ModelLoaded, 2).pinned
        assert running(server)[TINY] < timedelta(minutes=6)
        driven.until(lambda: not driven.models.loaded_models[TINY].pinned)
        assert driven.events(ModelActionFailed) == []


def test_who_asks_again_while_a_model_is_loading_says_anew_whether_it_stays(server: OllamaServer) -> None:
    with Driven(server.port) as driven:
        driven.connect()
        for pinned in (False, False, True):
            driven.write(LoadModelRequested(TINY, pinned=pinned))
        loaded = driven.until_event(ModelLoaded)
        assert loaded.pinned
        assert running(server)[TINY] > timedelta(days=100 * 365)
        driven.write(LoadModelRequested(TINY))
        driven.until_event(ModelLoaded, 2)
        assert [one.pinned for one in driven.events(ModelLoaded)] == [True, False]
        assert driven.events(ModelActionFailed) == []


def test_a_model_that_only_embeds_is_loaded_too(server: OllamaServer, tmp_path: Path) -> None:
    """``/api/generate`` refuses it: Ollama takes a model with a pooling type for one that embeds (0.9.3)."""
    plain, pooling = tmp_path / "plain.gguf", tmp_path / "embeds.gguf"
    write_gpt2(plain, shape_of_size(400_000), seed=77)
    writer = gguf.GGUFWriter(pooling, "gpt2")
    mean = MetadataDetails(gguf.GGUFValueType.UINT32, int(gguf.PoolingType.MEAN), "")
    copy_with_new_metadata(gguf.GGUFReader(plain), writer, {"gpt2.pooling_type": mean}, [])
    name = "tiny-embeds:latest"
    create_model(server, name, pooling, parameters={"num_gpu": 0, "num_ctx": 512})
    refused = server.call("POST", "/api/generate", {"model": name})
    assert refused.status == 400
    assert b"does not support generate" in refused.body
    with Driven(server.port) as driven:
        driven.connect()
        driven.write(LoadModelRequested(name, pinned=True))
        assert driven.until_event(ModelLoaded).model_name == name
        assert running(server)[name] > timedelta(days=100 * 365)
        driven.write(UnloadModelRequested(name))
        driven.until_event(ModelUnloaded)
        wait_until(lambda: not running(server), poll=2.0)


def test_looks_at_the_models_are_never_closer_than_ollama_can_bear() -> None:
    clock, links = Time(), HostLinks(Wakeups())
    clock.tick(100.0)
    link = links.make()
    link.look_again(clock, 0.0)
    assert link.sync_timer.due == pytest.approx(100.0)
    link.look_began = link.look_ended = 100.0
    link.restart_sync_timer(clock, 60.0)
    assert link.sync_timer.due == pytest.approx(160.0)
    clock.tick(0.5)
    link.look_again(clock, 0.0, 6.0)
    assert link.sync_timer.due == pytest.approx(100.0 + LEAST_BETWEEN_LOOKS)
    clock.tick(1.5)
    link.look_began = link.look_ended = clock.real_elapsed_seconds
    link.restart_sync_timer(clock, 60.0)
    assert link.sync_timer.due == pytest.approx(106.5)
    clock.tick(5.0)
    link.look_began = link.look_ended = clock.real_elapsed_seconds
    link.restart_sync_timer(clock, 60.0)
    assert link.looks_wanted == []
    assert link.sync_timer.due == pytest.approx(167.0)


# ---- unloading


@pytest.mark.parametrize("called", [TINY, OTHER])
def test_a_model_is_unloaded_also_by_another_name_of_the_same_weights(server: OllamaServer, called: str) -> None:
    """Both names share what is in memory, which is listed by the first one only (Ollama 0.9.3)."""
    server.call("POST", "/api/copy", {"source": TINY, "destination": OTHER})
    with Driven(server.port) as driven:
        driven.connect()
        driven.write(LoadModelRequested(TINY, pinned=True))
        driven.until(lambda: TINY in driven.models.loaded_models)
        driven.write(UnloadModelRequested(called))
        driven.update()
        assert busy(driven, called) == "Unloading"
        unloaded = driven.until_event(ModelUnloaded)
        assert (unloaded.model_name, unloaded.host) == (called, server.base_url)
        change = driven.until_event(LoadedModelsChanged, 2)
        assert (change.added, change.removed) == ([], [TINY])
        assert driven.events(ModelActionFailed) == []


@pytest.mark.parametrize("called", [OTHER, "tiny-polite:latest"])
def test_the_panel_says_of_every_name_of_the_same_weights_that_it_is_loaded(server: OllamaServer, called: str) -> None:
    """A copy has the same digest, what was made from it another one with the same weights (Ollama 0.9.3)."""
    server.call("POST", "/api/copy", {"source": TINY, "destination": OTHER})
    server.call("POST", "/api/create", {"model": "tiny-polite:latest", "from": TINY, "system": "Be polite."})
    with Driven(server.port) as driven:
        driven.connect()
        driven.write(LoadModelRequested(TINY))
        driven.until(lambda: TINY in driven.models.loaded_models)
        driven.write(LoadModelRequested(called, pinned=True))
        driven.until(lambda: (row := driven.model_row(called)) is not None and row.pinned)
        assert list(running(server)) == list(driven.models.loaded_models) == [TINY]
        assert set(driven.models.loaded_models[TINY].shared_by) == {OTHER, "tiny-polite:latest"}
        rows = [driven.model_row(name) for name in (TINY, OTHER, "tiny-polite:latest")]
        assert all(row is not None and row.loaded and row.pinned for row in rows)
        assert (other := driven.model_row("smollm2:135m")) is not None
        assert not other.loaded
        driven.write(UnloadModelRequested(called))
        driven.until_event(ModelUnloaded)
        driven.until(lambda: not any((row := driven.model_row(name)) and row.loaded for name in (TINY, OTHER, called)))


def test_a_model_that_is_not_loaded_is_unloaded_without_complaint(server: OllamaServer) -> None:
    with Driven(server.port) as driven:
        driven.connect()
        driven.write(UnloadModelRequested(TINY))
        driven.write(UnloadModelRequested(TINY))
        driven.until_event(ModelUnloaded)
        assert len(driven.events(ModelUnloaded)) == 1
        assert driven.events(ModelActionFailed) == []
        assert driven.notices() == []


def test_who_asks_to_unload_what_is_loading_stops_the_loading(server: OllamaServer) -> None:
    with Driven(server.port) as driven:
        driven.connect()
        driven.write(LoadModelRequested("smollm2:135m", pinned=True))
        driven.update()
        driven.write(UnloadModelRequested("smollm2:135m"))
        driven.until_event(ModelUnloaded)
        failed = driven.until_event(ModelActionFailed)
        assert (failed.action, failed.model_name) == (ModelAction.LOAD, "smollm2:135m")
        assert_clear(failed.error_message)
        assert driven.events(ModelLoaded) == []
        wait_until(lambda: not running(server), poll=2.0)
