"""Installing one model, in the background: look at the manifest and the room, pull, retry what may pass, verify."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecs_localai.components.hosts import ConnectionPool, OllamaAPIClient, RetryPolicy
from ecs_localai.components.installation import DownloadConfig, DownloadRetry, LayerProgress
from ecs_localai.components.installation_errors import InstallationError, InstallationErrorKind
from ecs_localai.components.models import InstalledModel
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
from ecs_localai.ollama.names import ModelName, name_key
from ecs_localai.ollama.pull import PullProgress
from ecs_localai.systems.host_clients import HostClients
from ecs_localai.systems.installing_room import RoomShares, WaitsForRoom, room_left_over
from ecs_localai.systems.layer_look import Remember, missing_layers
from ecs_localai.systems.manifest_first import layers_before_pull
from ecs_localai.systems.model_sync import capabilities_of, installed_model
from ecs_localai.systems.pull_ledger import PullLedger
from ecs_localai.systems.pull_locks import PullLocks
from ecs_localai.systems.queue_rows import ClaimAnswer
from ecs_localai.systems.saved_hosts import server_of

if TYPE_CHECKING:
    from ecs_localai.ollama.client import OllamaClient
    from ecs_localai.ollama.wire import TagEntry

_KINDS = {
    PullFailure.INVALID_NAME: InstallationErrorKind.INVALID_NAME,
    PullFailure.NOT_FOUND: InstallationErrorKind.MODEL_NOT_FOUND,
    PullFailure.FILE_MISSING: InstallationErrorKind.OTHER,
    PullFailure.REGISTRY_UNREACHABLE: InstallationErrorKind.REGISTRY_UNREACHABLE,
    PullFailure.PLAIN_HTTP: InstallationErrorKind.OTHER,
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


_SILENT = frozenset({PullFailure.REGISTRY_ERROR, PullFailure.STALLED, PullFailure.CUT})
"""With these Ollama does not tell what the registry's server answered, if it did."""
_REFUSALS = frozenset({401, 403, 404, 410, 451})


class AtWorkElsewhere(Exception):
    """Another program is fetching the same on this host."""


@dataclass(frozen=True, slots=True)
class PullHelp:
    """What the work of an app's installations has in common, and what it tells it besides its reports."""

    clients: HostClients
    locks: PullLocks
    shares: RoomShares
    claim: Callable[[list[LayerProgress], frozenset[str], int | None], ClaimAnswer]
    """Whether no other program fetches any of these, or needs the room for them; as `KeptQueue.claim`."""
    remember: Remember
    """Called with what the registry says the model consists of."""
    tell_missing: Callable[[frozenset[str]], None]
    """Called with the files that the host lacks."""


async def install_model_from_ollama(
    api: OllamaAPIClient,
    pool: ConnectionPool,
    name: ModelName,
    config: DownloadConfig,
    ledger: PullLedger,
    help_: PullHelp,
) -> InstalledModel:
    """Pull a model and see that it is there. What the ledger reports is reported in the background, step by step.

    Cancelling stops the transfer; what is on the host's disk stays, and the next pull goes on from it.

    Raises:
        InstallationError: with a sentence that says what happened and what to do.
        AtWorkElsewhere: another program is fetching the same there.
        WaitsForRoom: what is being downloaded there will take the room that it needs.
    """
    try:
        client = await help_.clients.get_for(api, pool)
        layers = await layers_before_pull(client, api.retry_policy, name, config, help_.remember)
        missing = await missing_layers(client, layers)
        help_.tell_missing(missing)
        ledger.missing = missing
        server = server_of(api.base_url)
        give_back = await help_.locks.acquire([(server, key) for key in (name.key, *missing)])
        try:
            spare = await room_left_over(client, layers, ledger, ignored=config.ignores_room)
            if spare is not None:
                spare -= help_.shares.taken_of(server)
                if spare < 0:
                    raise WaitsForRoom
            with help_.shares.hold(server, ledger):
                await _claim(help_, layers, ledger, spare)
                entry = await _fetch(client, api.retry_policy, name, config, layers, ledger)
        finally:
            client.after_pull(name, give_back)
        return await _verified(client, api, name, entry)
    except OllamaError as error:
        raise installation_error(error) from error


async def _claim(help_: PullHelp, layers: Mapping[str, int], ledger: PullLedger, spare: int | None) -> None:
    """Raises `AtWorkElsewhere` and `WaitsForRoom`."""
    import asyncio  # in the background: a first frame need not wait for it

    missing = ledger.missing
    files = [
        LayerProgress(digest, size, ledger.fetched.get(digest, 0) if digest in missing else size, digest not in missing)
        for digest, size in layers.items()
    ]
    answer = await asyncio.to_thread(help_.claim, files, missing, spare)
    if answer is ClaimAnswer.ELSEWHERE:
        raise AtWorkElsewhere
    if answer is ClaimAnswer.NO_ROOM:
        raise WaitsForRoom(is_elsewhere=True)


async def _fetch(
    client: OllamaClient,
    policy: RetryPolicy,
    name: ModelName,
    config: DownloadConfig,
    layers: Mapping[str, int],
    ledger: PullLedger,
) -> TagEntry | None:
    """Pull the model; returns it as the host lists it then."""
    if layers:
        ledger.take(PullProgress(total_bytes=sum(layers.values())))
    await _pull_with_retries(client, policy, name, config, layers, ledger)
    entry = await _entry(client, name)
    if entry is None and await _is_unreadable(client, name):
        await client.delete(name.short)
        await _pull_with_retries(client, policy, name, config, layers, ledger)
        entry = await _entry(client, name)
    return entry


async def _pull_with_retries(
    client: OllamaClient,
    policy: RetryPolicy,
    name: ModelName,
    config: DownloadConfig,
    layers: Mapping[str, int],
    ledger: PullLedger,
) -> None:
    """Pull, and again after what may pass. A pull that got further than all before starts the count anew.

    A host that was there and is gone is not waited for here: the installation goes back to the queue.
    """
    attempt = 0
    delay = policy.initial_delay.total_seconds()
    damaged = 0
    while True:
        furthest = ledger.furthest
        try:
            await client.pull(
                name.short,
                insecure=config.insecure,
                on_progress=ledger.take,
                stall_timeout=config.stall_timeout.total_seconds(),
                expected_layers=layers or None,
                fetched_before=ledger.fetched,
            )
            return
        except OllamaError as error:
            attempt = 1 if ledger.furthest > furthest else attempt + 1
            damaged += error.kind is PullFailure.DIGEST_MISMATCH
            if isinstance(error, HostUnreachable) and ledger.has_begun:
                raise
            refusal = await _refusal(name, config, layers, ledger, error)
            if refusal is not None:
                raise refusal from error
            if not error.retryable or attempt > config.max_retries or damaged > 1:
                # After two damaged copies it is the source that is wrong.
                raise await _what_it_means(client, error) from error
            ledger.try_again(DownloadRetry(attempt + 1, config.max_retries + 1, _reason(error)))
        finally:
            ledger.end_pull()
        jitter = random.uniform(1.0 - policy.jitter, 1.0 + policy.jitter)
        import asyncio  # as above

        await asyncio.sleep(delay * jitter)
        delay = min(delay * policy.multiplier, policy.max_delay.total_seconds())


async def _refusal(
    name: ModelName, config: DownloadConfig, layers: Mapping[str, int], ledger: PullLedger, error: OllamaError
) -> PullFailed | None:
    """Why it is of no use to try again after a pull that brought nothing; None where it may be of use.

    Ollama takes whatever answers a file's address for the file, and tries six times in 63 seconds without a word; then
    it says that it was too often, and not why (0.9.3, ``server/download.go``). So the registry is asked here.
    """
    if not isinstance(error, PullFailed) or error.kind not in _SILENT or ledger.has_brought:
        return None
    if ledger.layer not in layers:
        return None
    from ecs_localai.ollama.registry_http import RegistryCalls

    async with RegistryCalls(name, insecure=config.insecure) as calls:
        status = await calls.answer_for(ledger.layer)
    if status not in _REFUSALS:
        return None
    return PullFailed(
        f"The registry's download server refuses a file of {name.short} ({status}); try again later, or choose "
        "another tag.",
        PullFailure.REGISTRY_ERROR,
        True,
        detail=error.detail,
    )


def _reason(error: OllamaError) -> str:
    """What happened, without what is to be done."""
    return error.message.partition(";")[0].rstrip(".")


async def _what_it_means(client: OllamaClient, error: OllamaError) -> OllamaError:
    """The failure of a pull; where its stream broke because the host is gone, that."""
    if not isinstance(error, PullFailed) or error.kind is not PullFailure.CUT:
        return error
    try:
        await client.version()
    except HostUnreachable as gone:
        return gone
    except OllamaError:
        return error
    return error


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
    return next((entry for entry in await client.tags() if name_key(entry.name) == name.key), None)


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
