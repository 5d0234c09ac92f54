"""The app: one esper world, its plugins, systems, resources and events (Bevy: ``App``)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from random import Random
from types import TracebackType
from typing import TypeVar, cast

import esper
import msgspec

from ecs_localai.runtime.activity import Activity
from ecs_localai.runtime.commands import Command, Commands
from ecs_localai.runtime.errors import NestedUpdateError, PluginError, RuntimeSetupError, WorldInUseError
from ecs_localai.runtime.events import Events
from ecs_localai.runtime.failures import ErrorHandler, LoggingErrorHandler, SystemFailed, describe_failure
from ecs_localai.runtime.plugin import AnyPlugin, Plugin, flatten_plugins
from ecs_localai.runtime.processors import (
    FIRST_PRIORITY,
    PRIORITY_STEP,
    AppProcessor,
    FrameEnd,
    FramePart,
    FrameStart,
    SetProcessor,
)
from ecs_localai.runtime.schedule import FRAME_ORDER, STARTUP_ORDER, Schedule, ScheduleLabel, Update
from ecs_localai.runtime.sets import ConfigItem, SystemSet, configs
from ecs_localai.runtime.steps import Segment
from ecs_localai.runtime.tasks import IoTaskPool
from ecs_localai.runtime.time import Time, Wakeups
from ecs_localai.runtime.world import World

T = TypeVar("T")
logger = logging.getLogger("ecs_localai")
DEFAULT_WORLD = "ecs-localai"
_worlds_in_use: set[str] = set()


class AppExit(msgspec.Struct, frozen=True):
    """The event that ends a runner (Bevy: ``AppExit``)."""

    code: int = 0


class App:
    """Owns one esper world context and everything that runs in it.

    ``App()`` makes a world of its own; plain esper processors that somebody adds there run with ours.
    ``App(world="my-game")`` puts our systems into a host's world instead: `update` then runs only our
    processors, and the host's `esper.process` runs them too.

    Use it as ``with App() as app:`` or call `shutdown`, so that no thread or connection is left.

    Raises:
        WorldInUseError: another app that has not been shut down has the world.
    """

    def __init__(self, world: str | None = None, *, shuffle_seed: int | None = None) -> None:
        name, self._owns_world = _claim_world(world)
        self.time = Time()
        self.wakeups = Wakeups()
        self.activity = Activity()
        self.tasks = IoTaskPool(f"{name}-io")
        self.world = World(name, self.time)
        self.commands = Commands(self.world)
        self._events: dict[type, Events[object]] = {}
        self._event_buffers: list[list[object]] = []
        self._plugins: list[Plugin] = []
        self._plugins_finished = False
        self._shuffle = Random(shuffle_seed) if shuffle_seed is not None else None
        self._schedules = {label: Schedule(label, self) for label in (*STARTUP_ORDER, *FRAME_ORDER)}
        self._stale = True
        self._started = False
        self._updating = False
        self._frame_open = False
        self._shut_down = False
        self._exit: AppExit | None = None
        self._error_handler: ErrorHandler = LoggingErrorHandler()
        self._runner: Callable[[App], int] | None = None
        self._startup: list[Segment] = []
        self._before_update: tuple[Callable[[], None], ...] = ()
        self._start = FrameStart()
        self._start.set_parts((self._begin_frame,))
        self._end = FrameEnd()
        self._processors: list[FramePart] = [self._start, self._end]
        self._install_processors()
        for resource in (self.time, self.wakeups, self.activity, self.tasks):
            self.insert_resource(resource)
        self._failures = self.add_event(SystemFailed)
        self._exits = self.add_event(AppExit).reader()

    # Building

    def add_plugins(self, *plugins: AnyPlugin) -> App:
        """Add plugins, plugin groups, or functions of the app; each is built at once.

        Raises:
            PluginError: a unique plugin is there already, or frames have begun.
        """
        for plugin in flatten_plugins(plugins):
            if plugin.is_unique() and any(other.name == plugin.name for other in self._plugins):
                raise PluginError(
                    f"The plugin {plugin.name} has been added already. Add it once, or let its is_unique() "
                    f"return False."
                )
            if self._plugins_finished:
                raise PluginError(f"The plugin {plugin.name} comes too late: add it before the first update.")
            self._plugins.append(plugin)
            plugin.build(self)
        return self

    def add_systems(self, schedule: ScheduleLabel, *systems: ConfigItem) -> App:
        """Add systems to a schedule: functions, or what `chain`, `in_set`, `before`, `after`, `run_if` return.

        Raises:
            SystemParamError: a system asks for something that cannot be supplied.
        """
        self._schedule(schedule).add_systems(configs(*systems))
        self._stale = True
        return self

    def configure_sets(self, schedule: ScheduleLabel, *sets: ConfigItem) -> App:
        """Declare sets and their order: ``configure_sets(Update, chain(S.MOVE, S.DRAW))``."""
        self._schedule(schedule).configure_sets(configs(*sets))
        self._stale = True
        return self

    def add_set_processors(self, *processors: SetProcessor) -> App:
        """Make sets of `Update` visible to plain esper, each as a processor of its own class."""
        for processor in processors:
            self._schedule(Update).make_visible(processor.system_set)
            self._processors.insert(-1, processor)
        self._install_processors()
        self._stale = True
        return self

    def insert_resource(self, value: object) -> App:
        """Insert or replace the resource of this value's type."""
        self.world.insert_resource(value)
        return self

    def init_resource(self, kind: type[T]) -> T:
        """The resource of this type, made with its defaults if it is not there."""
        value = self.world.get_resource(kind)
        if value is None:
            value = kind()
            self.world.insert_resource(value)
        return value

    def add_event(self, kind: type[T]) -> Events[T]:
        """Register an event type; once more does nothing. Returns its buffer."""
        events = self._events.get(kind)
        if events is None:
            events = Events[object](kind)
            self._events[kind] = events
            self._event_buffers.append(events.buffer)
        return cast("Events[T]", events)

    def events(self, kind: type[T]) -> Events[T]:
        """The buffer of an event type, for readers and writers outside of systems."""
        return self.add_event(kind)

    @property
    def event_types(self) -> list[type]:
        """All registered event types, in the order they were registered."""
        return list(self._events)

    def set_error_handler(self, handler: ErrorHandler) -> App:
        """Replace what is told about failing systems; the default logs them. `SystemFailed` is sent anyway."""
        self._error_handler = handler
        return self

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
            NestedUpdateError: called from inside one of this app's systems.
        """
        if self._updating:
            raise NestedUpdateError("App.update() was called from inside one of the app's own systems.")
        if self._shut_down:
            raise RuntimeError("The app has been shut down; make a new one.")
        self._updating = True
        name = self.world.name
        previous = esper.current_world
        if previous != name:
            esper.switch_world(name)
        try:
            if (self._stale or not self._plugins_finished) and not self._prepare():
                return
            args = () if dt is None else (dt,)
            if self._owns_world:
                try:
                    esper.process(*args)
                except Exception as error:  # noqa: BLE001 - a plain processor's failure, as isolated as a system's
                    self.report_failure("a plain esper processor", "Update", error)
            else:
                for processor in self._processors:
                    processor.process(*args)
            if self._frame_open:  # a plain processor failed before ours had their turn
                self._end.process()
        finally:
            self._updating = False
            if esper.current_world != previous:
                esper.switch_world(previous)

    def update_contained(self, dt: float | None = None) -> None:
        """`update` for a host's frame: a mistake in the app's set-up is reported to the handler, not raised."""
        try:
            self.update(dt)
        except (RuntimeSetupError, RuntimeError) as error:
            self.report_failure("App.update", "Update", error)

    def run(self) -> int:
        """Hand the app to its runner until something asks to exit, shut it down, and return the exit code.

        Without another runner (`set_runner`) it steps 60 frames a second.
        """
        from ecs_localai.runtime.runner import ScheduleRunner

        runner = self._runner or ScheduleRunner(hz=60.0)
        try:
            return runner(self)
        finally:
            self.shutdown()

    def exit(self, code: int = 0) -> None:
        """Ask the runner to stop after this frame."""
        self.events(AppExit).write(AppExit(code))

    def should_exit(self) -> AppExit | None:
        """The request to exit, if there has been one."""
        for event in self._exits.read():
            self._exit = self._exit or event
        return self._exit

    def as_processor(self) -> AppProcessor:
        """A processor for a host's world that runs one update of this app a frame."""
        return AppProcessor(self)

    # Failing and ending

    def report_failure(self, system: str, where: str, error: BaseException) -> None:
        """Tell the error handler and the world that something failed. Never raises."""
        failure = describe_failure(system, where, error, self.time.frame)
        self._failures.write(failure)
        try:
            self._error_handler(failure)
        except Exception:
            logger.exception("The error handler itself failed, on: %s", failure.message)

    def apply_commands(self) -> None:
        """Apply queued commands now. Frames do it between sets."""
        self.activity.happened = True
        self.commands.apply(self._command_failed)

    def shutdown(self) -> None:
        """End everything: plugins, tasks, the background thread, our processors and our world. Once is enough."""
        if self._shut_down:
            return
        self._shut_down = True
        with self.world.active():
            for plugin in reversed(self._plugins):
                try:
                    plugin.shutdown(self)
                except Exception as error:  # noqa: BLE001 - one plugin must not keep the others from ending
                    self.report_failure(f"{plugin.name}.shutdown", "shutdown", error)
        self.tasks.shutdown()
        self._remove_processors()
        _worlds_in_use.discard(self.world.name)
        if self._owns_world and esper.current_world != self.world.name:
            if self.world.name in esper.list_worlds():
                esper.delete_world(self.world.name)
        elif self._owns_world:
            esper.clear_database()

    def __enter__(self) -> App:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()

    # Inside

    def _schedule(self, label: ScheduleLabel) -> Schedule:
        schedule = self._schedules.get(label)
        if schedule is None:
            known = ", ".join(one.name for one in self._schedules)
            raise RuntimeSetupError(f"There is no schedule {label}. Use one of {known}.")
        return schedule

    def _prepare(self) -> bool:
        """Finish the plugins and compile what changed. False while a plugin is not ready."""
        if not self._plugins_finished:
            if not all(plugin.ready(self) for plugin in self._plugins):
                return False
            self._plugins_finished = True
            for plugin in self._plugins:
                plugin.finish(self)
            for plugin in self._plugins:
                plugin.cleanup(self)
        if self._stale:
            self._compile()
        return True

    def _compile(self) -> None:
        """Put the schedules' segments into the processors.

        Segments of `Update` that belong to no visible set run with the processor before them, so that the
        processors in the world stay the same ones.
        """
        segments = {label: schedule.compile(self._shuffle) for label, schedule in self._schedules.items()}
        parts: dict[FramePart, list[Segment]] = {processor: [] for processor in self._processors}
        by_set = {one.system_set: one for one in self._processors if isinstance(one, SetProcessor)}
        *before_update, _, post_update, last = FRAME_ORDER
        for label in before_update:
            parts[self._start] += segments[label]
        current: FramePart = self._start
        order: list[FramePart] = [self._start]
        for segment in segments[Update]:
            if segment.system_set is not None:
                current = by_set[segment.system_set]
                order.append(current)
            parts[current].append(segment)
        parts[self._end] = [*segments[post_update], *segments[last]]
        order.append(self._end)
        if order != self._processors:
            self._processors = order
            self._install_processors()
        for processor, its_segments in parts.items():
            processor.set_parts([segment.run for segment in its_segments])
        self._before_update = tuple(segment.run for segment in parts[self._start])
        self._start.set_parts((self._begin_frame,))
        self._end.set_parts((*(segment.run for segment in parts[self._end]), self._end_frame))
        self._startup = [segment for label in STARTUP_ORDER for segment in segments[label]]
        self._stale = False

    def _begin_frame(self, *args: object, **_kwargs: object) -> None:
        """The frame's first stretch. A first argument that is a number is its delta, as games pass it."""
        if (self._stale or not self._plugins_finished) and not self._updating:
            self._prepare_contained()  # the host's own esper.process runs us
        dt = args[0] if args and isinstance(args[0], (int, float)) else None
        self.time.tick(dt)
        tasks = self.tasks
        tasks.drain()
        buffered = any(self._event_buffers)
        self.activity.look(tasks.arrived, buffered, self.time, self.wakeups)
        if buffered:
            for events in self._events.values():
                events.update()
        self._frame_open = True
        if not self._started:
            self._started = True
            for segment in self._startup:
                segment.run()
        for run in self._before_update:
            run()

    def _prepare_contained(self) -> None:
        try:
            self._prepare()
        except RuntimeSetupError as error:
            self._stale = False
            self.report_failure("App", "Update", error)

    def _end_frame(self, *_args: object, **_kwargs: object) -> None:
        self._frame_open = False

    def _command_failed(self, command: Command, error: Exception) -> None:
        self.report_failure(getattr(command, "__qualname__", "a command"), "commands", error)

    def _install_processors(self) -> None:
        self._remove_processors()
        with self.world.active():
            for position, processor in enumerate(self._processors):
                esper.add_processor(processor, FIRST_PRIORITY - position * PRIORITY_STEP)

    def _remove_processors(self) -> None:
        if self.world.name in esper.list_worlds():
            with self.world.active():
                for processor in self._processors:
                    esper.remove_processor(type(processor))


def _claim_world(wanted: str | None) -> tuple[str, bool]:
    """A world's name and whether it is ours alone.

    Raises:
        WorldInUseError: another app has the wanted world.
    """
    if wanted is None:
        name = DEFAULT_WORLD
        number = 2
        while name in _worlds_in_use or name in esper.list_worlds():
            name = f"{DEFAULT_WORLD}-{number}"
            number += 1
    elif wanted in _worlds_in_use:
        raise WorldInUseError(
            f"Another app is using the esper world '{wanted}'. Shut it down first, or give this one another world."
        )
    else:
        name = wanted
    _worlds_in_use.add(name)
    return name, wanted is None or wanted == DEFAULT_WORLD


__all__ = ["DEFAULT_WORLD", "App", "AppExit", "SystemSet"]
