"""Queries: the entities that have certain components (Bevy: ``Query``, ``With``, ``Without``, ``Added``, ``Changed``).

Everything here is built on one fact about esper 3.9: `esper.get_component` and `esper.get_components` return
the same list object until any structural change in the world, and a new one after it. So "is it the list I
saw last time?" answers "did anything change?" with public API, at the price of a call, and also for changes
that a host program makes with plain esper.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar, TypeVarTuple, Union, cast, get_args, get_origin, overload

import esper

from ecs_localai.runtime.changes import AddedMemory, ChangedMemory, ChangeMarks
from ecs_localai.runtime.errors import SystemParamError

if TYPE_CHECKING:
    from ecs_localai.runtime.time import Time

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
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


class Changed(Filter, Generic[A]):
    """Only entities whose `A` was marked as changed, or is new (as `Added`), since this system last looked.

    As in Bevy (``bevy_ecs/src/query/filter.rs``), adding or replacing a component is a change, a system that has
    not run yet sees everything, one that was skipped misses nothing, and none is shown its own marks. Unlike Bevy,
    writing a component is no change until it is marked, with `Changes` or `World.mark_changed`; and adding the very
    object that is there already with plain `esper.add_component` is not seen. The cost follows the number of
    entities that changed.
    """


F = TypeVar("F", bound=Filter)
G = TypeVar("G", bound=Filter)
H = TypeVar("H", bound=Filter)


class Query(Generic[*Ts]):
    """Rows of entities with all the given components, in esper's shape.

    ``Query[A]`` yields ``(entity, a)``; ``Query[A, B]`` yields ``(entity, (a, b))``. Filters come last:
    ``Query[A, With[B], Added[A]]`` yields ``(entity, a)``. An optional component, ``Query[A, B | None]``, is None for
    entities that have none (Bevy: ``Option<&B>``). Iterating is over a snapshot, so structural changes made
    meanwhile are safe and are seen by the next iteration.
    """

    __slots__ = ("_columns", "_derived", "_fresh", "_optional", "_plain", "_raw", "_time", "_wanted", "_without")

    def __init__(self, parts: tuple[object, ...], time: Time, marks: ChangeMarks, owner: int | None = None) -> None:
        """`owner` is the system whose marks it is not to show."""
        found = _split(parts)
        self._columns = found.columns
        self._optional = found.optional
        self._wanted = found.wanted
        self._without = found.without
        added = [AddedMemory(kind) for kind in found.added]
        changed = [ChangedMemory(marks.log(kind), owner) for kind in found.changed]
        self._fresh: tuple[AddedMemory, ...] = (*added, *changed)
        self._plain = not self._fresh and not self._without and self._wanted == self._columns
        self._time = time
        self._raw: object = None
        self._derived: list[Row] = []

    def _rows(self) -> list[Row]:
        if self._fresh:
            return self._fresh_rows()
        wanted = self._wanted
        raw = cast("list[Row]", esper.get_component(wanted[0]) if len(wanted) == 1 else esper.get_components(*wanted))
        if self._plain:
            return raw
        if raw is not self._raw:
            self._derived = self._narrow(raw)
            self._raw = raw
        return self._derived

    def _fresh_rows(self) -> list[Row]:
        """What is new or changed, found by asking those entities alone."""
        run = self._time.run_number
        looks = [memory.look(run) for memory in self._fresh]
        fresh = looks[0] if len(looks) == 1 else frozenset.intersection(*looks)
        return [row for entity in fresh if (row := self._row(entity)) is not None]

    def _row(self, entity: int) -> Row | None:
        """This entity's row; None if it has not all that is wanted."""
        component = esper.try_component
        for kind in self._wanted:
            if component(entity, kind) is None:
                return None
        for kind in self._without:
            if component(entity, kind) is not None:
                return None
        if len(self._columns) == 1:
            return entity, component(entity, self._columns[0])
        return entity, tuple([component(entity, kind) for kind in self._columns])

    def _narrow(self, raw: list[Row]) -> list[Row]:
        """Apply `Without`, and cut the rows to the components that were asked for."""
        if self._optional:
            return [row for entity, _ in raw if (row := self._row(entity)) is not None]
        rows = raw
        if self._without:
            rows = [row for row in rows if not any(esper.has_component(row[0], kind) for kind in self._without)]
        width = len(self._columns)
        if len(self._wanted) == width:
            return rows
        if width == 1:
            return [(entity, cast("tuple[object, ...]", parts)[0]) for entity, parts in rows]
        return [(entity, cast("tuple[object, ...]", parts)[:width]) for entity, parts in rows]

    @property
    def remembers(self) -> bool:
        """Whether it keeps rows from one frame to the next."""
        return not self._plain

    def forget_gone(self) -> None:
        """Let go of components that have left the world, so that what hangs on them ends with them.

        Otherwise a task in a despawned component would live on in the query of a system that does not run. The
        app calls this at the beginning of a frame before which the world's structure has changed.
        """
        self._raw = None
        self._derived = []
        for memory in self._fresh:
            memory.forget_gone()

    # A filter is a type like any other to a type checker, so the overloads for filters come before, and overlap
    # with, those for components; the first that matches is the right one.
    @overload
    def __iter__(self: Query[A, F, G, H]) -> Iterator[tuple[int, A]]: ...  # type: ignore[overload-overlap]  # see above
    @overload
    def __iter__(self: Query[A, F, G]) -> Iterator[tuple[int, A]]: ...  # type: ignore[overload-overlap]  # see above
    @overload
    def __iter__(self: Query[A, F]) -> Iterator[tuple[int, A]]: ...  # type: ignore[overload-overlap]  # see above
    @overload
    def __iter__(self: Query[A]) -> Iterator[tuple[int, A]]: ...
    @overload
    def __iter__(self: Query[A, B, F, G, H]) -> Iterator[tuple[int, tuple[A, B]]]: ...  # type: ignore[overload-overlap]  # see above
    @overload
    def __iter__(self: Query[A, B, F, G]) -> Iterator[tuple[int, tuple[A, B]]]: ...  # type: ignore[overload-overlap]  # see above
    @overload
    def __iter__(self: Query[A, B, F]) -> Iterator[tuple[int, tuple[A, B]]]: ...  # type: ignore[overload-overlap]  # see above
    @overload
    def __iter__(self: Query[A, B]) -> Iterator[tuple[int, tuple[A, B]]]: ...
    @overload
    def __iter__(self: Query[A, B, C, F, G]) -> Iterator[tuple[int, tuple[A, B, C]]]: ...  # type: ignore[overload-overlap]  # see above
    @overload
    def __iter__(self: Query[A, B, C, F]) -> Iterator[tuple[int, tuple[A, B, C]]]: ...  # type: ignore[overload-overlap]  # see above
    @overload
    def __iter__(self: Query[A, B, C]) -> Iterator[tuple[int, tuple[A, B, C]]]: ...
    @overload
    def __iter__(self: Query[A, B, C, D, F]) -> Iterator[tuple[int, tuple[A, B, C, D]]]: ...  # type: ignore[overload-overlap]  # see above
    @overload
    def __iter__(self: Query[A, B, C, D]) -> Iterator[tuple[int, tuple[A, B, C, D]]]: ...
    @overload
    def __iter__(self: Query[A, B, C, D, E]) -> Iterator[tuple[int, tuple[A, B, C, D, E]]]: ...
    def __iter__(self) -> Iterator[tuple[int, object]]:
        return iter(self._rows())

    def __len__(self) -> int:
        return len(self._rows())

    def __bool__(self) -> bool:
        return bool(self._rows())

    def rows(self) -> list[tuple[int, object]]:
        """All rows as a new list."""
        return list(self._rows())


@dataclass(frozen=True)
class _Parts:
    """What a query asks for."""

    columns: tuple[type, ...]
    """The components of a row, in the order they were written."""
    optional: frozenset[type]
    """Those of them that may be missing."""
    wanted: tuple[type, ...]
    """What an entity must have: first the columns that may not be missing."""
    without: tuple[type, ...]
    added: tuple[type, ...]
    changed: tuple[type, ...]


def _split(parts: tuple[object, ...]) -> _Parts:
    """Sort a query's parts into components and filters.

    Raises:
        SystemParamError: a part is not a class, an optional one or a filter, or no component has to be there.
    """
    columns: list[type] = []
    optional: set[type] = set()
    wanted: list[type] = []
    filters: dict[object, list[type]] = {With: [], Without: [], Added: [], Changed: []}
    for part in parts:
        origin = get_origin(part)
        if origin in filters:
            filters[origin].append(_component_type(get_args(part)[0]))
        elif part in filters:
            name = getattr(part, "__name__", part)
            raise SystemParamError(f"{name} needs a component type: write {name}[SomeComponent].")
        elif origin in (Union, types.UnionType):
            optional.add(_component_of_optional(part))
            columns.append(_component_of_optional(part))
        else:
            wanted.append(_component_type(part))
            columns.append(wanted[-1])
    if not columns:
        raise SystemParamError("A query needs at least one component type besides its filters.")
    for kind in (*filters[With], *filters[Added], *filters[Changed]):
        if kind not in wanted:
            wanted.append(kind)
    if not wanted:
        raise SystemParamError("A query needs at least one component that is not optional, or With[SomeComponent].")
    return _Parts(
        tuple(columns),
        frozenset(optional),
        tuple(wanted),
        tuple(filters[Without]),
        tuple(filters[Added]),
        tuple(filters[Changed]),
    )


def _component_of_optional(part: object) -> type:
    """The `B` of ``B | None``."""
    others = [one for one in get_args(part) if one is not type(None)]
    if len(others) != 1 or len(get_args(part)) != 2:
        raise SystemParamError(
            f"{part!r} in a query is not a component class; an optional one is SomeComponent | None."
        )
    return _component_type(others[0])


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
