"""A small HTTP server before a real Ollama: it refuses some requests, as a proxy does, and passes the others on."""

from __future__ import annotations

import asyncio

from tests.ollama.recorded_answers import LoopServer


class BusyDoor(LoopServer):
    """Refuses the first ``refusals`` requests with the ``answer``; later ones go on to ``port`` of 127.0.0.1.

    ``asked`` has the moments of all requests, by the loop's clock, and what they asked for.
    """

    def __init__(self, port: int, answer: bytes, refusals: int) -> None:
        super().__init__()
        self._far = port
        self._answer = answer
        self._left = refusals
        self.asked: list[tuple[float, str]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Refuses, or passes one request on and ends the connection."""
        head = await reader.readuntil(b"\r\n\r\n")
        clock = asyncio.get_running_loop().time
        self.asked.append((clock(), b" ".join(head.split(b" ", 2)[:2]).decode()))
        if self._left > 0:
            self._left -= 1
            writer.write(self._answer)
            await writer.drain()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._far)
        far_writer.write(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))

        async def there() -> None:
            while data := await reader.read(65536):
                far_writer.write(data)
                await far_writer.drain()

        pump = asyncio.create_task(there())
        try:
            while data := await far_reader.read(65536):
                writer.write(data)
                await writer.drain()
        finally:
            pump.cancel()
            far_writer.close()
            await asyncio.gather(pump, far_writer.wait_closed(), return_exceptions=True)


def refusing(status: str, *headers: str, body: bytes = b'{"error":"not now"}') -> bytes:
    """An answer with this status and these header lines."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body
