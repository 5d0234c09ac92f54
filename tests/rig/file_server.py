"""A real HTTP file server with Range, whose faults can be switched on and off while it serves."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Literal, NamedTuple

from aiohttp import web

from tests.rig.loop_thread import LoopThread

CutHow = Literal["fin", "rst"]
_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Faults:
    """What goes wrong now; every field at its default means that nothing does."""

    bytes_per_second: float | None = None
    cut_after: int | None = None
    cut_how: CutHow = "fin"
    cut_times: int | None = None
    stall_after: int | None = None
    corrupt: bool = False
    refuse: int | None = None


class Request(NamedTuple):
    """One request that the server got: method, path, and the Range header or None."""

    method: str
    path: str
    range: str | None


class FileServer:
    """Serves the files under ``root`` on 127.0.0.1, from a thread of its own, as soon as it is made.

    Faults apply to GET requests, also to those that are being answered when the fault is switched on; each call adds
    to the faults that are on already, and ``clear`` heals them all.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = threading.Lock()
        self._faults = Faults()
        self._requests: list[Request] = []
        self._bytes_served = 0
        self._open_transfers = 0
        self._budget_at = 0.0
        self._thread = LoopThread("rig-file-server")
        self._port, self._runner = self._thread.run(self._serve())

    async def _serve(self) -> tuple[int, web.AppRunner]:
        app = web.Application()
        app.router.add_route("GET", "/{path:.*}", self._answer, name="file")
        app.router.add_route("HEAD", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        listener = socket.create_server(("127.0.0.1", 0))
        await web.SockSite(runner, listener).start()
        return int(listener.getsockname()[1]), runner

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1."""
        return self._port

    @property
    def base_url(self) -> str:
        """``http://127.0.0.1:<port>/``."""
        return f"http://127.0.0.1:{self._port}/"

    @property
    def requests(self) -> list[Request]:
        """All requests since the start or ``reset_counts``."""
        with self._lock:
            return list(self._requests)

    @property
    def bytes_served(self) -> int:
        """Bytes of file contents handed to the network since the start or ``reset_counts``."""
        with self._lock:
            return self._bytes_served

    @property
    def open_transfers(self) -> int:
        """How many files are being sent now, stalled ones included."""
        with self._lock:
            return self._open_transfers

    def reset_counts(self) -> None:
        """Forgets the requests and bytes counted so far."""
        with self._lock:
            self._requests.clear()
            self._bytes_served = 0

    def throttle(self, bytes_per_second: float) -> None:
        """All transfers together get this many bytes a second, as over one slow line."""
        self._change(bytes_per_second=bytes_per_second)

    def cut_after(self, count: int, how: CutHow = "fin", times: int | None = None) -> None:
        """Ends the connection after ``count`` bytes of each file: with a FIN (a short answer) or an RST.

        ``times`` is how many transfers it befalls before the server is well again; None means all.
        """
        self._change(cut_after=count, cut_how=how, cut_times=times)

    def stall_after(self, count: int) -> None:
        """Sends ``count`` bytes of each file and then nothing more, with the connection open, until ``clear``."""
        self._change(stall_after=count)

    def corrupt(self) -> None:
        """Flips one bit in every chunk that is sent: the length is right and the contents are not."""
        self._change(corrupt=True)

    def refuse(self, status: int) -> None:
        """Answers every GET with this HTTP status and no file."""
        self._change(refuse=status)

    def clear(self) -> None:
        """Heals all faults; stalled transfers go on."""
        with self._lock:
            self._faults = Faults()

    def stop(self) -> None:
        """Ends the server and its connections. A second call does nothing."""
        if self._thread.loop.is_closed():
            return
        self.clear()
        self._thread.run(self._runner.cleanup())
        self._thread.stop()

    def _change(self, **changes: object) -> None:
        with self._lock:
            self._faults = replace(self._faults, **changes)  # type: ignore[arg-type]  # the callers' types are checked

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        with self._lock:
            self._requests.append(Request(request.method, request.path, request.headers.get("Range")))
            refusal = self._faults.refuse
        if request.method == "GET" and refusal is not None:
            return web.Response(status=refusal, text=f"refused with {refusal}\n")
        path = (self.root / request.match_info["path"]).resolve()
        if not path.is_relative_to(self.root.resolve()) or not path.is_file():
            return web.Response(status=404, text="no such file\n")
        size = path.stat().st_size
        span = _parse_range(request.headers.get("Range"), size)
        if span is None:
            return web.Response(status=416, headers={"Content-Range": f"bytes */{size}"})
        first, end = span
        response = web.StreamResponse(status=206 if "Range" in request.headers else 200)
        response.content_length = end - first
        response.content_type = "application/octet-stream"
        response.headers["Accept-Ranges"] = "bytes"
        if response.status == 206:
            response.headers["Content-Range"] = f"bytes {first}-{end - 1}/{size}"
        await response.prepare(request)
        if request.method == "GET":
            await self._count_transfer(request, response, path, first, end)
        return response

    async def _count_transfer(
        self, request: web.Request, response: web.StreamResponse, path: Path, first: int, end: int
    ) -> None:
        with self._lock:
            self._open_transfers += 1
        try:
            # The reader of the file went away: nobody is left to tell.
            with contextlib.suppress(ConnectionError):
                await self._send(request, response, path, first, end)
        finally:
            with self._lock:
                self._open_transfers -= 1

    async def _send(self, request: web.Request, response: web.StreamResponse, path: Path, first: int, end: int) -> None:
        sent, length = 0, end - first
        with path.open("rb") as file:
            file.seek(first)
            while sent < length:
                faults = self._faults
                room = _CHUNK if faults.bytes_per_second is None else max(1, int(faults.bytes_per_second / 25))
                size = min(room, _CHUNK, length - sent)
                if faults.cut_after is not None:
                    if sent >= faults.cut_after and self._take_cut(faults):
                        _cut(request, faults.cut_how)
                        return
                    size = min(size, faults.cut_after - sent) if sent < faults.cut_after else size
                if faults.stall_after is not None:
                    if sent >= faults.stall_after:
                        await self._stalled(request)
                        continue
                    size = min(size, faults.stall_after - sent)
                await self._wait_for_budget(size, faults.bytes_per_second)
                chunk = file.read(size)
                if faults.corrupt:
                    chunk = bytes([chunk[0] ^ 1]) + chunk[1:]
                await response.write(chunk)
                sent += len(chunk)
                with self._lock:
                    self._bytes_served += len(chunk)

    def _take_cut(self, faults: Faults) -> bool:
        """Whether this transfer is still to be cut; counts it."""
        with self._lock:
            if self._faults.cut_after != faults.cut_after:
                return False
            if self._faults.cut_times is not None:
                left = self._faults.cut_times - 1
                self._faults = replace(self._faults, cut_times=left, cut_after=faults.cut_after if left > 0 else None)
            return True

    async def _stalled(self, request: web.Request) -> None:
        """Waits until the faults change. Raises ConnectionResetError when the other side hangs up meanwhile."""
        faults = self._faults
        while self._faults is faults:
            if request.transport is None or request.transport.is_closing():
                raise ConnectionResetError("the reader of a stalled transfer hung up")
            await asyncio.sleep(0.01)

    async def _wait_for_budget(self, size: int, rate: float | None) -> None:
        if rate is None:
            return
        now = time.monotonic()
        self._budget_at = max(self._budget_at, now - 0.05) + size / rate
        if self._budget_at > now:
            await asyncio.sleep(self._budget_at - now)

    def __enter__(self) -> FileServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """The first byte and the one after the last that are asked for; None when the range can't be satisfied."""
    if header is None:
        return 0, size
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header.strip())
    if match is None or match.group(1) == match.group(2) == "":
        return None
    if match.group(1) == "":
        first, end = max(0, size - int(match.group(2))), size
    else:
        first = int(match.group(1))
        end = min(size, int(match.group(2)) + 1) if match.group(2) else size
    return (first, end) if first < end else None


def _cut(request: web.Request, how: CutHow) -> None:
    transport = request.transport
    if transport is None:
        return
    if how == "rst":
        raw = transport.get_extra_info("socket")
        # Linger on with zero seconds: closing the socket sends an RST and drops what is not yet sent.
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    else:
        transport.close()
