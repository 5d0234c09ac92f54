"""What the tests of hostile hosts share: the plugin as a guest in a host's esper program, in each of the three ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import esper

from ecs_localai import ModelInstallation, OllamaHostManager, SystemFailed
from ecs_localai.components.features import FeatureToggle
from ecs_localai.systems.links import HostLink
from tests.systems.systems_parts import Driven

INSIDE = "in the host's world"
WAYS = ("app.update", "bridge", INSIDE)
"""The three ways to be a guest."""
BETWEEN_THE_FIRST_SETS = 985
"""The priority of a processor that runs after HOST_CONNECTION and before MODEL_MANAGEMENT."""
HOST_WORLD = "a host's game"


class Act(esper.Processor):
    """A plain processor of the host's: does something once, when it is told to."""

    def __init__(self) -> None:
        self.wanted: Callable[[], None] | None = None

    def process(self, *_args: object) -> None:
        """Do it, if it is wanted."""
        wanted, self.wanted = self.wanted, None
        if wanted is not None:
            wanted()


class Hosted(Driven):
    """The plugin as a guest; `update` is a frame of the host's."""

    def __init__(self, port: int | None, way: str) -> None:
        super().__init__(port, world=HOST_WORLD if way == INSIDE else None)
        self._way = way
        self._act = Act()
        if way == "bridge":
            esper.add_processor(self.app.as_processor())
        with self.app.world.active():
            esper.add_processor(self._act, BETWEEN_THE_FIRST_SETS)

    def update(self, dt: float | None = None) -> None:
        """Run one frame of the host's and collect what ours told."""
        if self._way == "app.update":
            self.app.update(dt)
        else:
            esper.process(*(() if dt is None else (dt,)))
        assert esper.current_world == HOST_WORLD
        self._collect()

    def do(self, act: Callable[[], None], *, in_the_middle: bool = False) -> None:
        """Do something hostile in our world, before the next frame or in the middle of it, and run that frame."""
        if in_the_middle:
            self._act.wanted = act
        else:
            with self.app.world.active():
                act()
        self.update()

    @property
    def host_entity(self) -> int:
        """The entity of the Ollama host."""
        [(entity, _)] = self.app.world.query(OllamaHostManager, HostLink)
        return entity

    def entity_of(self, name: str) -> int:
        """The entity of the only installation of this model."""
        [entity] = [one for one, found in self.app.world.query(ModelInstallation) if found.model_name == name]
        return entity

    def assert_whole(self) -> None:
        """All that the panel needs is there once, no timer stays due, and no background work is nobody's."""
        self.until(lambda: self.view.host.status_text == "Connected")
        assert len(self.app.world.query(OllamaHostManager)) == 1
        assert len(self.app.world.query(HostLink)) == 1
        assert len(self.app.world.query(FeatureToggle)) == len(self.features.feature_flags)
        assert len(self.app.wakeups.due_times()) == 5, "two of the host's, three of the installations'"
        self.until(lambda: self.app.idle_delay() != 0.0)
        self.until(lambda: self.app.tasks.task_names == ["sample this machine"], describe=self._tasks)

    def take_failures(self) -> list[SystemFailed]:
        """What was reported, which the test expected; taken out, so that leaving the ``with`` is content."""
        failures = self.events(SystemFailed)
        self.log = [event for event in self.log if not isinstance(event, SystemFailed)]
        return failures

    def _tasks(self) -> str:
        return f"an end of {self.app.tasks.task_names}"


@contextmanager
def hosted(port: int | None, way: str) -> Iterator[Hosted]:
    """A guest of a host whose world is active."""
    before = esper.current_world
    esper.switch_world(HOST_WORLD)
    try:
        with Hosted(port, way) as guest:
            yield guest
        assert esper.current_world == HOST_WORLD
    finally:
        esper.switch_world(before)
        esper.delete_world(HOST_WORLD)
