"""Where the frame answers what the background asks: a little in each frame, and nothing while nobody asks."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Final

from ecs_localai.remote.errors import INTERNAL_ERROR, TOO_MANY, RpcError
from ecs_localai.remote.reading import WorldReader

if TYPE_CHECKING:
    from ecs_localai.remote.calls import Call
    from ecs_localai.remote.subscriptions import Subscription
    from ecs_localai.runtime import App, Latest

MOST_PIECES: Final = 256
"""How many pieces of answers one frame collects."""
MOST_SECONDS: Final = 0.001
"""When a frame stops collecting, however few pieces it has; what was begun is ended first."""
MOST_MAIL: Final = 256
"""How much may wait for the next frame."""


class Budget:
    """What one frame may still collect."""

    def __init__(self) -> None:
        self._pieces = MOST_PIECES
        self._end = perf_counter() + MOST_SECONDS

    def spend(self) -> None:
        """Count a piece."""
        self._pieces -= 1

    @property
    def is_spent(self) -> bool:
        """Whether the frame should go on with something else."""
        return self._pieces <= 0 or perf_counter() >= self._end


class RemoteDesk:
    """Takes questions from the background and answers them on frames.

    `ask`, `watch` and `tell` are for the background; `answer` is a system.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._reader = WorldReader(app)
        self._mail: deque[Callable[[], None]] = deque()
        self._calls: deque[Call] = deque()
        self._watching: deque[Subscription] = deque()
        self._outgoing: list[Callable[[], None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    # What the background calls

    def ask(self, call: Call) -> None:
        """Have the next frame begin to answer this question.

        Raises:
            RpcError: too much is waiting for a frame already.
        """
        self._check_room()
        self.tell(partial(self._calls.append, call))

    def watch(self, subscription: Subscription) -> None:
        """Have frames look for this client's news, until it is closed.

        Raises:
            RpcError: too much is waiting for a frame already.
        """
        self._check_room()
        self.tell(partial(self._watching.append, subscription))

    def tell(self, action: Callable[[], None]) -> None:
        """Have the next frame call this, and wake whoever sleeps until there is a reason for one."""
        self._loop = asyncio.get_running_loop()
        self._mail.append(action)
        alarm: Latest[bool] = self._app.tasks.channel()  # a new one, for one that nobody has emptied wakes nobody
        alarm.send(True)

    def _check_room(self) -> None:
        """What is left by clients that have gone is taken away by frames, so without any it must not pile up."""
        waiting = len(self._mail)
        if waiting >= MOST_MAIL:
            raise RpcError(TOO_MANY, f"{waiting} requests wait for the app's next frame already. Try again later.")

    # What the frame calls

    def answer(self) -> None:
        """Answer what there is to answer, within the frame's budget, and ask for another frame if that was not all."""
        if not (self._mail or self._calls or self._watching):
            return
        while self._mail:
            self._mail.popleft()()
        budget = Budget()
        unfinished = self._answer_calls(budget)
        unfinished = self._look_for_news(budget) or unfinished
        self._hand_over()
        if unfinished:
            self._app.wakeups.request_frame()

    def _answer_calls(self, budget: Budget) -> bool:
        """Work on the calls in turn; at least on one. Returns whether some are left."""
        for _ in range(len(self._calls)):
            call = self._calls.popleft()
            if not (call.abandoned or self._work_on(call, budget)):
                self._calls.append(call)
            if budget.is_spent:
                break
        return bool(self._calls)

    def _work_on(self, call: Call, budget: Budget) -> bool:
        """Collect pieces of one answer. Returns whether that is all of it."""
        call.looks += 1
        pieces: list[object] = []
        finished = False
        try:
            if call.rest is None:
                call.rest = iter(call.question.pieces(self._reader))
            while not finished:
                piece = next(call.rest, _END)
                if piece is _END:
                    finished = True
                    continue
                if piece is not None:
                    pieces.append(piece)
                    budget.spend()
                if budget.is_spent:
                    break
        except RpcError as error:
            self._outgoing.append(partial(call.fail, error))
            return True
        except Exception as error:  # noqa: BLE001 - a question reads foreign values; the others are answered anyway
            self._outgoing.append(partial(call.fail, self._went_wrong(error)))
            return True
        self._outgoing.append(partial(call.receive, pieces, finished))
        return finished

    def _look_for_news(self, budget: Budget) -> bool:
        """Look for the news of each client that is ready for it; at least of one. Returns whether some were left."""
        for left in range(len(self._watching) - 1, -1, -1):
            subscription = self._watching.popleft()
            if not subscription.closed and (not subscription.ready or self._look_for(subscription, budget)):
                self._watching.append(subscription)
            if budget.is_spent:
                return left > 0
        return False

    def _look_for(self, subscription: Subscription, budget: Budget) -> bool:
        """Look for one client's news. Returns whether there may be more."""
        budget.spend()
        try:
            if subscription.look is None:
                subscription.look = subscription.question.watch(self._reader)
            news = subscription.look()
        except RpcError as error:
            self._outgoing.append(partial(subscription.fail, error))
            return False
        except Exception as error:  # noqa: BLE001 - as above
            self._outgoing.append(partial(subscription.fail, self._went_wrong(error)))
            return False
        if news is not None:
            subscription.ready = False
            self._outgoing.append(partial(subscription.receive, news))
        return True

    def _went_wrong(self, error: Exception) -> RpcError:
        """Report it here, where somebody may mend it; the client is told no more than that."""
        self._app.report_failure("the remote endpoint", "Last", error)
        return RpcError(INTERNAL_ERROR, f"Something went wrong in the app ({type(error).__name__}); its log says more.")

    def _hand_over(self) -> None:
        if not self._outgoing or self._loop is None:
            return
        outgoing, self._outgoing = self._outgoing, []
        try:
            self._loop.call_soon_threadsafe(_deliver, outgoing)
        except RuntimeError:  # the loop was closed: nobody waits any more
            self._calls.clear()
            self._watching.clear()


def _deliver(outgoing: list[Callable[[], None]]) -> None:
    for deliver in outgoing:
        deliver()


_END: Final = object()
