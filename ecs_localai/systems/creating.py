"""Making one model on a host, in the background: look at the files, count them, send them, have Ollama make it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from ecs_localai.components.hosts import ConnectionPool, OllamaAPIClient
from ecs_localai.components.installation_errors import InstallationError, InstallationErrorKind
from ecs_localai.components.models import InstalledModel, ModelCapabilities
from ecs_localai.components.recipe import ModelRecipe
from ecs_localai.ollama.create_failures import create_failure
from ecs_localai.ollama.errors import (
    BadReply,
    ErrorKind,
    HostUnreachable,
    InvalidRequest,
    ModelNotFound,
    OllamaError,
    ServerFailure,
)
from ecs_localai.ollama.features import parse_version
from ecs_localai.ollama.names import ModelName, name_key, parse_model_name
from ecs_localai.systems.creation_mark import CreationMark, is_what_was_asked_for, weights_of
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
_MOST_TRIES: Final = 3
"""So often a model is sent and made where the connection breaks each time and the host is there all the same."""
_PAUSE_SECONDS: Final = 0.5


async def create_model_on_ollama(
    clients: HostClients,
    api: OllamaAPIClient,
    pool: ConnectionPool,
    name: ModelName,
    recipe: ModelRecipe,
    report: Callable[[InstallationReport], None],
    mark: CreationMark | None = None,
    keep_mark: Callable[[CreationMark], None] = lambda mark: None,
    *,
    ignores_room: bool = False,
) -> InstalledModel:
    """Make a model as its recipe says, and see that it is there.

    The parts of a split model are sent as one file where Ollama takes no parts.

    `report` is called in the background: VERIFYING while the files are read and their digests counted, EXTRACTING while
    they are sent, INSTALLING while Ollama makes the model. Files that the host has already are not sent. A source must
    be on the host: Ollama 0.9.3 would begin to download it, and leave a broken model where it cannot.

    Cancelling ends what is under way and closes the connection; files that were sent whole need not be sent again soon.

    Args:
        mark: what `keep_mark` was given when the same installation was at work before: then a model of the name that is
            what was asked for is ours, and nothing is made anew.
        keep_mark: called in a thread, and waited for, before the host is asked to make the model. It may block.
        ignores_room: as in `DownloadConfig`.

    Raises:
        InstallationError: with a sentence that says what happened and what to do.
    """
    try:
        client = await clients.get_for(api, pool)
        creation = _Creation(client, name, recipe, report, mark, keep_mark, ignores_room=ignores_room)
        return await creation.run(api.base_url)
    except OllamaError as error:
        raise creation_error(error) from error


async def lack_of_room(client: OllamaClient, name: ModelName, recipe: ModelRecipe, size: int) -> str | None:
    """That the disk of a host's models is too small for the files of a recipe, with what to do; None where it is not.

    Args:
        client: speaks to the host.
        name: of the model that is to be made.
        recipe: what it is to be made of.
        size: of all its files, in bytes. Where that does not fit they are read, as those that the host has already are
            not sent.

    Raises:
        OllamaError: the host does not answer, or a file cannot be read.
    """
    from ecs_localai.systems.models_room import room_for_models
    from ecs_localai.systems.preflight_findings import room_problem

    room = await room_for_models(client)
    if room_problem(size, room) is None:
        return None
    creation = _Creation(client, name, recipe, lambda report: None)
    return room_problem(await creation.bytes_to_send(), room)


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
        self,
        client: OllamaClient,
        name: ModelName,
        recipe: ModelRecipe,
        report: Callable[[InstallationReport], None],
        mark: CreationMark | None = None,
        keep_mark: Callable[[CreationMark], None] = lambda mark: None,
        *,
        ignores_room: bool = False,
    ) -> None:
        self._mark = mark
        self._keep_mark = keep_mark
        self._ignores_room = ignores_room
        self._client = client
        self._name = name
        self._recipe = recipe
        self._progress = CreationProgress(report, quantises=bool(recipe.quantize))
        self._version = ""

    async def run(self, base_url: str) -> InstalledModel:
        """Make it; see `create_model_on_ollama`."""
        entry = await self._made_before()
        if entry is None:
            self._refuse_before(await self._client.tags())
            self._version = await self._client.version()
            self._refuse_too_old()
            local, digests = await self._counted()
            entry = await self._made(local, digests)
        model = installed_model(entry, base_url)
        if not model.is_cloud:
            model.capabilities = await self._capabilities(entry.name)
        return model

    async def bytes_to_send(self) -> int:
        """What the host lacks of the files. Reads all of them."""
        self._version = await self._client.version()
        local, digests = await self._counted()
        missing = {} if local is None else await self._missing(local.all, digests)
        return sum(one.state.size for one in missing.values())

    async def _made_before(self) -> TagEntry | None:
        """The model where it is there already because the host was asked for it before, and could not tell any more.

        What such a creation has left without weights (0.9.3) is deleted.
        """
        if self._mark is None or self._recipe.replace:
            return None
        entry = entry_of(await self._client.tags(), self._name)
        if entry is None:
            return None
        is_ours = await is_what_was_asked_for(self._client, entry, self._recipe, self._mark)
        if is_ours is None and entry.size < LEFTOVER_BYTES:
            await self._client.delete(entry.name)
        return entry if is_ours else None

    async def _made(self, local: LocalFiles | None, digests: dict[int, str]) -> TagEntry:
        """Send what the host lacks and have the model made; again where the connection breaks and the host is there."""
        import asyncio  # in the background: a first frame need not wait for it

        tries = 0
        while True:
            tries += 1
            try:
                return await self._made_once(local, digests)
            except BadReply as error:
                await self._client.version()  # one that is gone comes back later, or never
                if tries == _MOST_TRIES or not error.retryable:
                    raise
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _made_once(self, local: LocalFiles | None, digests: dict[int, str]) -> TagEntry:
        import asyncio  # as above

        if local is not None:
            await self._upload(local.all, digests)
        entry = await self._made_before()
        if entry is not None:
            return entry
        before = await self._client.tags()  # sending may have taken long, and others work on this host, too
        source = self._refuse_before(before)
        is_free = entry_of(before, self._name) is None
        files = {} if local is None else {one.name: digests[id(one)] for one in local.files}
        adapters = {} if local is None else {one.name: digests[id(one)] for one in local.adapters}
        if is_free:
            self._mark = await self._mark_of(source, local, files, adapters)
            await asyncio.to_thread(self._keep_mark, self._mark)
        self._progress.install()
        try:
            await self._make(source, files, adapters)
        except (BadReply, HostUnreachable):
            raise  # it may be there all the same
        except OllamaError as error:
            if is_free:
                await self._clear_away()
            raise create_failure(error, self._version) from error
        entry = entry_of(await self._client.tags(), self._name)
        if entry is None:
            raise InstallationError(
                f"Ollama reported that {self._name.short} was made but does not list it; try again.",
                InstallationErrorKind.SERVER_ERROR,
            )
        return entry

    async def _mark_of(
        self, source: str, local: LocalFiles | None, files: dict[str, str], adapters: dict[str, str]
    ) -> CreationMark:
        """What the host is about to be asked for. What it converts, quantises or merges, becomes other files."""
        own = list(adapters.values())
        is_merged_there = local is not None and any(
            one.head is not None and one.head.split_count > 1 and not one.spans for one in local.files
        )
        if self._recipe.quantize or is_merged_there or any(PurePath(name).suffix.lower() != ".gguf" for name in files):
            return CreationMark(adapters=own)
        return CreationMark(await weights_of(self._client, source) if source else list(files.values()), own)

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

    async def _counted(self) -> tuple[LocalFiles | None, dict[int, str]]:
        """The files, and their digests by the files' own ids."""
        recipe = self._recipe
        if not recipe.files and not recipe.adapters:
            return None, {}
        import asyncio  # as above

        from ecs_localai.ollama.model_files import look_at_files, with_merged_parts

        local = await asyncio.to_thread(look_at_files, recipe.files, recipe.adapters)
        self._refuse_files(local)
        number = parse_version(self._version)
        if local.is_split and (number is None or number < MERGES_PARTS):
            local = await asyncio.to_thread(with_merged_parts, local)
        return local, await self._count(local.all)

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
        missing = await self._missing(files, digests)
        size = sum(one.state.size for one in missing.values())
        if missing and not self._ignores_room:
            await self._refuse_full_disk(size)
        self._progress.send(sum(one.state.size for one in files) - size)
        for digest, one in missing.items():
            begun = self._progress.sent
            await self._upload_one(one, digest, begun)
            self._progress.has_sent(begun + one.state.size)

    async def _missing(self, files: list[LocalFile], digests: dict[int, str]) -> dict[str, LocalFile]:
        """Those that the host lacks, by their digests."""
        distinct = {digests[id(one)]: one for one in files}
        return {digest: one for digest, one in distinct.items() if not await self._client.blob_exists(digest)}

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
        from ecs_localai.systems.preflight_findings import room_problem

        problem = room_problem(size, await room_for_models(self._client))
        if problem is not None:
            raise InstallationError(problem, InstallationErrorKind.DISK_FULL)

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
