"""Bodies that are no JSON, or JSON of a kind that breaks decoders: a typed error, whichever call reads them."""

from __future__ import annotations

import asyncio

import pytest

from ecs_localai.ollama import OllamaClient
from ecs_localai.ollama.errors import BadReply, NotAnOllama, OllamaError
from tests.ollama.recorded_answers import LoopServer, read_request

BODIES = {
    "not_utf8": b'{"models":[{"name":"\xff\xfe"}],"error":"\xff","status":"\xff","response":"\xff"}',
    "deep": b'{"models":' + b"[" * 100_000,
    "deep_elsewhere": b'{"unknown":' + b'{"a":' * 100_000,
    "big_number": b'{"models":[{"size":1e400}],"total":1e400,"eval_count":1e400,"error":1e400}',
    "cut": b'{"models":[{"name":"x',
    "zeros": b"\0" * 1000,
    "byte_order_mark": b'\xef\xbb\xbf{"models":[]}',
}


class Saying(LoopServer):
    """Answers everything with one body."""

    def __init__(self, status: str, body: bytes) -> None:
        super().__init__()
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._answer = head.encode() + body

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The requests of one connection."""
        while True:
            await read_request(reader)
            writer.write(self._answer)
            await writer.drain()


@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request", "404 Not Found", "503 Service Unavailable"])
@pytest.mark.parametrize("name", BODIES)
async def test_what_cannot_be_read_is_a_typed_error(name: str, status: str) -> None:
    async with Saying(status, BODIES[name]) as server, OllamaClient(server.base_url, timeout=5) as client:
        for call in (
            client.tags(),
            client.show("x"),
            client.generate("x", "y", stall_timeout=5),
            client.create("x", source="y", stall_timeout=5),
            client.pull("x", stall_timeout=5),
            client.embed("x", "y", stall_timeout=5),
        ):
            with pytest.raises(OllamaError) as caught:
                await call
            if status.startswith("200"):
                assert isinstance(caught.value, BadReply | NotAnOllama) or caught.value.detail
