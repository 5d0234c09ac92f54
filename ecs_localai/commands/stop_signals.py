"""Ctrl-C and SIGTERM as something to notice between two frames, not an exception in the middle of one."""

from __future__ import annotations

import asyncio
import signal
import socket
from types import FrameType, TracebackType
from typing import TYPE_CHECKING

from ecs_localai.runtime import App, Last, Task

if TYPE_CHECKING:
    from collections.abc import Callable
    from signal import Handlers

    Handler = Callable[[int, FrameType | None], object] | int | Handlers | None

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


class StopSignals:
    """Catches the signals that ask a program to end, inside a ``with`` block on the main thread.

    A second one means "at once" and raises KeyboardInterrupt. Signals that were being ignored stay so.
    """

    def __init__(self) -> None:
        self.caught: signal.Signals | None = None
        """The first signal that came; None while none has."""
        self._before: dict[signal.Signals, Handler] = {}
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def __enter__(self) -> StopSignals:
        # The interpreter's own handler in C writes a byte here, which wakes whoever waits in `wait`. Nothing else
        # may be done safely from a handler: the main thread may be holding any lock.
        self._wakeup_before = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.Signals[name] for name in _NAMES if name in signal.Signals.__members__):
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        signal.set_wakeup_fd(self._wakeup_before)
        self._reader.close()
        self._writer.close()

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if self.caught is not None:
            raise KeyboardInterrupt
        self.caught = signal.Signals(number)

    async def wait(self) -> None:
        """Return when a signal has come. Run on the task pool, its end begins the next frame early."""
        await asyncio.get_running_loop().sock_recv(self._reader, 1)


def watch(app: App, stop: StopSignals) -> Task[None]:
    """Let a signal begin the next frame early. Hold on to the task, or it ends."""
    return app.tasks.spawn(stop.wait(), "wait for Ctrl-C")


def exit_when_stopped(app: App, stop: StopSignals) -> None:
    """Make the app exit at the end of the frame in which a signal was noticed."""
    watching = watch(app, stop)

    def leave_when_stopped() -> None:
        if stop.caught is not None:
            watching.cancel()
            app.exit()

    app.add_systems(Last, leave_when_stopped)
