"""Serves what is no Ollama on ports of its own, prints them, and ends when its standard input does."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.rig.odd_servers import (  # the path above comes first
    CaptivePortal,
    LooseJsonApi,
    NotHttp,
    OddServer,
    OtherJsonApi,
    Silent,
)


class VersionedWebApp(OddServer):
    """A web application that tells a version at ``/api/version``, as Open WebUI does, and has a page for all else."""

    async def respond(self, method: str, path: str, writer: asyncio.StreamWriter) -> None:
        """The version, or the page."""
        kind, body = "text/html", b"<!doctype html><title>chat</title>"
        if path == "/api/version":
            kind, body = "application/json", json.dumps({"version": "0.6.5", "deployment_id": ""}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)


def main() -> None:
    with ExitStack() as stack:
        servers = [CaptivePortal(), LooseJsonApi(), NotHttp(), OtherJsonApi(), Silent(), VersionedWebApp()]
        for server in servers:
            stack.callback(server.stop)
        sys.stdout.write(" ".join(f"{type(server).__name__}={server.port}" for server in servers) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
