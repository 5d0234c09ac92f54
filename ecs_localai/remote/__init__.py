"""A look into a running app from another program on the same machine (Bevy: ``bevy_remote``).

Off unless an app has the `RemotePlugin`. It only reads, and only 127.0.0.1 is listened on.
"""

from ecs_localai.remote.address import DEFAULT_PORT
from ecs_localai.remote.client import RemoteClient, RemoteError
from ecs_localai.remote.connection import RemoteUnreachable
from ecs_localai.remote.endpoint import RemoteEndpoint, RemoteOpened
from ecs_localai.remote.plugin import RemotePlugin, RemoteUnavailable

__all__ = [
    "DEFAULT_PORT",
    "RemoteClient",
    "RemoteEndpoint",
    "RemoteError",
    "RemoteOpened",
    "RemotePlugin",
    "RemoteUnavailable",
    "RemoteUnreachable",
]
