"""The question for what the known types look like, as JSON Schema."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

import msgspec

from ecs_localai.remote.json_schema import json_schema
from ecs_localai.remote.question import Names, Question
from ecs_localai.remote.reading import WorldReader


class TypeLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"with_": "with"}):
    """Of which types to tell: ``Component``, ``Resource`` and ``Event`` are what they can be."""

    with_: Names = ()
    """Any of these is enough."""
    without: Names = ()
    """Any of these is too much."""


class DescribeTypes(Question):
    """``registry.schema``: Bevy's parameters, in which a crate is a top-level package of Python's.

    Each type is told as JSON Schema with some of the fields that Bevy adds: ``shortPath``, ``typePath``,
    ``modulePath``, ``crateName``, ``reflectTypes``, ``kind``.
    """

    summary: ClassVar[str] = "What the types in the type registry look like, as JSON Schema."
    brackets: ClassVar[tuple[bytes, bytes]] = (b"{", b"}")
    with_crates: Names = ()
    without_crates: Names = ()
    type_limit: TypeLimit = msgspec.field(default_factory=TypeLimit)

    def pieces(self, reader: WorldReader) -> Iterator[object]:
        """One for each type."""
        uses = {
            "Component": set(reader.component_kinds()),
            "Resource": set(reader.resource_kinds()),
            "Event": set(reader.event_kinds()),
        }
        for kind in reader.known_kinds():
            used_as = [use for use, kinds in uses.items() if kind in kinds]
            if self._wants(kind, used_as):
                yield KnownType(kind, reader.name(kind), used_as)

    def encode(self, piece: object) -> bytes:
        """A type's name and its schema. Types do not change, so this can be left to the background."""
        if not isinstance(piece, KnownType):
            raise TypeError("The pieces of this answer are types.")
        return msgspec.json.encode(piece.name) + b":" + msgspec.json.encode(schema_of(piece))

    def _wants(self, kind: type, used_as: Sequence[str]) -> bool:
        crate = kind.__module__.partition(".")[0]
        if (self.with_crates and crate not in self.with_crates) or crate in self.without_crates:
            return False
        if self.type_limit.with_ and not any(use in self.type_limit.with_ for use in used_as):
            return False
        return not any(use in self.type_limit.without for use in used_as)


@dataclass(frozen=True, slots=True)
class KnownType:
    """A type, and what is known of it."""

    kind: type
    name: str
    """As the type registry knows it."""
    used_as: Sequence[str]


def schema_of(known: KnownType) -> dict[str, object]:
    """The type as JSON Schema, with Bevy's additions. A type that says nothing about itself may be anything."""
    kind = known.kind
    told: dict[str, object] = {
        "shortPath": kind.__name__,
        "typePath": known.name,
        "modulePath": kind.__module__,
        "crateName": kind.__module__.partition(".")[0],
        "reflectTypes": list(known.used_as),
        "kind": _bevy_kind(kind),
    }
    try:
        return told | json_schema(kind)
    except (TypeError, ValueError, NameError, AttributeError) as error:
        return told | {"description": f"What it holds cannot be told ({type(error).__name__})."}


def _bevy_kind(kind: type) -> str:
    """Bevy's word for what the type is (``SchemaKind``)."""
    if issubclass(kind, Enum):
        return "Enum"
    return "Struct" if dataclasses.is_dataclass(kind) or issubclass(kind, msgspec.Struct) else "Value"
