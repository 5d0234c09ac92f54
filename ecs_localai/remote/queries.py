"""The question for all entities that have certain components."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

import msgspec

from ecs_localai.remote.errors import ErrorObject, RpcError
from ecs_localai.remote.question import Names, Question
from ecs_localai.remote.reading import WorldReader


class QueryData(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to tell of each entity."""

    components: Names = ()
    """Types that it must have, and whose values are told."""
    option: Names | Literal["all"] = ()
    """Types whose values are told where it has them; ``all`` for all that it has."""
    has: Names = ()
    """Types of which is told whether it has one."""


class QueryFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"with_": "with"}):
    """Which entities are meant."""

    with_: Names = ()
    without: Names = ()


class QueryRow(msgspec.Struct, frozen=True):
    """One entity."""

    entity: int
    components: dict[str, object]
    has: dict[str, bool] | msgspec.UnsetType = msgspec.UNSET
    """Left out where nothing was asked."""
    errors: dict[str, ErrorObject] | msgspec.UnsetType = msgspec.UNSET
    """Why values are missing, where some are. Bevy has no such field: it leaves them out without a word."""


class QueryWorld(Question):
    """``world.query``, with the parameters and the rows of Bevy's.

    Collecting many rows takes several frames: each row is of one moment, the answer as a whole need not be.
    """

    summary: ClassVar[str] = "All entities that have certain components, with their values."
    brackets: ClassVar[tuple[bytes, bytes]] = (b"[", b"]")
    data: QueryData = msgspec.field(default_factory=QueryData)
    filter: QueryFilter = msgspec.field(default_factory=QueryFilter)
    strict: bool = False
    """Fail if a named type is unknown or a value cannot be told."""

    def pieces(self, reader: WorldReader) -> Iterator[object]:
        """One for each entity, in no order, as in Bevy."""
        required, missing = self._kinds(reader, self.data.components)
        present, missing_too = self._kinds(reader, self.filter.with_)
        everything = self.data.option == "all"
        option = [] if everything else self._kinds(reader, self.data.option)[0]
        has, unknown = self._kinds(reader, self.data.has)
        without = self._kinds(reader, self.filter.without)[0]
        if missing or missing_too:
            return  # no entity can have what is unknown
        wanted = list(dict.fromkeys([*required, *present]))
        for entity in reader.entities(wanted):
            there = reader.components_or_none(entity)
            # It may have gone, or changed, in the frames since the entities were listed.
            if there is None or not all(kind in there for kind in wanted) or any(kind in there for kind in without):
                yield None
                continue
            kinds = list(there) if everything else [*required, *(kind for kind in option if kind in there)]
            told = {kind: there[kind] for kind in kinds}
            yield self._row(reader, entity, told, self._has(reader, there, has, unknown))

    def _kinds(self, reader: WorldReader, names: Sequence[str]) -> tuple[list[type], list[str]]:
        """The types of these names, and the names of which there is none.

        Raises:
            RpcError: there is none, and the question is strict.
        """
        kinds, unknown = [], []
        for name in names:
            try:
                kinds.append(reader.component_kind(name))
            except RpcError:
                if self.strict:
                    raise
                unknown.append(name)
        return kinds, unknown

    def _row(
        self, reader: WorldReader, entity: int, told: dict[type, object], has: dict[str, bool] | msgspec.UnsetType
    ) -> QueryRow:
        components: dict[str, object] = {}
        errors: dict[str, ErrorObject] = {}
        for kind, component in told.items():
            name = reader.name(kind)
            try:
                components[name] = reader.component_value(component)
            except RpcError as error:
                if self.strict:
                    raise
                errors[name] = error.told
        return QueryRow(entity, components, has, errors or msgspec.UNSET)

    @staticmethod
    def _has(
        reader: WorldReader, there: dict[type, object], has: list[type], unknown: list[str]
    ) -> dict[str, bool] | msgspec.UnsetType:
        if not (has or unknown):
            return msgspec.UNSET
        return {reader.name(kind): kind in there for kind in has} | dict.fromkeys(unknown, False)
