"""Queries: the entities that have certain components (Bevy: ``Query``, ``With``, ``Without``, ``Added``).

Everything here is built on one fact about esper 3.9: `esper.get_component` and `esper.get_components` return
the same list object until any structural change in the world, and a new one after it. So "is it the list I
saw last time?" answers "did anything change?" with public API, at the price of a call, and also for changes
that a host program makes with plain esper.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import TYPE_CHECKING, Generic, TypeVar, TypeVarTuple, cast, get_args, get_origin, overload

import esper

from ecs_localai.runtime.errors import SystemParamError

if TYPE_CHECKING:
    from ecs_localai.runtime.time import Time

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
Ts = TypeVarTuple("Ts")
Row = tuple[int, object]


class Filter:
    """Base of what narrows a query without adding to its rows."""


class With(Filter, Generic[A]):
    """Only entities that also have an `A`."""


class Without(Filter, Generic[A]):
    """Only entities that have no `A`."""


class Added(Filter, Generic[A]):
    """Only entities whose `A` is new to this system, however it was added.

    Entities made by a host with plain `esper.create_entity` are seen too. A system that has not run yet sees
    everything as added, and one that was skipped misses nothing. Unlike Bevy, replacing a component by another
    object counts as adding it: with plain esper the two cannot be told apart from a re-used entity id.
    """


F = TypeVar("F", bound=Filter)
G = TypeVar("G", bound=Filter)


class _AddedMemory:
    """Which components of one type this query has shown already."""

    __slots__ = ("frame", "fresh", "kind", "known", "last")

    def __init__(self, kind: type) -> None:
        self.kind = kind
        self.known: dict[int, object] = {}
        self.fresh: frozenset[int] = frozenset()
        self.last: object = None
        self.frame = -1

    def look(self, frame: int) -> frozenset[int]:
        """The entities whose component is new since the frame before this system's last look."""
        rows: list[Row] = esper.get_component(self.kind)
        if rows is self.last:
            if self.frame != frame:
                self.frame = frame
                self.fresh = frozenset()
            return self.fresh
        known = self.known
        fresh = {entity for entity, component in rows if known.get(entity) is not component}
        if self.frame == frame:
            fresh |= self.fresh  # a second look in the same frame sees what the first one saw
        self.known = dict(rows)
        self.last = rows
        self.frame = frame
        self.fresh = frozenset(fresh)
        return self.fresh

    def forget_gone(self) -> None:
        """Let go of components that are not in the world any more."""
        rows: list[Row] = esper.get_component(self.kind)
        if rows is not self.last:
            here = dict(rows)
            self.known = {entity: known for entity, known in self.known.items() if here.get(entity) is known}
            self.last = None


class Query(Generic[*Ts]):
    """Rows of entities with all the given components, in esper's shape.

    ``Query[A]`` yields ``(entity, a)``; ``Query[A, B]`` yields ``(entity, (a, b))``. Filters come last:
    ``Query[A, With[B], Added[A]]`` yields ``(entity, a)``. Iterating is over a snapshot, so structural changes
    made meanwhile are safe and are seen by the next iteration.
    """

    __slots__ = ("_added", "_derived", "_kinds", "_raw", "_time", "_wanted", "_width", "_without")

    def __init__(self, parts: tuple[object, ...], time: Time) -> None:
        kinds, with_, without, added = _split(parts)
        self._kinds = kinds
        self._width = len(kinds)
        self._wanted = kinds + tuple(kind for kind in with_ if kind not in kinds)
        self._without = without
        self._added = tuple(_AddedMemory(kind) for kind in added)
        self._wanted += tuple(kind for kind in added if kind not in self._wanted)
        self._time = time
        self._raw: object = None
        self._derived: list[Row] = []

    def _rows(self) -> list[Row]:
        wanted = self._wanted
        raw = cast("list[Row]", esper.get_component(wanted[0]) if len(wanted) == 1 else esper.get_components(*wanted))
        if not self._added and not self._without and len(self._wanted) == self._width:
            return raw
        if self._added:
            frame = self._time.frame
            fresh = [memory.look(frame) for memory in self._added]
            if not all(fresh):
                return []
            return [row for row in self._narrow(raw) if all(row[0] in one for one in fresh)]
        if raw is not self._raw:
            self._derived = self._narrow(raw)
            self._raw = raw
        return self._derived

    def _narrow(self, raw: list[Row]) -> list[Row]:
        """Apply `Without`, and cut the rows to the components that were asked for."""
        rows = raw
        if self._without:
            rows = [row for row in rows if not any(esper.has_component(row[0], kind) for kind in self._without)]
        if len(self._wanted) == self._width:
            return rows
        if self._width == 1:
            return [(entity, cast("tuple[object, ...]", parts)[0]) for entity, parts in rows]
        return [(entity, cast("tuple[object, ...]", parts)[: self._width]) for entity, parts in rows]

    @property
    def remembers(self) -> bool:
        """Whether it keeps rows from one frame to the next."""
        return bool(self._added) or bool(self._without) or len(self._wanted) > self._width

    def forget_gone(self) -> None:
        """Let go of components that have left the world, so that what hangs on them ends with them.

        Otherwise a task in a despawned component would live on in the query of a system that does not run. The
        app calls this at the beginning of a frame before which the world's structure has changed.
        """
        self._raw = None
        self._derived = []
        for memory in self._added:
            memory.forget_gone()

    # A filter is a type like any other to a type checker, so the overloads for filters come before, and overlap
    # with, those for components; the first that matches is the right one.
    @overload
    def __iter__(self: Query[A, F, G]) -> Iterator[tuple[int, A]]: ...  # type: ignore[overload-overlap]  # see above
    @overload
    def __iter__(self: Query[A, F]) -> Iterator[tuple[int, A]]: ...  # type: ignore[overload-overlap]  # see above
    @overload
    def __iter__(self: Query[A]) -> Iterator[tuple[int, A]]: ...
    @overload
    def __iter__(self: Query[A, B, F, G]) -> Iterator[tuple[int, tuple[A, B]]]: ...  # type: ignore[overload-overlap]  # see above
    @overload
    def __iter__(self: Query[A, B, F]) -> Iterator[tuple[int, tuple[A, B]]]: ...  # type: ignore[overload-overlap]  # see above
    @overload
    def __iter__(self: Query[A, B]) -> Iterator[tuple[int, tuple[A, B]]]: ...
    @overload
    def __iter__(self: Query[A, B, C, F]) -> Iterator[tuple[int, tuple[A, B, C]]]: ...  # type: ignore[overload-overlap]  # see above
    @overload
    def __iter__(self: Query[A, B, C]) -> Iterator[tuple[int, tuple[A, B, C]]]: ...
    @overload
    def __iter__(self: Query[A, B, C, D]) -> Iterator[tuple[int, tuple[A, B, C, D]]]: ...
    def __iter__(self) -> Iterator[tuple[int, object]]:
        return iter(self._rows())

    def __len__(self) -> int:
        return len(self._rows())

    def __bool__(self) -> bool:
        return bool(self._rows())

    def rows(self) -> list[tuple[int, object]]:
        """All rows as a new list."""
        return list(self._rows())


def _split(
    parts: tuple[object, ...],
) -> tuple[tuple[type, ...], tuple[type, ...], tuple[type, ...], tuple[type, ...]]:
    """Sort a query's parts into components, With, Without and Added.

    Raises:
        SystemParamError: a part is not a class or a filter, or there is no component.
    """
    kinds: list[type] = []
    filters: dict[object, list[type]] = {With: [], Without: [], Added: []}
    for part in parts:
        origin = get_origin(part)
        if origin in filters:
            filters[origin].append(_component_type(get_args(part)[0]))
        elif part in filters:
            name = getattr(part, "__name__", part)
            raise SystemParamError(f"{name} needs a component type: write {name}[SomeComponent].")
        else:
            kinds.append(_component_type(part))
    if not kinds:
        raise SystemParamError("A query needs at least one component type besides its filters.")
    return tuple(kinds), tuple(filters[With]), tuple(filters[Without]), tuple(filters[Added])


def _component_type(part: object) -> type:
    kind = class_of(part)
    if kind is None:
        raise SystemParamError(f"{part!r} in a query is not a component class.")
    return kind


def class_of(hint: object) -> type | None:
    """The class that an annotation means: of ``Task[int]`` it is `Task`, as esper stores it. None for a union."""
    origin = get_origin(hint)
    if origin is types.UnionType:
        return None
    kind = origin or hint
    return kind if isinstance(kind, type) else None
