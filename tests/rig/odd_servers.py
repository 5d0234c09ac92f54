"""Real HTTP servers that are not Ollama, each wrong in its own way, for a client to meet by mistake."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
import threading
from abc import ABC, abstractmethod
from types import TracebackType

from tests.rig.loop_thread import LoopThread


class OddServer(ABC):
    """Serves on 127.0.0.1 from a thread of its own, as soon as it is made; ``stop`` it, or use ``with``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[str] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._thread = LoopThread(f"rig-{type(self).__name__}")
        self._server = self._thread.run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self._port = int(self._server.sockets[0].getsockname()[1])

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1."""
        return self._port

    @property
    def base_url(self) -> str:
        """``http://127.0.0.1:<port>``."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def requests(self) -> list[str]:
        """The first line of every request so far, like ``GET /api/tags``."""
        with self._lock:
            return list(self._requests)

    def stop(self) -> None:
        """Ends the server and its connections. A second call does nothing."""
        if not self._thread.loop.is_closed():
            self._thread.run(self._close())
            self._thread.stop()

    async def _close(self) -> None:
        self._server.close()
        # Who was let in a moment ago is served in a task that has not begun yet: each is waited for.
        while served := asyncio.all_tasks() - {asyncio.current_task()}:
            for writer in list(self._writers):
                writer.transport.abort()
            await asyncio.wait(served, timeout=0.05)
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            # Whatever the client does to its end of the connection concerns the client alone.
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._serve_requests(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            self._writers.discard(writer)

    async def _serve_requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, path = head.split(" ", 2)[:2]
            for line in head.split("\r\n"):
                name, _, value = line.partition(":")
                if name.lower() == "content-length":
                    await reader.readexactly(int(value))
            with self._lock:
                self._requests.append(f"{method} {path}")
            if not self.lets_in(head):
                writer.transport.abort()
                return
            await self.respond(method, path, writer)
            await writer.drain()

    def lets_in(self, head: str) -> bool:
        """Whether a request with this head, all of its lines, is answered; else its connection is reset."""
        return True

    @abstractmethod
    async def respond(self, method: str, path: str, writer: asyncio.StreamWriter) -> None:
        """Answers one request by writing to ``writer``."""

    def __enter__(self) -> OddServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class CaptivePortal(OddServer):
    """Answers everything with 200 and a page in HTML, as the login page of a hotel's network does."""

    PAGE = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body>Please log in.</body></html>"

    async def respond(self, method: str, path: str, writer: asyncio.StreamWriter) -> None:
        """The page, whatever was asked for."""
        _write(writer, method, "200 OK", "text/html; charset=utf-8", self.PAGE)


class OtherJsonApi(OddServer):
    """Some other program's JSON API: knows ``/``, answers 404 in JSON to everything else."""

    async def respond(self, method: str, path: str, writer: asyncio.StreamWriter) -> None:
        """A greeting in JSON, or a JSON error."""
        if path == "/":
            status, answer = "200 OK", {"service": "inventory", "items": 3}
        else:
            status, answer = "404 Not Found", {"message": f"no route {path}", "code": 404}
        _write(writer, method, status, "application/json", json.dumps(answer).encode())


class LooseJsonApi(OddServer):
    """Some other program's JSON API that answers 200 and valid JSON of the wrong shape to everything."""

    async def respond(self, method: str, path: str, writer: asyncio.StreamWriter) -> None:
        """A list where Ollama would send an object."""
        _write(writer, method, "200 OK", "application/json", json.dumps([1, "two", {"three": None}]).encode())


class LongLines(OddServer):
    """Answers with lines of ``size`` bytes: one JSON object to GET, three lines of NDJSON to everything else."""

    def __init__(self, size: int = 10_000_000) -> None:
        self._size = size
        super().__init__()

    async def respond(self, method: str, path: str, writer: asyncio.StreamWriter) -> None:
        """The long lines."""
        shell = len(json.dumps({"status": ""})) + 1
        line = json.dumps({"status": "x" * (self._size - shell)}).encode() + b"\n"
        count = 1 if method in ("GET", "HEAD") else 3
        kind = "application/json" if count == 1 else "application/x-ndjson"
        _write(writer, method, "200 OK", kind, line * count)


class HalfCloser(OddServer):
    """Sends the headers of a good answer, closes its sending side, and goes on listening: the body never comes."""

    async def respond(self, method: str, path: str, writer: asyncio.StreamWriter) -> None:
        """Headers that promise a body, then a FIN."""
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 400\r\n\r\n")
        await writer.drain()
        writer.write_eof()


class Silent(OddServer):
    """Accepts connections and requests and never answers a byte."""

    async def respond(self, method: str, path: str, writer: asyncio.StreamWriter) -> None:
        """Nothing, until the server is stopped or the client is gone."""
        await writer.wait_closed()


class NotHttp(OddServer):
    """Greets as a mail server does: something answers on the port, and it is not HTTP."""

    async def respond(self, method: str, path: str, writer: asyncio.StreamWriter) -> None:
        """A line of SMTP."""
        writer.write(b"220 mail.example ESMTP ready\r\n")
        await writer.drain()
        writer.close()


# Where neither `free_port` nor the system gives out ports, each once: two hosts at one port would be one host.
_closed_ports = iter(random.sample(range(12_000, 20_000), 8_000))


def closed_port() -> int:
    """A port of 127.0.0.1 on which nobody listens: connecting to it is refused. Another one each time."""
    for port in _closed_ports:
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise OSError("all closed ports have been given out")


def _write(writer: asyncio.StreamWriter, method: str, status: str, content_type: str, body: bytes) -> None:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + (b"" if method == "HEAD" else body))
