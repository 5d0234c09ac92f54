"""What installing would mean, told again of a model whose manifest is remembered: our part of the time.

A real Ollama is asked for its models, its version and, by HEAD, for each file of the model, as every preflight does;
the same questions alone, by turns, are what is taken off. The registry is real, and is not asked again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from benchmarks.measuring import difference
from benchmarks.results import Figure, difference_figure
from ecs_localai.components.registry import ModelRegistryCache
from ecs_localai.ollama.client import OllamaClient
from ecs_localai.ollama.names import parse_model_name
from ecs_localai.systems.preflight import preflight_of
from tests.rig.model_files import TINY_PARAMETERS, create_model, smollm2, tiny_gpt2
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry

TITLE = "Preflight of a model whose manifest is remembered, without the host's own answers"
GOAL_MS = 5.0


async def _milliseconds(work: Callable[[], Awaitable[object]]) -> float:
    begun = time.perf_counter()
    await work()
    return (time.perf_counter() - begun) * 1e3


async def measure_one(server: OllamaServer, full_name: str, rounds: int) -> tuple[list[float], list[float]]:
    """Preflights and the host's answers alone, in milliseconds, by turns."""
    name, cache = parse_model_name(full_name), ModelRegistryCache()
    ours: list[float] = []
    answers: list[float] = []
    async with OllamaClient(server.base_url) as client:
        first = await preflight_of(client, name, cache=cache)
        digests = list({layer.digest for layer in first.layers})

        async def look() -> object:
            return await preflight_of(client, name, cache=cache)

        async def ask() -> object:
            await asyncio.gather(client.tags(), client.version())
            return await asyncio.gather(*(client.blob_exists(digest) for digest in digests))

        await look()
        await ask()
        for number in range(rounds):
            if number % 2:
                ours.append(await _milliseconds(look))
                answers.append(await _milliseconds(ask))
            else:
                answers.append(await _milliseconds(ask))
                ours.append(await _milliseconds(look))
    return ours, answers


def measure(quick: bool) -> list[Figure]:
    """One model that is installed, and one that is not."""
    rounds = 20 if quick else 200
    figures: list[Figure] = []
    with OllamaServer() as server, Registry() as registry:
        create_model(server, "tiny:latest", tiny_gpt2(), parameters=TINY_PARAMETERS)
        create_model(server, "smollm2:135m", smollm2())
        for what, model in (("installed", "tiny:latest"), ("not installed", "smollm2:135m")):
            full_name = registry.push(server, model, model)
            if what == "not installed":
                server.delete(model)
            ours, answers = asyncio.run(measure_one(server, full_name, rounds))
            figures.append(
                difference_figure(
                    f"preflight, files {what}, less the host's answers",
                    difference(ours, answers),
                    ours,
                    answers,
                    "ms",
                    GOAL_MS,
                )
            )
    return figures
