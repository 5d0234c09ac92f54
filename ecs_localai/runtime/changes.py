"""Change marks: which components were written since a system last looked (Bevy: ``change_detection``).

Bevy (``bevy_ecs/src/change_detection``) marks a component when it is *accessed* mutably. Python cannot see that
cheaply, and a mark that nobody meant is worse than none, so here marks are explicit: `Changes.mark`,
`World.mark_changed`, or `set_if_neq`, which marks what really became another value. Reading never marks.

A mark is an entity in a set. Whoever looks for `Changed` has a set of its own, into which marks are distributed
when somebody looks; so a look costs what was changed, not what there is, and marks that nobody looks for are
dropped at the next frame.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import Generic, Protocol, TypeVar, cast
from weakref import ref

import esper

from ecs_localai.runtime.listing import list_component
from ecs_localai.runtime.structure import Structure

T = TypeVar("T")
Replace = Callable[[int, object, type], None]
"""``replace(entity, component, kind)`` puts a component in the place of the entity's one of that type."""


class ChangeMarks:
    """All marks of one world."""

    __slots__ = ("logs", "unsettled", "waiting")

    def __init__(self) -> None:
        self.logs: dict[type, MarkLog] = {}
        """By the types whose changes anybody marks or looks for."""
        self.waiting: list[Collection[object]] = []
        """What marks are put into; any that is not empty has not been distributed."""
        self.unsettled = False
        """Whether something was marked in the middle of the frame, so that the next one is wanted."""

    def log(self, kind: type) -> MarkLog:
        """The marks of one type of component."""
        found = self.logs.get(kind)
        if found is None:
            found = self.logs[kind] = MarkLog(kind, self)
        return found

    @property
    def is_waiting(self) -> bool:
        """Whether something was marked for which no frame has begun."""
        return self.unsettled or any(self.waiting)

    def settle(self) -> None:
        """Distribute all marks; done at the beginning of a frame before which something was marked."""
        for log in self.logs.values():
            log.settle()
        self.unsettled = False


class MarkLog:
    """The marks of one type of component: who puts them, and who looks for them."""

    def __init__(self, kind: type, marks: ChangeMarks) -> None:
        self.kind = kind
        self._marks = marks
        self._outboxes: list[tuple[set[int], int | None]] = []
        self._batches: list[tuple[list[Mapping[int, object]], int | None]] = []
        self._readers: list[ref[ChangedMemory]] = []

    @cached_property
    def mark(self) -> Callable[[int], None]:
        """``mark(entity)``: it was changed by no system, so that every one is to be shown it."""
        return self.outbox(None).add

    def outbox(self, owner: int | None) -> set[int]:
        """A set to put marked entities into; the queries of the system `owner` will not be shown them."""
        marked: set[int] = set()
        self._outboxes.append((marked, owner))
        self._marks.waiting.append(marked)
        return marked

    def batches(self, owner: int | None) -> list[Mapping[int, object]]:
        """As `outbox`, a list to put whole mappings into, whose keys are marked entities."""
        batches: list[Mapping[int, object]] = []
        self._batches.append((batches, owner))
        self._marks.waiting.append(batches)
        return batches

    def subscribe(self, reader: ChangedMemory) -> None:
        """Give the reader every mark from now on, for as long as somebody else keeps it."""
        self._readers = [one for one in self._readers if one() is not None]
        self._readers.append(ref(reader))

    def settle(self) -> None:
        """Hand what was marked to the readers."""
        for marked, owner in self._outboxes:
            if marked:
                for reader in self._readers_but(owner):
                    reader.marked |= marked
                marked.clear()
                self._marks.unsettled = True
        for batches, owner in self._batches:
            if batches:
                for reader in self._readers_but(owner):
                    reader.marked.update(*batches)
                batches.clear()
                self._marks.unsettled = True

    def _readers_but(self, owner: int | None) -> list[ChangedMemory]:
        """The readers, without those of the system that has marked."""
        readers = [reader for one in self._readers if (reader := one()) is not None]
        return readers if owner is None else [reader for reader in readers if reader.owner != owner]


class AddedMemory:
    """Which components of one type a query has shown already."""

    __slots__ = ("__weakref__", "_lost", "_structure", "_touched", "fresh", "kind", "known", "run")

    def __init__(self, kind: type, structure: Structure) -> None:
        self.kind = kind
        self.known: dict[int, object] = {}
        self.fresh: frozenset[int] = frozenset()
        self.run = -1
        self._structure = structure
        self._touched: set[int] = set()
        self._lost = -1
        structure.watch((kind,), self._touched.add)

    def look(self, run: int) -> frozenset[int]:
        """The entities whose component is new since the run before in which it looked."""
        structure = self._structure
        structure.look()
        if self._lost != structure.lost:
            fresh = self._look_at_all()
        elif self._touched:
            fresh = self._look_at_touched()
        else:
            fresh = frozenset()
        if self.run == run:
            fresh |= self.fresh  # a second look in the same run sees what the first one saw
        self.run = run
        self.fresh = fresh
        return fresh

    def forget_gone(self) -> None:
        """Let go of components that are not in the world any more."""
        known = self.known
        if self._lost != self._structure.lost:
            here = dict(list_component(self.kind))
            self.known = {entity: one for entity, one in known.items() if here.get(entity) is one}
            return
        for entity in tuple(self._touched):
            component: object = esper.try_component(entity, self.kind)
            if component is None:
                self._touched.discard(entity)
            if known.get(entity) is not component:
                known.pop(entity, None)

    def _look_at_all(self) -> frozenset[int]:
        known = self.known
        rows = list_component(self.kind)
        fresh = frozenset([entity for entity, component in rows if known.get(entity) is not component])
        self.known = dict(rows)
        self._touched.clear()
        self._lost = self._structure.lost
        return fresh

    def _look_at_touched(self) -> frozenset[int]:
        known = self.known
        fresh: set[int] = set()
        for entity in self._touched:
            component: object = esper.try_component(entity, self.kind)
            if component is None:
                known.pop(entity, None)
            elif known.get(entity) is not component:
                known[entity] = component
                fresh.add(entity)
        self._touched.clear()
        return frozenset(fresh)


class ChangedMemory(AddedMemory):
    """Which components of one type a query has shown as they are: what is new, and what was marked."""

    __slots__ = ("_log", "marked", "owner")

    def __init__(self, log: MarkLog, structure: Structure, owner: int) -> None:
        super().__init__(log.kind, structure)
        self._log = log
        self.owner = owner
        """The system that looks: as in Bevy, it is not shown what it marked itself."""
        self.marked: set[int] = set()
        log.subscribe(self)

    def look(self, run: int) -> frozenset[int]:
        """The entities whose component is new or was marked since the run before in which it looked."""
        self._log.settle()
        fresh = super().look(run)
        if self.marked:
            fresh = self.fresh = fresh | self.marked
            self.marked = set()
        return fresh

    def forget_gone(self) -> None:
        """As for `AddedMemory`, so that the marks of a system that never runs do not pile up either."""
        super().forget_gone()
        marked = self.marked
        if marked:
            has: set[int] = {entity for entity in marked if esper.try_component(entity, self.kind) is not None}
            marked &= has


class HasEntities(Protocol):
    """A `Query`."""

    def entity_keys(self) -> Mapping[int, object]:
        """Its entities, as keys."""


class Changes(Generic[T]):
    """Marks components of one type as changed (Bevy: writing through ``Mut<T>``).

    As a system parameter, ``Changes[T]`` is that system's own: as in Bevy, the system's own ``Changed[T]`` is not
    shown what it marked itself, so reacting to a change by changing cannot go on for ever.
    """

    __slots__ = ("_batches", "_kind", "_replace", "mark")

    def __init__(self, log: MarkLog, replace: Replace, owner: int | None = None) -> None:
        self._kind = log.kind
        self._replace = replace
        self._batches = log.batches(owner)
        self.mark: Callable[[int], None] = log.outbox(owner).add
        """``mark(entity)``: its `T` was changed. It is a set's own ``add``, so it costs next to nothing.

        An entity that has no `T`, or is gone, when somebody looks is not shown.
        """

    def mark_all(self, query: HasEntities) -> None:
        """``mark_all(query)``: the `T` of every entity that this query shows was changed.

        For a system that writes all rows: it costs a third of what marking each of them does.
        """
        self._batches.append(dict(query.entity_keys()))

    def set_if_neq(self, entity: int, component: T) -> bool:
        """Give the entity's `T` the value of `component` and mark it, if that is another value.

        False, and nothing done, if they are equal or the entity has no `T` (Bevy: ``DetectChangesMut::set_if_neq``).
        A dataclass that is not frozen keeps its identity and has its fields set, which leaves esper's caches
        alone; any other component is replaced, which is a structural change.
        """
        changed = assign_if_neq(entity, component, self._kind, self._replace)
        if changed:
            self.mark(entity)
        return changed


def assign_if_neq(entity: int, value: object, kind: type, replace: Replace) -> bool:
    """Give the entity's component of this type another value; False if it has none or is equal to it.

    Marks nothing. Needs the world to be active.
    """
    current = cast("object", esper.try_component(entity, kind))
    if current is None or current == value:
        return False
    if dataclasses.is_dataclass(kind):
        try:
            for field in dataclasses.fields(kind):
                setattr(current, field.name, getattr(value, field.name))
            return True
        except dataclasses.FrozenInstanceError:
            pass  # raised by the first field, so nothing has been set
    replace(entity, value, kind)
    return True
