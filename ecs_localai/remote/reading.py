"""The world as questions see it: read, by the names of types. Only the frame thread uses it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import esper

from ecs_localai.remote.endpoint import RemoteEndpoint
from ecs_localai.remote.errors import (
    COMPONENT_ERROR,
    ENTITY_NOT_FOUND,
    RESOURCE_ERROR,
    RESOURCE_NOT_PRESENT,
    RpcError,
)
from ecs_localai.runtime.saving.errors import SavedWorldError
from ecs_localai.runtime.type_registry import TypeRegistry

if TYPE_CHECKING:
    from ecs_localai.runtime import App, AppDescription, EventReader


class WorldReader:
    """Reads one app's world. Its esper world must be active, as it is in a system."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._types = app.world.resource(TypeRegistry)

    @property
    def url(self) -> str | None:
        """Where the endpoint listens."""
        endpoint = self._app.world.get_resource(RemoteEndpoint)
        return None if endpoint is None else endpoint.url

    def describe(self) -> AppDescription:
        """What is in the app."""
        return self._app.describe()

    # Names of types

    def name(self, kind: type) -> str:
        """A type's full name, also where the registry does not know it."""
        return self._types.name_of(kind)

    def component_kind(self, name: str) -> type:
        """The component type of this name.

        Raises:
            RpcError: there is none.
        """
        return self._kind(name, self.component_kinds(), "component", COMPONENT_ERROR)

    def resource_kind(self, name: str) -> type:
        """The resource type of this name.

        Raises:
            RpcError: there is none.
        """
        return self._kind(name, self.resource_kinds(), "resource", RESOURCE_ERROR)

    def event_kind(self, name: str) -> type:
        """The event type of this name.

        Raises:
            RpcError: there is none.
        """
        return self._kind(name, self.event_kinds(), "event", RESOURCE_ERROR)

    # Entities and components

    def component_kinds(self) -> list[type]:
        """The types of which some entity has a component. Esper has no public list of them."""
        return [kind for kind, having in esper._components.items() if having]

    def entities(self, kinds: Sequence[type]) -> list[int]:
        """Entities that may have all of these: those that have the rarest of them. Without types, all.

        In no order: sorting many would take a frame longer than it has.
        """
        everything: Iterable[int] = esper._entities
        having = [esper._components.get(kind, set()) for kind in kinds]
        return list(min(having, key=len) if having else everything)

    def components(self, entity: int) -> dict[type, object]:
        """An entity's components by type.

        Raises:
            RpcError: there is no such entity.
        """
        found = self.components_or_none(entity)
        if found is None:
            raise RpcError(ENTITY_NOT_FOUND, f"There is no entity {entity}.")
        return found

    def components_or_none(self, entity: int) -> dict[type, object] | None:
        """An entity's components by type; None where there is no such entity."""
        if not esper.entity_exists(entity):
            return None
        components: tuple[object, ...] = esper.components_for_entity(entity)
        return {type(component): component for component in components}

    def component_value(self, component: object) -> object:
        """A component as plain data.

        Raises:
            RpcError: its type is not registered, or it holds what is no data.
        """
        return self._value(component, COMPONENT_ERROR)

    # Resources and events

    def resource_kinds(self) -> list[type]:
        """The types that there are resources of."""
        return self._app.world.resources.kinds

    def resource_value(self, kind: type) -> object:
        """A resource as plain data.

        Raises:
            RpcError: there is no such resource, its type is not registered, or it holds what is no data.
        """
        value: object = self._app.world.get_resource(kind)
        if value is None:
            raise RpcError(RESOURCE_NOT_PRESENT, f"There is no resource {self.name(kind)} in the world.")
        return self._value(value, RESOURCE_ERROR)

    def event_kinds(self) -> list[type]:
        """The types of events that the app knows."""
        return self._app.event_types

    def read_events(self, kind: type) -> EventReader[object]:
        """A reader of one type of events, which begins with what is still buffered."""
        return self._app.events(kind).reader()

    def event_value(self, event: object) -> object:
        """An event as plain data.

        Raises:
            RpcError: its type is not registered, or it holds what is no data.
        """
        return self._value(event, RESOURCE_ERROR)

    # The type registry

    def known_kinds(self) -> list[type]:
        """All types in the registry."""
        return self._types.kinds

    def _kind(self, name: str, in_use: Iterable[type], what: str, code: int) -> type:
        """The type of this name among those in use, else among those in the registry."""
        for kinds in (list(in_use), self.known_kinds()):
            found = [kind for kind in kinds if self.name(kind) == name]
            found = found or [kind for kind in kinds if name in (kind.__name__, kind.__qualname__)]
            if len(found) == 1:
                return found[0]
            if found:
                names = ", ".join(sorted(map(self.name, found)))
                raise RpcError(code, f"Several types are called {name}: {names}. Give the full name.")
        raise RpcError(code, f"There is no {what} type {name}.")

    def _value(self, value: object, code: int) -> object:
        kind = type(value)
        if not self._types.is_registered(kind):
            # Also what keeps secrets of types that nobody thought about: only what was registered is told.
            raise RpcError(
                code,
                f"{self.name(kind)} is not in the type registry, so its values are not told: "
                f"app.world.resource(TypeRegistry).register({kind.__name__}).",
            )
        try:
            return self._types.to_builtins(value)
        except SavedWorldError as error:  # whose reason may show the value, which may be what nobody should see
            raise RpcError(
                code, f"{error.where} is no data that can be told; TypeRegistry.to_builtins says why."
            ) from error
