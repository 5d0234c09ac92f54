"""Sending something to the server in pieces, and how far it is."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import TYPE_CHECKING, Self

from msgspec import Struct

if TYPE_CHECKING:
    from .watchdog import Watchdog

__all__ = ["SentPieces", "UploadProgress"]


class UploadProgress(Struct, frozen=True):
    """How far an upload is, in bytes. ``total_bytes`` is None where the source does not say how much there is."""

    bytes_sent: int
    total_bytes: int | None

    @property
    def fraction(self) -> float | None:
        """From 0 to 1; None while the total is not known."""
        return None if not self.total_bytes else min(1.0, self.bytes_sent / self.total_bytes)


class SentPieces:
    """Passes pieces on, counting each when the next one is asked for: by then the connection has taken it.

    What the pieces' source, or the caller's callback, raises is kept in ``failure``: it is not the server's.
    """

    def __init__(
        self,
        pieces: AsyncIterable[bytes],
        total: int | None,
        on_progress: Callable[[UploadProgress], None] | None,
    ) -> None:
        self._pieces: AsyncIterator[bytes] = aiter(pieces)
        self.total = total
        self._on_progress = on_progress
        self._under_way = 0
        self.sent = 0
        self.failure: Exception | None = None
        self.watch: Watchdog | None = None  # told of each piece that is taken

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            self._count()
            piece = await anext(self._pieces)
            while not piece:  # an empty piece would end a chunked body
                piece = await anext(self._pieces)
        except StopAsyncIteration:
            raise
        except Exception as error:
            self.failure = error
            raise
        self._under_way = len(piece)
        return piece

    def _count(self) -> None:
        if not self._under_way:
            return
        self.sent += self._under_way
        self._under_way = 0
        if self.watch is not None:
            self.watch.moved()
        if self._on_progress is not None:
            self._on_progress(UploadProgress(self.sent, self.total))
