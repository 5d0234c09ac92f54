"""What an app is told: its plugins, systems, resources, events and what it does about failures (Bevy: ``App``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Self, TypeVar

from ecs_localai.runtime.errors import RuntimeSetupError
from ecs_localai.runtime.failure_policy import FailurePolicy
from ecs_localai.runtime.plugin import AnyPlugin, Plugin
from ecs_localai.runtime.processors import SetProcessor
from ecs_localai.runtime.schedule import ScheduleLabel, Update
from ecs_localai.runtime.sets import ConfigItem, SystemFunction, configs

if TYPE_CHECKING:
    from ecs_localai.runtime.app import App
    from ecs_localai.runtime.event_registry import EventRegistry
    from ecs_localai.runtime.events import Events
    from ecs_localai.runtime.failing import FailingSystems
    from ecs_localai.runtime.failures import ErrorHandler
    from ecs_localai.runtime.frame import Frame
    from ecs_localai.runtime.plugin_list import PluginList
    from ecs_localai.runtime.schedules import Schedules
    from ecs_localai.runtime.states import States
    from ecs_localai.runtime.time import Time
    from ecs_localai.runtime.world import World

T = TypeVar("T")


class AppBuilding:
    """The part of `App` that a program and its plugins build it with. `App` alone is one."""

    time: Time
    world: World
    event_registry: EventRegistry
    failing: FailingSystems
    _plugins: PluginList
    _schedules: Schedules
    _frame: Frame
    _error_handler: ErrorHandler
    _runner: Callable[[App], int] | None
    _shut_down: bool

    def add_plugins(self, *plugins: AnyPlugin) -> Self:
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

    def add_systems(self, schedule: ScheduleLabel, *systems: ConfigItem) -> Self:
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

    def insert_schedule(
        self, label: ScheduleLabel, *, after: ScheduleLabel | None = None, before: ScheduleLabel | None = None
    ) -> Self:
        """Add a schedule: ``insert_schedule(Physics, after=PreUpdate)``, where ``Physics = ScheduleLabel("Physics")``.

        It runs in every update, or once, if its neighbour is one of the startup's (Bevy: ``MainScheduleOrder``).

        Raises:
            RuntimeSetupError: it has its place already, or the neighbour is none of the schedules.
        """
        self._schedules.insert(label, after=after, before=before)
        self._frame.changed()
        return self

    def configure_sets(self, schedule: ScheduleLabel, *sets: ConfigItem) -> Self:
        """Declare sets and their order: ``configure_sets(Update, chain(S.MOVE, S.DRAW))`` (Bevy: the same)."""
        self._schedules.get(schedule).configure_sets(configs(*sets))
        self._frame.changed()
        return self

    def add_set_processors(self, *processors: SetProcessor) -> Self:
        """Make sets of `Update` visible to plain esper, each as a processor of its own class.

        Raises:
            RuntimeSetupError: a set or a class has been added already.
        """
        self._frame.layout.add(processors)
        for processor in processors:
            self._schedules.get(Update).make_visible(processor.system_set)
        self._frame.changed()
        return self

    def insert_resource(self, value: object) -> Self:
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

    def init_state(self, initial: States) -> Self:
        """Have this value's type of states, and begin in it. For what it raises see `StateTransitions.init`."""
        self._schedules.transitions.init(initial)
        self._frame.changed()
        return self

    def set_fixed_hz(self, hz: float) -> Self:
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

    def set_error_handler(self, handler: ErrorHandler) -> Self:
        """Replace what is told about failing systems; the default logs them. `SystemFailed` is sent anyway.

        Bevy: ``App::set_error_handler``.

        Raises:
            TypeError: `handler` cannot be called.
        """
        if not callable(handler):
            raise TypeError(f"{handler!r} is no error handler: give a function that takes a SystemFailed.")
        self._error_handler = handler
        return self

    def set_failure_policy(self, policy: FailurePolicy) -> Self:
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

    def set_runner(self, runner: Callable[[App], int]) -> Self:
        """Replace what `run` does (Bevy: ``App::set_runner``)."""
        self._runner = runner
        return self

    def _refuse_if_shut_down(self) -> None:
        if self._shut_down:
            raise shut_down_error()


def shut_down_error() -> RuntimeError:
    """What to raise at whoever still builds, runs or looks into an app after its end."""
    return RuntimeError("The app has been shut down; make a new one.")
