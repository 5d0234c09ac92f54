"""Splits a streamed body into server-sent events (WHATWG HTML, section 9.2.6 "Interpreting an event stream").

Not on top of `LineSplitter`: here an empty line means something, and a carriage return alone ends a line, too. Two
differences from the standard, both seen in servers: an event that the end of the body cuts off is given out (some do
not send the last empty line), and a field ``error`` is taken for data of an event ``error`` (llama.cpp's server of
2024 and 2025, ``server_sent_event(sink, "error", …)``).
"""

from __future__ import annotations

from typing import NamedTuple

from ecs_localai.ollama.errors import BadReply

__all__ = ["EVENT_LIMIT", "EventSplitter", "ServerEvent"]

EVENT_LIMIT = 32 * 1024 * 1024
"""The most data of one event, in bytes."""


class ServerEvent(NamedTuple):
    """One event."""

    name: str
    """Empty for a usual one."""
    data: bytes


class EventSplitter:
    """Turns chunks into whole events, keeping the unfinished rest between calls. Comments are left out."""

    __slots__ = ("_after_return", "_begun", "_data", "_held", "_limit", "_name", "_pieces", "_size")

    def __init__(self, limit: int = EVENT_LIMIT) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []  # of the unfinished line: joined once, when it ends
        self._held = 0
        self._after_return = False  # the last chunk ended in a carriage return: a line feed now belongs to it
        self._begun = False
        self._name = ""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """Return the events that ``chunk`` completes. Raises BadReply when one has more data than the limit."""
        if not chunk:
            return []
        if self._after_return and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        self._after_return = chunk.endswith(b"\r")
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = chunk.split(b"\n")
        rest = lines.pop()
        if self._pieces and lines:
            self._pieces.append(lines[0])
            lines[0] = b"".join(self._pieces)
            self._pieces.clear()
            self._held = 0
        if rest:
            self._pieces.append(rest)
            self._held += len(rest)
        events: list[ServerEvent] = []
        for line in lines:
            self._take(line, events)
        self._check(self._held + self._size)
        return events

    def finish(self) -> list[ServerEvent]:
        """Return the event that the end of the body has cut off, if there is one with data."""
        events: list[ServerEvent] = []
        line = b"".join(self._pieces)
        self._pieces.clear()
        self._held = 0
        self._take(line, events)
        self._take(b"", events)
        return events

    def _take(self, line: bytes, events: list[ServerEvent]) -> None:
        if not self._begun:
            self._begun = True
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line:
            if self._data:
                events.append(ServerEvent(self._name, b"\n".join(self._data)))
                self._data.clear()
                self._size = 0
            self._name = ""
            return
        field, _, value = line.partition(b":")
        if field in (b"data", b"error"):
            value = value.removeprefix(b" ")
            self._size += len(value)
            self._check(self._size)
            self._data.append(value)
            if field == b"error":
                self._name = "error"
        elif field == b"event":
            self._name = value.removeprefix(b" ").decode(errors="replace")

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise BadReply(
                f"The server sent more than {self._limit / 2**20:.3g} MiB in one piece of an answer, which no server "
                "of models does; check the address.",
                retryable=False,
            )
