"""What a query asks for: its components and filters, sorted out of the brackets once."""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Union, cast, get_args, get_origin

import esper

from ecs_localai.runtime.errors import SystemParamError
from ecs_localai.runtime.filters import Added, Changed, Filter, With, Without
from ecs_localai.runtime.listing import list_component, list_components

Row = tuple[int, object]


@dataclass(frozen=True)
class QueryParts:
    """What a query asks for. Equal ones find the same rows."""

    columns: tuple[type, ...]
    """The components of a row, in the order they were written."""
    optional: frozenset[type]
    """Those of them that may be missing."""
    wanted: tuple[type, ...]
    """What an entity must have: first the columns that may not be missing."""
    without: tuple[type, ...]
    added: tuple[type, ...] = ()
    changed: tuple[type, ...] = ()

    @cached_property
    def is_single(self) -> bool:
        """Whether a row is one component that has to be there."""
        return len(self.columns) == 1 and not self.optional

    @cached_property
    def is_plain(self) -> bool:
        """Whether a row is exactly what is wanted."""
        return self.columns == self.wanted and not self.optional

    @property
    def kinds(self) -> frozenset[type]:
        """All types whose coming and going can change the rows."""
        return self.optional.union(self.wanted, self.without)

    @cached_property
    def row(self) -> Callable[[int], Row | None]:
        """``row(entity)``: its row; None if it has not all that is wanted. Needs the world to be active.

        Made for what is asked for, because it is called for every entity that was touched.
        """
        if self.is_plain and not self.without:
            if len(self.wanted) == 1:
                return _row_of_one(self.wanted[0])
            if len(self.wanted) == 2:
                return _row_of_two(*self.wanted)
        return self._row

    def _row(self, entity: int) -> Row | None:
        component = esper.try_component
        found: list[object] = []
        for kind in self.wanted:
            one: object = component(entity, kind)
            if one is None:
                return None
            found.append(one)
        for kind in self.without:
            if component(entity, kind) is not None:
                return None
        if self.is_single:
            return entity, found[0]
        if self.is_plain:
            return entity, tuple(found)
        if len(self.columns) == 1:
            return entity, component(entity, self.columns[0])
        return entity, tuple([component(entity, kind) for kind in self.columns])

    def all_rows(self) -> list[Row]:
        """The rows of all entities; it may be esper's own list, which must not be changed. Needs the active world."""
        wanted = self.wanted
        raw = cast("list[Row]", list_component(wanted[0]) if len(wanted) == 1 else list_components(wanted))
        if self.optional:
            return [row for entity, _ in raw if (row := self.row(entity)) is not None]
        if self.without:
            raw = [row for row in raw if not any(esper.has_component(row[0], kind) for kind in self.without)]
        width = len(self.columns)
        if len(wanted) == width:
            return raw
        if width == 1:
            return [(entity, cast("tuple[object, ...]", parts)[0]) for entity, parts in raw]
        return [(entity, cast("tuple[object, ...]", parts)[:width]) for entity, parts in raw]


def _row_of_one(kind: type) -> Callable[[int], Row | None]:
    def row(entity: int) -> Row | None:
        component: object = esper.try_component(entity, kind)
        return None if component is None else (entity, component)

    return row


def _row_of_two(first: type, second: type) -> Callable[[int], Row | None]:
    def row(entity: int) -> Row | None:
        a: object = esper.try_component(entity, first)
        if a is None:
            return None
        b: object = esper.try_component(entity, second)
        return None if b is None else (entity, (a, b))

    return row


def split_parts(parts: tuple[object, ...]) -> QueryParts:
    """Sort a query's parts into components and filters.

    Raises:
        SystemParamError: a part is not a class, an optional one or a filter, a component stands after a filter, or no
            component has to be there.
    """
    columns: list[type] = []
    optional: set[type] = set()
    wanted: list[type] = []
    filters: dict[object, list[type]] = {With: [], Without: [], Added: [], Changed: []}
    for part in parts:
        origin = get_origin(part)
        if origin in filters:
            filters[origin].append(_component_type(get_args(part)[0]))
        elif isinstance(part, type) and part in filters:
            raise SystemParamError(f"{part.__name__} needs a component type: write {part.__name__}[SomeComponent].")
        else:
            is_optional = origin in (Union, types.UnionType)
            kind = _component_of_optional(part) if is_optional else _component_type(part)
            if any(filters.values()):  # a type checker would take it for another filter
                raise SystemParamError(
                    f"{kind.__qualname__} stands after a filter in a query. Name all components first, and then the "
                    f"filters: Query[A, B, With[C]]."
                )
            columns.append(kind)
            if is_optional:
                optional.add(kind)
            else:
                wanted.append(kind)
    if not columns:
        raise SystemParamError("A query needs at least one component type besides its filters.")
    for kind in (*filters[With], *filters[Added], *filters[Changed]):
        if kind not in wanted:
            wanted.append(kind)
    if not wanted:
        raise SystemParamError("A query needs at least one component that is not optional, or With[SomeComponent].")
    return QueryParts(
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
    if kind is None or get_origin(part) is tuple or issubclass(kind, Filter):  # Bevy's tuples
        shown = f"the tuple {part!r}" if isinstance(part, tuple) else repr(part)
        raise SystemParamError(
            f"{shown} in a query is not a component class. Name one class after the other, and then the filters: "
            f"Query[A, B, With[C]]."
        )
    return kind


def class_of(hint: object) -> type | None:
    """The class that an annotation means: of ``Task[int]`` it is `Task`, as esper stores it. None for a union."""
    origin = get_origin(hint)
    if origin is types.UnionType:
        return None
    kind = origin or hint
    return kind if isinstance(kind, type) else None
