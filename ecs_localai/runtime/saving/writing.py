"""Saving a world as JSON (Bevy: ``DynamicWorld`` of ``bevy_world_serialization``, once ``DynamicScene``).

Bevy writes the types that are registered and passes over all others without a word. Here everything is written that
is data, and what is not saved is either reported (it belongs to the running program, or was left out on purpose) or
an error.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import esper
import msgspec

from ecs_localai.runtime.saving.errors import RunningWorkError, SavedWorldError
from ecs_localai.runtime.saving.format import Document, counted, write_document
from ecs_localai.runtime.states import DespawnOnExit, State, States
from ecs_localai.runtime.type_registry import TypeRegistry

if TYPE_CHECKING:
    from ecs_localai.runtime.app import App

_RUNTIME: Final = "ecs_localai.runtime."
_UNREGISTERED: Final = (
    "its type is neither registered nor a dataclass, a struct or a named tuple; "
    "app.world.resource(TypeRegistry).register(…) has it saved"
)


@dataclass(slots=True)
class Skipped:
    """A type of which something was not saved, or not loaded."""

    kind: str
    """The type's name."""
    place: Literal["component", "resource"]
    reason: str
    entities: list[int] = field(default_factory=list)
    """Those whose component it was; for a loaded world as they are numbered in the file."""


@dataclass(frozen=True, slots=True)
class SavedWorld:
    """What `save_world` returns."""

    data: bytes = field(repr=False)
    """The file's contents: JSON in UTF-8."""
    entities: int
    """How many were saved."""
    components: dict[str, int]
    """How many entities have a component of this type, by name, the most frequent first."""
    resources: list[str]
    states: dict[str, str]
    """The current states' names by their types' names."""
    skipped: list[Skipped]
    """What was left out, and why."""


def save_world(app: App) -> SavedWorld:
    """Write the app's world as JSON: its entities with their components, its resources and its states.

    Call it between frames, or in a system: commands that still wait are not part of the world yet.

    Not saved, but told in `SavedWorld.skipped`: components that hold a `Task`, a channel or a timer; what was left
    out with `TypeRegistry.leave_out`; resources that are neither registered nor a dataclass, a struct or a named tuple,
    or, if not registered, hold something that is no data. The runtime's own resources, such as `Time`, belong to the
    app and are not told of. An entity is saved if something of it is, if it is empty, or if a saved component refers
    to it. Types that are saved are registered thereby.

    Secrets: a class with ``to_data`` says itself what is written of it. `OllamaAuth` does, and leaves its secret out.

    Raises:
        SaveError: a component or a registered resource cannot be written; the message says which, and what to do.
    """
    registry = registry_of(app)
    saving = _Saving(registry)
    with app.world.active():
        living = sorted(esper._entities.keys() - esper._dead_entities)
        for entity in living:
            saving.take_entity(entity, esper.components_for_entity(entity))
    for kind in app.world.resources.kinds:
        value: object = app.world.resource(kind)
        if isinstance(value, State):
            state: States = value.get()
            saving.document.states[registry.name_of(type(state))] = state.name
        elif not kind.__module__.startswith(_RUNTIME):
            saving.take_resource(kind, value)
    document = saving.finished()
    return SavedWorld(
        write_document(document),
        len(document.entities),
        counted(document),
        list(document.resources),
        document.states,
        list(saving.skipped.values()),
    )


def registry_of(app: App) -> TypeRegistry:
    """The app's types, with those of its states."""
    registry = app.init_resource(TypeRegistry).register(DespawnOnExit)
    for kind in app.world.resources.kinds:
        if issubclass(kind, State):
            registry.register(kind.states)
    return registry


class _Saving:
    """A world that is being written."""

    def __init__(self, registry: TypeRegistry) -> None:
        self._registry = registry
        self.document = Document()
        self.skipped: dict[tuple[str, ...], Skipped] = {}
        self._hidden: set[int] = set()
        self._referred: set[int] = set()

    def take_entity(self, entity: int, components: tuple[object, ...]) -> None:
        held: dict[str, object] = {}
        for component in components:
            kind = type(component)
            name = self._registry.name_of(kind)
            reason = self._registry.why_left_out(kind)
            if reason is None:
                try:
                    held[name] = self._registry.to_builtins(component, self._refer)
                    self._registry.register(kind)
                    continue
                except RunningWorkError as error:
                    reason = str(error)
                except SavedWorldError as error:
                    error.within("entities", str(entity))
                    raise
            self._skip(name, "component", reason).entities.append(entity)
        if components and not held:
            self._hidden.add(entity)
        self.document.entities[entity] = dict(sorted(held.items()))

    def take_resource(self, kind: type, value: object) -> None:
        registry = self._registry
        name = registry.name_of(kind)
        is_registered = registry.is_registered(kind)
        reason = registry.why_left_out(kind)
        if reason is None and not is_registered and not _is_data_class(kind):
            reason = _UNREGISTERED
        if reason is None:
            try:
                data = registry.to_builtins(value, self._refer)
                registry.register(kind)
            except RunningWorkError as error:
                reason = str(error)
            except SavedWorldError as error:
                if is_registered:
                    error.within("resources")
                    raise
                reason = str(error)
            else:
                self.document.resources[name] = data
                return
        self._skip(name, "resource", reason)

    def finished(self) -> Document:
        """The document, in an order that does not depend on how the world came about."""
        document = self.document
        for entity in self._hidden - self._referred:
            del document.entities[entity]
        document.resources = dict(sorted(document.resources.items()))
        document.states = dict(sorted(document.states.items()))
        return document

    def _refer(self, entity: int) -> int:
        self._referred.add(entity)
        return entity

    def _skip(self, name: str, place: Literal["component", "resource"], reason: str) -> Skipped:
        return self.skipped.setdefault((place, name, reason), Skipped(name, place, reason))


def _is_data_class(kind: type) -> bool:
    return (
        dataclasses.is_dataclass(kind)
        or issubclass(kind, msgspec.Struct)
        or (issubclass(kind, tuple) and hasattr(kind, "_fields"))
    )
