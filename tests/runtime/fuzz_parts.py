"""What fuzz and model tests share: awkward components, query signatures with their meaning, and how long to run."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from types import GenericAlias
from typing import Final, TypeAlias

import esper

from ecs_localai.runtime import With, Without

FACTOR: Final = max(1, int(os.environ.get("ECS_LOCALAI_FUZZ", "1")))
"""How many times as long as usual fuzz and model tests run: ``ECS_LOCALAI_FUZZ=50`` for a soak."""

Row: TypeAlias = tuple[int, object]


@dataclass
class Alpha:
    """A component that equals others of its value and cannot be hashed; `set_if_neq` writes into it."""

    value: int = 0


@dataclass(frozen=True)
class Beta:
    """A component that cannot be written to; `set_if_neq` replaces it."""

    value: int = 0


class Gamma:
    """A component that is false, equals everything and takes no weak reference: only its identity tells it apart."""

    __slots__ = ("value",)
    __hash__ = None  # type: ignore[assignment]  # unhashable on purpose, as any class with a mutable value

    def __init__(self, value: int = 0) -> None:
        self.value = value

    def __bool__(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return True


@dataclass
class SubAlpha(Alpha):
    """A subclass, which is a component type of its own unless it is added with ``type_alias``."""


Kind: TypeAlias = "type[Alpha] | type[Beta] | type[Gamma] | type[SubAlpha]"
Component: TypeAlias = "Alpha | Beta | Gamma | SubAlpha"
KINDS: Final[tuple[Kind, ...]] = (Alpha, Beta, Gamma, SubAlpha)


def kinds_of(mask: int) -> tuple[Kind, ...]:
    """The kinds whose bits are set in `mask`."""
    return tuple(kind for bit, kind in enumerate(KINDS) if mask >> bit & 1)


@dataclass(frozen=True)
class Signature:
    """What a query asks for, and so which rows it has to have."""

    columns: tuple[tuple[Kind, bool], ...]
    """The components of a row, and whether each may be missing."""
    having: tuple[Kind, ...] = ()
    lacking: tuple[Kind, ...] = ()

    @property
    def parts(self) -> tuple[object, ...]:
        """What goes between the brackets of ``Query[…]``."""
        return (
            *(kind | None if optional else kind for kind, optional in self.columns),
            *(GenericAlias(With, (kind,)) for kind in self.having),
            *(GenericAlias(Without, (kind,)) for kind in self.lacking),
        )

    def __str__(self) -> str:
        names = [f"{kind.__name__} | None" if optional else kind.__name__ for kind, optional in self.columns]
        names += [f"With[{kind.__name__}]" for kind in self.having]
        names += [f"Without[{kind.__name__}]" for kind in self.lacking]
        return f"Query[{', '.join(names)}]"

    def row(self, entity: int, components: dict[type, object]) -> Row | None:
        """The row of an entity with these components; None if it is none of the query's."""
        if any(kind not in components and not optional for kind, optional in self.columns):
            return None
        if any(kind not in components for kind in self.having) or any(kind in components for kind in self.lacking):
            return None
        found = tuple(components.get(kind) for kind, _ in self.columns)
        return (entity, found[0]) if len(found) == 1 else (entity, found)

    def rows(self, entities: dict[int, dict[type, object]]) -> list[Row]:
        """The rows of a world with these entities, in no order."""
        return [row for entity, has in entities.items() if (row := self.row(entity, has)) is not None]


def _signature(*columns: Kind, optional: Iterable[Kind] = (), having: int = 0, lacking: int = 0) -> Signature:
    may_be_missing = tuple(optional)
    return Signature(tuple((kind, kind in may_be_missing) for kind in columns), kinds_of(having), kinds_of(lacking))


SIGNATURES: Final = (
    _signature(Alpha),
    _signature(Beta),
    _signature(Gamma),
    _signature(SubAlpha),
    _signature(Alpha, Beta),
    _signature(Beta, Alpha),
    _signature(Alpha, Beta, Gamma),
    _signature(Gamma, Beta, Alpha, SubAlpha),
    _signature(Alpha, having=2),
    _signature(Alpha, having=1),
    _signature(Alpha, lacking=2),
    _signature(Alpha, lacking=1),
    _signature(Beta, having=4, lacking=1),
    _signature(Alpha, Beta, lacking=4),
    _signature(Alpha, Beta, having=12),
    _signature(Alpha, Beta, optional=[Beta]),
    _signature(Beta, Alpha, optional=[Beta]),
    _signature(Alpha, Beta, Gamma, optional=[Beta, Gamma]),
    _signature(Beta, optional=[Beta], having=1),
    _signature(Alpha, optional=[Alpha], having=1),
    _signature(Alpha, Gamma, optional=[Gamma], having=2, lacking=8),
)


def random_signature(random: Random) -> Signature:
    """Any query that has at least one component that must be there."""
    kinds = random.sample(KINDS, random.randint(1, len(KINDS)))
    columns = tuple((kind, random.random() < 0.3) for kind in kinds)
    having = kinds_of(random.randrange(16) & random.randrange(16))
    lacking = kinds_of(random.randrange(16) & random.randrange(16))
    if not having and all(optional for _, optional in columns):
        columns = ((columns[0][0], False), *columns[1:])
    return Signature(columns, having, lacking)


def entities_by_esper() -> dict[int, dict[type, object]]:
    """Every entity of the active world with its components, asked for one by one and with plain esper."""
    found: dict[int, dict[type, object]] = {}
    for entity in esper.get_entities():
        asked = {kind: esper.try_component(entity, kind) for kind in KINDS}
        found[entity] = {kind: component for kind, component in asked.items() if component is not None}
    return found


def identified(rows: Iterable[Row]) -> list[tuple[int, bool, tuple[int, ...]]]:
    """Rows as numbers that are equal only for the same objects in the same shape, in an order of their own."""
    return sorted(
        (entity, isinstance(parts, tuple), tuple(map(id, parts)) if isinstance(parts, tuple) else (id(parts),))
        for entity, parts in rows
    )


def identities(entities: dict[int, dict[type, object]]) -> dict[int, dict[type, int]]:
    """A world, with its components as numbers that are equal only for the same objects."""
    return {entity: {kind: id(component) for kind, component in has.items()} for entity, has in entities.items()}
