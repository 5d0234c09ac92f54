"""What a model is going to consist of, read before it is pulled: over one that is there, nothing is pulled unseen."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ecs_localai.components.hosts import RetryPolicy
from ecs_localai.components.installation import DownloadConfig
from ecs_localai.ollama.errors import PullFailed
from ecs_localai.ollama.names import ModelName, name_key
from ecs_localai.systems.layer_look import Remember, layers_from_registry, layers_if_told

if TYPE_CHECKING:
    from ecs_localai.ollama.client import OllamaClient


async def layers_before_pull(
    client: OllamaClient, policy: RetryPolicy, name: ModelName, config: DownloadConfig, remember: Remember
) -> Mapping[str, int]:
    """Sizes in bytes by digest; empty where the registry does not tell us, and there is nothing to lose.

    A model that is there is not pulled over before its registry has shown us a manifest: Ollama 0.9.3 takes ``200 {}``
    for a model without files, says success, and has deleted what was there. Reading it is tried again as pulling is,
    unless a person has said that it may be done without (`DownloadConfig.replaces_unread`): the host may reach a
    registry that we cannot, and be logged in there. Even then it is asked for, with all patience, so that what is known
    to be no manifest is not pulled.

    Raises:
        PullFailed: it could not be read, or what answers is no registry.
        OllamaError: the host does not answer.
    """
    if all(name_key(entry.name) != name.key for entry in await client.tags()):
        return await layers_if_told(name, config, remember)
    if config.replaces_unread:
        return await layers_if_told(name, config, remember, patience=None)
    attempt = 0
    delay = policy.initial_delay.total_seconds()
    while True:
        try:
            return await layers_from_registry(name, config, remember)
        except PullFailed as error:
            attempt += 1
            if not error.retryable or attempt > config.max_retries:
                from ecs_localai.systems.preflight_findings import left_as_it_is

                message = left_as_it_is(name, error)
                raise PullFailed(message, error.kind, error.retryable, detail=error.detail) from error
        import asyncio  # in the background: a first frame need not wait for it

        await asyncio.sleep(delay * random.uniform(1.0 - policy.jitter, 1.0 + policy.jitter))
        delay = min(delay * policy.multiplier, policy.max_delay.total_seconds())
