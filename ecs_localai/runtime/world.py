"""The world as programs outside of systems see it: always our esper context, never the caller's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import UnionType
from typing import TYPE_CHECKING, Concatenate, Final, ParamSpec, TypeVar, cast, overload

import esper

from ecs_localai.runtime.changes import ChangeMarks, assign_if_neq
from ecs_localai.runtime.filters import Filter
from ecs_localai.runtime.guard import WorldGuard, switch_to
from ecs_localai.runtime.observers import Observers
from ecs_localai.runtime.query_parts import Row
from ecs_localai.runtime.resources import Resources
from ecs_localai.runtime.structure import Structure
from ecs_localai.runtime.views import Views

if TYPE_CHECKING:
    from ecs_localai.runtime.time import Time

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F")
G = TypeVar("G")
H = TypeVar("H")
P = ParamSpec("P")
R = TypeVar("R")


NO_COMPONENTS: Final = frozenset((tuple, list, type))
"""What the first argument is where Bevy's tuple, or a class, was handed in by mistake. Only the first one is looked at:
to look at all would cost a tenth of a spawn."""


def no_component(given: object) -> TypeError:
    """What to raise for one of `NO_COMPONENTS`."""
    if isinstance(given, type):
        return TypeError(f"{given.__name__} is a class, not a component: give an instance, {given.__name__}(…).")
    return TypeError(
        f"A {type(given).__name__} is not a component: give each by itself, spawn(a, b), or spawn(*components)."
    )


def _inside(method: Callable[Concatenate[World, P], R]) -> Callable[Concatenate[World, P], R]:
    """Run a method of `World` with its esper world active, and give the caller's back afterwards.

    What systems call most does the same by itself, without the price of another call.
    """

    @wraps(method)
    def guarded(self: World, *args: P.args, **kwargs: P.kwargs) -> R:
        previous = esper.current_world
        if previous == self.name:
            return method(self, *args, **kwargs)
        switch_to(self.name)
        try:
            return method(self, *args, **kwargs)
        finally:
            esper.switch_world(previous)

    return cast("Callable[Concatenate[World, P], R]", guarded)


class World:
    """Entities, components and resources of one esper world context (Bevy: ``World``).

    Everything may be called from any of the program's worlds, also in the middle of the host's own
    `esper.process`; only ever from the frame thread.
    """

    def __init__(self, name: str, time: Time, report: Callable[[str, str, BaseException], None]) -> None:
        self.name = name
        """The esper world context's name, for `esper.switch_world`."""
        self.changes = ChangeMarks()
        self.structure = Structure()
        self.views = Views(self.structure)
        self.observers = Observers(self.structure, report)
        self._observed = self.observers.by_observed
        self._told = self.observers.told
        self.resources = Resources(self.changes)
        self.time = time
        self._guard = WorldGuard(name)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Make this the active esper world inside a ``with`` block, for plain esper calls."""
        with self._guard:
            yield

    def spawn(self, *components: object) -> int:
        """Create an entity with these components, one by one and not in Bevy's tuple; returns its id.

        Raises:
            TypeError: a tuple, a list or a class was given for a component.
        """
        if esper.current_world != self.name:
            with self._guard:
                return self.spawn(*components)
        if components and components[0].__class__ in NO_COMPONENTS:
            raise no_component(components[0])
        structure = self.structure
        structure.look()
        entity = esper.create_entity(*components)
        structure.changed(entity, map(type, components))
        if self._told:
            self.observers.spawned(entity, components)
        return entity

    def insert(self, entity: int, *components: object) -> bool:
        """Add or replace components of an entity. False, and nothing done, if it no longer exists.

        Raises:
            TypeError: a tuple, a list or a class was given for a component.
        """
        if esper.current_world != self.name:
            with self._guard:
                return self.insert(entity, *components)
        if components and components[0].__class__ in NO_COMPONENTS:
            raise no_component(components[0])
        if not esper.entity_exists(entity):
            return False
        structure = self.structure
        structure.look()
        marks = self.changes.logs
        for component in components:
            kind = type(component)
            if kind in marks and esper.try_component(entity, kind) is component:
                marks[kind].mark(entity)  # no difference to be seen, but insertion is a change
            esper.add_component(entity, component)
        structure.changed(entity, map(type, components))
        if self._told:
            self.observers.inserted(entity, components)
        return True

    def remove(self, entity: int, *kinds: type) -> bool:
        """Remove components from an entity. False if it no longer exists or had none of them."""
        if esper.current_world != self.name:
            with self._guard:
                return self.remove(entity, *kinds)
        if not esper.entity_exists(entity):
            return False
        found = [kind for kind in dict.fromkeys(kinds) if esper.has_component(entity, kind)]
        if not found:
            return False
        if self._told:
            going = [esper.try_component(entity, kind) for kind in found]
            self.observers.removing(entity, found)  # which may remove or replace some of them
            both = zip(found, going, strict=True)
            found = [kind for kind, component in both if esper.try_component(entity, kind) is component]
        structure = self.structure
        structure.look()
        for kind in found:
            esper.remove_component(entity, kind)
        structure.changed(entity, found)
        return True

    def get(self, entity: int, kind: type[T]) -> T | None:
        """The entity's component of this type; None if it has none or does not exist."""
        if esper.current_world != self.name:
            with self._guard:
                return self.get(entity, kind)
        return esper.try_component(entity, kind)

    @_inside
    def has(self, entity: int, kind: type) -> bool:
        """Whether the entity exists and has a component of this type."""
        return esper.try_component(entity, kind) is not None

    @_inside
    def exists(self, entity: int) -> bool:
        """Whether the entity exists and has not been deleted."""
        return esper.entity_exists(entity)

    @_inside
    def components(self, entity: int) -> tuple[object, ...]:
        """All components of an entity; empty if it does not exist."""
        return esper.components_for_entity(entity) if esper.entity_exists(entity) else ()

    def despawn(self, entity: int) -> bool:
        """Delete an entity at once. False if it does not exist.

        Esper's own deferred deletion is not used: a deferred delete of an entity that is gone by then makes
        every later `esper.process` raise (esper 3.9).
        """
        if esper.current_world != self.name:
            with self._guard:
                return self.despawn(entity)
        if not esper.entity_exists(entity):
            return False
        if self._observed:
            self.observers.despawning(entity, [kind for kind in self._told if esper.has_component(entity, kind)])
            if not esper.entity_exists(entity):  # an observer was quicker
                return True
        structure = self.structure
        structure.look()
        kinds: list[type] = []
        is_known = True
        components: tuple[object, ...] = esper.components_for_entity(entity)
        for component in components:
            kind = type(component)
            if kind in kinds or esper.try_component(entity, kind) is not component:
                is_known = False  # a host gave it under another type's name, which esper does not tell
            kinds.append(kind)
        esper.delete_entity(entity, True)
        if is_known:
            structure.changed(entity, kinds)
        else:
            structure.lose_track()
        return True

    @_inside
    def trigger(self, event: object, entity: int | None = None) -> None:
        """Call the observers of this event now, also as what happened to `entity` (Bevy: ``World::trigger``)."""
        self.observers.trigger(event, entity)

    @_inside
    def replace(self, entity: int, component: object, kind: type) -> None:
        """Put `component` in the place of an entity's component of type `kind`, which may be a base class of its own.

        Raises:
            KeyError: the entity does not exist.
        """
        self.structure.look()
        esper.add_component(entity, component, kind)
        self.structure.changed(entity, (kind,))
        if self._told:
            self.observers.replaced(entity, component, kind)

    def mark_changed(self, entity: int, kind: type) -> None:
        """Say that an entity's component was changed in place, for systems that ask for ``Changed[kind]``.

        Nothing is shown for an entity that has no such component when they look. Systems take a `Changes`, which
        is cheaper, and whose marks they are not shown themselves.
        """
        self.changes.log(kind).mark(entity)

    @_inside
    def set_if_neq(self, entity: int, component: object) -> bool:
        """Give the entity's component of this type the value of `component` and mark it, if that is another value.

        False, and nothing done, if they are equal or the entity has none. See `Changes.set_if_neq`.
        """
        changed = assign_if_neq(entity, component, type(component), self.replace)
        if changed:
            self.changes.log(type(component)).mark(entity)
        return changed

    # A filter is a class like any other to a type checker, so of overloads that overlap the first is the right one.
    @overload
    def query(  # type: ignore[overload-overlap]  # see above
        self, a: type[A], /, *filters: type[Filter]
    ) -> list[tuple[int, A]]: ...
    @overload
    def query(  # type: ignore[overload-overlap]  # see above
        self, a: type[A], b: type[B], /, *filters: type[Filter]
    ) -> list[tuple[int, tuple[A, B]]]: ...
    @overload
    def query(  # type: ignore[overload-overlap]  # see above
        self, a: type[A], b: type[B], c: type[C], /, *filters: type[Filter]
    ) -> list[tuple[int, tuple[A, B, C]]]: ...
    @overload
    def query(  # type: ignore[overload-overlap]  # see above
        self, a: type[A], b: type[B], c: type[C], d: type[D], /, *filters: type[Filter]
    ) -> list[tuple[int, tuple[A, B, C, D]]]: ...
    @overload
    def query(  # type: ignore[overload-overlap]  # see above
        self, a: type[A], b: type[B], c: type[C], d: type[D], e: type[E], /, *filters: type[Filter]
    ) -> list[tuple[int, tuple[A, B, C, D, E]]]: ...
    @overload
    def query(  # type: ignore[overload-overlap]  # see above
        self, a: type[A], b: type[B], c: type[C], d: type[D], e: type[E], f: type[F], /, *filters: type[Filter]
    ) -> list[tuple[int, tuple[A, B, C, D, E, F]]]: ...
    @overload
    def query(  # type: ignore[overload-overlap]  # see above
        self,
        a: type[A],
        b: type[B],
        c: type[C],
        d: type[D],
        e: type[E],
        f: type[F],
        g: type[G],
        /,
        *filters: type[Filter],
    ) -> list[tuple[int, tuple[A, B, C, D, E, F, G]]]: ...
    @overload
    def query(
        self,
        a: type[A],
        b: type[B],
        c: type[C],
        d: type[D],
        e: type[E],
        f: type[F],
        g: type[G],
        h: type[H],
        /,
        *filters: type[Filter],
    ) -> list[tuple[int, tuple[A, B, C, D, E, F, G, H]]]: ...
    @overload
    def query(self, *parts: type | UnionType) -> list[tuple[int, object]]: ...
    def query(self, *parts: object) -> object:
        """Entities with all these components, as a new list: ``(entity, a)`` or ``(entity, (a, b, …))``.

        It takes what `Query` takes, ``query(A, B | None, With[C])``, but for `Added` and `Changed`: what is new is new
        to one system. A type checker knows the types of up to eight components; of more, and of rows with an optional
        one, it knows nothing: there `Query` serves better.

        Raises:
            SystemParamError: it cannot be understood, or asks for what is new or changed.
        """
        return self._query(*parts)

    @_inside
    def _query(self, *parts: object) -> list[Row]:
        return list(self.views.named(parts).current())

    def insert_resource(self, value: object) -> None:
        """Insert or replace the resource of this value's type."""
        self.resources.insert(value)

    def resource(self, kind: type[T]) -> T:
        """The resource of this type.

        Raises:
            MissingResourceError: nobody has inserted it.
        """
        return self.resources.require(kind)

    def get_resource(self, kind: type[T]) -> T | None:
        """The resource of this type, or None."""
        return self.resources.get(kind)

    def mark_resource_changed(self, kind: type) -> None:
        """Say that a resource was changed in place, for the run condition `resource_changed`.

        Raises:
            MissingResourceError: nobody has inserted it.
        """
        self.resources.mark_changed(kind)

    def remove_resource(self, kind: type[T]) -> T | None:
        """Take a resource out of the world; None where there was none."""
        return self.resources.remove(kind)
