"""CPU for a line of a pull's progress: our client against Ollama's own Python client.

Both read the same bytes from a small real HTTP server: a recorded pull, its progress lines said over and over. Once
all at once, so that decoding is what costs; once line by line, as a real server sends them (only faster), so that
waking up is what costs. The client has made a call before, so that what is done once is left out.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from aiohttp import web

from benchmarks.measuring import by_turns, ratio
from benchmarks.process_cost import Pulled, run_contestant
from benchmarks.results import Figure, ratio_figure
from tests.ollama.ollama_parts import recorded_lines
from tests.rig.loop_thread import LoopThread

TITLE = "CPU for one progress line of a pull, against the official Python client"
PIECE = 64 * 1024
APART_S = 0.005
MODEL = "smollm2:135m"


def body_of(lines: int) -> list[bytes]:
    """A recorded pull with its progress lines repeated until it has this many."""
    recorded = [line + b"\n" for line in recorded_lines("fresh")]
    progress = [line for line in recorded if b'"completed"' in line]
    start, end = recorded.index(progress[0]), recorded.index(progress[-1]) + 1
    times = -(-lines // len(progress))
    return recorded[:start] + (progress * times)[: lines - len(recorded) + len(progress)] + recorded[end:]


class LineServer:
    """Answers ``/api/pull`` with lines and ``/api/tags`` with nothing, on 127.0.0.1, in a thread of its own."""

    def __init__(self, lines: list[bytes], apart_s: float) -> None:
        self._lines = lines
        self._apart_s = apart_s
        self._thread = LoopThread("benchmark-line-server")
        self.url, self._runner = self._thread.run(self._serve())

    async def _serve(self) -> tuple[str, web.AppRunner]:
        app = web.Application()
        app.router.add_post("/api/pull", self._pull)
        app.router.add_get("/api/tags", self._tags)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        listener = socket.create_server(("127.0.0.1", 0))
        await web.SockSite(runner, listener).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}", runner

    async def _pull(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        if self._apart_s:
            for line in self._lines:
                await response.write(line)
                await asyncio.sleep(self._apart_s)
        else:
            whole = b"".join(self._lines)
            for start in range(0, len(whole), PIECE):
                await response.write(whole[start : start + PIECE])
        await response.write_eof()
        return response

    async def _tags(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"models": []})

    def stop(self) -> None:
        """End the server."""
        self._thread.run(self._runner.cleanup())
        self._thread.stop()


@contextmanager
def serving(lines: list[bytes], apart_s: float) -> Iterator[str]:
    """A server while it is needed; yields its URL."""
    server = LineServer(lines, apart_s)
    try:
        yield server.url
    finally:
        server.stop()


def compare(what: str, count: int, apart_s: float, rounds: int) -> Figure:
    """Both clients by turns, in processes of their own."""
    lines = body_of(count)
    with serving(lines, apart_s) as url:
        ways = ("running_client", "running_official")
        found = by_turns({way: partial(run_contestant, way, url, MODEL) for way in ways}, rounds)

    def microseconds(runs: list[Pulled]) -> list[float]:
        return [one.pull.cpu_s / len(lines) * 1e6 for one in runs]

    ours, official = microseconds(found["running_client"]), microseconds(found["running_official"])
    return ratio_figure(what, ratio(ours, official), ours, official, "us a line")


def measure(quick: bool) -> list[Figure]:
    """Compare both ways in which lines come."""
    return [
        compare("20,000 lines at once", 20_000, 0.0, 3 if quick else 15),
        compare("400 lines, 5 ms apart", 400, APART_S, 3 if quick else 15),
    ]
