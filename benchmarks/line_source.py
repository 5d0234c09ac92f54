"""A server that streams a pull's progress at a steady rate, in a process of its own so that it shares no interpreter.

    python -m benchmarks.line_source LINES_A_SECOND LINES

answers ``/api/pull`` with that many lines of a recorded pull, a few of them every millisecond, prints the port that it
listens on, and ends when its standard input does.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from benchmarks.ndjson import body_of
from benchmarks.process_cost import ROOT

STEP_S = 0.001


@contextmanager
def line_source(lines_a_second: int, lines: int) -> Iterator[str]:
    """The server while it is needed; yields its URL."""
    command = [sys.executable, "-m", "benchmarks.line_source", str(lines_a_second), str(lines)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the line source has no pipes")
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()


def source(lines_a_second: int, lines: list[bytes]) -> web.Application:
    """The application."""
    a_step = max(1, round(lines_a_second * STEP_S))
    pieces = [b"".join(lines[start : start + a_step]) for start in range(0, len(lines), a_step)]

    async def pull(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        loop = asyncio.get_running_loop()
        due = loop.time()
        for piece in pieces:
            await response.write(piece)
            due += a_step / lines_a_second
            await asyncio.sleep(max(0.0, due - loop.time()))
        await response.write_eof()
        return response

    application = web.Application()
    application.router.add_post("/api/pull", pull)
    return application


async def serve(application: web.Application) -> None:
    """Serve until standard input ends."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


def main() -> int:
    """Serve what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lines_a_second", type=int)
    parser.add_argument("lines", type=int)
    wanted = parser.parse_args()
    asyncio.run(serve(source(wanted.lines_a_second, body_of(wanted.lines))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
