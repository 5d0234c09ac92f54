"""One plain HTTP request with the standard library: no proxy, no pool, nothing of the product."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable, Mapping
from typing import BinaryIO, NamedTuple, cast

JsonObject = dict[str, object]


class Answer(NamedTuple):
    """What came back: the status, the headers (lower-case names) and the whole body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> JsonObject:
        """The body as one JSON object. Raises ValueError when it is none."""
        value = json.loads(self.body)
        if not isinstance(value, dict):
            raise ValueError(f"not a JSON object: {self.body[:200]!r}")
        return cast("JsonObject", value)

    def json_lines(self) -> list[JsonObject]:
        """The body as newline-separated JSON objects. Raises ValueError when it is not that."""
        return [cast("JsonObject", json.loads(line)) for line in self.body.splitlines() if line.strip()]


def call(
    port: int,
    method: str,
    path: str,
    body: Mapping[str, object] | bytes | BinaryIO | Iterable[bytes] | None = None,
    *,
    headers: dict[str, str] | None = None,
    host: str = "127.0.0.1",
    timeout: float = 60.0,
) -> Answer:
    """Sends one request and reads the whole answer, whatever its status.

    ``timeout`` is seconds between two bytes. Raises OSError and http.client.HTTPException as they come
    (http.client.IncompleteRead when the body was cut short).
    """
    send = dict(headers or {})
    payload: bytes | BinaryIO | Iterable[bytes] | None
    if isinstance(body, Mapping):
        payload = json.dumps(dict(body)).encode()
        send.setdefault("Content-Type", "application/json")
    else:
        payload = body
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request(method, path, body=payload, headers=send)
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, response.read())
    finally:
        connection.close()
