"""Splits a streamed body into the lines of newline-delimited JSON.

Fed with chunks as they come from the socket (aiohttp's ``iter_any``), because reading line by line
costs a wake-up each and refuses lines longer than 512 KiB (aiohttp 3.14), which Ollama's lines with
``context``, log-probabilities or tensors can be.
"""

from __future__ import annotations

from .errors import BadReply

__all__ = ["LINE_LIMIT", "LineSplitter"]

LINE_LIMIT = 32 * 1024 * 1024
"""The longest line accepted, in bytes; Ollama's own Go client stops at 8 MB."""


class LineSplitter:
    """Turns chunks into whole lines, keeping the unfinished rest between calls."""

    __slots__ = ("_held", "_limit", "_pieces")

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []  # of the unfinished line: joined once, when it ends
        self._held = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that ``chunk`` completes, without line ends and without empty lines.

        Raises BadReply when a line is longer than the limit, finished or not.
        """
        lines = chunk.split(b"\n")
        rest = lines.pop()
        if self._pieces and lines:
            self._check(self._held + len(lines[0]))
            self._pieces.append(lines[0])
            lines[0] = b"".join(self._pieces)
            self._pieces.clear()
            self._held = 0
        if rest:
            self._pieces.append(rest)
            self._held += len(rest)
            self._check(self._held)
        if len(chunk) > self._limit:
            for line in lines:
                self._check(len(line))
        if b"\r" in chunk or b"" in lines or (lines and lines[0].endswith(b"\r")):
            lines = [stripped for line in lines if (stripped := line.removesuffix(b"\r"))]
        return lines

    def finish(self) -> bytes:
        """Return what came after the last line end (usually nothing) and forget it."""
        rest = b"".join(self._pieces).removesuffix(b"\r")
        self._pieces.clear()
        self._held = 0
        return rest

    def _check(self, length: int) -> None:
        if length > self._limit:
            raise BadReply(
                f"The server sent a line of more than {self._limit / 2**20:.3g} MiB, which no Ollama does; "
                "check that the address is that of an Ollama server.",
                retryable=False,
            )
