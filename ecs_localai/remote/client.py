"""A client for the endpoint of an app that runs in another program, or thread, of this machine."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Final, Literal, TypeVar

import msgspec

from ecs_localai.remote.address import DEFAULT_PORT, url_of
from ecs_localai.remote.components import ComponentNamesNews, ComponentNews, ComponentValues
from ecs_localai.remote.connection import RemoteUnreachable, Response, post
from ecs_localai.remote.errors import ErrorObject
from ecs_localai.remote.events import EventNews
from ecs_localai.remote.queries import QueryRow
from ecs_localai.runtime import AppDescription

T = TypeVar("T")
_DATA: Final = b"data: "


class RemoteError(Exception):
    """The endpoint answered with an error."""

    def __init__(self, error: ErrorObject) -> None:
        super().__init__(error.message)
        self.code = error.code
        """One of those in `remote.errors`."""


class _Reply(msgspec.Struct):
    jsonrpc: Literal["2.0"]
    result: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: ErrorObject | None = None


class RemoteClient:
    """Asks the endpoint of a running app. Types are named in full, or by a short name that only one type has.

    It waits for answers, so it is not for a frame; each question is a connection of its own.

    Args:
        port: the endpoint's, on 127.0.0.1.
        timeout: seconds to wait for each piece of an answer.
    """

    def __init__(self, port: int = DEFAULT_PORT, *, timeout: float = 10.0) -> None:
        self.port = port
        self._timeout = timeout
        self._ids = itertools.count(1)

    def describe(self) -> AppDescription:
        """What is in the app. For what this and the other questions raise see `call`."""
        return self.call("app.describe", AppDescription)

    def query(
        self,
        components: Sequence[str] = (),
        *,
        option: Sequence[str] | Literal["all"] = (),
        has: Sequence[str] = (),
        with_: Sequence[str] = (),
        without: Sequence[str] = (),
        strict: bool = False,
    ) -> list[QueryRow]:
        """All entities that have `components`, with their values; by their numbers."""
        params = {
            "data": {"components": components, "option": option, "has": has},
            "filter": {"with": with_, "without": without},
            "strict": strict,
        }
        return sorted(self.call("world.query", list[QueryRow], params), key=lambda row: row.entity)

    def get_components(self, entity: int, components: Sequence[str]) -> ComponentValues:
        """The values of some of an entity's components."""
        return self.call("world.get_components", ComponentValues, {"entity": entity, "components": components})

    def list_components(self, entity: int | None = None) -> list[str]:
        """The names of an entity's components; without an entity, of all that any entity has."""
        return self.call("world.list_components", list[str], None if entity is None else {"entity": entity})

    def get_resource(self, resource: str) -> object:
        """The value of a resource, as plain data."""
        return self.call("world.get_resources", dict[str, object], {"resource": resource})["value"]

    def list_resources(self) -> list[str]:
        """The names of all resources."""
        return self.call("world.list_resources", list[str])

    def watch_components(
        self, entity: int, components: Sequence[str], *, timeout: float | None = None
    ) -> AbstractContextManager[Iterator[ComponentNews]]:
        """The values of some of an entity's components, and again those that change; see `watch`."""
        params = {"entity": entity, "components": components}
        return self.watch("world.get_components+watch", ComponentNews, params, timeout=timeout)

    def watch_component_names(
        self, entity: int, *, timeout: float | None = None
    ) -> AbstractContextManager[Iterator[ComponentNamesNews]]:
        """Which components an entity has, and again which it gets and loses; see `watch`."""
        return self.watch("world.list_components+watch", ComponentNamesNews, {"entity": entity}, timeout=timeout)

    def watch_events(
        self, events: Sequence[str] | None = None, *, timeout: float | None = None
    ) -> AbstractContextManager[Iterator[EventNews]]:
        """Events as they are written, of these types or of all; see `watch`."""
        return self.watch(
            "app.events+watch", EventNews, None if events is None else {"events": events}, timeout=timeout
        )

    def call(self, method: str, kind: type[T], params: Mapping[str, object] | None = None) -> T:
        """The answer to any method, as a value of this type.

        Raises:
            RemoteError: the endpoint answered with an error.
            RemoteUnreachable: nobody answers there, or not in time, or somebody who is no endpoint.
            ValueError: the method is one that watches.
        """
        with post(self.port, self._request(method, params), self._timeout) as response:
            if response.is_stream:
                raise ValueError(f"{method} is answered again and again: use watch() instead of call().")
            return self._result(response.read(), kind)

    @contextmanager
    def watch(
        self, method: str, kind: type[T], params: Mapping[str, object] | None = None, *, timeout: float | None = None
    ) -> Iterator[Iterator[T]]:
        """The news that any watching method tells, as an iterator inside a ``with`` block.

        It waits for news, at most `timeout` seconds (None: without end), and ends with the app. It raises what `call`
        raises; RemoteError where there is nothing to watch any more.
        """
        with post(self.port, self._request(method, params), timeout) as response:
            yield self._news(response, kind)

    def _request(self, method: str, params: Mapping[str, object] | None) -> bytes:
        request = {"jsonrpc": "2.0", "id": next(self._ids), "method": method}
        return msgspec.json.encode(request if params is None else request | {"params": params})

    def _news(self, response: Response, kind: type[T]) -> Iterator[T]:
        while line := response.read_line():
            if not response.is_stream:
                self._result(line + response.read(), kind)  # an error, for otherwise there would be a stream
            if line.startswith(_DATA):
                yield self._result(line[len(_DATA) :], kind)

    def _result(self, body: bytes, kind: type[T]) -> T:
        try:
            reply = msgspec.json.decode(body, type=_Reply)
            if reply.error is not None:
                raise RemoteError(reply.error)
            return msgspec.json.decode(b"null" if reply.result is msgspec.UNSET else reply.result, type=kind)
        except msgspec.MsgspecError as error:
            raise RemoteUnreachable(f"What answers at {url_of(self.port)} is no endpoint of ecs-localai's.") from error
