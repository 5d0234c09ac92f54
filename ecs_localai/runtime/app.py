"""The app: one esper world, its plugins, systems, resources and events (Bevy: ``App``)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

import esper

from ecs_localai.runtime.app_building import AppBuilding, shut_down_error
from ecs_localai.runtime.commands import Commands
from ecs_localai.runtime.diagnostics import DiagnosticsStore
from ecs_localai.runtime.errors import NestedUpdateError
from ecs_localai.runtime.event_registry import EventRegistry
from ecs_localai.runtime.failing import FailingSystems
from ecs_localai.runtime.failures import (
    ErrorHandler,
    LoggingErrorHandler,
    SystemFailed,
    describe_failure,
)
from ecs_localai.runtime.frame import Frame
from ecs_localai.runtime.frame_activity import Activity
from ecs_localai.runtime.observers import Observer
from ecs_localai.runtime.plugin_list import PluginList
from ecs_localai.runtime.processors import LONGEST_STEP_SECONDS, AppProcessor
from ecs_localai.runtime.query import Query
from ecs_localai.runtime.removed import Removals
from ecs_localai.runtime.runner import AppExit, ScheduleRunner
from ecs_localai.runtime.schedules import Schedules
from ecs_localai.runtime.sets import SystemFunction
from ecs_localai.runtime.system import System
from ecs_localai.runtime.tasks import IoTaskPool
from ecs_localai.runtime.time import Time, Wakeups
from ecs_localai.runtime.timing import Timings
from ecs_localai.runtime.type_registry import TypeRegistry
from ecs_localai.runtime.world import World
from ecs_localai.runtime.world_names import claim_world, give_back_world

if TYPE_CHECKING:
    from ecs_localai.runtime.describe import AppDescription
    from ecs_localai.runtime.saving.loading import LoadedWorld
    from ecs_localai.runtime.saving.writing import SavedWorld

logger = logging.getLogger("ecs_localai")


class App(AppBuilding):
    """Owns one esper world context and everything that runs in it (Bevy: ``App``, which owns its world likewise).

    ``App()`` makes a world of its own; plain esper processors that somebody adds there run with ours.
    ``App(world="my-game")`` puts our systems into a host's world instead: `update` then runs only our
    processors, and the host's `esper.process` runs them too.

    Use it as ``with App() as app:`` or call `shutdown`, so that no thread or connection is left.

    Raises:
        WorldInUseError: another app that has not been shut down has the world.
    """

    def __init__(self, world: str | None = None, *, shuffle_seed: int | None = None) -> None:
        name, self._owns_world = claim_world(world)
        self._world_name = name
        self.time = Time()
        self.wakeups = Wakeups()
        self.tasks = IoTaskPool(f"{name}-io")
        self.world = World(name, self.time, self.report_failure)
        self.activity = Activity(self.world.changes, self.world.structure)
        self.commands = Commands(self.world)
        self._waiting = self.commands.waiting
        self.removals = Removals(name, self.world.structure)
        self._remembering: list[Query[object]] = []
        self.event_registry = EventRegistry()
        self.diagnostics = DiagnosticsStore(self.time)
        self.failing = FailingSystems(self)
        self._plugins = PluginList(self)
        self._schedules = Schedules(self)
        self._frame = Frame(self, self._plugins, self._schedules, shuffle_seed)
        self.timings: Timings | None = None
        self._closed = False  # to updates: while one runs, and after the shutdown
        self._shut_down = False
        self._shutdown_wanted = False
        self._exit: AppExit | None = None
        self._error_handler: ErrorHandler = LoggingErrorHandler()
        self._runner: Callable[[App], int] | None = None
        self._insert_own_resources()
        self._failures = self.add_event(SystemFailed)
        self._exits = self.add_event(AppExit).reader()

    def add_observer(self, function: SystemFunction, entity: int | None = None) -> Observer:
        """Call a function at once whenever something happens (Bevy: ``App::add_observer``).

        Its first parameter says what: ``on: On[Explode]`` for ``world.trigger(Explode())``, or ``on: On[Add, Player]``,
        ``On[Insert, Player]`` or ``On[Remove, Player]``. The others are as a system's. With `entity` it watches only
        that one, for as long as it exists. The app holds the observer until `Observer.despawn`. What its `Commands`
        queue is applied at the next place where the frame applies commands.

        Raises:
            SystemParamError: the function asks for something that cannot be supplied.
            RuntimeError: the app has been shut down.
        """
        self._refuse_if_shut_down()
        system = System(function, self, observes=True)
        with self.world.active():
            return self.world.observers.add(system, entity)

    # Running

    def update(self, dt: float | None = None) -> None:
        """Run one frame, `dt` seconds after the last (None: as many as really went by).

        A failing system is reported and the others run. The caller's esper world is active again afterwards.

        Raises:
            ScheduleError: the systems' order is impossible; found before the first frame that has it.
            NestedUpdateError: called from inside one of this app's systems, or in another thread while they run.
            ValueError: `dt` is below 0, not finite, or longer than a day (`LONGEST_STEP_SECONDS`).
        """
        if self._closed:
            raise self._why_closed()
        if dt is not None and not 0.0 <= dt <= LONGEST_STEP_SECONDS:
            raise ValueError(
                f"app.update({dt}) is no step: give the seconds since the last frame, from 0 to "
                f"{LONGEST_STEP_SECONDS:g} (a day), or nothing to have them measured."
            )
        self._closed = True
        frame = self._frame
        name = self._world_name
        previous = esper.current_world
        if previous != name:
            esper.switch_world(name)
        try:
            if frame.is_stale and not frame.prepare():
                return
            if self._owns_world:
                frame.run(dt)
            else:
                frame.layout.run(dt)
        finally:
            self._closed = False
            if esper.current_world != previous:
                esper.switch_world(previous)
            if self._shutdown_wanted:
                self.shutdown()

    def update_contained(self, dt: float | None = None) -> None:
        """`update` for a host's frame: raises nothing, and does nothing once the app has been shut down.

        A mistake in the app's set-up is reported to the handler, once until something is added to the app.
        """
        if self._shut_down:
            return
        try:
            self.update(dt)
        except Exception as error:  # noqa: BLE001 - plugins are foreign code, and the host's frame must go on
            self._frame.give_up(error)

    def run(self) -> int:
        """Hand the app to its runner until something asks to exit, shut it down, and return the exit code.

        Without another runner (`set_runner`) it steps 60 frames a second.
        """
        runner = self._runner or ScheduleRunner(hz=60.0)
        try:
            return runner(self)
        finally:
            self.shutdown()

    def exit(self, code: int = 0) -> None:
        """Ask the runner to stop after this frame.

        Raises:
            TypeError: `code` is no whole number.
        """
        if not isinstance(code, int):
            raise TypeError(f"{code!r} is no exit code: give a whole number, 0 for success.")
        self.events(AppExit).write(AppExit(code))

    def should_exit(self) -> AppExit | None:
        """The request to exit, if there has been one; an app that was shut down should exit too.

        Of several it is the first that failed, else the first, as in Bevy.
        """
        for event in self._exits.read():
            if self._exit is None or (event.code and not self._exit.code):
                self._exit = event
        if self._shut_down and self._exit is None:
            self._exit = AppExit()
        return self._exit

    def idle_delay(self) -> float | None:
        """How long a runner may sleep before the next frame, in seconds; None: until something arrives.

        0 while something has arrived or was added to the app, or an event or a structural change has not been offered
        to every system yet.
        """
        if self.tasks.pending or self._waiting or self._frame.is_stale or self.event_registry.is_unread:
            return 0.0
        with self.world.active():
            return 0.0 if self.activity.is_outdated() else self.wakeups.delay(self.time)

    def as_processor(self) -> AppProcessor:
        """A processor for a host's world that runs one update of this app a frame."""
        return AppProcessor(self)

    # Seeing inside

    def set_timing(self, on: bool) -> App:
        """Measure how long each system takes, from the next frame on. Off at first, and then free of cost."""
        if on != (self.timings is not None):
            self.timings = Timings() if on else None
            self._frame.changed()
        return self

    def describe(self) -> AppDescription:
        """What is in the app now: plugins, systems in the order they run, entities, events, tasks, timers.

        Raises:
            ScheduleError: the systems' order is impossible.
        """
        if self._shut_down:
            raise self._why_closed()
        from ecs_localai.runtime.describe import describe_app  # few programs ask

        if self._frame.is_stale:
            self._schedules.compile_for_looking()
        return describe_app(self, self._plugins.names, self._schedules, self._frame.layout)

    def save(self) -> SavedWorld:
        """The world as JSON: entities, components, resources and states. For what it raises see `save_world`."""
        from ecs_localai.runtime.saving.writing import save_world  # few programs save

        return save_world(self)

    def load(self, data: bytes | str, *, replace: bool = False) -> LoadedWorld:
        """Bring a saved world in, in addition to what there is or in its place. For what it raises see `load_world`."""
        from ecs_localai.runtime.saving.loading import load_world  # as above

        return load_world(self, data, replace=replace)

    # Failing and ending

    def report_failure(self, system: str, where: str, error: BaseException) -> None:
        """Tell the error handler and the world that something failed. Never raises."""
        self.tell_failure(describe_failure(system, where, error, self.time.frame))

    def tell_failure(self, failure: SystemFailed) -> None:
        """As `report_failure`, for what has been described already."""
        self._failures.write(failure)
        try:
            self._error_handler(failure)
        except Exception:  # logged: one that fails must not end the frame
            logger.exception("The error handler itself failed, on: %s", failure.message)

    def return_to_world(self, where: str) -> None:
        """Make our world the active one again after somebody has left another one active, and report that."""
        name, other = self.world.name, esper.current_world
        esper.switch_world(name)
        self.report_failure(
            "a switch of worlds",
            where,
            RuntimeError(
                f"What ran before {where}, a system or a plain processor, left the esper world '{other}' active. The "
                f"app has gone back to '{name}'. Switch back in the function that switches; for one of the app's own "
                f"worlds use `with world.active():`."
            ),
        )

    def apply_commands(self) -> None:
        """Apply queued commands now. Frames do it between sets."""
        if self._waiting:
            self.activity.happened = True
            self.commands.apply(self._command_failed)

    def shutdown(self) -> None:
        """End everything: plugins, tasks, the background thread, our processors and our world. Once is enough.

        Called by one of the app's own systems, it waits for the end of the update.
        """
        if self._shut_down:
            return
        if self._closed:
            self._shutdown_wanted = True
            return
        self._shut_down = self._closed = True
        self.tasks.is_ending = True
        is_there = self.world.name in esper.list_worlds()  # a host may have deleted its own, with us in it
        with self.world.active():
            self._plugins.shutdown()
        self.tasks.shutdown()
        self._frame.layout.remove()
        give_back_world(self.world.name, delete=self._owns_world or not is_there)

    def __enter__(self) -> App:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()

    # Inside

    def remember_query(self, query: Query[object]) -> None:
        """Tell a system's query when the world's structure has changed, if it remembers what it has shown."""
        if query.remembers:
            self._remembering.append(query)

    def forget_gone(self) -> None:
        """Let go of components that have left the world. Frames do it when its structure has changed before them."""
        self.world.views.forget_gone()
        self.removals.forget_gone()
        for query in self._remembering:
            query.forget_gone()
        observers = self.world.observers
        if observers.by_observed:
            observers.catch_up(self.world.structure.lost)

    def _insert_own_resources(self) -> None:
        own = (self.time, self._schedules.fixed_time, self.wakeups, self.activity, self.tasks)
        for resource in (*own, self.failing, self.diagnostics, TypeRegistry()):
            self.insert_resource(resource)

    def _why_closed(self) -> RuntimeError:
        if self._shut_down:
            return shut_down_error()
        return self._frame.nested_error() or NestedUpdateError(
            "App.update() was called while the app runs a frame: from a plain processor in its world, from the error "
            "handler, or in another thread. Call it between frames, always in the same thread."
        )

    def _command_failed(self, command: object, error: Exception) -> None:
        self.report_failure(getattr(command, "__qualname__", "a command"), "commands", error)
