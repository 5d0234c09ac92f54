"""The rows of queries, kept up to date entity by entity instead of being found again after every change.

Esper drops all its cached lists at any structural change; with 10,000 entities finding them again takes milliseconds
for every query. Here queries that ask for the same share one list of rows, in which a change made by our own world
costs what was changed. Changes that somebody made with plain esper cost what they cost there.
"""

from __future__ import annotations

from collections.abc import Callable
from sys import getrefcount

import esper

from ecs_localai.runtime.errors import SystemParamError
from ecs_localai.runtime.query_parts import QueryParts, Row, split_parts
from ecs_localai.runtime.structure import NeverAComponent, Structure

_ANEW = 4
"""Looking at one touched entity costs about as much as this many rows of a look at the whole world."""
_FEW = 64


class _Held:
    """Where `_counts_tell` puts a list, as a `View` has its own."""

    __slots__ = ("nobodys", "rows")

    def __init__(self) -> None:
        self.rows: list[Row] = [(0, None), (1, None)]
        self.nobodys: list[Row] = []

    def is_held(self) -> bool:
        """As in `View._settle`."""
        return getrefcount(self.rows) != getrefcount(self.nobodys)


def _counts_tell() -> bool:
    """Whether counts of references tell that somebody holds a list: else views have to copy theirs every time."""
    tried = _Held()
    if tried.is_held():
        return False
    by_name = tried.rows
    if not tried.is_held():
        return False
    by_loop = iter(by_name)
    del by_name
    if not tried.is_held():
        return False
    del by_loop
    by_call = (lambda rows: tried.is_held())(tried.rows)
    return by_call and not tried.is_held()


_count: Callable[[object], int] = getrefcount if _counts_tell() else id
"""Of two lists, the same number only if nobody holds the first, as nobody holds the second."""


class View:
    """The rows that one kind of query finds in a world."""

    __slots__ = ("_find", "_nobodys", "_parts", "_positions", "_rows", "_structure", "lost", "touched")

    def __init__(self, parts: QueryParts, structure: Structure) -> None:
        self._parts = parts
        self._find = parts.row
        self._structure = structure
        self._rows: list[Row] = []
        self._nobodys: list[Row] = []  # never handed out
        self._positions: dict[int, int] | None = None  # of each entity's row; made when a row has to be found
        self.touched: set[int] = set()
        """The entities whose rows may be others now."""
        self.lost = -1
        """`Structure.lost` at the last look at the whole world."""
        structure.watch(parts.kinds, self.touched.add)

    def current(self) -> list[Row]:
        """The rows as they are now. The list does not change while somebody holds it. Needs the world to be active."""
        structure = self._structure
        if esper.get_component(NeverAComponent) is not structure.seen:  # spares most loops a call
            structure.look()
        if self.lost != structure.lost:
            self._look_anew()
        elif self.touched:
            self._settle()
        return self._rows

    def places(self) -> dict[int, int]:
        """Where each entity's row is among the rows. The view's own, so not to be changed. Needs the active world."""
        rows = self.current()
        if self._positions is None:
            self._positions = {row[0]: position for position, row in enumerate(rows)}
        return self._positions

    def forget_gone(self) -> None:
        """Let go of components that have left the world, so that what hangs on them ends with them.

        Otherwise a task in a despawned component would live on in the rows of a query that nobody reads.
        """
        if self.lost != self._structure.lost:
            self._rows = []
            self._positions = None
            self.touched.clear()
            self.lost = -1
        elif self.touched:
            self._settle()

    def _look_anew(self) -> None:
        self._rows = self._parts.all_rows()
        self._positions = None
        self.touched.clear()
        self.lost = self._structure.lost

    def _settle(self) -> None:
        """Bring the rows of touched entities up to date."""
        touched = self.touched
        if len(touched) > _FEW and len(touched) * _ANEW > len(self._rows):
            self._look_anew()
            return
        # What the count is of a list that nobody else holds, differs between versions of Python, which borrow where
        # they can: so it is compared with that of such a list, counted in the same way.
        if _count(self._rows) != _count(self._nobodys):
            self._rows = self._rows.copy()  # a loop goes on, or it is esper's own list
        rows = self._rows
        positions = self._positions
        if positions is None:
            positions = self._positions = {row[0]: position for position, row in enumerate(rows)}
        find = self._find
        for entity in touched:
            row = find(entity)
            position = positions.get(entity)
            if row is not None:
                if position is None:
                    positions[entity] = len(rows)
                    rows.append(row)
                else:
                    rows[position] = row
            elif position is not None:
                del positions[entity]
                last = rows.pop()
                if last[0] != entity:  # the last row takes the place of the one that went
                    rows[position] = last
                    positions[last[0]] = position
        touched.clear()


class Views:
    """All views of one world, one for each combination of components that somebody asked for."""

    __slots__ = ("_by_brackets", "_by_parts", "_structure")

    def __init__(self, structure: Structure) -> None:
        self._structure = structure
        self._by_brackets: dict[tuple[object, ...], View] = {}
        self._by_parts: dict[QueryParts, View] = {}

    def of(self, parts: QueryParts) -> View:
        """The view of what is asked for; `Added` and `Changed` do not narrow it."""
        plain = QueryParts(parts.columns, parts.optional, parts.wanted, parts.without)
        view = self._by_parts.get(plain)
        if view is None:
            view = self._by_parts[plain] = View(plain, self._structure)
        return view

    def named(self, brackets: tuple[object, ...]) -> View:
        """The view of what a query would have in its brackets.

        Raises:
            SystemParamError: it cannot be understood, or asks for what is new or changed.
        """
        try:
            view = self._by_brackets.get(brackets)
        except TypeError:  # something in there has no hash, so it is no class
            return self.of(split_parts(brackets))
        if view is None:
            parts = split_parts(brackets)
            if parts.added or parts.changed:
                asked = "Added" if parts.added else "Changed"
                raise SystemParamError(
                    f"{asked} is for systems, for what is new to one is not new to another: take a parameter "
                    f"query: Query[A, {asked}[A]], or ask the world for all of them."
                )
            view = self._by_brackets[brackets] = self.of(parts)
        return view

    def forget_gone(self) -> None:
        """See `View.forget_gone`."""
        lost = self._structure.lost
        for view in self._by_parts.values():
            if view.touched or view.lost != lost:
                view.forget_gone()
