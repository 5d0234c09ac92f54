"""A type as JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

import msgspec


def json_schema(kind: object) -> dict[str, object]:
    """The schema of a type, in one object; what it refers to is under ``$defs``.

    As msgspec sees the type, but for enumerations, whose members the type registry writes by name. Types inside it
    that msgspec does not know may be anything. Defaults are not told.

    Raises:
        TypeError, ValueError, NameError, AttributeError: the type does not say what it holds.
    """
    schema: dict[str, object] = msgspec.json.schema(kind, schema_hook=_anything)
    definitions = schema.get("$defs")
    if not isinstance(definitions, dict):
        return schema
    members = {one.__name__: [member.name for member in one] for one in _enumerations(msgspec.inspect.type_info(kind))}
    for definition in definitions.values():
        if "enum" in definition and definition.get("title") in members:
            definition["enum"] = members[definition["title"]]
        for field in definition.get("properties", {}).values():
            field.pop("default", None)
    own_name = str(schema.get("$ref", "")).rpartition("/")[2]
    if own_name not in definitions:
        return schema
    own: dict[str, object] = definitions[own_name]
    if not _refers_to(f"#/$defs/{own_name}", [*definitions.values()]):  # as types that contain themselves do
        del definitions[own_name]
    return {**own, "$defs": definitions} if definitions else own


def _anything(kind: type) -> dict[str, object]:
    return {"title": kind.__name__}


def _refers_to(reference: str, part: object) -> bool:
    if isinstance(part, dict):
        return part.get("$ref") == reference or _refers_to(reference, [*part.values()])
    return isinstance(part, list) and any(_refers_to(reference, one) for one in part)


def _enumerations(info: object) -> Iterator[type[Enum]]:
    """The enumerations in what msgspec knows of a type."""
    todo, seen = [info], set[int]()
    while todo:
        one = todo.pop()
        if isinstance(one, msgspec.inspect.EnumType):
            yield one.cls
        elif isinstance(one, (list, tuple)):
            todo.extend(one)
        elif isinstance(one, (msgspec.inspect.Type, msgspec.inspect.Field)) and id(one) not in seen:
            seen.add(id(one))  # types may contain themselves
            todo.extend(getattr(one, name) for name in one.__struct_fields__)
