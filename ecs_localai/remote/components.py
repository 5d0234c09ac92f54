"""Questions about the components of one entity."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar

import msgspec

from ecs_localai.remote.errors import COMPONENT_NOT_PRESENT, ErrorObject, RpcError
from ecs_localai.remote.question import Names, Question, WatchQuestion
from ecs_localai.remote.reading import WorldReader


class ComponentValues(msgspec.Struct, frozen=True):
    """What `GetComponents` is answered with."""

    components: dict[str, object]
    errors: dict[str, ErrorObject]
    """Why a value is not among them."""


class ComponentNews(msgspec.Struct, frozen=True, omit_defaults=True):
    """What `WatchComponents` is told."""

    components: dict[str, object]
    removed: list[str]
    errors: dict[str, ErrorObject] | msgspec.UnsetType = msgspec.UNSET
    """Left out where the question is strict."""


class ComponentNamesNews(msgspec.Struct, frozen=True):
    """What `WatchComponentNames` is told."""

    added: list[str]
    removed: list[str]


class GetComponents(Question):
    """``world.get_components``."""

    summary: ClassVar[str] = "The values of some of an entity's components."
    entity: int
    components: Names
    strict: bool = False
    """Fail if one of them is not there or cannot be told, and answer with the values alone."""

    def pieces(self, reader: WorldReader) -> Iterator[object]:
        """One, with all values."""
        values, errors = read_components(reader, self.entity, self.components, self.strict)
        yield values if self.strict else ComponentValues(values, errors)


class ListComponents(Question):
    """``world.list_components``: of one entity, or of the whole world."""

    summary: ClassVar[str] = "The names of an entity's components; without an entity, of all that any entity has."
    entity: int | None = None

    def pieces(self, reader: WorldReader) -> Iterator[object]:
        """One, with all names."""
        kinds: Iterable[type]
        kinds = reader.component_kinds() if self.entity is None else reader.components(self.entity)
        yield sorted(map(reader.name, kinds))


class WatchComponents(WatchQuestion):
    """``world.get_components+watch``.

    Unlike Bevy's, the first update has all values, as for a system that runs for the first time; and what has changed
    is found by comparing values, because Python does not see a component being changed in place.
    """

    summary: ClassVar[str] = "The values of some of an entity's components, and again those that change."
    entity: int
    components: Names
    strict: bool = False

    def watch(self, reader: WorldReader) -> Callable[[], object | None]:
        """Compare with what was told last."""
        told: dict[str, object] = {}
        known_errors: dict[str, ErrorObject] = {}

        def look() -> object | None:
            nonlocal known_errors
            now, errors = read_components(reader, self.entity, self.components, strict=False)
            if self.strict and errors and not told:
                raise _as_exception(next(iter(errors.values())))
            news = {name: value for name, value in now.items() if name not in told or told[name] != value}
            removed = [name for name in told if name not in now]
            new_errors = {} if self.strict else {name: why for name, why in errors.items() if name not in removed}
            if not (news or removed or new_errors != known_errors):
                return None
            told.clear()
            told.update(now)
            known_errors = new_errors
            return ComponentNews(news, removed, msgspec.UNSET if self.strict else new_errors)

        return look


class WatchComponentNames(WatchQuestion):
    """``world.list_components+watch``. Unlike Bevy's, the first update has all names."""

    summary: ClassVar[str] = "Which components an entity has, and again which it gets and loses."
    entity: int

    def watch(self, reader: WorldReader) -> Callable[[], object | None]:
        """Compare with what was told last."""
        told: set[str] | None = None

        def look() -> object | None:
            nonlocal told
            now = {reader.name(kind) for kind in reader.components(self.entity)}
            before = told
            if now == before:
                return None
            told = now
            return ComponentNamesNews(sorted(now - (before or set())), sorted((before or set()) - now))

        return look


def read_components(
    reader: WorldReader, entity: int, names: Iterable[str], strict: bool
) -> tuple[dict[str, object], dict[str, ErrorObject]]:
    """The values of an entity's components by the full names of their types, and why some are not among them.

    Raises:
        RpcError: there is no such entity; if `strict`, also where a value is missing.
    """
    there = reader.components(entity)
    values: dict[str, object] = {}
    errors: dict[str, ErrorObject] = {}
    for name in names:
        shown = name
        try:
            kind = reader.component_kind(name)
            shown = reader.name(kind)
            if kind not in there:
                raise RpcError(COMPONENT_NOT_PRESENT, f"Entity {entity} has no {shown}.")
            values[shown] = reader.component_value(there[kind])
        except RpcError as error:
            if strict:
                raise
            errors[shown] = error.told
    return values, errors


def _as_exception(error: ErrorObject) -> RpcError:
    return RpcError(error.code, error.message)
