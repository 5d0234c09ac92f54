"""Queued commands against a dictionary: any sequence of them comes to the same as doing it at once, in the same order.

Also where entities die between queueing and applying, where commands fail, and where commands queue commands.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import esper
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_localai.runtime import App, Commands, SystemFailed, Update, World, chain
from tests.runtime.fuzz_parts import FACTOR, KINDS, Component, entities_by_esper, identities, kinds_of
from tests.runtime.runtime_parts import Broken, Clock

pytestmark = pytest.mark.timeout(120 * FACTOR)


@dataclass(frozen=True)
class Order:
    """One thing to queue, as data."""

    name: str
    which: int = 0
    """An entity: an index among all that there ever were."""
    mask: int = 1
    """Kinds of components."""
    inside: tuple[Order, ...] = ()
    """What the command queues when it runs."""


Done = Callable[[], None]


class Queueing:
    """Queues orders, and keeps a list of what they are to come to in the model."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.entities: dict[int, dict[type, object]] = {}
        self.clock = -1
        self.failed: list[str] = []
        self.reported: list[SystemFailed] = []
        self._known: list[int] = []
        self._waiting: deque[Done] = deque()
        app.set_error_handler(self.reported.append)

    def queue(self, order: Order, commands: Commands) -> None:
        """Queue one order in both."""
        entity = self._known[order.which % len(self._known)] if self._known else 1_000
        if order.name == "spawn":
            components = self._components(order)
            entity = commands.spawn(*components)
            assert entity not in self.entities
            self.entities[entity] = {}
            self._known.append(entity)
            self._waiting.append(lambda: self._insert(entity, components))
        elif order.name == "insert":
            components = self._components(order)
            commands.insert(entity, *components)
            self._waiting.append(lambda: self._insert(entity, components))
        elif order.name == "remove":
            kinds = kinds_of(order.mask)
            commands.remove(entity, *kinds)
            self._waiting.append(lambda: self._remove(entity, kinds))
        elif order.name == "despawn":
            commands.despawn(entity)
            self._waiting.append(lambda: self._despawn(entity))
        elif order.name == "resource":
            commands.insert_resource(Clock(order.which))
            self._waiting.append(lambda: setattr(self, "clock", order.which))
        elif order.name == "fail":
            commands.queue(self._failing(order))
            self._waiting.append(lambda: self.failed.append(f"order {order.which}"))
        else:
            commands.queue(lambda _: self._queue_more(order, commands))
            self._waiting.append(lambda: None)

    def do_at_once(self) -> None:
        """Let the model catch up: everything that was queued, in its order."""
        while self._waiting:
            self._waiting.popleft()()

    def host_deletes(self, which: int) -> None:
        """A host deletes an entity with plain esper, whatever is queued for it."""
        if self._known:
            entity = self._known[which % len(self._known)]
            with self.app.world.active():
                if esper.entity_exists(entity):
                    esper.delete_entity(entity, immediate=True)
            self.entities.pop(entity, None)

    def check(self) -> None:
        """Compare."""
        with self.app.world.active():
            found = entities_by_esper()
        assert identities(found) == identities(self.entities)
        clock = self.app.world.get_resource(Clock)
        assert (clock.ticks if clock else -1) == self.clock
        assert [failure.message for failure in self.reported] == self.failed

    def _queue_more(self, order: Order, commands: Commands) -> None:
        """What a command queues comes after all that was queued before it ran."""
        for inner in order.inside:
            self.queue(inner, commands)

    def _failing(self, order: Order) -> Callable[[World], None]:
        def fail(_: World) -> None:
            raise Broken(f"order {order.which}")

        return fail

    def _components(self, order: Order) -> list[Component]:
        return [kind(order.which) for kind in kinds_of(order.mask)]

    def _insert(self, entity: int, components: list[Component]) -> None:
        if entity in self.entities:
            self.entities[entity].update({type(component): component for component in components})

    def _remove(self, entity: int, kinds: tuple[type, ...]) -> None:
        for kind in kinds:
            self.entities.get(entity, {}).pop(kind, None)

    def _despawn(self, entity: int) -> None:
        self.entities.pop(entity, None)


@contextmanager
def queueing() -> Iterator[Queueing]:
    """An app of its own for each example."""
    with App() as app:
        yield Queueing(app)


def _orders(names: tuple[str, ...]) -> st.SearchStrategy[Order]:
    return st.builds(Order, st.sampled_from(names), st.integers(0, 9), st.integers(0, 2 ** len(KINDS) - 1))


simple = _orders(("spawn", "insert", "remove", "despawn", "resource", "fail"))
orders: st.SearchStrategy[Order] = st.recursive(
    simple,
    lambda inner: st.builds(
        Order, st.just("queue"), st.integers(0, 9), st.just(0), st.lists(inner, max_size=4).map(tuple)
    ),
    max_leaves=8,
)
bounded = settings(max_examples=100 * FACTOR, deadline=None)


@given(st.lists(st.lists(orders, max_size=10), max_size=5), st.booleans())
@bounded
def test_queued_commands_come_to_the_same_as_doing_it_at_once(batches: list[list[Order]], by_frame: bool) -> None:
    with queueing() as both:
        for batch in batches:
            for order in batch:
                both.queue(order, both.app.commands)
            if by_frame:
                both.app.update(0.1)
            else:
                both.app.apply_commands()
            both.do_at_once()
            assert not both.app.commands.waiting
            both.check()


@given(st.lists(orders, max_size=10), st.lists(st.integers(0, 9), max_size=5), st.lists(orders, max_size=10))
@bounded
def test_entities_that_a_host_deletes_meanwhile_are_left_alone(
    before: list[Order], deleted: list[int], after: list[Order]
) -> None:
    with queueing() as both:
        for order in before:
            both.queue(order, both.app.commands)
        both.app.apply_commands()
        both.do_at_once()
        for order in after:
            both.queue(order, both.app.commands)
        for which in deleted:
            both.host_deletes(which)
        both.app.apply_commands()
        both.do_at_once()
        both.check()
        both.app.update(0.1)  # and nothing of it spoils esper's own processing
        assert [failure.message for failure in both.reported] == both.failed


@given(st.lists(st.lists(orders, max_size=6), max_size=5))
@bounded
def test_chained_systems_see_what_those_before_them_queued(shares: list[list[Order]]) -> None:
    wrong: list[BaseException] = []

    def system(both: Queueing, share: list[Order]) -> Callable[[Commands], None]:
        def queue(commands: Commands) -> None:
            try:
                both.do_at_once()
                both.check()
            except AssertionError as error:
                wrong.append(error)
                raise
            for order in share:
                both.queue(order, commands)

        return queue

    with queueing() as both:
        both.app.add_systems(Update, chain(*(system(both, share) for share in shares)))
        both.app.update(0.1)
        both.do_at_once()
        assert wrong == []
        both.check()


@given(st.lists(st.lists(simple, max_size=6), max_size=5))
@bounded
def test_systems_in_no_order_see_nothing_until_all_have_run(shares: list[list[Order]]) -> None:
    seen: list[int] = []

    def system(both: Queueing, share: list[Order]) -> Callable[[Commands], None]:
        def queue(commands: Commands) -> None:
            for order in share:
                both.queue(order, commands)
            seen.append(sum(len(both.app.world.components(entity)) for entity in both.entities))

        return queue

    with queueing() as both:
        both.app.add_systems(Update, *(system(both, share) for share in shares))
        both.app.update(0.1)
        assert seen == [0] * len(shares)
        both.do_at_once()
        both.check()
