"""Installing one model, in the background: look at the manifest, pull, retry what may pass, verify."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ecs_localai.components.hosts import ConnectionPool, OllamaAPIClient, RetryPolicy
from ecs_localai.components.installation import DownloadConfig
from ecs_localai.components.installation_errors import InstallationError, InstallationErrorKind
from ecs_localai.components.models import InstalledModel
from ecs_localai.components.registry import RegistryEntry, RegistryLayer
from ecs_localai.components.time_values import utc_now
from ecs_localai.ollama.errors import (
    BadReply,
    ErrorKind,
    HostUnreachable,
    InvalidModelName,
    ModelNotFound,
    OllamaError,
    PullFailed,
    PullFailure,
    ServerFailure,
    Unauthorized,
)
from ecs_localai.ollama.names import ModelName, parse_model_name
from ecs_localai.ollama.pull import PullPhase, PullProgress
from ecs_localai.systems.host_clients import HostClients
from ecs_localai.systems.model_sync import capabilities_of, installed_model

if TYPE_CHECKING:
    from ecs_localai.ollama.client import OllamaClient
    from ecs_localai.ollama.wire import TagEntry

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
    pool: ConnectionPool,
    name: ModelName,
    config: DownloadConfig,
    report: Callable[[PullProgress], None],
    remember: Callable[[RegistryEntry], None],
) -> InstalledModel:
    """Pull a model and see that it is there. `report` is called in the background with each step forward, `remember`
    with what the registry says the model consists of.

    Cancelling stops the transfer; what is on the host's disk stays, and the next pull goes on from it.

    Raises:
        InstallationError: with a sentence that says what happened and what to do.
    """
    try:
        client = await clients.get_for(api, pool)
        layers = await _layers_from_registry(name, config, remember)
        if layers:
            report(PullProgress(phase=PullPhase.MANIFEST, total_bytes=sum(layers.values())))
        await _pull_with_retries(client, api.retry_policy, name, config, layers, report)
        entry = await _entry(client, name)
        if entry is None and await _is_unreadable(client, name):
            await client.delete(name.short)
            await _pull_with_retries(client, api.retry_policy, name, config, layers, report)
            entry = await _entry(client, name)
        return await _verified(client, api, name, entry)
    except OllamaError as error:
        raise installation_error(error) from error


async def _layers_from_registry(
    name: ModelName, config: DownloadConfig, remember: Callable[[RegistryEntry], None]
) -> Mapping[str, int]:
    """Sizes in bytes by digest, so that the whole is known from the start; empty where the registry does not tell us.

    Raises:
        PullFailed: what answers is no registry. Pulling from it could "succeed" and wipe the model that is
            there: Ollama 0.9.3 takes ``200 {}`` for a manifest without layers.
    """
    from ecs_localai.ollama.registry import fetch_manifest

    try:
        import asyncio  # in the background: a first frame need not wait for it

        async with asyncio.timeout(MANIFEST_TIMEOUT):
            manifest = await fetch_manifest(name, insecure=config.insecure)
    except PullFailed as error:
        if error.kind is PullFailure.NOT_A_REGISTRY:
            raise
        return {}  # the host may reach what we cannot, and it knows how to log in: let it try
    except (OllamaError, TimeoutError):
        return {}
    layers = [RegistryLayer(one.digest, one.size, one.media_type) for one in (*manifest.layers, manifest.config)]
    remember(RegistryEntry(name.short, manifest.digest, layers, utc_now()))
    return manifest.expected_layers


async def _pull_with_retries(
    client: OllamaClient,
    policy: RetryPolicy,
    name: ModelName,
    config: DownloadConfig,
    layers: Mapping[str, int],
    report: Callable[[PullProgress], None],
) -> None:
    """Pull, and again after what may pass. A pull that got further than all before starts the count anew."""
    furthest = attempt = 0

    def watch(progress: PullProgress) -> None:
        nonlocal furthest, attempt
        if progress.bytes_downloaded > furthest:
            furthest, attempt = progress.bytes_downloaded, 0
        report(progress)

    delay = policy.initial_delay.total_seconds()
    damaged = 0
    while True:
        try:
            await client.pull(
                name.short,
                insecure=config.insecure,
                on_progress=watch,
                stall_timeout=config.stall_timeout.total_seconds(),
                expected_layers=layers or None,
            )
            return
        except OllamaError as error:
            attempt += 1
            damaged += error.kind is PullFailure.DIGEST_MISMATCH
            if not error.retryable or attempt > config.max_retries or damaged > 1:
                raise  # after two damaged copies it is the source that is wrong
        jitter = random.uniform(1.0 - policy.jitter, 1.0 + policy.jitter)
        import asyncio  # as above

        await asyncio.sleep(delay * jitter)
        delay = min(delay * policy.multiplier, policy.max_delay.total_seconds())


async def _is_unreadable(client: OllamaClient, name: ModelName) -> bool:
    """Whether a model that is not listed came to nothing although the pull succeeded.

    When several files of a model arrive damaged, Ollama throws away only the first, and never looks again at those
    that it already has (0.9.3). With a damaged configuration the model is then neither listed nor can be shown,
    and pulling it once more changes nothing until it is deleted.
    """
    try:
        await client.show(name.short)
    except ServerFailure as error:
        return error.kind is ErrorKind.SERVER_FAILURE
    except ModelNotFound:
        pass
    return False


async def _entry(client: OllamaClient, name: ModelName) -> TagEntry | None:
    """The model as the host lists it; None if it does not."""
    return next((entry for entry in await client.tags() if parse_model_name(entry.name).key == name.key), None)


async def _verified(
    client: OllamaClient, api: OllamaAPIClient, name: ModelName, entry: TagEntry | None
) -> InstalledModel:
    """The model that the host lists after the pull.

    Raises:
        InstallationError: it is not listed.
    """
    if entry is None:
        raise InstallationError(
            f"Ollama reported that {name.short} was installed but does not list it; install it again.",
            InstallationErrorKind.SERVER_ERROR,
        )
    model = installed_model(entry, api.base_url)
    if not model.is_cloud:
        model.capabilities = capabilities_of(await client.show(entry.name))
    return model
