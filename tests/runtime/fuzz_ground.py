"""The structural changes that a walk can make: each is done to the real world and to its model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import esper

from ecs_localai.runtime import App
from tests.runtime.fuzz_model import WorldModel
from tests.runtime.fuzz_parts import KINDS, Alpha, Component, Kind, SubAlpha, kinds_of

NEVER_AN_ENTITY: Final = 1_000_000
OTHER_WORLDS: Final = ("another game", "a third one")


@dataclass(frozen=True)
class Step:
    """One step; what its numbers mean depends on its name, and every number means something."""

    name: str
    which: int = 0
    """Mostly an entity: an index among those there are."""
    mask: int = 1
    """Mostly kinds of components, a bit each."""
    value: int = 0
    inside: tuple[Step, ...] = ()
    """Done meanwhile: in the frame, in the iteration, in the queued command."""
    host: tuple[Step, ...] = ()
    """Of a frame: what a processor of the host's does in it."""


class Ground:
    """A real app's world and its model, with what the steps need to find their way in both."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.model = WorldModel()
        self._made: list[Component] = [Alpha()]
        self._gone: list[int] = []
        self.problem: Exception | None = None
        """What a system of the walk found wrong; kept, because a frame isolates what fails in it."""

    @contextmanager
    def home(self) -> Iterator[None]:
        """The app's world is active, switched to as a host would do it."""
        before = esper.current_world
        esper.switch_world(self.app.world.name)
        try:
            yield
        finally:
            esper.switch_world(before)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Keep what goes wrong inside of a frame."""
        try:
            yield
        except Exception as error:
            self.problem = self.problem or error
            raise

    def new(self, kind: Kind, value: int) -> Component:
        """A new component. It is kept, so that no other object ever gets its `id`."""
        component = kind(value)
        self._made.append(component)
        return component

    def old(self, index: int) -> Component:
        """A component that was made before; it may be in the world, in several places, or gone."""
        return self._made[-1 - index % min(len(self._made), 8)]

    def entity(self, which: int) -> int:
        """An entity that is there, or one that was deleted not long ago, or one that never was."""
        known = [*sorted(self.model.entities), *self._gone[-2:], NEVER_AN_ENTITY]
        return known[which % len(known)]

    def forget(self, entity: int) -> None:
        """Remember that an entity was deleted."""
        self._gone.append(entity)

    def kind(self, mask: int) -> Kind:
        """One kind."""
        return KINDS[mask % len(KINDS)]


def spawn(ground: Ground, step: Step) -> None:
    components = [ground.new(kind, step.value) for kind in kinds_of(step.mask)]
    entity = ground.app.world.spawn(*components)
    ground.model.create(entity)
    for component in components:
        ground.model.put(entity, type(component), component)


def insert(ground: Ground, step: Step) -> None:
    _insert(ground, ground.entity(step.which), [ground.new(kind, step.value) for kind in kinds_of(step.mask)])


def insert_same(ground: Ground, step: Step) -> None:
    _insert(ground, ground.entity(step.which), [ground.old(step.value)])


def _insert(ground: Ground, entity: int, components: list[Component]) -> None:
    there = ground.model.exists(entity)
    assert ground.app.world.insert(entity, *components) == there
    if there:
        for component in components:
            ground.model.insert(entity, component)


def remove(ground: Ground, step: Step) -> None:
    entity, kinds = ground.entity(step.which), kinds_of(step.mask)
    found = ground.model.removable(entity, kinds)
    assert ground.app.world.remove(entity, *kinds) == bool(found)
    for kind in found:
        ground.model.take(entity, kind)


def despawn(ground: Ground, step: Step) -> None:
    entity = ground.entity(step.which)
    there = ground.model.exists(entity)
    assert ground.app.world.despawn(entity) == there
    if there:
        ground.model.delete(entity)
        ground.forget(entity)


def set_if_neq(ground: Ground, step: Step) -> None:
    entity, kind = ground.entity(step.which), ground.kind(step.mask)
    component = ground.new(kind, step.value)
    current = ground.model.entities.get(entity, {}).get(kind)
    other = current is not None and not current == component  # noqa: SIM201 - Gamma has no `!=` of its own
    assert ground.app.world.set_if_neq(entity, component) == other
    if other:
        if not isinstance(current, Alpha):  # which is written into, and stays where it is
            ground.model.put(entity, kind, component)
        ground.model.mark(entity, kind)


def mark(ground: Ground, step: Step) -> None:
    entity, kind = ground.entity(step.which), ground.kind(step.mask)
    ground.app.world.mark_changed(entity, kind)
    ground.model.mark(entity, kind)


def ask(ground: Ground, step: Step) -> None:
    entity, world = ground.entity(step.which), ground.app.world
    assert world.exists(entity) == ground.model.exists(entity)
    if entity in ground.model.dying:
        return  # what is left of it is not promised to anybody
    has = ground.model.entities.get(entity, {})
    assert sorted(map(id, world.components(entity))) == sorted(map(id, has.values()))
    for kind in KINDS:
        assert world.has(entity, kind) == (kind in has)
        assert world.get(entity, kind) is has.get(kind)


def plain_create(ground: Ground, step: Step) -> None:
    components = [ground.new(kind, step.value) for kind in kinds_of(step.mask)]
    with ground.home():
        entity = esper.create_entity(*components)
    ground.model.create(entity)
    for component in components:
        ground.model.put(entity, type(component), component)


def plain_add(ground: Ground, step: Step) -> None:
    _plain_add(ground, step, ground.new(ground.kind(step.mask), step.value))


def plain_add_same(ground: Ground, step: Step) -> None:
    _plain_add(ground, step, ground.old(step.value))


def plain_add_alias(ground: Ground, step: Step) -> None:
    """As another type than its own; perhaps an object that the entity has as its own type too."""
    component = ground.old(step.mask)
    if step.value < 2 or not isinstance(component, Alpha):
        component = ground.new(SubAlpha, step.value)
    _plain_add(ground, step, component, Alpha)


def plain_add_alias_too(ground: Ground, step: Step) -> None:
    """The object that the entity has, as another type as well."""
    entity = ground.entity(step.which)
    component = ground.model.entities.get(entity, {}).get(SubAlpha)
    if isinstance(component, SubAlpha):
        with ground.home():
            esper.add_component(entity, component, Alpha)
        ground.model.put(entity, Alpha, component)


def _plain_add(ground: Ground, step: Step, component: Component, alias: type[Alpha] | None = None) -> None:
    entity = ground.entity(step.which)
    if entity in ground.model.entities:
        with ground.home():
            esper.add_component(entity, component, alias)
        ground.model.put(entity, alias or type(component), component)


def plain_remove(ground: Ground, step: Step) -> None:
    entity, kind = ground.entity(step.which), ground.kind(step.mask)
    if kind in ground.model.entities.get(entity, {}):
        with ground.home():
            removed = esper.remove_component(entity, kind)
        assert removed is ground.model.entities[entity][kind]
        ground.model.take(entity, kind)


def plain_try_remove(ground: Ground, step: Step) -> None:
    entity, kind = ground.entity(step.which), ground.kind(step.mask)
    if entity in ground.model.entities:
        with ground.home():
            esper.try_remove_component(entity, kind)
        if kind in ground.model.entities[entity]:
            ground.model.take(entity, kind)


def plain_delete(ground: Ground, step: Step) -> None:
    entity = ground.entity(step.which)
    if ground.model.exists(entity):  # deleting twice is the host's own mistake, and esper's processing ends with it
        with ground.home():
            esper.delete_entity(entity, immediate=True)
        ground.model.delete(entity)
        ground.forget(entity)


def plain_delete_later(ground: Ground, step: Step) -> None:
    entity = ground.entity(step.which)
    if ground.model.exists(entity):
        with ground.home():
            esper.delete_entity(entity)
        ground.model.dying.add(entity)


def plain_delete_dying(ground: Ground, _step: Step) -> None:
    with ground.home():
        esper.clear_dead_entities()
    ground.model.delete_dying()


def plain_clear(ground: Ground, step: Step) -> None:
    if step.which % 16 == 0 and not ground.app.commands.waiting:  # rarely; and what is queued would mean other entities
        with ground.home():
            esper.clear_database()
        ground.model.clear()


def plain_clear_cache(ground: Ground, _step: Step) -> None:
    with ground.home():
        esper.clear_cache()


def elsewhere(ground: Ground, step: Step) -> None:
    """Changes in a world that is not the app's, with the same classes and the same ids."""
    before = esper.current_world
    esper.switch_world(OTHER_WORLDS[step.which % len(OTHER_WORLDS)])
    try:
        there = list(esper.get_entities())
        if len(there) > 5:
            esper.clear_database()
        elif there and step.value == 1:
            esper.delete_entity(there[0], immediate=True)
        elif there and step.value == 2:
            esper.add_component(there[0], ground.new(ground.kind(step.mask), step.value))
        else:
            esper.create_entity(*(ground.new(kind, step.value) for kind in kinds_of(step.mask)))
        esper.get_component(Alpha)
        esper.process()
    finally:
        esper.switch_world(before)


STRUCTURAL: Final[dict[str, Callable[[Ground, Step], None]]] = {
    "spawn": spawn,
    "insert": insert,
    "insert_same": insert_same,
    "remove": remove,
    "despawn": despawn,
    "set_if_neq": set_if_neq,
    "mark": mark,
    "ask": ask,
    "plain_create": plain_create,
    "plain_add": plain_add,
    "plain_add_same": plain_add_same,
    "plain_add_alias": plain_add_alias,
    "plain_add_alias_too": plain_add_alias_too,
    "plain_remove": plain_remove,
    "plain_try_remove": plain_try_remove,
    "plain_delete": plain_delete,
    "plain_delete_later": plain_delete_later,
    "plain_delete_dying": plain_delete_dying,
    "plain_clear": plain_clear,
    "plain_clear_cache": plain_clear_cache,
    "elsewhere": elsewhere,
}
"""What changes a world, by name; each may be done at any moment, in a frame and between frames."""
