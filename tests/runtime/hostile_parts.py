"""What the tests of hostile hosts share: a host's program, and an app that is its guest in one of three ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import esper

from ecs_localai.runtime import (
    Add,
    Added,
    App,
    Commands,
    EventReader,
    On,
    PostUpdate,
    Query,
    RemovedComponents,
    SystemFailed,
    Update,
    World,
    chain,
    in_set,
)
from tests.runtime.runtime_parts import Broken, Frozen, One, Ping, Position, Shown, Three, Two

APART = ("app.update", "bridge")
"""The ways to be a guest with a world of its own."""
INSIDE = "in the host's world"
WAYS = (*APART, INSIDE)
"""The three ways to be a guest."""
BETWEEN_ONE_AND_TWO = 985
"""The priority of a processor that runs between our first set and our second."""
ELSEWHERE = "somewhere else"
"""Another world of the host's."""
STEP = 0.1


class HostProcessor(esper.Processor):
    """One of the host's own: counts its frames and notes in which world they ran."""

    def __init__(self) -> None:
        self.worlds: list[str] = []

    def process(self, *_args: object) -> None:
        """Note the active world."""
        self.worlds.append(esper.current_world)


class Act(esper.Processor):
    """A processor of the host's that does something once, when it is told to."""

    def __init__(self) -> None:
        self.wanted: Callable[[], None] | None = None

    def process(self, *_args: object) -> None:
        """Do it, if it is wanted."""
        wanted, self.wanted = self.wanted, None
        if wanted is not None:
            wanted()


@dataclass(frozen=True)
class Poke:
    """An event that an observer waits for."""


@dataclass
class Look:
    """What one of our systems saw."""

    place: str
    world: str
    entities: list[int]


@dataclass(eq=False)
class Guest:
    """An app in a host's program, in one of the `WAYS`; `frame` is one frame of the host's."""

    app: App
    way: str
    host_world: str
    failures: list[SystemFailed] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    heard: list[int] = field(default_factory=list)
    added: list[int] = field(default_factory=list)
    observed: list[int] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    pinged: list[int] = field(default_factory=list)
    act: Act = field(default_factory=Act)
    in_system: Callable[[], None] | None = None
    in_observer: Callable[[], None] | None = None
    in_handler: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        self.host = HostProcessor()
        esper.add_processor(self.host)
        self._hear = self.heard.append
        self._handler = self._on_fired
        esper.set_handler("fired", self._handler)
        if self.way == "bridge":
            esper.add_processor(self.app.as_processor(), priority=1)
        with self.app.world.active():
            esper.add_processor(self.act, BETWEEN_ONE_AND_TWO)
        self.app.set_error_handler(self._failed)
        self._build()

    def _on_fired(self, number: int) -> None:
        self.heard.append(number)

    def _failed(self, failure: SystemFailed) -> None:
        self.failures.append(failure)
        wanted, self.in_handler = self.in_handler, None
        if wanted is not None:
            wanted()

    def _looking(self, place: str) -> Callable[..., None]:
        def look(query: Query[Position]) -> None:
            self.looks.append(Look(place, esper.current_world, sorted(entity for entity, _ in query)))

        look.__qualname__ = f"look {place}"
        return look

    def _build(self) -> None:
        def do_in_system(world: World) -> None:
            wanted, self.in_system = self.in_system, None
            if wanted is not None:
                wanted()
            if self.in_observer is not None:
                world.trigger(Poke())
            if self.in_handler is not None:
                raise Broken("so that the error handler is called")

        def do_in_observer(on: On[Poke]) -> None:
            wanted, self.in_observer = self.in_observer, None
            if wanted is not None:
                wanted()

        def note_observed(on: On[Add, Position]) -> None:
            self.observed.append(on.entity)

        def note_added(query: Query[Position, Added[Position]], commands: Commands) -> None:
            for entity, _ in query:
                self.added.append(entity)
                commands.insert(entity, Frozen())

        def note_news(removed: RemovedComponents[Position], pings: EventReader[Ping]) -> None:
            self.removed.extend(removed.read())
            self.pinged.extend(ping.number for ping in pings.read())

        app = self.app
        app.add_set_processors(One(), Two(), Three())
        app.configure_sets(Update, chain(*Shown))
        app.add_observer(do_in_observer)
        app.add_observer(note_observed)
        app.add_systems(Update, in_set(Shown.ONE, chain(self._looking("one"), do_in_system)))
        app.add_systems(Update, in_set(Shown.TWO, chain(self._looking("two"), note_added)))
        app.add_systems(Update, in_set(Shown.THREE, chain(self._looking("three"), note_news)))
        app.add_systems(PostUpdate, self._looking("after"))

    def frame(self) -> None:
        """One frame of the host's loop."""
        esper.process(STEP)
        if self.way == "app.update":
            self.app.update(STEP)

    def spawn(self) -> int:
        """An entity of ours."""
        return self.app.world.spawn(Position())

    def forget(self) -> None:
        """Forget what has been noted so far."""
        for noted in (self.looks, self.added, self.observed, self.removed, self.pinged, self.heard, self.host.worlds):
            noted.clear()

    def assert_alive(self, fired: int = 7) -> None:
        """Two more frames are as they should be, in every respect: ours, and the host's."""
        assert esper.current_world == self.host_world
        self.forget()
        self.failures.clear()
        frames = self.app.time.frame
        entity = self.spawn()
        here = sorted(one for one, _ in self.app.world.query(Position))
        assert entity in here
        self.app.send_event(Ping(fired))
        self.frame()
        name = self.app.world.name
        expected = [Look(place, name, here) for place in ("one", "two", "three", "after")]
        assert self.looks == expected
        assert self.added[-1] == entity
        assert self.observed == [entity]
        assert self.pinged == [fired]
        assert self.app.world.has(entity, Frozen)
        self.app.world.despawn(entity)
        self.frame()
        assert self.removed == [entity]
        assert self.app.time.frame == frames + 2
        assert self.failures == [], "a failure must not come again"
        assert self.host.worlds == [self.host_world] * 2
        assert esper.get_processor(HostProcessor) is self.host
        esper.dispatch_event("fired", fired)
        assert self.heard == [fired]
        assert esper.current_world == self.host_world


@contextmanager
def guest_in(host_world: str, way: str) -> Iterator[Guest]:
    """A guest in this world of a host's, which is active: two frames have been run, and there is an entity of ours."""
    with App(world=host_world if way == INSIDE else None) as app:
        guest = Guest(app, way, host_world)
        guest.spawn()
        guest.frame()
        guest.frame()
        assert guest.failures == []
        yield guest
    esper.switch_world(host_world)
    if ELSEWHERE in esper.list_worlds():
        esper.delete_world(ELSEWHERE)
