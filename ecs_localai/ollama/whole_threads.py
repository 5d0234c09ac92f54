"""Work in a thread that is not left alone with an open file when its caller is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

__all__ = ["to_whole_thread"]

T = TypeVar("T")


async def to_whole_thread(function: Callable[[], T]) -> T:
    """`asyncio.to_thread`, but a caller who is cancelled goes only when the function has ended.

    So what the function opens is there to be closed, and nothing is closed that it still reads.
    """
    work = asyncio.ensure_future(asyncio.to_thread(function))
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    return work.result()
