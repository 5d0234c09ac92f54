"""Calls that change which models a server has: creating, uploading, pushing, pulling, copying, deleting."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterable, Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path

from msgspec import Struct

from .calls import Calls, nothing
from .errors import InvalidModelName, InvalidRequest, PullFailed, PullFailure
from .file_digest import digest_with_progress, state_of
from .names import ModelName, parse_model_name
from .pull import PullProgress, PullSummary
from .pull_flight import PullFlight
from .refusals import looks_like_html
from .requests import CopyRequest, CreateRequest, ModelRequest, PushRequest, plain_dict, text_list
from .retrying import Repeat
from .spans import Span, SpanPieces
from .steps import Step
from .upload import SentPieces, UploadProgress
from .watchdog import Watchdog
from .wire import PullLine, decode_pull_line
from .wire_generation import Message

__all__ = ["ManagingCalls", "WorkProgress"]

_DIGEST = re.compile(r"sha256[:-][0-9a-f]{64}", re.ASCII)


class WorkProgress(Struct, frozen=True):
    """What a server is doing to create or push a model. Sizes in bytes, of the layer ``digest``; 0 if not told."""

    status: str = ""
    digest: str = ""
    total: int = 0
    completed: int = 0


class ManagingCalls(Calls):
    """Changes. One is repeated only where nothing of it was sent."""

    _flights: dict[str, PullFlight]

    async def copy(self, source: str, destination: str) -> None:
        """Give a model another name. An existing model of that name, in any case, is overwritten.

        Raises ModelNotFound, InvalidRequest.
        """
        await self._ask("/api/copy", nothing, CopyRequest(source, destination), model=source)

    async def delete(self, model: str) -> None:
        """Delete a model from its disk. Raises ModelNotFound, InvalidRequest."""
        await self._ask("/api/delete", nothing, ModelRequest(model), method="DELETE", model=model)

    async def create(
        self,
        model: str,
        *,
        source: str = "",
        files: Mapping[str, str] | None = None,
        adapters: Mapping[str, str] | None = None,
        template: str = "",
        license_texts: str | Sequence[str] = (),
        system: str = "",
        parameters: Mapping[str, object] | None = None,
        messages: Sequence[Message] = (),
        quantize: str = "",
        renderer: str = "",
        parser: str = "",
        requires: str = "",
        info: Mapping[str, object] | None = None,
        on_progress: Callable[[WorkProgress], None] | None = None,
        stall_timeout: float | None = None,
    ) -> None:
        """Make a model out of another one (``source``, its name) or of files uploaded before (since 0.5.5).

        ``files`` and ``adapters`` are digests by file name, as `upload_blob` gives them. ``quantize`` is a type such as
        ``q4_K_M``. No new status and no more bytes for ``stall_timeout`` seconds are a failure; quantising and reading
        big files can be silent for long, so None waits as long as it takes. Raises ModelNotFound, InvalidRequest,
        ServerFailure.
        """
        request = CreateRequest(
            model=model,
            source=source,
            files=dict(files) if files else None,
            adapters=dict(adapters) if adapters else None,
            template=template,
            license=text_list(license_texts),
            system=system,
            parameters=plain_dict(parameters),
            messages=list(messages) or None,
            quantize=quantize,
            renderer=renderer,
            parser=parser,
            requires=requires,
            info=plain_dict(info),
        )
        await self._work("/api/create", request, model, on_progress, stall_timeout)

    async def push(
        self,
        model: str,
        *,
        insecure: bool = False,
        on_progress: Callable[[WorkProgress], None] | None = None,
        stall_timeout: float | None = 120.0,
    ) -> None:
        """Send a model to the registry that its name says; ``insecure`` makes Ollama use plain http.

        No new status and no more bytes for ``stall_timeout`` seconds are a failure.
        Raises ModelNotFound, InvalidRequest, Unauthorized, ServerFailure.
        """
        await self._work("/api/push", PushRequest(model, insecure), model, on_progress, stall_timeout)

    async def _work(
        self,
        path: str,
        request: Struct,
        model: str,
        on_progress: Callable[[WorkProgress], None] | None,
        stall_timeout: float | None,
    ) -> None:
        last = WorkProgress()

        def take(line: PullLine) -> Step:
            nonlocal last
            status = line.status if isinstance(line.status, str) else ""
            now = WorkProgress(status, line.digest, line.total, line.completed)
            if now == last:
                return Step.STILL
            last = now
            if on_progress is not None:
                on_progress(now)
            return Step.DONE if status == "success" else Step.MOVED

        await self._stream(path, request, decode_pull_line, take, model=model, stall_timeout=stall_timeout)

    async def upload_blob(
        self,
        source: str | PathLike[str] | AsyncIterable[bytes],
        digest: str = "",
        *,
        size: int | None = None,
        on_progress: Callable[[UploadProgress], None] | None = None,
        stall_timeout: float | None = 120.0,
    ) -> str:
        """Send a file, for `create`; return its digest.

        ``source`` is a path, or pieces as they come, which need their ``digest`` (and better their ``size``) given; a
        path's digest is counted where it is not. What the server has already is not sent. ``on_progress`` is told what
        the connection has taken. No more bytes taken, and no answer, for ``stall_timeout`` seconds are a failure.

        An upload that breaks begins anew, and a blob that no model uses vanishes when the server starts again: create
        the model soon. Raises InvalidRequest: a file that can't be read, a wrong digest.
        """
        if isinstance(source, str | PathLike) and not digest:
            digest = await digest_with_progress(Path(source), lambda _: None)
        if not _DIGEST.fullmatch(digest):
            raise InvalidRequest(f"{digest!r} is not a digest; it is sha256: and 64 hexadecimal digits.")

        if await self._exists(f"/api/blobs/{digest}") == 200:
            return digest

        async def send(on_sent: Callable[[], None]) -> None:
            if isinstance(source, str | PathLike):
                path = Path(source)
                pieces = SpanPieces([Span(path, 0, (await asyncio.to_thread(state_of, path)).size)])
                try:
                    sent = SentPieces(pieces, pieces.size, on_progress)
                    await self._send(digest, sent, stall_timeout, on_sent)
                finally:
                    pieces.close()
            else:
                await self._send(digest, SentPieces(source, size, on_progress), stall_timeout, on_sent)

        try:
            await self._repeating(Repeat.UNSENT, send)
        finally:
            self._shared.part()
        return digest

    async def _send(
        self, digest: str, pieces: SentPieces, stall_timeout: float | None, on_sent: Callable[[], None]
    ) -> None:
        from .upload_body import body_in_pieces  # here, because it imports aiohttp

        pieces.watch = Watchdog(stall_timeout)
        path = f"/api/blobs/{digest}"
        try:
            async with self._request(
                "POST", path, body_in_pieces(pieces, pieces.total), on_sent, watch=pieces.watch
            ) as (transport, reply):
                content = await self._body(transport, reply)
                if looks_like_html(reply.content_type, content):
                    raise self._not_ollama()
        except Exception:
            if pieces.failure is not None:
                raise pieces.failure from None
            raise

    async def pull(
        self,
        model: str | ModelName,
        *,
        insecure: bool = False,
        on_progress: Callable[[PullProgress], None] | None = None,
        stall_timeout: float = 45.0,
        expected_layers: Mapping[str, int] | None = None,
        fetched_before: Mapping[str, int] | None = None,
    ) -> PullSummary:
        """Install a model, and return when it is there.

        ``insecure`` makes Ollama use plain http, whatever the registry. ``on_progress`` is called on the
        loop whenever something changed. No movement for ``stall_timeout`` seconds is a failure.
        ``expected_layers`` are the sizes by digest from the manifest, for a total known from the start,
        ``fetched_before`` what earlier pulls had fetched of each.

        A second pull of the same name joins the first. Cancelling leaves it; when the last one leaves,
        the transfer ends as soon as that can't harm the server, and what arrived is kept for the next
        pull. Raises PullFailed.
        """
        if isinstance(model, str):
            try:
                model = parse_model_name(model)
            except InvalidModelName as error:
                raise PullFailed(error.message, PullFailure.INVALID_NAME) from error
        flight = await self._flight(model, insecure, stall_timeout, expected_layers, fetched_before)
        listener = flight.join(on_progress)
        try:
            return await listener.outcome
        finally:
            flight.leave(listener)
            self._shared.part()

    def after_pull(self, name: ModelName, call: Callable[[], None]) -> None:
        """Call this once no request to pull this model is open, at once where none is.

        A pull that was cancelled stays open until closing it can't harm the server: for seconds, at the worst.
        """
        flight = self._flights.get(name.key)
        if flight is None:
            call()
        else:
            flight.call_when_closed(call)

    async def _flight(
        self,
        name: ModelName,
        insecure: bool,
        stall_timeout: float,
        expected_layers: Mapping[str, int] | None,
        fetched_before: Mapping[str, int] | None,
    ) -> PullFlight:
        while (flight := self._flights.get(name.key)) is not None:
            if flight.joinable:
                return flight
            await flight.wait_closed()  # it is being closed: then begin anew
        flight = PullFlight(
            self._open(),
            self._address,
            name,
            insecure=insecure,
            stall_timeout=stall_timeout,
            expected_layers=expected_layers,
            fetched_before=fetched_before,
            on_end=self._forget,
        )
        self._flights[name.key] = flight
        return flight

    def _forget(self, flight: PullFlight) -> None:
        if self._flights.get(flight.name.key) is flight:
            del self._flights[flight.name.key]
