"""Making one model on a host, in the background: look at the files, count them, send them, have Ollama make it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ecs_localai.components.hosts import ConnectionPool, OllamaAPIClient
from ecs_localai.components.installation_errors import InstallationError, InstallationErrorKind
from ecs_localai.components.models import InstalledModel, ModelCapabilities
from ecs_localai.components.preflight import DISK_RESERVE
from ecs_localai.components.recipe import ModelRecipe
from ecs_localai.components.wording import format_bytes
from ecs_localai.ollama.create_failures import create_failure
from ecs_localai.ollama.errors import (
    ErrorKind,
    InvalidRequest,
    ModelNotFound,
    OllamaError,
    ServerFailure,
)
from ecs_localai.ollama.features import parse_version
from ecs_localai.ollama.names import ModelName, name_key, parse_model_name
from ecs_localai.systems.creation_progress import CreationProgress
from ecs_localai.systems.host_clients import HostClients
from ecs_localai.systems.installation_report import InstallationReport
from ecs_localai.systems.installing import installation_error
from ecs_localai.systems.model_sync import capabilities_of, installed_model

if TYPE_CHECKING:
    from ecs_localai.ollama.client import OllamaClient
    from ecs_localai.ollama.managing import WorkProgress
    from ecs_localai.ollama.model_files import LocalFile, LocalFiles
    from ecs_localai.ollama.wire import TagEntry

MERGES_PARTS: Final = (0, 30, 0)
"""Since this version Ollama makes one model of a split one's files (``mergeSplitGGUFLayers``, ``server/create.go``)."""
LEFTOVER_BYTES: Final = 4096
"""A model without weights is smaller: what a failed creation may leave has 170 bytes (0.9.3)."""
_UNQUANTISED: Final = frozenset({0, 1, 32})
"""F32, F16 and BF16 (``enum llama_ftype``)."""


async def create_model_on_ollama(
    clients: HostClients,
    api: OllamaAPIClient,
    pool: ConnectionPool,
    name: ModelName,
    recipe: ModelRecipe,
    report: Callable[[InstallationReport], None],
) -> InstalledModel:
    """Make a model as its recipe says, and see that it is there.

    The parts of a split model are sent as one file where Ollama takes no parts.

    `report` is called in the background: VERIFYING while the files are read and their digests counted, EXTRACTING while
    they are sent, INSTALLING while Ollama makes the model. Files that the host has already are not sent. A source must
    be on the host: Ollama 0.9.3 would begin to download it, and leave a broken model where it cannot.

    Cancelling ends what is under way and closes the connection; files that were sent whole need not be sent again soon.

    Raises:
        InstallationError: with a sentence that says what happened and what to do.
    """
    try:
        client = await clients.get_for(api, pool)
        return await _Creation(client, name, recipe, report).run(api.base_url)
    except OllamaError as error:
        raise creation_error(error) from error


def creation_error(error: OllamaError) -> InstallationError:
    """A failure of the client as that of an installation."""
    if error.kind is ErrorKind.DISK_FULL:
        return InstallationError(error.message, InstallationErrorKind.DISK_FULL)
    if isinstance(error, ModelNotFound):
        return InstallationError(error.message, InstallationErrorKind.MODEL_NOT_FOUND)
    return installation_error(error)


class _Creation:
    """One model that is being made."""

    def __init__(
        self, client: OllamaClient, name: ModelName, recipe: ModelRecipe, report: Callable[[InstallationReport], None]
    ) -> None:
        self._client = client
        self._name = name
        self._recipe = recipe
        self._progress = CreationProgress(report, quantises=bool(recipe.quantize))
        self._version = ""

    async def run(self, base_url: str) -> InstalledModel:
        """Make it; see `create_model_on_ollama`."""
        client = self._client
        before = await client.tags()
        source = self._refuse_before(before)
        self._version = await client.version()
        self._refuse_too_old()
        files, adapters = await self._send_files()
        if files or adapters:  # that may have taken long, and others work on this host, too
            before = await client.tags()
            source = self._refuse_before(before)
        self._progress.install()
        try:
            await self._make(source, files, adapters)
        except OllamaError as error:
            if entry_of(before, self._name) is None:
                await self._clear_away()
            raise create_failure(error, self._version) from error
        entry = entry_of(await client.tags(), self._name)
        if entry is None:
            raise InstallationError(
                f"Ollama reported that {self._name.short} was made but does not list it; try again.",
                InstallationErrorKind.SERVER_ERROR,
            )
        model = installed_model(entry, base_url)
        if not model.is_cloud:
            model.capabilities = await self._capabilities(entry.name)
        return model

    def _refuse_before(self, before: list[TagEntry]) -> str:
        """The source's name as the host spells it.

        Raises:
            InvalidRequest: there is a model of the name.
            ModelNotFound: the host does not have the source.
        """
        there = entry_of(before, self._name)
        if there is not None and not self._recipe.replace:
            raise InvalidRequest(f"There is a model {there.name} already; choose another name, or remove it first.")
        if not self._recipe.source:
            return ""
        wanted = parse_model_name(self._recipe.source)
        source = entry_of(before, wanted)
        if source is None:
            raise ModelNotFound(f"{wanted.short} is not installed on this host; install it first, then try again.")
        level = source.details.quantization_level
        if self._recipe.quantize and level not in {"", "unknown", "F16", "F32", "BF16"}:
            raise InvalidRequest(f"{source.name} is quantised already ({level}); use one that is F16 or F32.")
        return source.name

    def _refuse_too_old(self) -> None:
        has, needed = parse_version(self._version), parse_version(self._recipe.requires)
        if has is not None and needed is not None and has < needed:
            raise InvalidRequest(
                f"The model requires Ollama {self._recipe.requires}, and this is {self._version}; update it first."
            )

    async def _send_files(self) -> tuple[dict[str, str], dict[str, str]]:
        """Count the files and send those that the host lacks; their digests by name: the model's, and the adapters'."""
        recipe = self._recipe
        if not recipe.files and not recipe.adapters:
            return {}, {}
        import asyncio  # in the background: a first frame need not wait for it

        from ecs_localai.ollama.model_files import look_at_files, with_merged_parts

        local = await asyncio.to_thread(look_at_files, recipe.files, recipe.adapters)
        self._refuse_files(local)
        number = parse_version(self._version)
        if local.is_split and (number is None or number < MERGES_PARTS):
            local = await asyncio.to_thread(with_merged_parts, local)
        digests = await self._count(local.all)
        await self._upload(local.all, digests)
        return {one.name: digests[id(one)] for one in local.files}, {
            one.name: digests[id(one)] for one in local.adapters
        }

    def _refuse_files(self, local: LocalFiles) -> None:
        """What this Ollama is known to refuse after everything was sent."""
        head = local.main
        if self._recipe.quantize and head is not None and head.file_type not in _UNQUANTISED | {None}:
            raise InvalidRequest("The file is quantised already; use it as it is, or get the model's F16 file.")

    async def _count(self, files: list[LocalFile]) -> dict[int, str]:
        from ecs_localai.ollama.file_digest import digest_of_spans, digest_with_progress

        self._progress.count(sum(one.state.size for one in files))
        add = self._progress.counted
        return {
            id(one): await (digest_of_spans(one.spans, add) if one.spans else digest_with_progress(one.path, add))
            for one in files
        }

    async def _upload(self, files: list[LocalFile], digests: dict[int, str]) -> None:
        distinct = {digests[id(one)]: one for one in files}
        missing = {digest: one for digest, one in distinct.items() if not await self._client.blob_exists(digest)}
        size = sum(one.state.size for one in missing.values())
        if missing:
            await self._refuse_full_disk(size)
        self._progress.send(sum(one.state.size for one in files) - size)
        for digest, one in missing.items():
            begun = self._progress.sent
            await self._upload_one(one, digest, begun)
            self._progress.has_sent(begun + one.state.size)

    async def _upload_one(self, one: LocalFile, digest: str, begun: int) -> None:
        """Send a file, seeing before and, where it fails, afterwards that it has not been changed.

        `begun` bytes are there before it.
        """
        import asyncio  # as above

        from ecs_localai.ollama.file_digest import refuse_changed
        from ecs_localai.ollama.spans import SpanPieces

        await asyncio.to_thread(refuse_changed, one.sources)
        pieces = SpanPieces(one.spans) if one.spans else None
        try:
            await self._client.upload_blob(
                one.path if pieces is None else pieces,
                digest,
                size=one.state.size,
                on_progress=lambda progress: self._progress.has_sent(begun + progress.bytes_sent),
            )
        except OllamaError as error:
            await asyncio.to_thread(refuse_changed, one.sources)
            raise create_failure(error, self._version) from error
        finally:
            if pieces is not None:
                pieces.close()

    async def _refuse_full_disk(self, size: int) -> None:
        from ecs_localai.systems.models_room import room_for_models

        free = (await room_for_models(self._client)).free
        if free is not None and size + DISK_RESERVE > free:
            raise InstallationError(
                f"The disk of Ollama's models has {format_bytes(free)} free, and {format_bytes(size)} with "
                f"{format_bytes(DISK_RESERVE)} to spare is more; free some space there.",
                InstallationErrorKind.DISK_FULL,
            )

    async def _make(self, source: str, files: dict[str, str], adapters: dict[str, str]) -> None:
        from ecs_localai.ollama.wire_generation import Message

        recipe = self._recipe
        await self._client.create(
            self._name.short,
            source=source,
            files=files,
            adapters=adapters,
            template=recipe.template,
            license_texts=recipe.licenses,
            system=recipe.system,
            parameters=recipe.parameters,
            messages=[Message(role=one.role, content=one.content) for one in recipe.messages],
            quantize=recipe.quantize,
            renderer=recipe.renderer,
            parser=recipe.parser,
            requires=recipe.requires,
            on_progress=self._watch_making,
        )

    def _watch_making(self, work: WorkProgress) -> None:
        """Only quantising tells how far it is (0.9.3)."""
        if work.total > 0:
            self._progress.made(work.completed, work.total)

    async def _clear_away(self) -> None:
        """Delete what a failed creation may have left under a name that was free: a model without weights (0.9.3)."""
        try:
            left = entry_of(await self._client.tags(), self._name)
            if left is not None and left.size < LEFTOVER_BYTES and not left.is_remote:
                await self._client.delete(left.name)
        except OllamaError:
            return  # the failure itself is what a person has to know

    async def _capabilities(self, name: str) -> ModelCapabilities:
        try:
            return capabilities_of(await self._client.show(name))
        except (ModelNotFound, InvalidRequest, ServerFailure):
            return ModelCapabilities()  # it is there all the same


def entry_of(entries: list[TagEntry], name: ModelName) -> TagEntry | None:
    """The model of this name as the host lists it; None if it does not."""
    return next((entry for entry in entries if name_key(entry.name) == name.key), None)
