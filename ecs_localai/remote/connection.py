"""One HTTP request to the endpoint, with nothing but the standard library, so that a command is soon there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ecs_localai.remote.address import LOOPBACK, url_of

if TYPE_CHECKING:
    from http.client import HTTPResponse


class RemoteUnreachable(Exception):
    """Nobody answers there, or not in time, or somebody who is no endpoint. The message is a sentence."""


class Response:
    """The answer as it comes in."""

    def __init__(self, port: int, response: HTTPResponse) -> None:
        self._port = port
        self._response = response

    @property
    def is_stream(self) -> bool:
        """Whether there is more to come than one answer."""
        return self._response.headers.get_content_type() == "text/event-stream"

    def read(self) -> bytes:
        """All of it.

        Raises:
            RemoteUnreachable: it does not come.
        """
        with _explained(self._port):
            return self._response.read()

    def read_line(self) -> bytes:
        """The next line; empty at the end.

        Raises:
            RemoteUnreachable: it does not come.
        """
        with _explained(self._port):
            return self._response.readline()


@contextmanager
def post(port: int, body: bytes, timeout: float | None) -> Iterator[Response]:
    """Send a request, and give the answer inside a ``with`` block.

    Raises:
        RemoteUnreachable: nobody answers there, or not within `timeout` seconds, or not in HTTP.
    """
    from http.client import HTTPConnection  # here, because an app that is only asked does not need it

    connection = HTTPConnection(LOOPBACK, port, timeout=timeout)
    try:
        with _explained(port):
            connection.request("POST", "/", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
        with response:
            yield Response(port, response)
    finally:
        connection.close()


@contextmanager
def _explained(port: int) -> Iterator[None]:
    """Turn what a connection raises into a sentence."""
    from http.client import HTTPException

    try:
        yield
    except TimeoutError as error:
        raise RemoteUnreachable(f"{url_of(port)} did not answer in time.") from error
    except ConnectionRefusedError as error:
        raise RemoteUnreachable(
            f"Nobody answers at {url_of(port)}. Start the program with --remote, or with the RemotePlugin in its app."
        ) from error
    except (OSError, HTTPException) as error:
        raise RemoteUnreachable(f"The connection to {url_of(port)} failed: {error or type(error).__name__}.") from error
