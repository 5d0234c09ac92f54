"""A witness of what observers are told."""

from __future__ import annotations

from dataclasses import dataclass, field

from ecs_localai.runtime import Add, App, Insert, On, Remove
from tests.runtime.fuzz_parts import Alpha


@dataclass
class Witness:
    """An index of `Alpha` by what observers are told, and what in that makes no sense."""

    index: dict[int, object] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    @property
    def identities(self) -> dict[int, int]:
        """The index, with its components as numbers that are equal only for the same objects."""
        return {entity: id(component) for entity, component in self.index.items()}

    def watch(self, app: App) -> None:
        """Have it told."""
        app.add_observer(self.added)
        app.add_observer(self.inserted)
        app.add_observer(self.removed)

    def added(self, on: On[Add, Alpha]) -> None:
        if on.entity in self.index:
            self.wrong.append(f"added to {on.entity}, which has one")
        self.index[on.entity] = on.component

    def inserted(self, on: On[Insert, Alpha]) -> None:
        if on.entity not in self.index:
            self.wrong.append(f"inserted into {on.entity}, to which none was added")
        self.index[on.entity] = on.component

    def removed(self, on: On[Remove, Alpha]) -> None:
        if self.index.pop(on.entity, None) is not on.component:
            self.wrong.append(f"removed from {on.entity}, which has not this one")
