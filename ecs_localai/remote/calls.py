"""A question on its way from the background to the frame, and its answer on the way back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from ecs_localai.remote.errors import ENDED, INTERNAL_ERROR, NO_FRAME, RpcError
from ecs_localai.remote.question import Question


class Call:
    """One question, and its answer. Made in the background.

    Attributes that both threads see are written by one of them alone; the other reads them when it comes by.
    """

    def __init__(self, question: Question) -> None:
        self.question = question
        self.abandoned = False
        """Written in the background: nobody waits for the answer any more."""
        self.looks = 0
        """Written by the frame: how many frames have worked on it."""
        self.rest: Iterator[object] | None = None
        """The frame's own: what is still to be collected; None before the first frame."""
        self._chunks: list[bytes] = []
        self._answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def receive(self, pieces: list[object], finished: bool) -> None:
        """Take what one frame has collected, and encode it now, so that no big answer is encoded in one go."""
        if self._answer.done():
            return
        try:
            self._chunks.extend(self.question.encode(piece) for piece in pieces)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            self.fail(RpcError(INTERNAL_ERROR, f"The answer cannot be written as JSON ({type(error).__name__})."))
            return
        if finished:
            before, after = self.question.brackets
            self._answer.set_result(before + b",".join(self._chunks) + after)

    def fail(self, error: RpcError) -> None:
        """Take an error instead of an answer."""
        if not self._answer.done():
            self._answer.set_exception(error)

    def end(self) -> None:
        """Take it that the app has been shut down."""
        self.fail(RpcError(ENDED, "The app was shut down."))

    async def answer(self, seconds: float) -> bytes:
        """The answer as JSON. Waits for as long as a frame works on it at least every `seconds`.

        Raises:
            RpcError: it cannot be answered, or no frame came.
        """
        try:
            while True:
                seen = self.looks
                await asyncio.wait({self._answer}, timeout=seconds)
                if self._answer.done():
                    return self._answer.result()
                if self.looks == seen:
                    raise RpcError(
                        NO_FRAME, f"The app has run no frame for {seconds:g} s, and only a frame can answer."
                    )
        finally:
            self.abandoned = True
            if not self._answer.cancel() and not self._answer.cancelled():
                self._answer.exception()  # or asyncio would complain of an error that came just when the client left
