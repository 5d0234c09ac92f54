"""Putting nodes into an order that respects their edges, or saying which of them contradict each other."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from heapq import heappop, heappush
from itertools import groupby
from typing import TYPE_CHECKING, TypeVar

from ecs_localai.runtime.errors import ScheduleError

if TYPE_CHECKING:
    from random import Random

N = TypeVar("N", bound=Hashable)


def topological_order(
    nodes: Sequence[N],
    edges: Iterable[tuple[N, N]],
    show: Callable[[N], str],
    shuffle: Random | None = None,
) -> list[N]:
    """The nodes in an order in which every edge points forward.

    Unordered nodes keep the order they came in, or are shuffled where a random generator is given.

    Raises:
        ScheduleError: the edges form a cycle; the message shows it.
    """
    later: dict[N, list[N]] = {node: [] for node in nodes}
    waiting: dict[N, int] = dict.fromkeys(nodes, 0)
    for first, second in dict.fromkeys(edges):
        later[first].append(second)
        waiting[second] += 1
    ranks = list(range(len(nodes)))
    if shuffle is not None:
        shuffle.shuffle(ranks)
    rank = dict(zip(nodes, ranks, strict=True))
    ready: list[tuple[int, int]] = []
    positions = {node: position for position, node in enumerate(nodes)}
    for node in nodes:
        if waiting[node] == 0:
            heappush(ready, (rank[node], positions[node]))
    order: list[N] = []
    while ready:
        node = nodes[heappop(ready)[1]]
        order.append(node)
        for follower in later[node]:
            waiting[follower] -= 1
            if waiting[follower] == 0:
                heappush(ready, (rank[follower], positions[follower]))
    if len(order) < len(nodes):
        stuck = {node for node in nodes if waiting[node] > 0}
        cycle = _find_cycle(stuck, later)
        path = " → ".join(_path(show(node) for node in cycle))
        raise ScheduleError(
            f"The order contradicts itself: {path}. Each runs before the next, so the first would have to run "
            f"before itself; remove one of these before/after/chain relations."
        )
    return order


def _find_cycle(stuck: set[N], later: dict[N, list[N]]) -> list[N]:
    """One cycle among nodes that could not be ordered. Nodes merely behind a cycle are left by the wayside."""
    earlier: dict[N, N] = {}
    for node in stuck:
        for follower in later[node]:
            if follower in stuck:
                earlier.setdefault(follower, node)
    node = next(iter(stuck))
    seen: list[N] = []
    while node not in seen:  # every stuck node waits for another stuck one, so walking back must repeat
        seen.append(node)
        node = earlier[node]
    return seen[seen.index(node) :][::-1]


def _path(names: Iterable[str]) -> list[str]:
    """A cycle's names, back to the first; a set, which is two nodes (its beginning and its end), once."""
    shown = [name for name, _ in groupby(names)]
    if len(shown) > 1 and shown[0] == shown[-1]:
        shown.pop()
    return [*shown, shown[0]]
