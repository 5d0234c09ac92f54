"""Installing one model, in the background: look at the manifest and the room, pull, retry what may pass, verify."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ecs_localai.components.hosts import ConnectionPool, OllamaAPIClient, RetryPolicy
from ecs_localai.components.installation import DownloadConfig, InstallationPhase, LayerProgress
from ecs_localai.components.installation_errors import InstallationError, InstallationErrorKind
from ecs_localai.components.models import InstalledModel
from ecs_localai.components.preflight import DISK_RESERVE
from ecs_localai.components.wording import format_bytes
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
from ecs_localai.ollama.pull import PullPhase, PullProgress
from ecs_localai.systems.host_clients import HostClients
from ecs_localai.systems.installation_report import InstallationReport
from ecs_localai.systems.layer_look import Remember, layers_from_registry, missing_layers
from ecs_localai.systems.model_sync import capabilities_of, installed_model
from ecs_localai.systems.pull_locks import PullLocks
from ecs_localai.systems.saved_hosts import server_of

if TYPE_CHECKING:
    from ecs_localai.ollama.client import OllamaClient
    from ecs_localai.ollama.wire import TagEntry

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


_PHASES = {
    PullPhase.MANIFEST: InstallationPhase.DOWNLOADING,
    PullPhase.DOWNLOADING: InstallationPhase.DOWNLOADING,
    PullPhase.VERIFYING: InstallationPhase.VERIFYING,
    PullPhase.WRITING: InstallationPhase.INSTALLING,
    PullPhase.DONE: InstallationPhase.INSTALLING,
}


class AtWorkElsewhere(Exception):
    """Another program is fetching the same on this host."""


@dataclass(frozen=True, slots=True)
class PullHelp:
    """What the work of an app's installations has in common, and what it tells it besides its reports."""

    clients: HostClients
    locks: PullLocks
    claim: Callable[[list[LayerProgress], frozenset[str]], bool]
    """Whether no other program fetches any of these; as `KeptQueue.claim`."""
    remember: Remember
    """Called with what the registry says the model consists of."""
    tell_missing: Callable[[frozenset[str]], None]
    """Called with the files that the host lacks."""


@dataclass(slots=True)
class PullLedger:
    """What is known of a download over all its pulls: they may be many, and their host may lose what they brought."""

    report: Callable[[InstallationReport], None]
    fetched: dict[str, int] = field(default_factory=dict)
    """Bytes by digest."""
    refetched: int = 0
    """Bytes that were fetched again in the pulls before this one."""
    furthest: int = 0
    """The most bytes that were there at a time."""
    transferred: int = 0
    """Bytes that came over the line in the pulls before this one."""
    has_begun: bool = False
    """Whether a pull has got so far that the host says something of a file."""
    _last: PullProgress = field(default_factory=PullProgress)

    def take(self, progress: PullProgress) -> None:
        """A pull has come further."""
        self._last = progress
        self.has_begun |= bool(progress.layer)
        self.furthest = max(self.furthest, progress.bytes_downloaded)
        there = progress.bytes_downloaded - progress.rolled_back_bytes
        self.report(
            InstallationReport(
                phase=_PHASES[progress.phase],
                bytes_done=self.furthest,
                total_bytes=progress.total_bytes,
                bytes_present=progress.bytes_present,
                rolled_back_bytes=self.furthest - there,
                fraction=progress.fraction,
                layers=progress.layers,
                transferred_bytes=self.transferred + progress.transferred_bytes,
                refetched_bytes=self.refetched + progress.refetched_bytes,
            )
        )

    def end_pull(self) -> None:
        """A pull has ended; another one may follow."""
        last, self._last = self._last, PullProgress()
        if not last.layer:
            return
        self.transferred += last.transferred_bytes
        self.refetched += last.refetched_bytes
        self.fetched |= {layer.digest: layer.downloaded for layer in last.layers}


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
    """
    try:
        client = await help_.clients.get_for(api, pool)
        layers = await layers_from_registry(name, config, help_.remember)
        missing = await missing_layers(client, layers)
        help_.tell_missing(missing)
        if not config.ignores_room:
            await _check_room(client, name, layers, missing, ledger.fetched)
        server = server_of(api.base_url)
        give_back = await help_.locks.acquire([(server, key) for key in (name.key, *missing)])
        try:
            await _claim(help_, layers, missing, ledger)
            if layers:
                ledger.take(PullProgress(total_bytes=sum(layers.values())))
            await _pull_with_retries(client, api.retry_policy, name, config, layers, ledger)
            entry = await _entry(client, name)
            if entry is None and await _is_unreadable(client, name):
                await client.delete(name.short)
                await _pull_with_retries(client, api.retry_policy, name, config, layers, ledger)
                entry = await _entry(client, name)
        finally:
            client.after_pull(name, give_back)
        return await _verified(client, api, name, entry)
    except OllamaError as error:
        raise installation_error(error) from error


async def _check_room(
    client: OllamaClient,
    name: ModelName,
    layers: Mapping[str, int],
    missing: frozenset[str],
    fetched: Mapping[str, int],
) -> None:
    """See that what is to come fits on the disk: a full one keeps what has arrived and is of no use (Ollama 0.9.3).

    Raises:
        InstallationError: it does not fit.
    """
    need = sum(max(0, layers[digest] - fetched.get(digest, 0)) for digest in missing)
    if not need:
        return
    from ecs_localai.systems.models_room import room_for_models

    room = await room_for_models(client)
    if room.free is None or room.free - DISK_RESERVE >= need:
        return
    raise InstallationError(
        f"{name.short} needs {format_bytes(need)} more, and {format_bytes(room.free)} are free on the models' disk, "
        f"where {format_bytes(DISK_RESERVE)} are to stay free; free some space there, then install it again.",
        InstallationErrorKind.DISK_FULL,
    )


async def _claim(help_: PullHelp, layers: Mapping[str, int], missing: frozenset[str], ledger: PullLedger) -> None:
    """Raises `AtWorkElsewhere`."""
    import asyncio  # in the background: a first frame need not wait for it

    files = [
        LayerProgress(digest, size, ledger.fetched.get(digest, 0) if digest in missing else size, digest not in missing)
        for digest, size in layers.items()
    ]
    if not await asyncio.to_thread(help_.claim, files, missing):
        raise AtWorkElsewhere


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
            if not error.retryable or attempt > config.max_retries or damaged > 1:
                # After two damaged copies it is the source that is wrong.
                raise await _what_it_means(client, error) from error
        finally:
            ledger.end_pull()
        jitter = random.uniform(1.0 - policy.jitter, 1.0 + policy.jitter)
        import asyncio  # as above

        await asyncio.sleep(delay * jitter)
        delay = min(delay * policy.multiplier, policy.max_delay.total_seconds())


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
