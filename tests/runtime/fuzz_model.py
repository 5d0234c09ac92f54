"""A world as a plain dictionary: what every structural change has to come to."""

from __future__ import annotations

from collections.abc import Iterable

from tests.runtime.fuzz_fresh import FreshModel, RemovedModel
from tests.runtime.fuzz_parts import Kind


class WorldModel:
    """Entities as dictionaries, those that wait for deletion, and who wants to know what happens to them."""

    def __init__(self) -> None:
        self.entities: dict[int, dict[type, object]] = {}
        self.dying: set[int] = set()
        self.fresh: list[FreshModel] = []
        self.removed: list[RemovedModel] = []
        self.has_changed = True
        """Whether anything was done since a frame began; the next one then has something to do."""

    def exists(self, entity: int) -> bool:
        """Whether it is there and not to be deleted."""
        return entity in self.entities and entity not in self.dying

    def create(self, entity: int) -> None:
        """A new entity without components."""
        assert entity not in self.entities, f"the id {entity} was given out twice"
        self.entities[entity] = {}
        self.has_changed = True

    def put(self, entity: int, kind: type, component: object) -> None:
        """Add or replace a component."""
        self.entities[entity][kind] = component
        self.has_changed = True
        for model in self.fresh:
            if model.kind is kind:
                model.put(entity)

    def insert(self, entity: int, component: object) -> None:
        """`put`, by a way that is told of it: then the same object once more is a change too."""
        kind = type(component)
        same = self.entities[entity].get(kind) is component
        self.put(entity, kind, component)
        if same:
            self.mark(entity, kind)

    def take(self, entity: int, kind: type) -> None:
        """Remove a component that is there."""
        del self.entities[entity][kind]
        self._taken(entity, kind)

    def removable(self, entity: int, kinds: Iterable[Kind]) -> list[Kind]:
        """Those of the kinds that the entity has, if it exists."""
        has = self.entities[entity] if self.exists(entity) else {}
        return [kind for kind in kinds if kind in has]

    def delete(self, entity: int) -> None:
        """Delete an entity at once."""
        for kind in self.entities.pop(entity):
            self._taken(entity, kind)
        self.dying.discard(entity)
        self.has_changed = True

    def delete_dying(self) -> None:
        """What `esper.process` begins with."""
        for entity in list(self.dying):
            self.delete(entity)

    def clear(self) -> None:
        """Delete everything."""
        for entity in list(self.entities):
            self.delete(entity)

    def mark(self, entity: int, kind: type, owner: int | None = None) -> None:
        """Say that a component has changed, if it is there."""
        if kind in self.entities.get(entity, {}):
            self.has_changed = True
            for model in self.fresh:
                if model.kind is kind:
                    model.mark(entity, owner)

    def notice_removed(self, kind: type | None = None) -> None:
        """The real removals can be seen now: of every kind when a frame begins, of one when somebody reads."""
        for model in self.removed:
            if kind is None or model.kind is kind:
                model.notice(self.entities)

    def _taken(self, entity: int, kind: type) -> None:
        self.has_changed = True
        for fresh in self.fresh:
            if fresh.kind is kind:
                fresh.taken(entity)
        for removed in self.removed:
            if removed.kind is kind:
                removed.taken(entity)
