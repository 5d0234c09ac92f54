"""A request's body in pieces, of a known size. Imports aiohttp: import this when something is uploaded, not before."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator

from aiohttp.payload import AsyncIterablePayload

__all__ = ["body_in_pieces"]


def body_in_pieces(pieces: AsyncIterable[bytes], size: int | None) -> AsyncIterable[bytes]:
    """The pieces as a body that announces its ``size``, where it is known; without, it is sent in chunks.

    Proxies look at the announced size before they take a body.
    """
    return pieces if size is None else _SizedBody(pieces, size)


class _SizedBody(AsyncIterablePayload):
    def __init__(self, pieces: AsyncIterable[bytes], size: int) -> None:
        super().__init__(pieces, content_type="application/octet-stream")
        self._size = size
        self._pieces = pieces

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._pieces)
