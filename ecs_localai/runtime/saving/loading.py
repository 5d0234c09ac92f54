"""Loading a saved world (Bevy: ``DynamicWorld::write_to_world``, once ``DynamicScene::write_to_world``).

As in Bevy, what is loaded comes to what is there: entities get new ids, resources that are there already are
overwritten in place, and references between the loaded entities follow. Unlike Bevy, nothing happens unless all of
it can be loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import esper

from ecs_localai.runtime.saving.errors import LoadError, SavedWorldError, UnknownTypeError
from ecs_localai.runtime.saving.format import Document, read_document
from ecs_localai.runtime.saving.objects import FieldsCodec
from ecs_localai.runtime.saving.writing import Skipped, registry_of
from ecs_localai.runtime.states import NextState, State, States

if TYPE_CHECKING:
    from ecs_localai.runtime.app import App
    from ecs_localai.runtime.type_registry import TypeRegistry
    from ecs_localai.runtime.world import World


@dataclass(frozen=True, slots=True)
class LoadedWorld:
    """What `load_world` returns."""

    entities: dict[int, int]
    """The id that each saved entity has now, by the one it had, in the order of the file."""
    resources: list[str]
    """The types of those that were loaded, by name."""
    states: dict[str, str]
    """The current states' names by their types' names."""
    skipped: list[Skipped]
    """What the file has and the program leaves out (`TypeRegistry.leave_out`)."""
    version: int
    """Of the file's format."""


def load_world(app: App, data: bytes | str, *, replace: bool = False) -> LoadedWorld:
    """Bring a saved world into the app: all of it, or, where an error is raised, nothing.

    Every entity gets a new id, and fields annotated as `Entity` follow, wherever they are. One that refers to an
    entity that was not saved refers to an entity that no longer exists, as it did. The types in the file have to be
    registered (`TypeRegistry.register`); those that the app has saved are.

    Resources: one that the app has is overwritten field by field, so that whoever holds it sees it (Bevy:
    ``ReflectResource::apply_or_insert``), if it is a dataclass or a struct that is not frozen, and else replaced.
    States change at once, without the systems of `OnExit` and `OnEnter`, because what these set up was saved too; a
    state that was asked for is not entered.

    Call it between frames: entities are made and deleted at once.

    Args:
        app: the app. The active esper world is the same afterwards.
        data: what `save_world` wrote.
        replace: first delete the entities that have a component of a registered type that is not left out, so that
            the world is the saved one and not both.

    Raises:
        LoadError: the data is damaged, of a newer version, or does not fit the program's types; the message says
            where, and what to do.
        UnknownTypeError: it has a type that is not registered.
    """
    registry = registry_of(app)
    loading = _Loading(app.world, registry, read_document(data))
    loading.prepare()
    former = _replaceable(app.world, registry) if replace else []
    entities = loading.make_entities()
    for entity in former:
        app.world.despawn(entity)
    loading.put_resources()
    return LoadedWorld(
        entities,
        list(loading.resources),
        loading.document.states,
        list(loading.skipped.values()),
        loading.document.version,
    )


def _replaceable(world: World, registry: TypeRegistry) -> list[int]:
    with world.active():
        living = sorted(esper._entities.keys() - esper._dead_entities)
        kinds = {entity: map(type, esper.components_for_entity(entity)) for entity in living}
    return [entity for entity, held in kinds.items() if any(map(registry.is_saved, held))]


@dataclass(slots=True)
class _Component:
    """One of a saved entity's components."""

    kind: type
    data: object
    value: object
    """As it is with the entity ids of the file."""
    refers: bool
    """Whether there are entity ids in it."""


class _Loading:
    """A saved world on its way into an app. Until `make_entities`, nothing in the app has changed."""

    def __init__(self, world: World, registry: TypeRegistry, document: Document) -> None:
        self._world = world
        self._registry = registry
        self.document = document
        self._entities: dict[int, list[_Component]] = {}
        self._required: dict[int, list[object]] = {}
        self.resources: dict[str, _Component] = {}
        self._states: list[tuple[State[States], NextState[States] | None, States]] = []
        self.skipped: dict[tuple[str, str], Skipped] = {}
        self._ids: dict[int, int] = {}
        self._referred: set[int] = set()

    def prepare(self) -> None:
        """Read everything.

        Raises:
            LoadError: something cannot be loaded.
        """
        self._check_names()
        for entity, components in self.document.entities.items():
            self._entities[entity] = held = []
            for name, data in components.items():
                component = self._read(("entities", str(entity)), name, data, entity)
                if component is not None:
                    held.append(component)
        for name, data in self.document.resources.items():
            resource = self._read(("resources",), name, data, None)
            if resource is not None:
                self.resources[name] = resource
        for name, state in self.document.states.items():
            self._states.append(self._state(name, state))
        for entity, held in self._entities.items():  # last, because the program's own code makes them
            self._required[entity] = self._made(entity, {component.kind for component in held})

    def _check_names(self) -> None:
        """Name all unknown types at once, so that nobody has to find them one by one."""
        names = {name for held in self.document.entities.values() for name in held} | self.document.resources.keys()
        known = {self._registry.name_of(kind) for kind in self._registry.kinds}
        unknown = sorted(name for name in names - known if self._registry.why_left_out(name) is None)
        if len(unknown) > 1:
            raise UnknownTypeError(
                f"The types {', '.join(unknown)} are not registered. If they belong to the program, register them "
                f"before loading: app.world.resource(TypeRegistry).register(…)."
            )

    def make_entities(self) -> dict[int, int]:
        """Spawn them all; returns their new ids by the old ones.

        Raises:
            LoadError: a class refuses one of the new ids. What was spawned has been deleted again.
        """
        world = self._world
        new: dict[int, int] = {}
        for entity, held in self._entities.items():
            ready = [component.value for component in held if not component.refers]
            new[entity] = world.spawn(*ready, *self._required[entity])
        self._ids = new | {entity: self._nobody() for entity in sorted(self._referred - new.keys()) if entity > 0}
        try:
            for entity, held in self._entities.items():
                values = [self._moved(one, "entities", str(entity)) for one in held if one.refers]
                world.insert(new[entity], *values)
            for resource in self.resources.values():
                if resource.refers:
                    resource.value = self._moved(resource, "resources")
        except SavedWorldError:
            for entity in new.values():
                world.despawn(entity)
            raise
        return new

    def put_resources(self) -> None:
        """Insert the resources and go to the states."""
        for resource in self.resources.values():
            _put(self._world, self._registry, resource.kind, resource.value)
        for state, wanted, value in self._states:
            state.replace(value)
            self._world.mark_resource_changed(type(state))
            if wanted is not None:
                wanted.reset()

    def _read(self, path: tuple[str, ...], name: str, data: object, entity: int | None) -> _Component | None:
        reason = self._registry.why_left_out(name)
        if reason is not None:
            place: Final = "resource" if entity is None else "component"
            skipped = self.skipped.setdefault((place, name), Skipped(name, place, reason))
            if entity is not None:
                skipped.entities.append(entity)
            return None
        met: list[int] = []

        def note(entity: int) -> int:
            met.append(entity)
            return entity

        try:
            kind = self._registry.kind_of(name)
        except SavedWorldError as error:
            error.within(*path)
            raise
        try:
            value: object = self._registry.from_builtins(kind, data, note)
        except SavedWorldError as error:
            error.within(*path)
            raise
        self._referred.update(met)
        return _Component(kind, data, value, bool(met))

    def _state(self, name: str, state: str) -> tuple[State[States], NextState[States] | None, States]:
        try:
            kind = self._registry.kind_of(name)
            current = self._world.get_resource(State.of(kind)) if issubclass(kind, States) else None
            if current is None:
                raise LoadError(
                    f"the app has no {name}. If it is a type of states, say where it begins: app.init_state(…)."
                )
        except SavedWorldError as error:
            error.within("states", name)
            raise
        try:
            value: States = self._registry.from_builtins(kind, state)
        except SavedWorldError as error:
            error.within("states")
            raise
        return current, self._world.get_resource(NextState.of(kind)), value

    def _made(self, entity: int, kinds: set[type]) -> list[object]:
        """The components that are needed beside the loaded ones."""
        made: dict[type, object] = {}
        for kind in kinds:
            for needed, make in self._registry.required_by(kind):
                if needed not in kinds and needed not in made:
                    try:
                        made[needed] = make()
                    except Exception as error:
                        problem = LoadError(f"the {needed.__name__} beside it cannot be made: {error}")
                        problem.within("entities", str(entity), self._registry.name_of(kind))
                        raise problem from error
        return list(made.values())

    def _moved(self, component: _Component, *path: str) -> object:
        """The component with the ids that the entities have now. Numbers below 1, which esper never gives, stay."""
        try:
            return self._registry.from_builtins(component.kind, component.data, lambda one: self._ids.get(one, one))
        except SavedWorldError as error:
            error.within(*path)
            raise

    def _nobody(self) -> int:
        """An id that no entity has or will have."""
        entity = self._world.spawn()
        self._world.despawn(entity)
        return entity


def _put(world: World, registry: TypeRegistry, kind: type, value: object) -> None:
    """Overwrite the resource of this type in place, so that who holds it sees it, or else replace it."""
    former = world.get_resource(kind)
    codec = registry.codec(kind)
    if type(former) is not kind or not isinstance(codec, FieldsCodec) or codec.is_frozen:
        world.insert_resource(value)
        return
    for name in codec.names:
        if hasattr(value, name):  # one that is no parameter of the constructor may be missing in the file
            object.__setattr__(former, name, getattr(value, name))  # the object's own hooks could break it off halfway
    world.mark_resource_changed(kind)
