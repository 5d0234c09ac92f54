"""What a model takes in memory: worked out from its metadata, and compared with what a real Ollama says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecs_localai.components.model_facts import CacheNeed
from ecs_localai.ollama.client import OllamaClient
from ecs_localai.ollama.gguf import read_gguf
from ecs_localai.ollama.model_memory import UnknownLayout, cache_need, max_context_length, weights_size
from ecs_localai.ollama.registry import Layer
from tests.rig.model_files import create_model, smollm2, write_gguf
from tests.rig.ollama_server import OllamaServer

LLAMA: dict[str, object] = {
    "general.architecture": "llama",
    "llama.block_count": 32,
    "llama.context_length": 131_072,
    "llama.embedding_length": 4096,
    "llama.attention.head_count": 32,
    "llama.attention.head_count_kv": 8,
}
IMAGE = "application/vnd.ollama.image."


def test_grouped_heads() -> None:
    """Llama 3.1 8B: half a gigabyte for 4,096 tokens, as everybody knows it."""
    need = cache_need(LLAMA)
    assert need == CacheNeed(32 * 8 * 256 * 2)
    assert need.total(4096) == 512 * 2**20
    assert max_context_length(LLAMA) == 131_072


def test_heads_of_a_width_of_their_own() -> None:
    wide = LLAMA | {"llama.attention.key_length": 256, "llama.attention.value_length": 192}
    assert cache_need(wide).per_token == 32 * 8 * (256 + 192) * 2


def test_every_head_has_its_own_keys_where_nothing_else_is_said() -> None:
    plain = {key: value for key, value in LLAMA.items() if not key.endswith("head_count_kv")}
    assert cache_need(plain).per_token == 32 * 32 * 256 * 2


def test_heads_by_layer() -> None:
    mixed = LLAMA | {"llama.block_count": 4, "llama.attention.head_count_kv": [8, 0, 4, 0]}
    assert cache_need(mixed) == CacheNeed(12 * 256 * 2)
    states = mixed | {"llama.ssm.conv_kernel": 4, "llama.ssm.inner_size": 1024, "llama.ssm.state_size": 16}
    assert cache_need(states).fixed == 2 * (3 * 1024 + 16 * 1024) * 4


def test_layers_that_look_back_only_so_far() -> None:
    gemma: dict[str, object] = {
        "general.architecture": "gemma3",
        "gemma3.block_count": 12,
        "gemma3.attention.head_count": 8,
        "gemma3.attention.head_count_kv": 4,
        "gemma3.attention.key_length": 256,
        "gemma3.attention.value_length": 256,
        "gemma3.attention.sliding_window": 1024,
    }
    need = cache_need(gemma)
    layer = 4 * 512 * 2
    assert need == CacheNeed(2 * layer, 10 * layer, 1024 + 512)
    assert need.total(100_000) == 2 * layer * 100_000 + 10 * layer * 1536
    assert need.total(1000) == 12 * layer * 1000
    told = gemma | {"gemma3.attention.sliding_window_pattern": [True] * 11 + [False]}
    assert cache_need(told).sliding_per_token == 11 * layer
    unknown = {key.replace("gemma3", "other"): value for key, value in gemma.items()}
    unknown["general.architecture"] = "other"
    assert cache_need(unknown) == CacheNeed(12 * layer, is_bound=True)


def test_models_that_keep_no_cache() -> None:
    assert cache_need({"general.architecture": "bert"}).total(10_000) == 0


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"general.architecture": ""},
        {"general.architecture": "rwkv6", "rwkv6.block_count": 24, "rwkv6.embedding_length": 2048},
        LLAMA | {"llama.block_count": 0},
        LLAMA | {"llama.block_count": -1},
        LLAMA | {"llama.block_count": 10**12},
        LLAMA | {"llama.block_count": "many"},
        LLAMA | {"llama.attention.head_count": 0},
        LLAMA | {"llama.attention.head_count": None, "llama.attention.key_length": 64},
        {key: value for key, value in LLAMA.items() if not key.endswith("embedding_length")},
    ],
)
def test_what_cannot_be_known_is_not_made_up(metadata: dict[str, object]) -> None:
    with pytest.raises(UnknownLayout) as caught:
        cache_need(metadata)
    assert str(caught.value).endswith(".")


def test_only_what_is_loaded_counts_and_each_file_once() -> None:
    layers = [
        Layer("sha256:a", 1000, f"{IMAGE}model"),
        Layer("sha256:b", 100, f"{IMAGE}projector"),
        Layer("sha256:c", 10, f"{IMAGE}adapter"),
        Layer("sha256:a", 1000, f"{IMAGE}model"),
        Layer("sha256:d", 7, f"{IMAGE}license"),
        Layer("sha256:e", 7, f"{IMAGE}params"),
    ]
    assert weights_size(layers) == 1110


async def test_the_file_and_the_host_say_the_same(ollama_server: OllamaServer) -> None:
    async with OllamaClient(ollama_server.base_url) as client:
        shown = (await client.show("smollm2:135m")).model_info
    head = read_gguf(smollm2())
    assert cache_need(shown) == cache_need(head.metadata)
    assert max_context_length(shown) == max_context_length(head.metadata) == 8192


@pytest.fixture
def one_at_a_time() -> Iterator[OllamaServer]:
    """A server that loads each model for one conversation at a time, as newer ones do by themselves."""
    with OllamaServer(env={"OLLAMA_NUM_PARALLEL": "1"}) as server:
        yield server


@pytest.mark.ollama
@pytest.mark.parametrize("tokens", [512, 1024])
async def test_the_sum_is_what_a_loaded_model_takes(one_at_a_time: OllamaServer, tmp_path: Path, tokens: int) -> None:
    """The cache to the byte that its runner tells; the sum at most 30 % below ``/api/ps``, and never above.

    That size is an estimate of the server's (0.9.3), with what it needs to compute, and a layer's size for safety.
    """
    file = write_gguf(tmp_path / "loaded.gguf", 40_000_000, seed=40)
    create_model(one_at_a_time, "loaded", file, parameters={"num_gpu": 0})
    request = {"model": "loaded", "options": {"num_ctx": tokens, "num_gpu": 0}, "keep_alive": "5m"}
    loaded = one_at_a_time.call("POST", "/api/generate", request, timeout=60)
    assert loaded.status == 200, loaded.body
    async with OllamaClient(one_at_a_time.base_url) as client:
        (running,) = await client.ps()
        cache = cache_need((await client.show("loaded")).model_info).total(tokens)
    told = re.findall(r"KV buffer size =\s*([\d.]+) MiB", one_at_a_time.log_text())
    assert float(told[-1]) == pytest.approx(cache / 2**20, abs=0.01)
    total = file.stat().st_size + cache
    assert 0.7 * running.size <= total <= running.size, (running, cache)
