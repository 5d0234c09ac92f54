"""Fields that hold an entity's id, marked as such (Bevy: ``Entity`` and ``MapEntities``)."""

from __future__ import annotations

from typing import Annotated, TypeAlias


class EntityReference:
    """The mark that makes an ``int`` an entity's id for who moves entities between worlds.

    esper's ids are plain numbers, so nothing else tells them from others. Bevy has a type of its own for them, and
    finds the ones inside a component with ``MapEntities``.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "EntityReference()"


Entity: TypeAlias = Annotated[int, EntityReference()]
"""An entity's id inside a component or a resource: ``parent: Entity``, ``children: list[Entity]``.

A loaded world has other ids than the saved one; fields of this type follow (`load_world`). Fields that are plain
``int`` keep their number.
"""
