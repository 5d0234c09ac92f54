"""Naming and ordering systems (Bevy: ``SystemSet``, ``chain``, ``before``, ``after``, ``in_set``, ``run_if``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeAlias

from ecs_localai.runtime.errors import ScheduleError

SystemFunction: TypeAlias = Callable[..., object]


class SystemSet(Enum):
    """Names for groups of systems: ``class S(SystemSet): MOVE = auto(); DRAW = auto()`` (Bevy: ``SystemSet``).

    Any type may be a set in Bevy, and every system is one; here sets are members of an enumeration, and `before` and
    `after` take functions as they are.
    """

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
        if not isinstance(system_set, SystemSet):
            raise ScheduleError(
                f"{_show(system_set)} is not a set: derive a class from SystemSet, as in class Step(SystemSet): MOVE = "
                f"auto(), and name one of its members first: in_set(Step.MOVE, a, b)."
            )
        return self._each(lambda node: replace(node, sets=(*node.sets, system_set)))

    def before(self, *targets: Target) -> Configs:
        """All run before these systems or sets."""
        _check_targets("before", targets)
        return self._each(lambda node: replace(node, before=node.before + targets))

    def after(self, *targets: Target) -> Configs:
        """All run after these systems or sets."""
        _check_targets("after", targets)
        return self._each(lambda node: replace(node, after=node.after + targets))

    def run_if(self, condition: SystemFunction) -> Configs:
        """Each runs only in frames in which the condition, a system that returns a bool, holds.

        On a set, it is evaluated once a run for the whole set.
        """
        check_condition(condition)
        return self._each(lambda node: replace(node, conditions=(*node.conditions, condition)))

    def _each(self, change: Callable[[Node], Node]) -> Configs:
        return replace(self, nodes=tuple(change(node) for node in self.nodes))


ConfigItem: TypeAlias = "SystemFunction | SystemSet | Configs"


def configs(*items: ConfigItem) -> Configs:
    """Systems, sets and what other helpers returned, together and in no order.

    Raises:
        ScheduleError: something is none of these.
    """
    nodes: list[Node] = []
    edges: list[tuple[int, int]] = []
    groups: list[tuple[int, ...]] = []
    for item in items:
        _check_item(item)
        offset = len(nodes)
        part = item if isinstance(item, Configs) else Configs((Node(item),))
        nodes.extend(part.nodes)
        edges.extend((a + offset, b + offset) for a, b in part.edges)
        if part.nodes:  # an empty item would tear a chain apart
            groups.append(tuple(range(offset, len(nodes))))
    return Configs(tuple(nodes), tuple(edges), tuple(groups))


def chain(*items: ConfigItem) -> Configs:
    """Each item runs after the one before it: ``chain(a, b)``, ``chain(S.MOVE, S.DRAW)`` (Bevy: ``(a, b).chain()``)."""
    return configs(*items).chain()


def in_set(system_set: SystemSet, *items: ConfigItem) -> Configs:
    """The items are members of the set: ``in_set(S.MOVE, a, b)`` (Bevy: ``(a, b).in_set(S::Move)``).

    Raises:
        ScheduleError: it is not a set.
    """
    return configs(*items).in_set(system_set)


def before(target: Target, *items: ConfigItem) -> Configs:
    """The items run before the target: ``before(draw, move)`` (Bevy: ``move.before(draw)``).

    A target that is not in the schedule is an error, where Bevy passes over the relation silently. One that was added
    several times is meant each time, which Bevy refuses.

    Raises:
        ScheduleError: the target is neither a system nor a set.
    """
    return configs(*items).before(target)


def after(target: Target, *items: ConfigItem) -> Configs:
    """The items run after the target: ``after(move, draw)`` (Bevy: ``draw.after(move)``); otherwise as `before`.

    Raises:
        ScheduleError: the target is neither a system nor a set.
    """
    return configs(*items).after(target)


def run_if(condition: SystemFunction, *items: ConfigItem) -> Configs:
    """The items run only while the condition holds: ``run_if(is_open, draw)`` (Bevy: ``draw.run_if(is_open)``).

    It is asked before each system (Bevy: ``distributive_run_if``; its ``(a, b).run_if`` asks once for both); on a set
    once a run for all that is in it. Of several conditions none is asked after the first that does not hold; Bevy asks
    all of them. One that fails does not hold.

    Raises:
        ScheduleError: it is not a function.
    """
    return configs(*items).run_if(condition)


def check_condition(condition: object) -> None:
    """See that something can be asked.

    Raises:
        ScheduleError: it is no function.
    """
    if isinstance(condition, type) or not callable(condition):
        raise ScheduleError(
            f"{_show(condition)} is not a condition: give a function that returns a bool, and the condition first: "
            f"run_if(is_open, draw)."
        )


def _check_item(item: object) -> None:
    if isinstance(item, type):
        if issubclass(item, SystemSet):
            raise ScheduleError(
                f"{item.__name__} is a whole class of sets: name its members, or give all: *{_show(item)}."
            )
        raise ScheduleError(f"{item.__name__} is a class, not a system: give an instance of it, or one of its methods.")
    if isinstance(item, (tuple, list)):
        raise ScheduleError(
            f"{_show(item)} is several items in one: give each by itself, add_systems(Update, a, b), or chain(a, b) "
            f"where they run in this order."
        )
    if not (callable(item) or isinstance(item, (SystemSet, Configs))):
        raise ScheduleError(
            f"{_show(item)} is neither a system nor a set, nor what chain, in_set, before, after or run_if return: "
            f"give functions by their names, without calling them."
        )


def _check_targets(relation: str, targets: tuple[object, ...]) -> None:
    for target in targets:
        if isinstance(target, type) or not (callable(target) or isinstance(target, SystemSet)):
            raise ScheduleError(
                f"{_show(target)} is not a system or a set: give the function or the set itself, and the target first: "
                f'{relation}(draw, move) is "{relation} draw: move".'
            )


def _show(item: object) -> str:
    if isinstance(item, (tuple, list)):
        return f"({', '.join(_show(one) for one in item)})"
    name = getattr(item, "__qualname__", None)
    return name if isinstance(name, str) else repr(item)
