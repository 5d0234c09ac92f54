"""The plugin that lets other programs on this machine look into a running app (Bevy: ``bevy_remote``)."""

from __future__ import annotations

import asyncio
import errno
from functools import partial
from typing import TYPE_CHECKING, Final

from ecs_localai.remote.address import DEFAULT_PORT, LOOPBACK
from ecs_localai.remote.desk import RemoteDesk
from ecs_localai.remote.endpoint import RemoteEndpoint, RemoteOpened
from ecs_localai.runtime import Last, Plugin
from ecs_localai.runtime.type_registry import TypeRegistry

if TYPE_CHECKING:
    from ecs_localai.runtime import App, Task

_NOT_OURS: Final = (errno.EACCES, errno.EPERM)


class RemoteUnavailable(Exception):
    """The endpoint cannot listen. The app goes on without it."""


class RemotePlugin(Plugin):
    """Answers questions about a running app by JSON-RPC over HTTP, on 127.0.0.1 alone, and changes nothing.

    Bevy's ``RemotePlugin`` and ``RemoteHttpPlugin`` in one, with the names of its read-only methods. Not in any group
    of plugins: who wants it adds it. Every program on this machine can then read what the app's type registry knows.

    The server runs in the background from the first frame on; its port is in the resource `RemoteEndpoint` when it
    listens, which the event `RemoteOpened` tells. A port that cannot be had is reported like a system's failure.

    Args:
        port: on 127.0.0.1; Bevy's unless told otherwise, 0 for any that is free.
        answer_seconds: how long a request waits for a frame before it is answered by an error.

    Raises:
        ValueError: there is no such port, or `answer_seconds` is not above 0.
    """

    def __init__(self, port: int = DEFAULT_PORT, *, answer_seconds: float = 5.0) -> None:
        if not 0 <= port <= 65_535:
            raise ValueError(f"The port is {port}: give one from 1 to 65535, or 0 for any that is free.")
        if not answer_seconds > 0:
            raise ValueError(f"answer_seconds is {answer_seconds}: give a number of seconds above 0.")
        self._port = port
        self._answer_seconds = answer_seconds
        self._desk: RemoteDesk | None = None
        self._serving: Task[None] | None = None

    def build(self, app: App) -> None:
        """Add the system that answers, in `Last`."""
        app.init_resource(RemoteEndpoint)
        app.init_resource(TypeRegistry).register(RemoteOpened).leave_out(
            RemoteEndpoint, "It says where this run of the program listens, which the next one finds out for itself."
        )
        app.add_event(RemoteOpened)
        self._desk = RemoteDesk(app)
        app.add_systems(Last, self._desk.answer)

    def finish(self, app: App) -> None:
        """Begin to listen: from now on there are frames, and so somebody to answer."""
        if self._desk is not None:
            self._serving = app.tasks.spawn(self._serve(app, self._desk), "remote endpoint")

    def shutdown(self, app: App) -> None:
        """Nobody listens any more. The app's task pool ends the server and its connections."""
        endpoint = app.world.get_resource(RemoteEndpoint)
        if endpoint is not None:
            endpoint.port = None

    async def _serve(self, app: App, desk: RemoteDesk) -> None:
        from ecs_localai.remote.server import RemoteServer  # here, in the background: aiohttp takes 0.15 s to import

        try:
            async with RemoteServer(desk, self._answer_seconds).listening(self._port) as port:
                desk.tell(partial(_opened, app, port))
                await asyncio.Event().wait()  # until the app's shutdown cancels us
        except OSError as error:
            desk.tell(partial(_failed, app, _why(self._port, error)))


def _opened(app: App, port: int) -> None:
    endpoint = app.world.get_resource(RemoteEndpoint)
    if endpoint is not None:
        endpoint.port = port
        app.send_event(RemoteOpened(endpoint.url or ""))


def _failed(app: App, why: str) -> None:
    endpoint = app.world.get_resource(RemoteEndpoint)
    if endpoint is not None:
        endpoint.failure = why
    app.report_failure("RemotePlugin", "Last", RemoteUnavailable(why))


def _why(port: int, error: OSError) -> str:
    where = f"port {port} of {LOOPBACK}"
    if error.errno == errno.EADDRINUSE:
        return f"The remote endpoint is not there: {where} is in use. Choose another port, or 0 for any that is free."
    if error.errno in _NOT_OURS:
        return f"The remote endpoint is not there: {where} is not allowed to this program. Choose one above 1023."
    return f"The remote endpoint is not there: listening on {where} failed: {error.strerror or error}."
