"""Background work (Bevy: ``IoTaskPool``, ``Task``, ``check_ready``).

One thread runs one asyncio loop. What arrives from it reaches the frame through a single inbox that is drained
once a frame, so a frame in which nothing arrived costs the same with no task as with a thousand.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import TYPE_CHECKING, Final, Generic, TypeVar
from weakref import WeakSet

from ecs_localai.runtime.channels import Channel, Latest

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")
logger = logging.getLogger("ecs_localai")
live_pools: Final[WeakSet[IoTaskPool]] = WeakSet()
"""All pools that somebody holds, for tests that look for what was left running."""
CLEAN_UP_SECONDS: Final = 2.0
"""How long `IoTaskPool.shutdown` leaves a task to clean up before it cancels it once more."""
BLOCKING_THREADS = 64
"""So many things that block, such as looking up a host's name, may be under way at a time in the background."""


class TaskCancelled(Exception):
    """The task was cancelled before it had a result. Bevy's ``Task::cancel`` waits, and gives None."""


class _Outcome(Generic[T]):
    """Written once by the loop's thread, read by the frame's. `done` is set last."""

    __slots__ = (
        "cancel_wanted",
        "cancelled",
        "detached",
        "done",
        "error",
        "name",
        "running",
        "traceback",
        "unlogged",
        "value",
        "work",
    )

    def __init__(self, name: str, work: Coroutine[object, object, T]) -> None:
        self.name = name
        self.work = work
        self.done = False
        self.value: T | None = None
        self.error: BaseException | None = None
        self.traceback: TracebackType | None = None
        self.running: asyncio.Task[T] | None = None
        self.cancel_wanted = False
        self.cancelled = False
        self.detached = False
        self.unlogged: deque[BaseException] = deque(maxlen=1)

    def log_failure(self) -> None:
        """Say, once, that the task failed: nobody will ask."""
        try:
            error = self.unlogged.pop()
        except IndexError:
            return
        logger.error("The background task %s failed: %s", self.name, error)


class Task(Generic[T]):
    """A piece of background work. Dropping the last reference cancels it, as in Bevy; `detach` doesn't.

    A component that holds a task therefore cancels it when its entity is deleted. A failure that nobody asked for with
    `check_ready` is logged when the task is dropped; in Bevy a panic ends the program.
    """

    __slots__ = ("__weakref__", "_outcome", "_pool")

    def __init__(self, pool: IoTaskPool, outcome: _Outcome[T]) -> None:
        self._pool = pool
        self._outcome = outcome

    @property
    def name(self) -> str:
        """What the task is for, in a few words."""
        return self._outcome.name

    def is_finished(self) -> bool:
        """Whether it has a result, has failed or was cancelled. Never blocks."""
        return self._outcome.done

    def check_ready(self) -> T | None:
        """The result, or None while there is none (or it is None). Never blocks; may be asked again.

        Raises whatever the task raised.

        Raises:
            TaskCancelled: the task was cancelled.
        """
        outcome = self._outcome
        if not outcome.done:
            return None
        error = outcome.error
        if error is not None:
            outcome.unlogged.clear()  # somebody knows
            raise error.with_traceback(outcome.traceback)  # or it would grow with every question
        return outcome.value

    poll_once = check_ready
    """The brief's name for `check_ready`. Bevy's own ``poll_once`` idiom can block; this never does."""

    def cancel(self) -> None:
        """Ask the task to stop, once. It is finished when `is_finished` says so."""
        if not self._outcome.done:
            self._pool._cancel(self._outcome)

    def detach(self) -> None:
        """Let the task run to its end although nobody holds it any more. If it fails, that is logged."""
        outcome = self._outcome
        outcome.detached = True
        if outcome.done:
            outcome.log_failure()

    def __del__(self) -> None:
        outcome = self._outcome
        if outcome.done:
            if not self._pool.is_ending and not outcome.cancel_wanted:  # how a cancelled one ends is of no concern
                outcome.log_failure()
        elif not outcome.detached:
            self._pool._cancel(outcome)


class IoTaskPool:
    """One background thread with an asyncio loop, started at the first `spawn` (a resource of every app).

    Bevy: ``IoTaskPool``, which is one for the whole program and has several threads; ours belongs to its app and ends
    with it. For Bevy's ``AsyncComputeTaskPool`` spawn ``asyncio.to_thread(function)``.
    """

    def __init__(self, name: str = "ecs-localai-io") -> None:
        live_pools.add(self)
        self._name = name
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_ready = threading.Event()
        self._stop_wanted: asyncio.Event | None = None
        self._waiting: deque[Callable[[], None]] = deque()
        self._running: dict[asyncio.Task[object], Callable[[], None]] = {}  # each with what cancels it
        self._closers: list[Callable[[], Awaitable[None]]] = []
        self.inbox: deque[object] = deque()
        """What has arrived since the last `drain`. The deque object stays the same."""
        self._announcing = threading.Lock()  # between threads that announce something; emptying the inbox needs none
        self._wake: Callable[[], None] | None = None
        self._closed = False
        self.is_ending = False
        """Whether the app is shutting down: what tasks come to now is nobody's concern any more."""
        self.arrived = 0
        """How many results and values have arrived since the frame before; 0 lets a system return at once."""

    # What the frame thread calls

    def spawn(self, work: Coroutine[object, object, T], name: str = "") -> Task[T]:
        """Run a coroutine in the background. Never blocks.

        Raises:
            RuntimeError: the pool has been shut down.
            TypeError: `work` is not a coroutine.
        """
        if not isinstance(work, Coroutine):  # or the background itself would end of it, with everybody's tasks
            raise TypeError(
                f"{work!r} is not a coroutine: spawn what an `async def` function returns when it is called, as in "
                f"spawn(fetch()), or asyncio.to_thread(function) for a function that blocks."
            )
        if self._closed:
            work.close()
            raise RuntimeError("The task pool was shut down together with its app: nothing can be started on it.")
        outcome: _Outcome[T] = _Outcome(name or getattr(work, "__qualname__", "task"), work)
        self._in_loop(lambda: self._start(outcome))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        return Task(self, outcome)

    def channel(self) -> Latest[T]:
        """A latest-value channel whose arrivals wake the frame."""
        return Latest(self)

    def bounded(self, capacity: int) -> Channel[T]:
        """A channel that keeps all values, at most `capacity` at a time, and whose arrivals wake the frame.

        Raises:
            ValueError: `capacity` is below 1.
        """
        return Channel(self, capacity)

    def on_close(self, closer: Callable[[], Awaitable[None]]) -> None:
        """Await `closer()` in the background when the pool shuts down, after its tasks have ended.

        Not called if nothing was ever spawned: then there is no background, and nothing was opened in it.
        """
        self._closers.append(closer)

    def drain(self) -> None:
        """Empty the inbox and remember in `arrived` how much was in it. The app calls this once a frame."""
        inbox = self.inbox
        if not inbox:
            self.arrived = 0
            return
        arrived = 0
        while inbox:  # until it is empty, for only what arrives in an empty inbox wakes anybody
            inbox.popleft()
            arrived += 1
        self.arrived = arrived

    @property
    def pending(self) -> bool:
        """Whether something has arrived since the last `drain`."""
        return bool(self.inbox)

    def set_wake(self, wake: Callable[[], None] | None) -> None:
        """Call `wake` from the background thread whenever something arrives in an empty inbox."""
        self._wake = wake

    @property
    def in_flight(self) -> int:
        """How many tasks are running or about to start."""
        return len(self._running) + len(self._waiting)

    @property
    def task_names(self) -> list[str]:
        """The names of the tasks that are running; one that was spawned a moment ago may be missing."""
        return [task.get_name() for task in list(self._running)]  # copied in one step: the loop's thread adds to it

    def shutdown(self, timeout: float = 15.0) -> bool:
        """Cancel every task, close what was registered with `on_close`, end the thread.

        Blocks for at most `timeout` seconds (it is not for a frame); returns whether the thread ended.
        """
        self._closed = self.is_ending = True
        self._wake = None
        thread = self._thread
        if thread is None:
            return True
        self._loop_ready.wait(timeout)
        self._in_loop(self._stop)
        thread.join(timeout)
        if thread.is_alive():
            logger.warning("The background thread %s did not end within %g s.", self._name, timeout)
            return False
        self._thread = None
        return True

    # What runs in the background thread

    def _in_loop(self, call: Callable[[], None]) -> None:
        """Run `call` in the loop's thread, as soon as there is one. The order of calls is kept."""
        self._waiting.append(call)
        loop = self._loop
        if loop is not None:  # otherwise the thread finds it when it has made its loop
            try:
                loop.call_soon_threadsafe(self._catch_up)
            except RuntimeError:
                logger.debug("The task pool's loop has been closed; a late call was dropped.")

    def _catch_up(self) -> None:
        while self._waiting:
            self._waiting.popleft()()

    def _run(self) -> None:
        import asyncio  # here, in the background: it takes as long as everything else of the runtime

        asyncio.run(self._serve())

    async def _serve(self) -> None:
        import asyncio
        from concurrent.futures import ThreadPoolExecutor

        self._stop_wanted = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        # Host names are looked up in its threads, and each that leads nowhere holds one for seconds: asyncio's own
        # handful would keep the others waiting. A thread is made when it is needed.
        self._loop.set_default_executor(ThreadPoolExecutor(BLOCKING_THREADS, f"{self._name}-blocking"))
        self._loop_ready.set()
        self._catch_up()
        await self._stop_wanted.wait()
        await self._end_running()
        for closer in self._closers:
            try:
                await closer()
            except Exception:  # logged: one closer must not keep the others from running
                logger.exception("Closing a background resource failed.")

    def _stop(self) -> None:
        if self._stop_wanted is not None:
            self._stop_wanted.set()

    async def _end_running(self) -> None:
        """Cancel what runs, and wait for its cleaning up, which a second cancellation would cut short."""
        import asyncio

        running = list(self._running)
        for cancel in self._running.values():
            cancel()
        if running:
            _, deaf = await asyncio.wait(running, timeout=CLEAN_UP_SECONDS)
            for task in deaf:
                task.cancel()
            await asyncio.gather(*deaf, return_exceptions=True)

    def _start(self, outcome: _Outcome[T]) -> None:
        if outcome.cancel_wanted or self._closed:
            self._finish(outcome, None)
            return
        if self._loop is None:  # it is what runs this
            raise RuntimeError("The task pool has no loop.")
        task = self._loop.create_task(_contained(outcome.work, outcome.name), name=outcome.name)
        outcome.running = task
        self._running[task] = lambda: self._cancel_now(outcome)
        task.add_done_callback(lambda done: self._finish(outcome, done))

    def _finish(self, outcome: _Outcome[T], task: asyncio.Task[T] | None) -> None:
        if task is not None:
            self._running.pop(task, None)
        outcome.running = None
        if task is None or task.cancelled():
            outcome.work.close()  # it has not begun if it was cancelled at once
            outcome.error = TaskCancelled(f"{outcome.name} was cancelled.")
        elif (error := task.exception()) is not None:
            outcome.error = error
            outcome.traceback = error.__traceback__
            outcome.unlogged.append(error)
        else:
            outcome.value = task.result()
        outcome.done = True
        if outcome.detached:  # after `done`, as `Task.detach` asks the other way round: one of them sees it
            outcome.log_failure()
        self._announce(outcome)

    def _cancel(self, outcome: _Outcome[T]) -> None:
        outcome.cancel_wanted = True
        self._in_loop(lambda: self._cancel_now(outcome))

    @staticmethod
    def _cancel_now(outcome: _Outcome[T]) -> None:
        """Once a task: whoever cancels and then drops it must not disturb its cleaning up."""
        task = outcome.running
        if task is not None and not outcome.cancelled:
            outcome.cancelled = True
            task.cancel()

    def _announce(self, what: object) -> None:
        """Put something into the inbox. Only an empty inbox's first arrival has to wake anybody."""
        inbox = self.inbox
        with self._announcing:
            inbox.append(what)
            is_first = len(inbox) == 1
        wake = self._wake
        if is_first and wake is not None:
            wake()


async def _contained(work: Coroutine[object, object, T], name: str) -> T:
    """Run a task's work. One that wants to end the program fails instead of ending the loop of all others."""
    try:
        return await work
    except (SystemExit, KeyboardInterrupt) as error:
        raise RuntimeError(f"{name} raised {error!r} in the background; use App.exit to end the program.") from error
