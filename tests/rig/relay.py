"""A real TCP relay between a client and a server, which can delay, cut, stall and half-close what passes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from types import TracebackType
from typing import Literal

from tests.rig.file_server import CutHow
from tests.rig.loop_thread import LoopThread

_CHUNK = 64 * 1024
_LONGEST_TEXT = 64
Ending = Literal["cut", "half-close"]


class Relay:
    """Relays 127.0.0.1:``port`` to ``target_host``:``target_port`` from a thread of its own, as soon as it is made.

    What is switched on holds for the open connections and for new ones; ``resume`` makes everything well again.
    """

    def __init__(self, target_host: str, target_port: int) -> None:
        self.target = (target_host, target_port)
        self._lock = threading.Lock()
        self._delay = 0.0
        self._ending: tuple[Ending, int, CutHow] | None = None
        self._endings_left: int | None = None
        self._stall_at: bytes | None = None
        self._bytes_to_client = 0
        self._accepted = 0
        self._links: set[_Link] = set()
        self._thread = LoopThread("rig-relay")
        self._flowing = asyncio.Event()
        self._thread.loop.call_soon_threadsafe(self._flowing.set)
        self._server: asyncio.Server | None = self._thread.run(self._listen(0))
        self._port = int(self._server.sockets[0].getsockname()[1])

    async def _listen(self, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._relay, "127.0.0.1", port)

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1, the same as long as the relay lives."""
        return self._port

    @property
    def base_url(self) -> str:
        """``http://127.0.0.1:<port>``."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def open_connections(self) -> int:
        """How many clients are connected now."""
        with self._lock:
            return len(self._links)

    @property
    def accepted_connections(self) -> int:
        """How many clients have connected so far."""
        with self._lock:
            return self._accepted

    @property
    def bytes_to_client(self) -> int:
        """How many bytes went from the server to clients so far."""
        with self._lock:
            return self._bytes_to_client

    def delay(self, seconds: float) -> None:
        """Everything arrives this much later, in both directions (throughput stays as it is)."""
        self._delay = seconds

    def cut(self, how: CutHow = "rst") -> None:
        """Ends all connections that are open now, with an RST or a FIN. New ones are relayed."""
        self._thread.run(self._cut_all(how))

    def cut_after_bytes(self, count: int, how: CutHow = "rst", times: int | None = None) -> None:
        """Ends a connection when ``count`` bytes went from the server to the client; ``times`` connections, or all."""
        self._end_after("cut", count, how, times)

    def half_close_after(self, count: int, times: int | None = None) -> None:
        """Sends the client a FIN after ``count`` bytes from the server, and goes on reading what the client sends."""
        self._end_after("half-close", count, "fin", times)

    def stall(self) -> None:
        """Passes nothing on in either direction, with all connections open and new ones accepted."""
        self._thread.loop.call_soon_threadsafe(self._flowing.clear)

    def stall_at(self, text: bytes) -> None:
        """Stalls as soon as a client has got this text: no byte after the line that it stands in passes."""
        with self._lock:
            self._stall_at = text

    def resume(self) -> None:
        """Makes everything well again: no delay, no stall, no cut; connections are accepted."""
        with self._lock:
            self._delay = 0.0
            self._stall_at = None
            self._ending = None
            self._endings_left = None
        self._thread.loop.call_soon_threadsafe(self._flowing.set)
        self.accept()

    def refuse(self) -> None:
        """Stops listening, so that new connections are refused; those that are open stay."""
        self._thread.run(self._close_listener())

    def accept(self) -> None:
        """Listens again after ``refuse``, on the same port. Does nothing when it does already."""
        if self._server is None:
            self._server = self._thread.run(self._listen(self._port))

    def stop(self) -> None:
        """Ends the relay and all its connections. A second call does nothing."""
        if self._thread.loop.is_closed():
            return
        self.refuse()
        self.cut()
        self._thread.stop()

    def __enter__(self) -> Relay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _end_after(self, ending: Ending, count: int, how: CutHow, times: int | None) -> None:
        with self._lock:
            self._ending = (ending, count, how)
            self._endings_left = times

    async def _close_listener(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
            await asyncio.sleep(0)

    async def _cut_all(self, how: CutHow) -> None:
        for link in list(self._links):
            link.end(how)
        await asyncio.sleep(0)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = _Link(self, reader, writer)
        with self._lock:
            self._accepted += 1
            self._links.add(link)
        try:
            await link.run(*self.target)
        finally:
            with self._lock:
                self._links.discard(link)

    def count(self, size: int) -> None:
        """A link passed ``size`` bytes to its client."""
        with self._lock:
            self._bytes_to_client += size

    def ending(self) -> tuple[Ending, int, CutHow] | None:
        """How and after how many bytes to the client a connection ends now, or None when it doesn't."""
        return self._ending

    def take_ending(self) -> bool:
        """Whether one more connection is to be ended; counts it."""
        with self._lock:
            if self._ending is None or self._endings_left == 0:
                return False
            if self._endings_left is not None:
                self._endings_left -= 1
            return True

    def stall_behind(self, tail: bytes, data: bytes) -> int | None:
        """How much of ``data``, which follows ``tail``, still passes before the stall; None when there is none."""
        text = self._stall_at
        at = -1 if text is None else (tail + data).find(text)
        if text is None or at < 0:
            return None
        line_end = (tail + data).find(b"\n", at + len(text))
        return max(0, (len(tail) + len(data) if line_end < 0 else line_end + 1) - len(tail))

    def begin_stall(self) -> None:
        """Nothing passes from now on. In the relay's own thread."""
        with self._lock:
            self._stall_at = None
        self._flowing.clear()

    async def hold(self) -> None:
        """Returns when data may flow."""
        await self._flowing.wait()

    @property
    def latency(self) -> float:
        """Seconds by which everything arrives later now."""
        return self._delay


class _Link:
    """One client's connection and the one to the server that belongs to it."""

    def __init__(self, relay: Relay, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._relay = relay
        self._reader = reader
        self._client = writer
        self._server: asyncio.StreamWriter | None = None
        self._pumps: list[asyncio.Task[None]] = []
        self._ended = False

    async def run(self, host: str, port: int) -> None:
        """Relays until both sides are done or the link is ended."""
        try:
            with contextlib.suppress(OSError):
                server_reader, self._server = await asyncio.open_connection(host, port)
            if self._server is None or self._ended:
                return
            self._pumps = [
                asyncio.create_task(self._pump(self._reader, self._server, to_client=False)),
                asyncio.create_task(self._pump(server_reader, self._client, to_client=True)),
            ]
            await asyncio.gather(*self._pumps, return_exceptions=True)
        finally:
            if self._server is None:
                self.end("rst")  # as if the client had met the closed port itself
            self.end("fin")
            for writer in filter(None, (self._client, self._server)):
                writer.close()  # also one whose connection came about after the link had been ended
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

    def end(self, how: CutHow) -> None:
        """Closes both connections, with an RST or a FIN. A second call does nothing."""
        if self._ended:
            return
        self._ended = True
        for writer in (self._client, self._server):
            if writer is None:
                continue
            if how == "rst":
                with contextlib.suppress(OSError):
                    writer.get_extra_info("socket").setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                    )
                writer.transport.abort()
            else:
                writer.close()
        for pump in self._pumps:
            pump.cancel()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, to_client: bool) -> None:
        """Reads and hands on, in order, each piece after the delay that held when it arrived."""
        clock = asyncio.get_running_loop().time
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=64)
        deliver = asyncio.create_task(self._deliver(pieces, writer, to_client=to_client))
        try:
            data = b"-"
            while data:
                try:
                    data = await reader.read(_CHUNK)
                except OSError:
                    self.end("rst")  # a reset on one side is a reset on the other
                    return
                await pieces.put((clock() + self._relay.latency, data))
            await deliver
        finally:
            deliver.cancel()

    async def _deliver(
        self, pieces: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter, *, to_client: bool
    ) -> None:
        clock = asyncio.get_running_loop().time
        passed, silenced, tail = 0, False, b""
        while True:
            due, data = await pieces.get()
            await asyncio.sleep(max(0.0, due - clock()))
            await self._relay.hold()
            if not data:
                if not silenced and writer.can_write_eof() and not writer.is_closing():
                    writer.write_eof()
                return
            if silenced:
                continue
            stalls = self._relay.stall_behind(tail, data) if to_client else None
            tail = (tail + data)[-_LONGEST_TEXT:]
            if stalls is not None:
                self._relay.begin_stall()
                writer.write(data[:stalls])
                await self._relay.hold()
                data = data[stalls:]
            ending = self._relay.ending() if to_client else None
            last = ending is not None and passed + len(data) >= ending[1] and self._relay.take_ending()
            if last and ending is not None:
                data = data[: max(0, ending[1] - passed)]
            passed += len(data)
            if to_client:
                self._relay.count(len(data))
            try:
                writer.write(data)
                await writer.drain()
            except OSError:
                self.end("rst")  # the reader is gone; so is the sense of the whole link
                return
            if last and ending is not None:
                if ending[0] == "cut":
                    # An RST drops what lies in the socket's buffer; the client is to see the bytes before it.
                    await asyncio.sleep(0.05)
                    self.end(ending[2])
                    return
                writer.write_eof()
                silenced = True
