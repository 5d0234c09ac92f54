"""One pull on its way: one HTTP request, however many callers wait for it.

Ollama crashes or hangs when a client leaves a shared transfer at the wrong moment (0.9.3 and the newest
source; PR 17370), so a pull that nobody wants any more is closed only when that is safe: see
``PullTracker.safe_to_close``.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec

from .address import HostAddress
from .errors import BadReply, ClientClosed, PullFailed, PullFailure
from .gathering import Gathering
from .names import ModelName
from .ndjson import LineSplitter
from .pull import PullPhase, PullProgress, PullSummary, PullTracker
from .pull_failures import pull_failure
from .refusals import error_text, not_an_ollama, refusal

if TYPE_CHECKING:
    from .transport import Reply, Transport

__all__ = ["PullFlight", "PullListener"]

_LEAVE_S = 10.0
"""How long a pull that nobody wants is kept open, waiting for the moment when closing is safe."""
_AFTER_SUCCESS_S = 1.0
"""How long the server may take to end a stream after its last line."""
_CHECKING_TIMES = 4
_SLOW_DISK = 4e6
"""A server that checks what it has fetched is silent: it may be so for four times the patience that it has otherwise,
and the time that a disk of so many bytes a second needs."""
_REFUSAL_LIMIT = 1024 * 1024


class PullListener:
    """One caller waiting for a pull: its callback and its future."""

    def __init__(self, on_progress: Callable[[PullProgress], None] | None) -> None:
        self._on_progress = on_progress
        self.outcome: asyncio.Future[PullSummary] = asyncio.get_running_loop().create_future()

    def tell(self, progress: PullProgress) -> None:
        """Call the callback; what it raises ends this caller's wait and nobody else's."""
        if self._on_progress is None or self.outcome.done():
            return
        try:
            self._on_progress(progress)
        except Exception as error:  # noqa: BLE001 - a caller's callback may raise anything: hand it back
            self.outcome.set_exception(error)


class PullFlight:
    """Runs one ``POST /api/pull`` and tells its listeners how far it is."""

    def __init__(
        self,
        transport: Transport,
        address: HostAddress,
        name: ModelName,
        *,
        insecure: bool,
        stall_timeout: float,
        expected_layers: Mapping[str, int] | None,
        fetched_before: Mapping[str, int] | None,
        on_end: Callable[[PullFlight], None],
    ) -> None:
        self.name = name
        self.insecure = insecure
        self._transport = transport
        self._address = address
        self._stall_timeout = stall_timeout
        self._tracker = PullTracker(expected_layers, fetched_before)
        self._on_end = on_end
        self._listeners: list[PullListener] = []
        self._loop = asyncio.get_running_loop()
        self._sent = False
        self._leaving = False
        self._moved_at = self._loop.time()
        self._patience: float | None = stall_timeout  # how long without movement is too long; None: any time
        self._out_of_patience = False
        self._clock: asyncio.TimerHandle | None = None
        self._gathering: Gathering | None = None
        self._started = time.monotonic()
        self._task = self._loop.create_task(self._run(), name=f"pull {name.short}")
        self._task.add_done_callback(self._finish)

    @property
    def joinable(self) -> bool:
        """Whether another caller can still join: it runs, and is not being closed."""
        return not self._task.done() and not self._task.cancelling()

    def join(self, on_progress: Callable[[PullProgress], None] | None) -> PullListener:
        """Add a caller; a flight about to be left is wanted again."""
        listener = PullListener(on_progress)
        self._listeners.append(listener)
        if self._leaving:
            self._leaving = False
            self._note_movement()
        if self._tracker.layers_seen:
            listener.tell(self._tracker.progress)
        return listener

    def leave(self, listener: PullListener) -> None:
        """Take a caller away; with the last one the request is closed, at once or when it is safe."""
        outcome = listener.outcome
        if outcome.done() and not outcome.cancelled():
            outcome.exception()  # seen: a caller cancelled in the same moment never asks for it
        if listener in self._listeners:
            self._listeners.remove(listener)
        if self._listeners or self._task.done():
            return
        if not self._sent or self._tracker.safe_to_close:
            self._task.cancel()
        elif not self._leaving:
            self._leaving = True
            if self._gathering is not None:
                self._gathering.stop()
            self._wait_at_most(_LEAVE_S)

    def abandon(self) -> None:
        """The client closes: every caller gets ClientClosed."""
        for listener in list(self._listeners):
            if not listener.outcome.done():
                listener.outcome.set_exception(ClientClosed(f"The pull of {self.name.short} was stopped."))
            self.leave(listener)

    def call_when_closed(self, call: Callable[[], None]) -> None:
        """Call this on the loop once the request is over, whatever its end."""
        self._task.add_done_callback(lambda _: call())

    async def wait_closed(self) -> None:
        """Wait until the request is over, whatever its end."""
        await asyncio.wait({self._task})

    async def _run(self) -> PullSummary:
        self._note_movement()
        try:
            await self._exchange()
        except asyncio.CancelledError:
            if not self._out_of_patience:
                raise
            self._task.uncancel()
            if not self._tracker.succeeded:
                raise self._stalled() from None
        finally:
            if self._clock is not None:
                self._clock.cancel()
            if self._gathering is not None:
                self._gathering.stop()
        if self._tracker.error is not None:
            raise pull_failure(self._tracker.error, self.name.short, has_arrived=self._has_arrived())
        if not self._tracker.succeeded:
            raise self._cut("Ollama ended the transfer before it was complete")
        return self._summary()

    async def _exchange(self) -> None:
        body: dict[str, object] = {"model": self.name.short, "stream": True}
        if self.insecure:
            body["insecure"] = True
        encoded = msgspec.json.encode(body)
        sent = self._note_sent
        async with self._transport.request("POST", "/api/pull", encoded, on_sent=sent, last=True) as reply:
            if reply.status != 200:
                await self._refuse(reply)
            self._gathering = Gathering(self._transport, reply)
            await self._read_lines(reply, self._gathering)

    async def _read_lines(self, reply: Reply, gathering: Gathering) -> None:
        tracker = self._tracker
        splitter = LineSplitter()
        first = b""
        while chunk := await self._read(reply):
            first = first or chunk
            lines = splitter.feed(chunk)
            counted = tracker.completed_sum
            try:
                if self._fold(lines):
                    return
            except BadReply as error:
                if tracker.progress.status:
                    raise
                raise not_an_ollama(self._address, reply.content_type, first) from error
            if lines and not self._leaving and tracker.repeats(tracker.completed_sum - counted):
                gathering.expect_lines_like(lines[-1])
            else:
                gathering.stop()
        if rest := splitter.finish():
            # Without its line end it is the last line of a server that omits it, or half a line.
            with contextlib.suppress(BadReply):
                self._fold([rest])
        if not tracker.progress.status and tracker.error is None:
            raise not_an_ollama(self._address, reply.content_type, first)

    def _note_sent(self) -> None:
        self._sent = True

    async def _read(self, reply: Reply) -> bytes:
        try:
            return await self._transport.read(reply)
        except BadReply as error:
            if self._tracker.succeeded:
                return b""
            raise self._cut("The connection to Ollama broke", error.detail) from error

    def _fold(self, lines: list[bytes]) -> bool:
        """Take in some lines; return whether to stop reading."""
        tracker = self._tracker
        before = (tracker.phase, tracker.layer, tracker.completed_sum)
        progress = tracker.feed(lines)
        if progress is not None:
            for listener in tuple(self._listeners):
                listener.tell(progress)
        if tracker.error is not None or (self._leaving and tracker.safe_to_close):
            return True
        if before != (tracker.phase, tracker.layer, tracker.completed_sum):
            self._note_movement()
        return False

    async def _refuse(self, reply: Reply) -> None:
        body = await self._transport.read_all(reply, _REFUSAL_LIMIT)
        said = error_text(body)
        model = self.name.short
        if said and reply.status not in {401, 403, 503}:
            raise pull_failure(said, model)
        location = reply.headers.get("Location", "")
        raise refusal(self._address, reply.status, reply.content_type, body, model=model, location=location)

    def _note_movement(self) -> None:
        """Start the stall clock anew, unless this pull is being left."""
        self._moved_at = self._loop.time()
        if self._leaving:
            return
        phase = self._tracker.phase
        if phase is PullPhase.DONE:
            self._wait_at_most(_AFTER_SUCCESS_S)
        elif phase in {PullPhase.VERIFYING, PullPhase.WRITING}:
            # Hashing is silent, and takes as long as the disk takes: but not for ever.
            self._wait_at_most(_CHECKING_TIMES * self._stall_timeout + self._tracker.progress.total_bytes / _SLOW_DISK)
        else:
            self._wait_at_most(self._stall_timeout)

    def _wait_at_most(self, seconds: float | None) -> None:
        if seconds == self._patience and self._clock is not None and not self._leaving:
            return  # the clock looks at ``_moved_at`` itself when it rings
        if self._leaving:
            self._moved_at = self._loop.time()
        self._patience = seconds
        if self._clock is not None:
            self._clock.cancel()
        self._clock = None if seconds is None else self._loop.call_later(seconds, self._ring)

    def _ring(self) -> None:
        if self._patience is None:
            return
        due = self._moved_at + self._patience
        if self._loop.time() < due and not self._leaving:
            self._clock = self._loop.call_at(due, self._ring)
            return
        self._out_of_patience = True
        self._task.cancel()

    def _stalled(self) -> PullFailed:
        seconds = f"{self._stall_timeout:g} s"
        model = self.name.short
        if self._tracker.phase in {PullPhase.VERIFYING, PullPhase.WRITING}:
            message = (
                f"Ollama has been checking {model} for {self._patience or 0:.3g} s and does not end; "
                "look whether it hangs, then try again."
            )
        elif self._tracker.phase is PullPhase.MANIFEST:
            message = f"Ollama has heard nothing from the registry of {model} for {seconds}; try again later."
        else:
            kept = ", and what has arrived is kept" if self._has_arrived() else ""
            message = f"The download of {model} has stood still for {seconds}; try again{kept}."
        return PullFailed(message, PullFailure.STALLED, True)

    def _has_arrived(self) -> bool:
        return self._tracker.progress.bytes_downloaded > 0

    def _cut(self, what: str, detail: str = "") -> PullFailed:
        return PullFailed(
            f"{what} while installing {self.name.short}; check that Ollama still runs, then try again.",
            PullFailure.CUT,
            True,
            detail=detail,
        )

    def _summary(self) -> PullSummary:
        progress = self._tracker.progress
        return PullSummary(
            model=self.name.short,
            duration_s=time.monotonic() - self._started,
            total_bytes=progress.total_bytes,
            bytes_transferred=progress.transferred_bytes,
            layers=self._tracker.layers_seen,
        )

    def _finish(self, task: asyncio.Task[PullSummary]) -> None:
        """Hand the end on to everybody who waits."""
        error = None if task.cancelled() else task.exception()
        for listener in self._listeners:
            if listener.outcome.done():
                continue
            if task.cancelled():
                listener.outcome.cancel()
            elif error is not None:
                listener.outcome.set_exception(error)
            else:
                listener.outcome.set_result(task.result())
        self._listeners.clear()
        self._on_end(self)
