"""What a real server answers, byte by byte, and a server that says exactly this again: whole, or with a fault in it.

`Recorder` stands between a client and a server and keeps each answer with the request that it belongs to. `Replayer`
gives the answers back; one of them with a fault at a byte position.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Mapping
from enum import StrEnum
from types import TracebackType
from typing import NamedTuple, Self


class Fault(StrEnum):
    """What happens at a position of an answer."""

    NONE = "none"
    DELAY = "delay"  # the rest comes a little later
    FIN = "fin"  # the connection is closed
    RST = "rst"  # the connection is reset
    HALF_CLOSE = "half_close"  # nothing more is sent, but the connection is still read
    STALL = "stall"  # nothing more comes
    CORRUPT = "corrupt"  # a bit of this byte is another one


class Damage(NamedTuple):
    """A fault in the answer to one request, as ``GET /api/tags``."""

    request: str
    fault: Fault
    position: int


_PAUSE_S = 0.002


class LoopServer:
    """Serves on 127.0.0.1 in the running loop, in an ``async with`` block."""

    def __init__(self) -> None:
        self.port = 0
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def base_url(self) -> str:
        """``http://127.0.0.1:<port>``."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for _ in range(5):  # turns of the loop: who was let in just now is served by then, and can be ended
            await asyncio.sleep(0)
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        try:
            # Whatever the client does to its end of the connection concerns the client alone.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self.serve(reader, writer)
        except asyncio.CancelledError:
            pass  # the server ends
        finally:
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        raise NotImplementedError


class Recorder(LoopServer):
    """Passes everything on to ``port`` of 127.0.0.1, and keeps the last answer to each request."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._far = port
        self.answers: dict[str, bytes] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Passes one connection on."""
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._far)
        asked = b""
        answered = bytearray()

        async def there() -> None:
            nonlocal asked, answered
            while data := await reader.read(65536):
                if answered or not asked:  # the next request of this connection
                    asked, answered = data, bytearray()
                far_writer.write(data)
                await far_writer.drain()
            far_writer.write_eof()

        pump = asyncio.create_task(there())
        try:
            while data := await far_reader.read(65536):
                answered += data
                self.answers[b" ".join(asked.split(b" ", 2)[:2]).decode()] = bytes(answered)
                writer.write(data)
                await writer.drain()
        finally:
            pump.cancel()
            far_writer.close()
            await asyncio.gather(pump, far_writer.wait_closed(), return_exceptions=True)


class Replayer(LoopServer):
    """Gives recorded answers; the one that ``damage`` names with its fault."""

    def __init__(self, answers: Mapping[str, bytes], damage: Damage | None = None) -> None:
        super().__init__()
        self._answers = answers
        self._damage = damage

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers the requests of one connection."""
        while True:
            asked = await read_request(reader)
            answer = self._answers.get(asked)
            if answer is None:  # not our client: somebody looks for Ollamas on the ports of this machine
                return
            damage = self._damage
            if damage is None or damage.request != asked or damage.fault is Fault.NONE:
                writer.write(answer)
                await writer.drain()
            elif not await self._spoil(reader, writer, answer, damage):
                return
            if b"\r\nconnection: close" in answer.partition(b"\r\n\r\n")[0].lower():
                return

    async def _spoil(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: bytes, damage: Damage
    ) -> bool:
        """Answer with the fault; whether the connection goes on."""
        position = damage.position
        if damage.fault is Fault.CORRUPT:
            bit = 1 << (position % 8 if position % 3 else 0)
            answer = answer[:position] + bytes([answer[position] ^ bit]) + answer[position + 1 :]
            writer.write(answer)
            await writer.drain()
            return True
        writer.write(answer[:position])
        await writer.drain()
        if damage.fault is Fault.DELAY:
            await asyncio.sleep(_PAUSE_S)
            writer.write(answer[position:])
            await writer.drain()
            return True
        if damage.fault is Fault.RST:
            made = writer.get_extra_info("socket")
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        elif damage.fault in (Fault.HALF_CLOSE, Fault.STALL):
            if damage.fault is Fault.HALF_CLOSE:
                writer.write_eof()
            while await reader.read(65536):  # until the client goes
                pass
        return False


async def read_request(reader: asyncio.StreamReader) -> str:
    """Read a whole request; its method and path. Raises IncompleteReadError at the connection's end.

    Raises ConnectionError where somebody begins to speak TLS, which a server of plain HTTP ends at once.
    """
    first = await reader.readexactly(1)
    if first == b"\x16":
        raise ConnectionResetError("a TLS handshake")
    head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    if "content-length" in headers:
        await reader.readexactly(int(headers["content-length"]))
    elif headers.get("transfer-encoding") == "chunked":
        while size := int(await reader.readuntil(b"\r\n"), 16):
            await reader.readexactly(size + 2)
        await reader.readexactly(2)
    return " ".join(lines[0].split(" ")[:2])
