"""Lines of progress through our client and through Ollama's own Python client: CPU a line, and time to the first one.

Both pull from a small real HTTP server that says a recorded pull, with every progress line repeated in its place until
there are enough. Once all at once, so that reading lines is what costs; once with a flush after each line, as a real
server sends them (only faster), so that waking up is what costs: for those two the client has made a call before. The
first line is timed from the client's making, with all modules imported: for the first one of a process, in which all
code runs for the first time, and for those made later in it (the goal is for these).

    python -m benchmarks.client_lines WAY URL

is one contestant in a process of its own: ``ours`` or ``official``, each also with ``_new`` for clients that have made
no call before; it prints what its pulls took as a JSON list.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from statistics import median

import msgspec

from benchmarks.measuring import by_turns, ratio
from benchmarks.ndjson import serving
from benchmarks.process_cost import run_to_end
from benchmarks.results import Figure, ratio_figure
from tests.ollama.ollama_parts import recorded_lines

TITLE = "lines of progress through our client, against the official Python client"
MODEL = "smollm2:135m"
APART_S = 0.005
BULK_GOAL = 1 / 8
FLUSHED_GOAL = 1 / 2
FIRST_GOAL = 1 / 20


class Read(msgspec.Struct):
    """What a pull took: CPU time of the whole process, and what it took until the first line."""

    cpu_s: float
    first_s: float
    first_cpu_s: float


def body_of(count: int) -> list[bytes]:
    """A recorded pull with each progress line said again in its place until there are about so many lines."""
    recorded = [line + b"\n" for line in recorded_lines("fresh")]
    times = -(-count // len(recorded))
    return [line for line in recorded for _ in range(times if b'"completed"' in line else 1)]


def read_with_ours(url: str, warm: bool, times: int) -> list[Read]:
    """Pull with our client, each time with a new one."""
    import ecs_localai.ollama.transport  # noqa: F401 - imports are not what is measured
    from ecs_localai.ollama.client import OllamaClient

    first: list[tuple[float, float]] = []

    def note(_: object) -> None:
        if not first:
            first.append((time.perf_counter(), time.process_time()))

    async def pull() -> Read:
        first.clear()
        begun, cpu = time.perf_counter(), time.process_time()
        async with OllamaClient(url) as client:
            if warm:
                await client.tags()
                begun, cpu = time.perf_counter(), time.process_time()
            await client.pull(MODEL, on_progress=note)
            return Read(time.process_time() - cpu, first[0][0] - begun, first[0][1] - cpu)

    async def pull_all() -> list[Read]:
        return [await pull() for _ in range(times)]

    return asyncio.run(pull_all())


def read_with_official(url: str, warm: bool, times: int) -> list[Read]:
    """Pull with Ollama's own client, as its documentation shows it; each time with a new one."""
    import ollama  # noqa: F401 - imports are not what is measured

    return [_read_with_official(url, warm) for _ in range(times)]


def _read_with_official(url: str, warm: bool) -> Read:
    import ollama

    begun, cpu = time.perf_counter(), time.process_time()
    client = ollama.Client(host=url)
    if warm:
        client.list()
        begun, cpu = time.perf_counter(), time.process_time()
    first: list[tuple[float, float]] = []
    status = None
    for progress in client.pull(MODEL, stream=True):
        if not first:
            first.append((time.perf_counter(), time.process_time()))
        status = progress.status
    if status != "success":
        raise SystemExit(f"the pull ended with {status}")
    return Read(time.process_time() - cpu, first[0][0] - begun, first[0][1] - cpu)


NEW_ONES = 16
"""So many new clients one after the other; the later half of them finds all code run before."""
LATER = slice(NEW_ONES // 2, None)
WAYS: dict[str, Callable[[str], list[Read]]] = {
    "ours": partial(read_with_ours, warm=True, times=1),
    "ours_new": partial(read_with_ours, warm=False, times=NEW_ONES),
    "official": partial(read_with_official, warm=True, times=1),
    "official_new": partial(read_with_official, warm=False, times=NEW_ONES),
}


def run_alone(way: str, url: str) -> list[Read]:
    """One contestant in a process of its own."""
    ended = run_to_end([sys.executable, "-m", "benchmarks.client_lines", way, url])
    return msgspec.json.decode(ended.output, type=list[Read])


def compare_cpu(what: str, count: int, apart_s: float, rounds: int, goal: float) -> Figure:
    """Both clients by turns."""
    lines = body_of(count)
    with serving(lines, apart_s) as url:
        found = by_turns({way: partial(run_alone, way, url) for way in ("ours", "official")}, rounds)

    def microseconds(runs: list[list[Read]]) -> list[float]:
        return [one.cpu_s / len(lines) * 1e6 for run in runs for one in run]

    ours, official = microseconds(found["ours"]), microseconds(found["official"])
    return ratio_figure(f"CPU: {len(lines):,} {what}", ratio(ours, official), ours, official, "us a line", goal)


def compare_first(rounds: int) -> list[Figure]:
    """How soon the first line is there; on the wall clock also by the server and by whoever else runs."""
    recorded = body_of(1)
    with serving_at_once(recorded[0] + recorded[-1]) as url:
        found = by_turns({way: partial(run_alone, way, url) for way in ("ours_new", "official_new")}, rounds)

    def compare(what: str, seconds: Callable[[list[Read]], float], goal: float | None = None) -> Figure:
        ours, official = ([seconds(run) * 1e3 for run in found[way]] for way in ("ours_new", "official_new"))
        return ratio_figure(what, ratio(ours, official), ours, official, "ms", goal)

    return [
        compare(
            "CPU: to the first line of a new client",
            lambda run: median(one.first_cpu_s for one in run[LATER]),
            FIRST_GOAL,
        ),
        compare("wall: to the first line of a new client", lambda run: median(one.first_s for one in run[LATER])),
        compare("CPU: to the first line of a process's first", lambda run: run[0].first_cpu_s),
        compare("wall: to the first line of a process's first", lambda run: run[0].first_s),
    ]


@contextmanager
def serving_at_once(body: bytes) -> Iterator[str]:
    """A server of as little as HTTP needs, whose answer costs next to nothing; yields its URL."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nContent-Length: {len(body)}\r\n"
    answer = head.encode() + b"Connection: close\r\n\r\n" + body

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                asked, piece = b"", b"?"
                while piece and b"}" not in asked and b"POST".startswith(asked[:4]):
                    piece = client.recv(65536)  # until the body, which is one object; nobody else is listened to
                    asked += piece
                if b"}" in asked:
                    client.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, name="benchmark-first-line", daemon=True)
        server.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            server.join()


def measure(quick: bool) -> list[Figure]:
    """Compare both in all three respects."""
    rounds = 3 if quick else 15
    return [
        compare_cpu("lines at once", 40_000, 0.0, rounds, BULK_GOAL),
        compare_cpu("lines, one flush each", 600, APART_S, rounds, FLUSHED_GOAL),
        *compare_first(rounds),
    ]


def main() -> int:
    """Be one contestant, and print what the pull took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=list(WAYS))
    parser.add_argument("url")
    wanted = parser.parse_args()
    print(msgspec.json.encode(WAYS[wanted.way](wanted.url)).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
