"""The app: one esper world, its plugins, systems, resources and events (Bevy: ``App``)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

import esper

from ecs_localai.runtime.commands import Commands
from ecs_localai.runtime.diagnostics import DiagnosticsStore
from ecs_localai.runtime.errors import NestedUpdateError, RuntimeSetupError
from ecs_localai.runtime.event_registry import EventRegistry
from ecs_localai.runtime.events import Events
from ecs_localai.runtime.failing import FailingSystems
from ecs_localai.runtime.failure_policy import FailurePolicy
from ecs_localai.runtime.failures import (
    ErrorHandler,
    LoggingErrorHandler,
    SystemFailed,
    describe_failure,
)
from ecs_localai.runtime.frame import Frame
from ecs_localai.runtime.frame_activity import Activity
from ecs_localai.runtime.observers import Observer
from ecs_localai.runtime.plugin import AnyPlugin, Plugin
from ecs_localai.runtime.plugin_list import PluginList
from ecs_localai.runtime.processors import LONGEST_STEP_SECONDS, AppProcessor, SetProcessor
from ecs_localai.runtime.query import Query
from ecs_localai.runtime.removed import Removals
from ecs_localai.runtime.runner import AppExit, ScheduleRunner
from ecs_localai.runtime.schedule import ScheduleLabel, Update
from ecs_localai.runtime.schedules import Schedules
from ecs_localai.runtime.sets import ConfigItem, SystemFunction, configs
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
    from ecs_localai.runtime.states import States

T = TypeVar("T")
logger = logging.getLogger("ecs_localai")


class App:
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

    # Building

    def add_plugins(self, *plugins: AnyPlugin) -> App:
        """Add plugins, plugin groups, or functions of the app; each is built at once, but see `LatePlugin`.

        Raises:
            PluginError: a unique plugin is there already, or frames have begun and it is no `LatePlugin`.
            RuntimeError: the app has been shut down.
        """
        self._refuse_if_shut_down()
        self._plugins.add(plugins)
        self._frame.changed()
        return self

    def is_plugin_added(self, kind: type[Plugin]) -> bool:
        """Whether the app has a plugin of this class (Bevy: the same)."""
        return self._plugins.has(kind)

    def add_systems(self, schedule: ScheduleLabel, *systems: ConfigItem) -> App:
        """Add systems to a schedule: functions, or what `chain`, `in_set`, `before`, `after`, `run_if` return.

        Bevy: ``App::add_systems``. Unlike Bevy, systems that would never run any more are refused.

        Raises:
            SystemParamError: a system asks for something that cannot be supplied.
            RuntimeSetupError: the schedule is one of the startup's, and has run already.
            RuntimeError: the app has been shut down.
        """
        self._refuse_if_shut_down()
        if self.time.frame and schedule in self._schedules.order.only_startup and not self._plugins.is_joining:
            raise RuntimeSetupError(
                f"{schedule} has run already: add its systems before the first update, or run them once in another "
                f"schedule: add_systems(Update, run_if(run_once(), …))."
            )
        self._schedules.get(schedule).add_systems(configs(*systems))
        self._frame.changed()
        return self

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

    def insert_schedule(
        self, label: ScheduleLabel, *, after: ScheduleLabel | None = None, before: ScheduleLabel | None = None
    ) -> App:
        """Add a schedule: ``insert_schedule(Physics, after=PreUpdate)``, where ``Physics = ScheduleLabel("Physics")``.

        It runs in every update, or once, if its neighbour is one of the startup's (Bevy: ``MainScheduleOrder``).

        Raises:
            RuntimeSetupError: it has its place already, or the neighbour is none of the schedules.
        """
        self._schedules.insert(label, after=after, before=before)
        self._frame.changed()
        return self

    def configure_sets(self, schedule: ScheduleLabel, *sets: ConfigItem) -> App:
        """Declare sets and their order: ``configure_sets(Update, chain(S.MOVE, S.DRAW))`` (Bevy: the same)."""
        self._schedules.get(schedule).configure_sets(configs(*sets))
        self._frame.changed()
        return self

    def add_set_processors(self, *processors: SetProcessor) -> App:
        """Make sets of `Update` visible to plain esper, each as a processor of its own class.

        Raises:
            RuntimeSetupError: a set or a class has been added already.
        """
        self._frame.layout.add(processors)
        for processor in processors:
            self._schedules.get(Update).make_visible(processor.system_set)
        self._frame.changed()
        return self

    def insert_resource(self, value: object) -> App:
        """Insert or replace the resource of this value's type (Bevy: ``App::insert_resource``)."""
        self.world.insert_resource(value)
        return self

    def init_resource(self, kind: type[T]) -> T:
        """The resource of this type, made with its defaults if it is not there (Bevy: ``App::init_resource``).

        Raises:
            RuntimeSetupError: `kind` is no class.
        """
        if not isinstance(kind, type):
            raise RuntimeSetupError(f"{kind!r} is no class: init_resource makes the value; insert_resource takes one.")
        value = self.world.get_resource(kind)
        if value is None:
            value = kind()
            self.world.insert_resource(value)
        return value

    def init_state(self, initial: States) -> App:
        """Have this value's type of states, and begin in it. For what it raises see `StateTransitions.init`."""
        self._schedules.transitions.init(initial)
        self._frame.changed()
        return self

    def set_fixed_hz(self, hz: float) -> App:
        """Run `FixedUpdate` `hz` times a second of virtual time instead of 64; see `FixedTime.set_hz`."""
        self._schedules.fixed_time.set_hz(hz)
        return self

    def add_event(self, kind: type[T]) -> Events[T]:
        """Register an event type; once more does nothing. Returns its buffer (Bevy: ``App::add_message``)."""
        return self.event_registry.add(kind)

    def events(self, kind: type[T]) -> Events[T]:
        """The buffer of an event type, for readers and writers outside of systems."""
        return self.add_event(kind)

    def send_event(self, event: object) -> None:
        """Write one event of any type (Bevy: ``World::send_event``)."""
        self.add_event(type(event)).write(event)

    @property
    def event_types(self) -> list[type]:
        """All registered event types, in the order they were registered."""
        return self.event_registry.kinds

    def set_error_handler(self, handler: ErrorHandler) -> App:
        """Replace what is told about failing systems; the default logs them. `SystemFailed` is sent anyway.

        Bevy: ``App::set_error_handler``.

        Raises:
            TypeError: `handler` cannot be called.
        """
        if not callable(handler):
            raise TypeError(f"{handler!r} is no error handler: give a function that takes a SystemFailed.")
        self._error_handler = handler
        return self

    def set_failure_policy(self, policy: FailurePolicy) -> App:
        """Replace what is done about systems that keep failing. Those that rest are tried again.

        Raises:
            TypeError: it is no `FailurePolicy`.
        """
        if not isinstance(policy, FailurePolicy):
            raise TypeError(f"{policy!r} is no FailurePolicy: give FailurePolicy(failures=…), or one of its presets.")
        self.failing.set_policy(policy)
        return self

    def resume_system(self, function: SystemFunction) -> bool:
        """Try a system that rests, or was suspended, in the next frame; whether there was one of this function."""
        return self.failing.resume(function)

    def set_runner(self, runner: Callable[[App], int]) -> App:
        """Replace what `run` does (Bevy: ``App::set_runner``)."""
        self._runner = runner
        return self

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

    def _refuse_if_shut_down(self) -> None:
        if self._shut_down:
            raise self._why_closed()

    def _why_closed(self) -> RuntimeError:
        if self._shut_down:
            return RuntimeError("The app has been shut down; make a new one.")
        return self._frame.nested_error() or NestedUpdateError(
            "App.update() was called while the app runs a frame: from a plain processor in its world, from the error "
            "handler, or in another thread. Call it between frames, always in the same thread."
        )

    def _command_failed(self, command: object, error: Exception) -> None:
        self.report_failure(getattr(command, "__qualname__", "a command"), "commands", error)
