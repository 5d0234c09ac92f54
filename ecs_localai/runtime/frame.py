"""One app's frame: what it begins and ends with, and seeing that it takes place whatever the host does."""

from __future__ import annotations

import sys
from threading import current_thread, get_ident
from types import FrameType
from typing import TYPE_CHECKING, Final

import esper

from ecs_localai.runtime.errors import NestedUpdateError
from ecs_localai.runtime.failures import dead_entity_error
from ecs_localai.runtime.layout import FrameLayout
from ecs_localai.runtime.processors import delta_of
from ecs_localai.runtime.steps import InTurn, Segment, run_in_turn
from ecs_localai.runtime.timing import in_turn

if TYPE_CHECKING:
    from random import Random

    from ecs_localai.runtime.app import App
    from ecs_localai.runtime.plugin_list import PluginList
    from ecs_localai.runtime.schedules import Schedules

LOOK_EVERY: Final = 16
"""In how many frames at most, of a world in which nothing comes or goes, a processor that was removed is missed."""


class Frame:
    """What a frame consists of. `App.update` and a host's own `esper.process` call the processors, which do the rest.

    Bevy's counterpart is the ``Main`` schedule (``bevy_app/src/main_schedule.rs``).
    """

    def __init__(self, app: App, plugins: PluginList, schedules: Schedules, shuffle_seed: int | None) -> None:
        self._app = app
        self._plugins = plugins
        plugins.on_loaded = self._look_again
        self._schedules = schedules
        self._shuffle = None if shuffle_seed is None else _random(shuffle_seed)
        self.is_stale = True
        """Whether there is something to prepare before the next frame."""
        self._is_changed = True  # whether something was added since the schedules were compiled
        self._is_compiled = False
        self._gave_up = False
        self.is_open = False
        """Whether a frame has been begun and not ended."""
        self._startup: list[Segment] | None = []
        self._before_update: list[Segment] = []
        self._run_in_turn: InTurn = run_in_turn
        self._segments: list[Segment] = []
        self._dead_entity: str | None = None
        self._world = app.world.name
        self._time = app.time
        self._tasks = app.tasks
        self._wakeups = app.wakeups
        self._activity = app.activity
        self._waiting = app.commands.waiting
        self._buffers = app.event_registry.buffered
        self.layout = FrameLayout(app.world, self._begin, self._end)

    def changed(self) -> None:
        """Compile anew before the next frame, because something was added."""
        self.is_stale = self._is_changed = True
        self._gave_up = False

    def _look_again(self) -> None:
        """Prepare the next frame, though nothing was added yet. May be called in any thread."""
        self.is_stale = True

    def give_up(self, error: Exception) -> None:
        """Report a mistake in the app's set-up, once until something is added to the app."""
        if not self._gave_up:
            self._gave_up = True
            self._app.report_failure("App.update", "Update", error)

    def prepare(self) -> bool:
        """Finish the plugins, bring in late ones, and compile what changed. False while a plugin is not ready.

        Raises:
            ScheduleError: the systems' order is impossible; found before the first frame that has it.
        """
        if not self._plugins.finish():
            return False
        self._plugins.bring_late()
        if self._is_changed:
            self._compile()
        self.is_stale = False
        if self._plugins.has_news:  # asked last, for it may be news of this moment
            self.is_stale = True
        return True

    def _compile(self) -> None:
        segments = self._schedules.compile(self._shuffle)
        self._run_in_turn = in_turn(self._app.timings)
        self._before_update = self.layout.arrange(segments, self._schedules.order, self._run_in_turn)
        self._startup = self._schedules.startup(segments, self._shuffle)
        self._segments = [segment for some in segments.values() for segment in some] + self._startup
        self._is_changed = False
        self._is_compiled = True

    def _prepare_contained(self) -> bool:
        """`prepare` in a host's own `esper.process`. False while there is nothing to run.

        What fails is reported, and an order that was found before stays in force.
        """
        if not self._gave_up:
            try:
                return self.prepare()
            except Exception as error:  # noqa: BLE001 - plugins are foreign code, and the host's frame must go on
                self.give_up(error)
        return self._is_compiled

    def run(self, dt: float | None) -> None:
        """One frame of a world that is ours, with the plain processors that somebody may have added. Needs it active.

        Where there are none, nobody can tell that it is not esper that runs ours.
        """
        number = self._time.frame
        try:
            if self.layout.is_alone():
                self._open(dt)
                run_in_turn = self._run_in_turn  # a local: CPython 3.11 is slow in calling an attribute of an instance
                run_in_turn(self.layout.segments)
                self._end()
                return
            if dt is None:
                esper.process()
            else:
                esper.process(dt)
        except Exception as error:  # noqa: BLE001 - a plain processor's failure, as isolated as a system's
            self._process_failed(error, dt, number)
            return
        if self.is_open or self._time.frame == number:
            self._complete(dt, number)

    def _process_failed(self, error: Exception, dt: float | None, frame: int) -> None:
        """A plain processor has failed, and `esper.process` with it: see that the app's own frame takes place.

        `frame` is the number of the last frame before this one.
        """
        self._return_to_world()
        if self._time.frame != frame:
            self._app.report_failure("a plain esper processor", "Update", error)
            if self.is_open:
                self.layout.finish()
            return
        self.layout.run(dt)
        dead_entity = dead_entity_error()
        if dead_entity is None:
            self._dead_entity = None
            self._app.report_failure("a plain esper processor", "Update", error)
        elif str(dead_entity) != self._dead_entity:  # esper fails of it in every frame from now on
            self._dead_entity = str(dead_entity)
            self._app.report_failure("esper.process", "Update", dead_entity)

    def _complete(self, dt: float | None, frame: int) -> None:
        """Somebody took our processors, or the whole world, away: put them back, and run what did not run.

        `frame` is the number of the last frame before this one.
        """
        self._return_to_world()
        self._restore()
        if self._time.frame == frame:
            self.layout.run(dt)
        else:
            self.layout.finish()

    def _return_to_world(self) -> None:
        if esper.current_world != self._world:
            self._app.return_to_world("the frame's end")

    def _restore(self) -> None:
        if self.layout.restore():
            name = self._app.world.name
            self._app.report_failure(
                "the app's processors",
                "Update",
                RuntimeError(
                    f"The app's processors were gone from the esper world '{name}': somebody removed them, or deleted "
                    f"the world and its entities with it. They have been put back. App.shutdown ends an app; a run "
                    f"condition keeps a set from running."
                ),
            )

    def _begin(self, dt: object = None, *_args: object, **_kwargs: object) -> None:
        """The first stretch, as esper runs it. A first argument that is a number is the delta, as games pass it."""
        if esper.current_world != self._world:
            self._app.return_to_world("the frame's beginning")
        if self.is_stale and not self._prepare_contained():  # the host's own esper.process runs us
            return
        if self._open(None if dt is None else delta_of(dt)) or not self._time.frame % LOOK_EVERY:
            self._restore()

    def _open(self, dt: float | None) -> bool:
        """Begin a frame and run what comes before all sets; whether the world's structure has changed before it."""
        if self.is_open:
            self._close_open_frame()
        self.is_open = True
        time = self._time
        time.tick(dt)
        tasks = self._tasks
        if tasks.arrived or tasks.inbox:
            tasks.drain()
        if self._waiting:
            self._app.apply_commands()
        buffered = any(self._buffers) if self._buffers else False  # many apps have no event that anybody can write
        has_changed = self._activity.look(tasks.arrived, buffered, time, self._wakeups)
        if has_changed:
            self._app.forget_gone()
        if buffered:
            self._app.should_exit()  # or a request that nobody asked for in time would be dropped
            if not self._plugins.holds_events:
                self._app.event_registry.update()
        if self._startup is not None:
            self._start(self._startup)
        for segment in self._before_update:
            segment.run()
        return has_changed

    def _start(self, segments: list[Segment]) -> None:
        self._startup = None
        self._schedules.started()
        for segment in segments:
            segment.run()

    def _close_open_frame(self) -> None:
        """Do what is left of the frame before, which did not come to its end.

        A host's processor between ours has failed, or somebody has taken our last one away.

        Raises:
            NestedUpdateError: it goes on: one of the app's own systems has called `esper.process`, or another thread.
        """
        nested = self.nested_error()
        if nested is not None:
            raise nested
        self._restore()
        self.layout.finish()

    def nested_error(self) -> NestedUpdateError | None:
        """Why no frame can be begun now; None if none of the app's systems is at work.

        Looked for on the threads' stacks, and only when something is wrong: to note it would cost every frame.
        """
        here = get_ident()
        for thread, stack in sys._current_frames().items():
            if not self._has_system(stack):
                continue
            if thread == here:
                return NestedUpdateError(
                    f"esper.process() or App.update() was called for the esper world '{self._world}' from inside one "
                    f"of the app's own systems. Let the host's loop begin the frames; a system that wants the next "
                    f"one soon calls Wakeups.request_frame()."
                )
            return NestedUpdateError(
                f"esper.process() or App.update() was called for the esper world '{self._world}' in the thread "
                f"{current_thread().name} while another thread runs a frame of the app. Esper's worlds are the whole "
                f"program's: run all frames in one thread."
            )
        return None

    def _has_system(self, stack: FrameType) -> bool:
        """Whether one of this app's systems is somewhere on this stack."""
        called: FrameType | None = stack
        while called is not None:
            segment = called.f_locals.get("running")
            if isinstance(segment, Segment) and segment in self._segments:
                return True
            called = called.f_back
        return False

    def _end(self) -> None:
        """The last stretch."""
        if esper.current_world != self._world:  # written out: it is asked in every frame
            self._return_to_world()
        if not self.is_open and not self.is_stale:  # it was never begun
            self._restore()
        self.is_open = False
        if self._buffers and any(self._buffers):
            self._app.event_registry.end_frame()


def _random(seed: int) -> Random:
    from random import Random  # for the few who shuffle

    return Random(seed)
