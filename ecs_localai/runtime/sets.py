"""Naming and ordering systems (Bevy: ``SystemSet``, ``chain``, ``before``, ``after``, ``in_set``, ``run_if``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeAlias

SystemFunction: TypeAlias = Callable[..., object]


class SystemSet(Enum):
    """Names for groups of systems: ``class S(SystemSet): MOVE = auto(); DRAW = auto()``."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}"

    __str__ = __repr__


Target: TypeAlias = "SystemFunction | SystemSet"


@dataclass(frozen=True)
class Node:
    """One system or set with what was said about it."""

    target: Target
    sets: tuple[SystemSet, ...] = ()
    before: tuple[Target, ...] = ()
    after: tuple[Target, ...] = ()
    conditions: tuple[SystemFunction, ...] = ()


@dataclass(frozen=True)
class Configs:
    """Systems or sets with their ordering, as `chain`, `in_set`, `before`, `after` and `run_if` return them.

    Methods and functions are the same: ``in_set(S.MOVE, a, b)`` is ``configs(a, b).in_set(S.MOVE)``.
    """

    nodes: tuple[Node, ...]
    edges: tuple[tuple[int, int], ...] = ()
    """Pairs of indices into `nodes`: the first runs before the second."""
    groups: tuple[tuple[int, ...], ...] = ()
    """The nodes of each item that was handed in, so that `chain` orders items, not nodes."""

    def chain(self) -> Configs:
        """Each item runs after the one before it."""
        pairs = [
            (a, b) for earlier, later in zip(self.groups, self.groups[1:], strict=False) for a in earlier for b in later
        ]
        return replace(self, edges=self.edges + tuple(pairs))

    def in_set(self, system_set: SystemSet) -> Configs:
        """All are members of the set."""
        return self._each(lambda node: replace(node, sets=(*node.sets, system_set)))

    def before(self, *targets: Target) -> Configs:
        """All run before these systems or sets."""
        return self._each(lambda node: replace(node, before=node.before + targets))

    def after(self, *targets: Target) -> Configs:
        """All run after these systems or sets."""
        return self._each(lambda node: replace(node, after=node.after + targets))

    def run_if(self, condition: SystemFunction) -> Configs:
        """Each runs only in frames in which the condition, a system that returns a bool, holds.

        On a set, it is evaluated once a run for the whole set.
        """
        return self._each(lambda node: replace(node, conditions=(*node.conditions, condition)))

    def _each(self, change: Callable[[Node], Node]) -> Configs:
        return replace(self, nodes=tuple(change(node) for node in self.nodes))


ConfigItem: TypeAlias = "SystemFunction | SystemSet | Configs"


def configs(*items: ConfigItem) -> Configs:
    """Systems, sets and what other helpers returned, together and in no order."""
    nodes: list[Node] = []
    edges: list[tuple[int, int]] = []
    groups: list[tuple[int, ...]] = []
    for item in items:
        offset = len(nodes)
        part = item if isinstance(item, Configs) else Configs((Node(item),))
        nodes.extend(part.nodes)
        edges.extend((a + offset, b + offset) for a, b in part.edges)
        if part.nodes:  # an empty item would tear a chain apart
            groups.append(tuple(range(offset, len(nodes))))
    return Configs(tuple(nodes), tuple(edges), tuple(groups))


def chain(*items: ConfigItem) -> Configs:
    """Each item runs after the one before it: ``chain(a, b)``, ``chain(S.MOVE, S.DRAW)``."""
    return configs(*items).chain()


def in_set(system_set: SystemSet, *items: ConfigItem) -> Configs:
    """The items are members of the set: ``in_set(S.MOVE, a, b)``."""
    return configs(*items).in_set(system_set)


def before(target: Target, *items: ConfigItem) -> Configs:
    """The items run before the target: ``before(draw, move)``."""
    return configs(*items).before(target)


def after(target: Target, *items: ConfigItem) -> Configs:
    """The items run after the target: ``after(move, draw)``."""
    return configs(*items).after(target)


def run_if(condition: SystemFunction, *items: ConfigItem) -> Configs:
    """The items run only while the condition holds: ``run_if(is_open, draw)``."""
    return configs(*items).run_if(condition)
