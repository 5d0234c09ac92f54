"""Putting nodes into an order that respects their edges, or saying which of them contradict each other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from heapq import heappop, heappush
from itertools import groupby
from types import MappingProxyType
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
    nesting: Mapping[tuple[N, N], tuple[N, N]] = MappingProxyType({}),
) -> list[N]:
    """The nodes in an order in which every edge points forward.

    Unordered nodes keep the order they came in, or are shuffled where a random generator is given. `nesting` says of
    edges that nobody has asked for why they are there: the first node is in the second, a set.

    Raises:
        ScheduleError: the edges form a cycle; the message shows the shortest.
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
        stuck = [node for node in nodes if waiting[node] > 0]
        raise ScheduleError(_contradiction(_shortest_cycle(stuck, later, show), show, nesting))
    return order


def _contradiction(cycle: list[N], show: Callable[[N], str], nesting: Mapping[tuple[N, N], tuple[N, N]]) -> str:
    """What to say of a cycle, and what to do about it."""
    path = " → ".join(_path(show(node) for node in cycle))
    edges = list(zip(cycle, [*cycle[1:], cycle[0]], strict=True))
    memberships = [nesting[edge] for edge in edges if edge in nesting]
    inside = list(dict.fromkeys((show(inner), show(outer)) for inner, outer in memberships))
    if len(memberships) == len(edges):
        said = " and ".join(f"{inner} is in {outer}" for inner, outer in inside)
        return (
            f"The order contradicts itself: {path}. By in_set, {said}, so that each would be in itself; remove one of "
            f"these in_set relations."
        )
    remedy = "remove one of these before/after/chain relations"
    if inside:
        remedy += ", or " + " or ".join(f"take {inner} out of {outer} (in_set)" for inner, outer in inside)
    return (
        f"The order contradicts itself: {path}. Each runs before the next, so the first would have to run before "
        f"itself; {remedy}."
    )


def _shortest_cycle(stuck: Sequence[N], later: Mapping[N, list[N]], show: Callable[[N], str]) -> list[N]:
    """The cycle with the fewest names. Of nodes that could not be ordered, some are merely behind one."""
    names = {node: show(node) for node in stuck}
    best: list[N] = []
    fewest = len(names) + 1
    for start in stuck:
        distance = {start: 0}  # in steps from one name to another: a set, which is two nodes, is one name
        before: dict[N, N] = {}
        near = deque([start])
        while near:
            node = near.popleft()
            if distance[node] >= fewest:
                break
            for follower in later[node]:
                if follower not in names:  # it is in no cycle, or in none that is shorter than the best
                    continue
                is_step = names[follower] != names[node]
                reached = distance[node] + is_step
                if follower == start:
                    if reached < fewest:
                        fewest = reached
                        best = _way_back(node, before)
                elif reached < distance.get(follower, fewest):
                    distance[follower] = reached
                    before[follower] = node
                    if is_step:
                        near.append(follower)
                    else:
                        near.appendleft(follower)
        del names[start]
    return best


def _way_back(node: N, before: Mapping[N, N]) -> list[N]:
    """The nodes on the way to this one."""
    way = [node]
    while way[-1] in before:
        way.append(before[way[-1]])
    return way[::-1]


def _path(names: Iterable[str]) -> list[str]:
    """A cycle's names, back to the first; a set, which is two nodes (its beginning and its end), once."""
    shown = [name for name, _ in groupby(names)]
    if len(shown) > 1 and shown[0] == shown[-1]:
        shown.pop()
    return [*shown, shown[0]]
