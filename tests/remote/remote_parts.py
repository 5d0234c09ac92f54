"""What the tests of the remote endpoint share: an app that is stepped while somebody asks it from another thread."""

from __future__ import annotations

import contextlib
import enum
import http.client
import json
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import TypeVar

from ecs_localai.remote import RemoteClient, RemoteEndpoint, RemotePlugin
from ecs_localai.runtime import App
from ecs_localai.runtime.type_registry import TypeRegistry
from ecs_localai.testing import run_until

T = TypeVar("T")
HERE = "tests.remote.remote_parts"


class Mood(enum.Enum):
    """What an enumeration is written as."""

    CALM = 1
    WILD = 2


@dataclass
class Position:
    """A component."""

    x: float = 0.0
    y: float = 0.0


@dataclass
class Creature:
    """Another component."""

    name: str = ""
    mood: Mood = Mood.CALM


@dataclass
class Diary:
    """A component that nobody registers."""

    text: str = "dear diary"


@dataclass
class Weather:
    """A resource."""

    degrees: float = 20.0
    winds: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Sang:
    """An event."""

    song: str


def open_remote(app: App, answer_seconds: float = 5.0) -> Remote:
    """Add the plugin and the types above to an app, and run frames until the endpoint listens on a free port."""
    app.add_plugins(RemotePlugin(0, answer_seconds=answer_seconds))
    app.world.resource(TypeRegistry).register(Position, Creature, Weather, Sang)
    return opened_remote(app)


def opened_remote(app: App) -> Remote:
    """Run frames until the endpoint listens."""
    endpoint = app.world.resource(RemoteEndpoint)
    run_until(app, lambda: endpoint.port, describe="the endpoint's port")
    assert endpoint.port is not None
    return Remote(app, endpoint.port)


@dataclass
class Reply:
    """An HTTP answer."""

    status: int
    body: bytes
    content_type: str | None

    @property
    def data(self) -> dict[str, object]:
        """The body, which is a JSON object."""
        value = json.loads(self.body)
        assert isinstance(value, dict), value
        return value

    @property
    def error_code(self) -> object:
        """JSON-RPC's."""
        error = self.data["error"]
        assert isinstance(error, dict), error
        assert str(error["message"]).endswith("."), error
        return error["code"]


@dataclass
class Remote:
    """An app with an endpoint. Whoever asks does so in another thread, while this one runs frames."""

    app: App
    port: int

    @property
    def client(self) -> RemoteClient:
        """A new client."""
        return RemoteClient(self.port)

    def ask(self, question: Callable[[RemoteClient], T]) -> T:
        """Run frames until the question has its answer, and return that."""
        return self.stepped(lambda: question(self.client))

    def result(self, method: str, params: Mapping[str, object] | None = None) -> object:
        """The result of any method."""
        return self.ask(lambda client: client.call(method, object, params))

    def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> Reply:
        """Run frames until the request has its answer; `headers` besides those that a proper client sends."""
        return self.stepped(lambda: post(self.port, body, headers))

    def stepped(self, work: Callable[[], T]) -> T:
        """Run frames until `work`, in a thread of its own, is done."""
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(work)
            run_until(self.app, future.done, describe="the answer")
            return future.result()


def post(port: int, body: bytes, headers: Mapping[str, str] | None = None, method: str = "POST") -> Reply:
    """Send a request and wait for its answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, "/", body, {"Content-Type": "application/json", **(headers or {})})
        response = connection.getresponse()
        return Reply(response.status, response.read(), response.getheader("Content-Type"))
    finally:
        connection.close()


def request(method: str, request_id: object = 1, **params: object) -> bytes:
    """A JSON-RPC request."""
    return json.dumps({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}).encode()


class Watcher:
    """A client that watches, and reads in a thread of its own. Use it in a ``with`` block; it leaves at the end."""

    def __init__(self, remote: Remote, method: str, **params: object) -> None:
        self.remote = remote
        self.messages: list[dict[str, object]] = []
        """The JSON-RPC answers so far."""
        self._connection = http.client.HTTPConnection("127.0.0.1", remote.port, timeout=60)
        self._connection.request("POST", "/", request(method, "watch", **params), {"Content-Type": "application/json"})
        self._socket = self._connection.sock
        self._response = self._connection.getresponse()
        self.content_type = self._response.getheader("Content-Type")
        self._thread = threading.Thread(target=self._read, name="watcher")
        self._thread.start()

    @property
    def told(self) -> list[dict[str, object]]:
        """The results so far."""
        results = [message["result"] for message in self.messages if "result" in message]
        return [result for result in results if isinstance(result, dict)]

    @property
    def error_codes(self) -> list[object]:
        """The codes of the errors so far."""
        errors = [message["error"] for message in self.messages if "error" in message]
        return [error["code"] for error in errors if isinstance(error, dict)]

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come."""
        return not self._thread.is_alive()

    def wait_for(self, count: int) -> list[dict[str, object]]:
        """Run frames until it has been told so many results, and return them."""
        run_until(self.remote.app, lambda: len(self.told) >= count, describe=f"{count} updates")
        return self.told

    def leave(self) -> None:
        """Hang up."""
        with contextlib.suppress(OSError):  # it has ended already
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)

    def _read(self) -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):  # it left in the middle
            while line := self._response.readline():
                if line.startswith(b"data: "):
                    message = json.loads(line[6:])
                    assert isinstance(message, dict)
                    self.messages.append(message)

    def __enter__(self) -> Watcher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()
        self._response.close()
        self._connection.close()
