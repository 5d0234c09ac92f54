"""A client for one Ollama server. No ECS, no threads: coroutines on the running loop.

Opened lazily: making an :class:`OllamaClient` costs nothing, its first request imports aiohttp and
opens the pooled session, which then belongs to the loop that was running.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import msgspec
from msgspec import UNSET

from .address import HostAddress, parse_host
from .errors import (
    BadReply,
    ClientClosed,
    ErrorKind,
    HostUnreachable,
    InvalidModelName,
    InvalidRequest,
    PullFailed,
    PullFailure,
)
from .names import ModelName, parse_model_name
from .ndjson import LineSplitter
from .pull import PullProgress, PullSummary
from .pull_flight import PullFlight
from .refusals import looks_like_html, not_an_ollama, refusal, stream_error
from .wire import (
    GenerateReply,
    RunningEntry,
    ShowReply,
    TagEntry,
    decode_generate,
    decode_ps,
    decode_show,
    decode_tags,
    decode_version,
)

if TYPE_CHECKING:
    from .transport import Reply, Transport

__all__ = ["KeepAlive", "OllamaClient"]

KeepAlive = float | str
"""How long a model stays loaded: seconds, or text with a unit such as ``10m``; negative is for ever."""

_REPLY_LIMIT = 64 * 1024 * 1024
_T = TypeVar("_T")


class OllamaClient:
    """Talks to one Ollama server over one pool of connections.

    ``base_url`` is anything that ``parse_host`` reads (raises InvalidHost). ``connect_timeout`` bounds
    each attempt to connect, ``timeout`` each short call as a whole, both in seconds; pulls, loads and
    generations have no bound of their own. ``headers`` go with every request (a proxy's log-in);
    ``ca_file`` names certificates to trust for https. No proxy of the environment is used, no Origin is
    sent (Ollama answers foreign ones by 403). Use it as an async context manager, or call ``aclose``.

    Every method raises an OllamaError: HostUnreachable, NotAnOllama, HostForbidden, Unauthorized,
    BadReply, ServerFailure, ClientClosed, and those it names itself.
    """

    def __init__(
        self,
        base_url: str,
        *,
        connect_timeout: float = 5.0,
        timeout: float = 10.0,
        headers: Mapping[str, str] | None = None,
        ca_file: str | None = None,
    ) -> None:
        self._address = parse_host(base_url)
        self._connect_timeout = connect_timeout
        self._timeout = timeout
        self._headers = dict(headers or {})
        self._ca_file = ca_file
        self._transport: Transport | None = None
        self._flights: dict[str, PullFlight] = {}
        self._closed = False

    @property
    def address(self) -> HostAddress:
        """The address this client talks to."""
        return self._address

    @property
    def base_url(self) -> str:
        """Its URL."""
        return self._address.base_url

    @property
    def answered_address(self) -> str | None:
        """The IP address that answered: for ``localhost`` 127.0.0.1 or ::1. None while not connected."""
        return None if self._transport is None else self._transport.answered_address

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop what runs and close the connections; a second call does nothing.

        Waits for pulls that can't be left yet without harm to the server, ten seconds at most.
        """
        self._closed = True
        flights = list(self._flights.values())
        for flight in flights:
            flight.abandon()
        for flight in flights:
            await flight.wait_closed()
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()

    async def version(self) -> str:
        """The version of the server, such as ``0.9.3``; some builds say ``0.0.0``."""
        reply = await self._get("/api/version", decode_version)
        if not isinstance(reply.version, str) or not reply.version:
            raise not_an_ollama(self._address, "", b"")
        return reply.version

    async def tags(self) -> list[TagEntry]:
        """The models on its disk, newest first."""
        reply = await self._get("/api/tags", decode_tags)
        if reply.models is UNSET:
            raise not_an_ollama(self._address, "", b"")
        return reply.models or []

    async def ps(self) -> list[RunningEntry]:
        """The models in its memory.

        Ask at most every two seconds: before Ollama 0.32.4 fast polling could crash it (issue 17376).
        """
        reply = await self._get("/api/ps", decode_ps)
        if reply.models is UNSET:
            raise not_an_ollama(self._address, "", b"")
        return reply.models or []

    async def show(self, model: str) -> ShowReply:
        """What a model is. Raises ModelNotFound, InvalidRequest."""
        try:
            reply = await self._show(model)
        except HostUnreachable as error:
            if error.kind is not ErrorKind.DISCONNECTED:
                raise
            # The server may have closed a pooled connection in this very moment; aiohttp repeats only GETs.
            reply = await self._show(model)
        if reply.details is UNSET and not reply.modelfile and not reply.model_info:
            raise not_an_ollama(self._address, "", b"")
        return reply

    async def _show(self, model: str) -> ShowReply:
        return await self._call("POST", "/api/show", decode_show, {"model": model}, model=model)

    async def delete(self, model: str) -> None:
        """Delete a model from its disk. Raises ModelNotFound, InvalidRequest."""
        await self._call("DELETE", "/api/delete", _nothing, {"model": model}, model=model)

    async def copy(self, source: str, destination: str) -> None:
        """Give a model another name. An existing model of that name, in any case, is overwritten.

        Raises ModelNotFound, InvalidRequest.
        """
        body = {"source": source, "destination": destination}
        await self._call("POST", "/api/copy", _nothing, body, model=source)

    async def load(self, model: str, keep_alive: KeepAlive | None = None) -> GenerateReply:
        """Load a model into memory, however long it takes; cancelling aborts the load.

        Without ``keep_alive`` a model that is loaded already keeps its last value (0.9.3).
        Raises ModelNotFound, InvalidRequest.
        """
        body: dict[str, object] = {"model": model, "stream": False}
        if keep_alive is not None:
            body["keep_alive"] = keep_alive
        reply = await self._call("POST", "/api/generate", decode_generate, body, model=model, bounded=False)
        return self._finished(reply, model)

    async def unload(self, model: str) -> GenerateReply:
        """Take a model out of memory; ``ps`` may list it for up to five seconds more.

        Raises ModelNotFound, InvalidRequest.
        """
        body = {"model": model, "stream": False, "keep_alive": 0}
        reply = await self._call("POST", "/api/generate", decode_generate, body, model=model)
        return self._finished(reply, model)

    async def blob_exists(self, digest: str) -> bool:
        """Whether a blob, ``sha256:`` and 64 hexadecimal digits, is on its disk, complete.

        Raises InvalidRequest for a digest that is none.
        """
        transport = self._open()
        async with transport.request("HEAD", f"/api/blobs/{digest}", within=self._timeout) as reply:
            if reply.status == 404:
                return False
            if reply.status == 400:
                raise InvalidRequest(f"{digest!r} is not a digest; it is sha256: and 64 hexadecimal digits.")
            await self._check(transport, reply, "")
            if looks_like_html(reply.content_type, b""):
                raise not_an_ollama(self._address, reply.content_type, b"")
        return True

    async def generate(
        self,
        model: str,
        prompt: str,
        *,
        options: Mapping[str, object] | None = None,
        keep_alive: KeepAlive | None = None,
        on_token: Callable[[str], None] | None = None,
    ) -> GenerateReply:
        """Generate text, telling each piece to ``on_token``; the reply holds the whole of it.

        Bound it by ``options={"num_predict": …}``: Ollama's default is without end. Cancelling stops
        the server too. Raises ModelNotFound, InvalidRequest.
        """
        body: dict[str, object] = {"model": model, "prompt": prompt, "stream": True}
        if options:
            body["options"] = dict(options)
        if keep_alive is not None:
            body["keep_alive"] = keep_alive
        transport = self._open()
        answer: list[str] = []
        thoughts: list[str] = []
        async with transport.request("POST", "/api/generate", msgspec.json.encode(body)) as reply:
            await self._check(transport, reply, model)
            splitter = LineSplitter()
            chunk = b"?"
            while chunk:
                chunk = await transport.read(reply)
                rest = b"" if chunk else splitter.finish()
                for line in [rest] if rest else splitter.feed(chunk):
                    entry = self._decode(decode_generate, reply, line)
                    if isinstance(entry.error, str):
                        raise stream_error(self._address, entry.error, model)
                    answer.append(entry.response)
                    thoughts.append(entry.thinking)
                    if entry.response and on_token is not None:
                        on_token(entry.response)
                    if entry.done:
                        whole, thought = "".join(answer), "".join(thoughts)
                        return msgspec.structs.replace(entry, response=whole, thinking=thought)
        raise BadReply(f"{self._address.display} ended its answer too early; check that it still runs.")

    async def pull(
        self,
        model: str | ModelName,
        *,
        insecure: bool = False,
        on_progress: Callable[[PullProgress], None] | None = None,
        stall_timeout: float = 45.0,
        expected_layers: Mapping[str, int] | None = None,
    ) -> PullSummary:
        """Install a model, and return when it is there.

        ``insecure`` makes Ollama use plain http, whatever the registry. ``on_progress`` is called on the
        loop whenever something changed. No movement for ``stall_timeout`` seconds is a failure.
        ``expected_layers`` are the sizes by digest from the manifest, for a total known from the start.

        A second pull of the same name joins the first. Cancelling leaves it; when the last one leaves,
        the transfer ends as soon as that can't harm the server, and what arrived is kept for the next
        pull. Raises PullFailed.
        """
        if isinstance(model, str):
            try:
                model = parse_model_name(model)
            except InvalidModelName as error:
                raise PullFailed(error.message, PullFailure.INVALID_NAME) from error
        flight = await self._flight(model, insecure, stall_timeout, expected_layers)
        listener = flight.join(on_progress)
        try:
            return await listener.outcome
        finally:
            flight.leave(listener)

    async def _flight(
        self,
        name: ModelName,
        insecure: bool,
        stall_timeout: float,
        expected_layers: Mapping[str, int] | None,
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
            on_end=self._forget,
        )
        self._flights[name.key] = flight
        return flight

    def _forget(self, flight: PullFlight) -> None:
        if self._flights.get(flight.name.key) is flight:
            del self._flights[flight.name.key]

    def _open(self) -> Transport:
        if self._closed:
            raise ClientClosed(f"The connection to {self._address.display} was closed; open a new client.")
        if self._transport is None:
            from .transport import Transport  # here, because it imports aiohttp

            self._transport = Transport(
                self._address,
                connect_timeout=self._connect_timeout,
                headers=self._headers,
                ca_file=self._ca_file,
            )
        elif self._transport.loop is not asyncio.get_running_loop():
            raise ClientClosed("This client belongs to another event loop; open a new client in this one.")
        return self._transport

    async def _get(self, path: str, decode: Callable[[bytes], _T]) -> _T:
        return await self._call("GET", path, decode)

    async def _call(
        self,
        method: str,
        path: str,
        decode: Callable[[bytes], _T],
        body: Mapping[str, object] | None = None,
        *,
        model: str = "",
        bounded: bool = True,
    ) -> _T:
        """One call whose reply is a single piece of JSON; ``bounded`` by the client's own timeout."""
        within = self._timeout if bounded else None
        encoded = None if body is None else msgspec.json.encode(body)
        transport = self._open()
        async with transport.request(method, path, encoded, within=within) as reply:
            await self._check(transport, reply, model)
            content = await transport.read_all(reply, _REPLY_LIMIT, within)
            if looks_like_html(reply.content_type, content):
                raise not_an_ollama(self._address, reply.content_type, content)
            return self._decode(decode, reply, content)

    async def _check(self, transport: Transport, reply: Reply, model: str) -> None:
        """Raise the error that a status other than 200 means."""
        if 200 <= reply.status < 300:
            return
        body = await transport.read_all(reply, _REPLY_LIMIT, self._timeout)
        location = reply.headers.get("Location", "")
        raise refusal(self._address, reply.status, reply.content_type, body, model=model, location=location)

    def _finished(self, reply: GenerateReply, model: str) -> GenerateReply:
        if isinstance(reply.error, str):
            raise stream_error(self._address, reply.error, model)
        if not reply.done:
            raise not_an_ollama(self._address, "", b"")
        return reply

    def _decode(self, decode: Callable[[bytes], _T], reply: Reply, content: bytes) -> _T:
        try:
            return decode(content)
        except msgspec.ValidationError as error:
            raise not_an_ollama(self._address, reply.content_type, content) from error
        except msgspec.DecodeError as error:
            if looks_like_html(reply.content_type, content) or "json" not in reply.content_type:
                raise not_an_ollama(self._address, reply.content_type, content) from error
            raise BadReply(
                f"{self._address.display} sent JSON that is broken; check that it is an Ollama server.",
                detail=content[:200].decode(errors="replace"),
            ) from error


def _nothing(content: bytes) -> None:
    """Ollama answers delete and copy with an empty body; a later one might send an object."""
    if content.strip() not in {b"", b"null"}:
        msgspec.json.decode(content, type=dict[str, object])
