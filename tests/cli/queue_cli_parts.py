"""What the tests of the queue's commands share: a slow download, and the queue as programs see it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.cli.cli_parts import Cli, Ended, Running
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.rig.waiting import wait_until

WAIT = 90.0
"""Seconds that a machine under load is given for a step of two programs."""


def bytes_of(running: Running | Ended) -> float:
    """How far the download is, or was, that a command tells of."""
    found = 0.0
    for one in running.objects:
        progress = one.get("progress")
        if isinstance(progress, dict):
            found = max(found, float(progress["bytes_downloaded"]))
    return found


@contextmanager
def slow_install(cli: Cli, server: OllamaServer, registry: Registry, *more: str) -> Iterator[Running]:
    """``install`` of a model of 12 MB in a program of its own, with some of it there."""
    registry.files.throttle(1_000_000)
    name = registry.name_for("middle:latest")
    with cli.start("install", name, "--insecure", "--json", "--host", server.host_port, *more) as running:
        wait_until(
            lambda: running.process.poll() is not None or bytes_of(running) > 1e6,
            WAIT,
            lambda: f"a download under way in {running.out}{running.err}",
        )
        assert running.process.poll() is None, (running.out, running.err)
        yield running


def queue_of(cli: Cli) -> list[dict[str, object]]:
    """What ``queue --json`` says."""
    ended = cli.run("queue", "--json")
    assert (ended.code, ended.err) == (0, "")
    return ended.objects


def put_off(cli: Cli, server: OllamaServer, *names: str) -> Ended:
    """Put models into the queue that are not to begin today."""
    ended = cli.run("install", *names, "--insecure", "--at", "03:03", "--host", server.host_port)
    assert ended.code == 0, ended
    return ended
