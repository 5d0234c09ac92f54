"""Queries: the entities that have certain components (Bevy: ``Query``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Generic, TypeVar, TypeVarTuple, overload

from ecs_localai.runtime.changes import AddedMemory, ChangedMemory
from ecs_localai.runtime.filters import Filter
from ecs_localai.runtime.query_parts import Row, split_parts

if TYPE_CHECKING:
    from ecs_localai.runtime.world import World

A = TypeVar("A")
B = TypeVar("B")
R = TypeVar("R")
Ts = TypeVarTuple("Ts")
Cs = TypeVarTuple("Cs")

F1 = TypeVar("F1", bound=Filter)
F2 = TypeVar("F2", bound=Filter)
F3 = TypeVar("F3", bound=Filter)
F4 = TypeVar("F4", bound=Filter)
F5 = TypeVar("F5", bound=Filter)
F6 = TypeVar("F6", bound=Filter)


class Query(Generic[*Ts]):
    """Rows of entities with all the given components, in esper's shape.

    ``Query[A]`` yields ``(entity, a)``; ``Query[A, B]`` yields ``(entity, (a, b))``. Filters come last:
    ``Query[A, With[B], Added[A]]`` yields ``(entity, a)``. An optional component, ``Query[A, B | None]``, is None for
    entities that have none (Bevy: ``Option<&B>``). Iterating is over a snapshot, so structural changes made
    meanwhile are safe and are seen by the next iteration.
    """

    __slots__ = ("_fresh", "_parts", "_rows", "_world")

    def __init__(self, brackets: tuple[object, ...], world: World, owner: int) -> None:
        """`owner` is the system whose marks it is not to show.

        Raises:
            SystemParamError: what is in the brackets cannot be understood.
        """
        self._parts = parts = split_parts(brackets)
        self._world = world
        added = [AddedMemory(kind, world.structure) for kind in parts.added]
        changed = [ChangedMemory(world.changes.log(kind), world.structure, owner) for kind in parts.changed]
        self._fresh: tuple[AddedMemory, ...] = (*added, *changed)
        self._rows: Callable[[], list[Row]] = self._fresh_rows if self._fresh else world.views.of(parts).current

    def _fresh_rows(self) -> list[Row]:
        """What is new or changed, found by asking those entities alone."""
        run = self._world.time.run_number
        looks = [memory.look(run) for memory in self._fresh]
        fresh = looks[0] if len(looks) == 1 else frozenset.intersection(*looks)
        find = self._parts.row
        return [row for entity in fresh if (row := find(entity)) is not None]

    def entity_keys(self) -> Mapping[int, object]:
        """The entities of all rows, as the keys of a mapping that may be the query's own: for `Changes.mark_all`."""
        if self._fresh:
            return dict(self._fresh_rows())
        return self._world.views.of(self._parts).places()

    @property
    def remembers(self) -> bool:
        """Whether it remembers what it has shown."""
        return bool(self._fresh)

    def forget_gone(self) -> None:
        """Let go of components that have left the world, so that what hangs on them ends with them.

        The app calls this at the beginning of a frame before which the world's structure has changed.
        """
        for memory in self._fresh:
            memory.forget_gone()

    # A filter is a type like any other to a type checker, so the overloads for filters come before, and overlap
    # with, those for components; the first that matches is the right one. Behind a filter there are only filters.
    @overload
    def __iter__(self: Query[A, F1, *Cs]) -> Iterator[tuple[int, A]]: ...  # type: ignore[overload-overlap]  # see above
    @overload
    def __iter__(self: Query[A]) -> Iterator[tuple[int, A]]: ...
    @overload
    def __iter__(self: Query[A, B, *Cs, F1, F2, F3, F4, F5, F6]) -> Iterator[tuple[int, tuple[A, B, *Cs]]]: ...
    @overload
    def __iter__(self: Query[A, B, *Cs, F1, F2, F3, F4, F5]) -> Iterator[tuple[int, tuple[A, B, *Cs]]]: ...
    @overload
    def __iter__(self: Query[A, B, *Cs, F1, F2, F3, F4]) -> Iterator[tuple[int, tuple[A, B, *Cs]]]: ...
    @overload
    def __iter__(self: Query[A, B, *Cs, F1, F2, F3]) -> Iterator[tuple[int, tuple[A, B, *Cs]]]: ...
    @overload
    def __iter__(self: Query[A, B, *Cs, F1, F2]) -> Iterator[tuple[int, tuple[A, B, *Cs]]]: ...
    @overload
    def __iter__(self: Query[A, B, *Cs, F1]) -> Iterator[tuple[int, tuple[A, B, *Cs]]]: ...
    @overload
    def __iter__(self: Query[A, B, *Cs]) -> Iterator[tuple[int, tuple[A, B, *Cs]]]: ...
    def __iter__(self) -> Iterator[tuple[int, object]]:
        rows = self._rows  # a local: CPython 3.11 is slow in calling an attribute of an instance
        return iter(rows())

    def __len__(self) -> int:
        return len(self._rows())

    def __bool__(self) -> bool:
        return bool(self._rows())

    def rows(self: Iterable[tuple[int, R]]) -> list[tuple[int, R]]:  # typed as what `__iter__` yields
        """All rows as a new list."""
        return list(iter(self))
