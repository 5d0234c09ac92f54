"""The sockets of a transport, and which addresses ``localhost`` means. Imports aiohttp."""

from __future__ import annotations

import socket

from aiohttp.abc import AbstractResolver, ResolveResult

__all__ = ["LocalhostResolver", "keepalive_socket"]

_KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPALIVE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}


def keepalive_socket(info: tuple[object, ...]) -> socket.socket:
    """Make a socket that notices within a minute that the other machine is gone.

    A pull may be silent for minutes while big blobs are verified, so silence alone is no sign.
    """
    family, kind, protocol = info[:3]
    made = socket.socket(_number(family), _number(kind), _number(protocol))
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        option = getattr(socket, name, None)
        if isinstance(option, int):
            made.setsockopt(socket.IPPROTO_TCP, option, value)
    return made


def _number(value: object) -> int:
    return value if isinstance(value, int) else -1


class LocalhostResolver(AbstractResolver):
    """Resolves ``localhost`` without asking the system: 127.0.0.1, then ::1.

    Ollama listens on 127.0.0.1 alone unless told otherwise, while systems often name ::1 first.
    """

    def __init__(self, candidates: tuple[str, ...]) -> None:
        self._candidates = candidates

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the candidates in their order."""
        return [
            ResolveResult(
                hostname=host,
                host=candidate,
                port=port,
                family=socket.AF_INET6 if ":" in candidate else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for candidate in self._candidates
        ]

    async def close(self) -> None:
        """Nothing to close."""
