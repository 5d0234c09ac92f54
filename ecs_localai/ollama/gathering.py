"""Being woken once for several lines of a pull, instead of once for each.

Ollama sends sixteen lines a second for as long as a pull takes (its ticker of 60 ms in ``server/download.go``,
0.9.3), and nearly all of them repeat the last one with another number. Waking up for a line costs far more
than reading it, so the system is asked to tell us only when some have come.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .transport import Reply, Transport

__all__ = ["Gathering"]

_LINES = 4
_FRAMING = 8
"""Bytes around a line in HTTP's chunked encoding, about."""
_STEP = 64
"""The mark is a multiple of this, so that another digit in a number does not move it."""
_PATIENCE_S = 0.5
"""Twice as long as the lines take. When they have not come by then, what comes is of another kind."""


class Gathering:
    """Moves the mark of one reply. That reply has to be one whose end closes the connection: an end wakes us always."""

    __slots__ = ("_loop", "_mark", "_reply", "_timer", "_transport")

    def __init__(self, transport: Transport, reply: Reply) -> None:
        self._transport = transport
        self._reply = reply
        self._loop = asyncio.get_running_loop()
        self._mark = 1
        self._timer: asyncio.TimerHandle | None = None

    def expect_lines_like(self, line: bytes) -> None:
        """Wait for some more lines of this length, half a second at most."""
        self._stop_timer()
        self._move((_LINES * (len(line) + _FRAMING)) // _STEP * _STEP)
        self._timer = self._loop.call_later(_PATIENCE_S, self.stop)

    def stop(self) -> None:
        """Be woken by whatever comes."""
        self._stop_timer()
        self._move(1)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _move(self, mark: int) -> None:
        if mark != self._mark:
            self._mark = mark
            self._transport.wake_for(self._reply, mark)
