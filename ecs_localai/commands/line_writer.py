"""Writes lines to standard output from a thread of its own, so that no frame waits for whoever reads them."""

from __future__ import annotations

import os
import sys
import threading
from queue import SimpleQueue
from types import TracebackType

_END = None


class LineWriter:
    """Takes whole lines and writes each at once, in order. Use it in a ``with`` statement."""

    def __init__(self) -> None:
        self.closed = sys.stdout is None
        """Whether nobody reads any more, as with ``| head``: lines are then dropped."""
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._encoding = "utf-8" if sys.stdout is None else sys.stdout.encoding
        # A daemon: a reader that has stopped reading must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name="ecs-localai-output", daemon=True)

    def line(self, text: str) -> None:
        """Write a line for people, in the terminal's encoding. Never waits."""
        self._queue.put(f"{text}\n".encode(self._encoding, errors="replace"))

    def json_line(self, data: bytes) -> None:
        """Write a line of JSON, in UTF-8 whatever the terminal. Never waits."""
        self._queue.put(data + b"\n")

    def __enter__(self) -> LineWriter:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._queue.put(_END)
        self._thread.join(timeout=5.0)

    def _run(self) -> None:
        # The descriptor itself, not sys.stdout: a thread that is blocked in there holds a lock that Python needs
        # when it ends.
        while (data := self._queue.get()) is not _END:
            if self.closed:
                continue
            try:
                _write_all(sys.stdout.fileno(), data)
            except OSError:
                self.closed = True


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
