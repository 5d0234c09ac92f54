"""What is known about the endpoint inside the app."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from ecs_localai.remote.address import url_of


@dataclass(slots=True)
class RemoteEndpoint:
    """A resource of apps that have the `RemotePlugin`: whether it listens, and where."""

    port: int | None = None
    """The port on 127.0.0.1; None while it does not listen (yet)."""
    failure: str | None = None
    """Why it does not listen, in a sentence; None where nothing is wrong."""

    @property
    def url(self) -> str | None:
        """Where to send requests; None while it does not listen."""
        return None if self.port is None else url_of(self.port)


class RemoteOpened(msgspec.Struct, frozen=True):
    """The event that says that the endpoint listens now."""

    url: str
