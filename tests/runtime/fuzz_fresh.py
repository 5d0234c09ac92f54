"""What `Added`, `Changed` and `RemovedComponents` have to show, by their docstrings alone.

Where a docstring leaves it open whether something is shown (the very same object went and came back between two
looks, or was added once more), the model says "may", and the tests accept both.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.runtime.fuzz_parts import Kind, Row, Signature

Components = dict[int, dict[type, object]]


@dataclass
class FreshModel:
    """What is new (`Added`), or new or marked (`Changed`), to one query."""

    kind: Kind
    owner: int | None = None
    """Of `Changed`: the system that is not shown its own marks."""
    shows_marks: bool = False
    last: dict[int, object] = field(default_factory=dict)
    """Every component of the kind, as it was when this query looked last."""
    touched: set[int] = field(default_factory=set)
    marked: set[int] = field(default_factory=set)
    run: int = -1
    must: set[int] = field(default_factory=set)
    may: set[int] = field(default_factory=set)

    def put(self, entity: int) -> None:
        """A component was added or replaced."""
        self.touched.add(entity)

    def taken(self, entity: int) -> None:
        """A component is gone; what was said about it is said about nothing."""
        self.touched.add(entity)
        self.marked.discard(entity)

    def mark(self, entity: int, owner: int | None) -> None:
        """A component was marked, by a system or by nobody in particular."""
        if self.shows_marks and (owner is None or owner != self.owner):
            self.marked.add(entity)

    def look(self, run: int, entities: Components) -> None:
        """Decide what has to be shown now, and what may be; a second look in a run adds to the first."""
        here = {entity: has[self.kind] for entity, has in entities.items() if self.kind in has}
        new = {entity for entity, component in here.items() if self.last.get(entity) is not component}
        if run != self.run:
            self.must, self.may = set(), set()
        self.must = (self.must | new | self.marked) & here.keys()
        self.may = (self.may | self.must | self.touched) & here.keys()
        self.run, self.last = run, here
        self.touched, self.marked = set(), set()


@dataclass
class FreshQuery:
    """A query with `Added` and `Changed` filters."""

    base: Signature
    """The query without those filters, but with what they ask for."""
    fresh: list[FreshModel]

    def rows(self, run: int, entities: Components) -> tuple[list[Row], list[Row]]:
        """The rows that have to be there now, and those that may be."""
        for model in self.fresh:
            model.look(run, entities)
        rows = self.base.rows(entities)
        must = [row for row in rows if all(row[0] in model.must for model in self.fresh)]
        return must, [row for row in rows if all(row[0] in model.may for model in self.fresh)]


@dataclass
class RemovedModel:
    """What one reader of `RemovedComponents` has to be told."""

    kind: Kind
    had: set[int]
    must: Counter[int] = field(default_factory=Counter)
    may: Counter[int] = field(default_factory=Counter)

    def taken(self, entity: int) -> None:
        """A component is gone."""
        self.may[entity] += 1

    def notice(self, entities: Components) -> None:
        """Somebody can see the world now: a frame begins, or a reader of this kind reads."""
        here = {entity for entity, has in entities.items() if self.kind in has}
        self.must.update(self.had - here)
        self.had = here

    def check(self, told: list[int]) -> None:
        """The reader has read this, after it was noticed what has gone."""
        counted = Counter(told)
        assert self.must <= counted <= self.may, (
            f"removed {self.kind.__name__}: told {sorted(told)}, had to be told {sorted(self.must.elements())}, "
            f"may be told {sorted(self.may.elements())}"
        )
        self.must, self.may = Counter(), Counter()
