"""Installing one model, in the background: look at the manifest, pull, retry what may pass, verify."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ecs_localai.components.hosts import OllamaAPIClient, RetryPolicy
from ecs_localai.components.installation import DownloadConfig
from ecs_localai.components.installation_errors import InstallationError, InstallationErrorKind
from ecs_localai.components.models import InstalledModel
from ecs_localai.ollama.errors import (
    BadReply,
    HostUnreachable,
    InvalidModelName,
    OllamaError,
    PullFailed,
    PullFailure,
    Unauthorized,
)
from ecs_localai.ollama.names import ModelName, parse_model_name
from ecs_localai.ollama.pull import PullPhase, PullProgress
from ecs_localai.systems.links import HostClients
from ecs_localai.systems.model_sync import capabilities_of, installed_model

if TYPE_CHECKING:
    from ecs_localai.ollama.client import OllamaClient

MANIFEST_TIMEOUT = 3.0
"""Seconds to wait for the registry's manifest. Without it only the sizes of reached layers are known."""

_KINDS = {
    PullFailure.INVALID_NAME: InstallationErrorKind.INVALID_NAME,
    PullFailure.NOT_FOUND: InstallationErrorKind.MODEL_NOT_FOUND,
    PullFailure.REGISTRY_UNREACHABLE: InstallationErrorKind.REGISTRY_UNREACHABLE,
    PullFailure.REGISTRY_ERROR: InstallationErrorKind.SERVER_ERROR,
    PullFailure.NOT_A_REGISTRY: InstallationErrorKind.OTHER,
    PullFailure.UNAUTHORIZED: InstallationErrorKind.UNAUTHORIZED,
    PullFailure.NEEDS_NEWER_OLLAMA: InstallationErrorKind.NEEDS_NEWER_OLLAMA,
    PullFailure.DISK_FULL: InstallationErrorKind.DISK_FULL,
    PullFailure.DIGEST_MISMATCH: InstallationErrorKind.DIGEST_MISMATCH,
    PullFailure.STALLED: InstallationErrorKind.STALLED,
    PullFailure.CUT: InstallationErrorKind.CUT,
    PullFailure.UNWRITABLE: InstallationErrorKind.OTHER,
    PullFailure.OTHER: InstallationErrorKind.OTHER,
}


def installation_error(error: OllamaError) -> InstallationError:
    """A failure of the client as the failure of an installation, with the same sentence."""
    if isinstance(error, PullFailed):
        kind = _KINDS[error.kind]
    elif isinstance(error, InvalidModelName):
        kind = InstallationErrorKind.INVALID_NAME
    elif isinstance(error, HostUnreachable):
        kind = InstallationErrorKind.HOST_UNREACHABLE
    elif isinstance(error, Unauthorized):
        kind = InstallationErrorKind.UNAUTHORIZED
    elif isinstance(error, BadReply):
        kind = InstallationErrorKind.CUT
    else:
        kind = InstallationErrorKind.SERVER_ERROR if error.retryable else InstallationErrorKind.OTHER
    return InstallationError(error.message, kind)


async def install_model_from_ollama(
    clients: HostClients,
    api: OllamaAPIClient,
    name: ModelName,
    config: DownloadConfig,
    report: Callable[[PullProgress], None],
) -> InstalledModel:
    """Pull a model and see that it is there. `report` is called in the background with each step forward.

    Cancelling stops the transfer; what is on the host's disk stays, and the next pull goes on from it.

    Raises:
        InstallationError: with a sentence that says what happened and what to do.
    """
    client = clients.get(api)
    try:
        layers = await _layers_from_registry(name, config)
        if layers:
            report(PullProgress(phase=PullPhase.MANIFEST, total_bytes=sum(layers.values())))
        await _pull_with_retries(client, api.retry_policy, name, config, layers, report)
        return await _verified(client, api, name)
    except OllamaError as error:
        raise installation_error(error) from error


async def _layers_from_registry(name: ModelName, config: DownloadConfig) -> Mapping[str, int]:
    """Sizes in bytes by digest, so that the whole is known from the start; empty where the registry does not tell us.

    Raises:
        PullFailed: what answers is no registry. Pulling from it could "succeed" and wipe the model that is
            there: Ollama 0.9.3 takes ``200 {}`` for a manifest without layers.
    """
    from ecs_localai.ollama.registry import fetch_manifest

    try:
        async with asyncio.timeout(MANIFEST_TIMEOUT):
            return (await fetch_manifest(name, insecure=config.insecure)).expected_layers
    except PullFailed as error:
        if error.kind is PullFailure.NOT_A_REGISTRY:
            raise
        return {}  # the host may reach what we cannot, and it knows how to log in: let it try
    except (OllamaError, TimeoutError):
        return {}


async def _pull_with_retries(
    client: OllamaClient,
    policy: RetryPolicy,
    name: ModelName,
    config: DownloadConfig,
    layers: Mapping[str, int],
    report: Callable[[PullProgress], None],
) -> None:
    delay = policy.initial_delay.total_seconds()
    attempt = 0
    while True:
        try:
            await client.pull(
                name.short,
                insecure=config.insecure,
                on_progress=report,
                stall_timeout=config.stall_timeout.total_seconds(),
                expected_layers=layers or None,
            )
            return
        except OllamaError as error:
            attempt += 1
            if not error.retryable or attempt > config.max_retries:
                raise
            if error.kind is PullFailure.DIGEST_MISMATCH and attempt > 1:
                raise  # the second copy was wrong too: the source is
        jitter = random.uniform(1.0 - policy.jitter, 1.0 + policy.jitter)
        await asyncio.sleep(delay * jitter)
        delay = min(delay * policy.multiplier, policy.max_delay.total_seconds())


async def _verified(client: OllamaClient, api: OllamaAPIClient, name: ModelName) -> InstalledModel:
    """The model as the host lists it after the pull.

    Raises:
        InstallationError: it is not listed.
    """
    for entry in await client.tags():
        if parse_model_name(entry.name).key == name.key:
            model = installed_model(entry, api.base_url)
            if not model.is_cloud:
                model.capabilities = capabilities_of(await client.show(entry.name))
            return model
    raise InstallationError(
        f"Ollama reported that {name.short} was installed but does not list it. Install it again.",
        InstallationErrorKind.SERVER_ERROR,
    )
