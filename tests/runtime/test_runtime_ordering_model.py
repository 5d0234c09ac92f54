"""Random graphs of systems and sets: an order obeys every relation, or what is said to be a cycle is one.

The model knows systems, and where sets begin and end, as points of one graph, and finds by brute force which of them
must come before which.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import auto
from itertools import pairwise

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from ecs_localai.runtime import App, ScheduleError, SystemSet, Update
from ecs_localai.runtime.sets import ConfigItem, Configs, SystemFunction, Target, chain, configs
from tests.runtime.fuzz_parts import FACTOR
from tests.runtime.runtime_parts import One, Shown, Three, Two, noting

pytestmark = pytest.mark.timeout(120 * FACTOR)

SYSTEMS = 6


class Group(SystemSet):
    """The sets of these graphs."""

    A = auto()
    B = auto()
    C = auto()
    D = auto()


GROUPS = tuple(Group)
Name = int | Group
Point = tuple[Name, bool]
"""A system, which is one point, or where a set begins (False) or ends (True)."""


@dataclass(frozen=True)
class Said:
    """What is said about one system or set."""

    about: Name
    inside: tuple[Group, ...] = ()
    before: tuple[Name, ...] = ()
    after: tuple[Name, ...] = ()


@dataclass(frozen=True)
class Graph:
    """Everything that is said."""

    systems: tuple[Said, ...]
    sets: tuple[Said, ...] = ()
    chains: tuple[tuple[tuple[Group, ...], ...], ...] = ()
    """``chain(configs(A, B), C)`` of sets: each group of one item before each of the next."""

    @property
    def known(self) -> set[Name]:
        """What relations may name: systems that were added, sets with members and sets that were configured."""
        found: set[Name] = {said.about for said in self.systems}
        found |= {said.about for said in self.sets}
        found |= {group for said in (*self.systems, *self.sets) for group in said.inside}
        return found | {group for items in self.chains for item in items for group in item}

    @property
    def unknown(self) -> set[Name]:
        """What relations name all the same."""
        named = {name for said in (*self.systems, *self.sets) for name in (*said.before, *said.after)}
        return named - self.known

    def edges(self) -> set[tuple[Point, Point]]:
        """Which points come before which others, as it was said."""
        found: set[tuple[Point, Point]] = {((name, False), (name, True)) for name in self.known if name in GROUPS}
        for said in (*self.systems, *self.sets):
            begin, end = _begin(said.about), _end(said.about)
            found |= {(_begin(group), begin) for group in said.inside}
            found |= {(end, _end(group)) for group in said.inside}
            found |= {(end, _begin(name)) for name in said.before}
            found |= {(_end(name), begin) for name in said.after}
        for items in self.chains:
            for earlier, later in pairwise(item for item in items if item):
                found |= {(_end(a), _begin(b)) for a in earlier for b in later}
        return found


def _begin(name: Name) -> Point:
    return name, False


def _end(name: Name) -> Point:
    return name, name in GROUPS


def reached(edges: set[tuple[Point, Point]]) -> set[tuple[Point, Point]]:
    """Every pair of points of which the first must come before the second, over whatever others."""
    found = set(edges)
    points = {point for edge in edges for point in edge}
    for middle in points:
        before = [a for a, b in found if b == middle]
        after = [b for a, b in found if a == middle]
        found |= {(a, b) for a in before for b in after}
    return found


class Real:
    """The same graph as the runtime is told of it."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.log: list[str] = []
        self.functions: list[SystemFunction] = [noting(self.log, f"s{number}") for number in range(SYSTEMS)]

    def tell(self, graph: Graph) -> None:
        """Tell it."""
        if graph.sets:
            self.app.configure_sets(Update, *(self._item(said) for said in graph.sets))
        for said in graph.systems:
            self.app.add_systems(Update, self._item(said))
        for items in graph.chains:
            self.app.configure_sets(Update, chain(*(configs(*item) for item in items)))

    def _item(self, said: Said) -> ConfigItem:
        item: Configs = configs(self._target(said.about))
        for group in said.inside:
            item = item.in_set(group)
        item = item.before(*(self._target(name) for name in said.before))
        return item.after(*(self._target(name) for name in said.after))

    def _target(self, name: Name) -> Target:
        return name if isinstance(name, Group) else self.functions[name]

    def order(self) -> list[int]:
        """The systems in the order they ran in one frame."""
        self.log.clear()
        self.app.update(0.1)
        return [int(name[1:]) for name in self.log]


def shown(name: Name) -> str:
    """What the messages call it."""
    return str(name) if isinstance(name, Group) else f"s{name}"


def check_cycle(message: str, edges: set[tuple[Point, Point]]) -> None:
    """Every step of the path that a message shows is one that was said; it ends where it begins; none is shorter."""
    match = re.match(r"The order contradicts itself: (.*?)\. ", message)
    assert match, message
    path = match[1].split(" → ")
    assert len(path) > 1
    assert path[0] == path[-1]
    steps = {(shown(a[0]), shown(b[0])) for a, b in edges}
    for step in pairwise(path):
        assert step in steps, f"{step} in: {message}"
    assert len(path) - 1 == fewest_names(edges), message


def fewest_names(edges: set[tuple[Point, Point]]) -> int:
    """How many names the shortest cycle has, in which a set is one name."""
    names = {(a, b): int(a[0] != b[0]) for a, b in edges}
    for middle in {point for edge in edges for point in edge}:
        before = [(a, count) for (a, b), count in names.items() if b == middle]
        after = [(b, count) for (a, b), count in names.items() if a == middle]
        for a, first in before:
            for b, second in after:
                names[a, b] = min(first + second, names.get((a, b), first + second))
    return max(1, min(count for (a, b), count in names.items() if a == b))


def check_order(order: list[int], graph: Graph) -> None:
    """Every system ran once, and none before one that must come first."""
    assert sorted(order) == sorted(said.about for said in graph.systems if isinstance(said.about, int))
    position = {system: place for place, system in enumerate(order)}
    for (a, _), (b, _) in reached(graph.edges()):
        if isinstance(a, int) and isinstance(b, int):
            assert position[a] < position[b], f"s{b} ran before s{a}: {order}"


def _some(values: st.SearchStrategy[Name], most: int) -> st.SearchStrategy[tuple[Name, ...]]:
    return st.lists(values, max_size=most, unique=True).map(tuple)


groups = st.sampled_from(GROUPS)
names: st.SearchStrategy[Name] = st.integers(0, SYSTEMS - 1) | groups
inside = st.lists(groups, max_size=2, unique=True).map(tuple)
seeds = st.none() | st.integers(0, 1000)


def _said(about: st.SearchStrategy[Name]) -> st.SearchStrategy[Said]:
    return st.builds(Said, about, inside, _some(names, 1), _some(names, 1))


def without_strangers(graph: Graph) -> Graph:
    """The same without relations to what is not there."""

    def mended(said: Said) -> Said:
        before = tuple(name for name in said.before if name in graph.known)
        return replace(said, before=before, after=tuple(name for name in said.after if name in graph.known))

    return replace(graph, systems=tuple(map(mended, graph.systems)), sets=tuple(map(mended, graph.sets)))


with_strangers = st.builds(
    Graph,
    st.integers(0, SYSTEMS).flatmap(lambda count: st.tuples(*(_said(st.just(number)) for number in range(count)))),
    st.lists(_said(groups), max_size=3).map(tuple),
    st.lists(st.lists(st.lists(groups, max_size=2).map(tuple), min_size=2, max_size=3).map(tuple), max_size=1).map(
        tuple
    ),
)

any_graph = st.booleans().flatmap(lambda mend: with_strangers.map(without_strangers) if mend else with_strangers)


@st.composite
def possible_graph(draw: st.DrawFn) -> Graph:
    """A graph that has an order: one is chosen first, and only what agrees with it is said."""
    order = draw(st.permutations(range(SYSTEMS)))
    homes = {system: draw(st.none() | groups) for system in order}
    place = {system: place for place, system in enumerate(order)}
    systems = []
    for system in range(SYSTEMS):
        home = homes[system]
        later = [other for other in order if place[other] > place[system]]
        earlier = [other for other in order if place[other] < place[system]]
        before: list[Name] = draw(st.lists(st.sampled_from(later), max_size=2)) if later else []
        after: list[Name] = draw(st.lists(st.sampled_from(earlier), max_size=2)) if earlier else []
        for group in set(homes.values()) - {None, home}:
            members = [place[one] for one in order if homes[one] is group]
            if draw(st.booleans()) and group is not None:
                if min(members) > place[system]:
                    before.append(group)
                elif max(members) < place[system]:
                    after.append(group)
        systems.append(Said(system, (home,) if home else (), tuple(before), tuple(after)))
    return Graph(tuple(draw(st.permutations(systems))))


@given(any_graph, seeds)
@settings(max_examples=250 * FACTOR, deadline=None)
def test_order_obeys_every_relation_or_the_error_names_what_is_wrong(graph: Graph, seed: int | None) -> None:
    with App(shuffle_seed=seed) as app:
        real = Real(app)
        real.tell(graph)
        edges = graph.edges()
        impossible = any(a == b for a, b in reached(edges))
        if graph.unknown:
            event("unknown name")
            with pytest.raises(ScheduleError) as error:
                app.update(0.1)
            named = re.search(
                r"is to run (?:before|after) (\S+), but (\S+) is not in the schedule Update", str(error.value)
            )
            assert named, str(error.value)
            assert named[1] == named[2]
            assert named[1] in {shown(name) for name in graph.unknown}
        elif impossible:
            event("cycle")
            with pytest.raises(ScheduleError) as error:
                app.update(0.1)
            check_cycle(str(error.value), edges)
        else:
            event("order")
            check_order(real.order(), graph)


@given(possible_graph(), seeds)
@settings(max_examples=100 * FACTOR, deadline=None)
def test_order_that_is_possible_is_found_with_any_seed(graph: Graph, seed: int | None) -> None:
    with App(shuffle_seed=seed) as app:
        real = Real(app)
        real.tell(graph)
        first = real.order()
        check_order(first, graph)
        assert real.order() == first, "and stays the same from frame to frame"


@given(possible_graph(), st.integers(0, 1000))
@settings(max_examples=30 * FACTOR, deadline=None)
def test_same_seed_gives_the_same_order_again(graph: Graph, seed: int) -> None:
    orders = []
    for _ in range(2):
        with App(shuffle_seed=seed) as app:
            real = Real(app)
            real.tell(graph)
            orders.append(real.order())
    assert orders[0] == orders[1]


@given(
    homes=st.lists(st.none() | st.sampled_from(tuple(Shown)), min_size=SYSTEMS, max_size=SYSTEMS),
    edges=st.sets(st.tuples(st.integers(0, SYSTEMS - 1), st.integers(0, SYSTEMS - 1)), max_size=6),
    seed=seeds,
)
@settings(max_examples=150 * FACTOR, deadline=None)
def test_systems_of_a_set_with_a_processor_run_together_or_the_error_says_why_not(
    homes: list[Shown | None], edges: set[tuple[int, int]], seed: int | None
) -> None:
    """A set that is a processor cannot be interrupted: what is between two of its systems contradicts it."""

    def home(system: int) -> object:
        return homes[system] or system

    within: set[tuple[object, object]] = set(edges)
    between: set[tuple[object, object]] = {(home(a), home(b)) for a, b in edges if home(a) != home(b)}
    impossible = _has_cycle(within) or _has_cycle(between)
    with App(shuffle_seed=seed) as app:
        log: list[str] = []
        functions = [noting(log, f"s{number}") for number in range(SYSTEMS)]
        app.add_set_processors(One(), Two(), Three())
        for number, function in enumerate(functions):
            item = configs(function).before(*(functions[b] for a, b in sorted(edges) if a == number))
            where = homes[number]
            app.add_systems(Update, item if where is None else item.in_set(where))
        if impossible:
            with pytest.raises(ScheduleError, match=r"The order contradicts itself: (.+) → .*\1\. "):
                app.update(0.1)
            return
        app.update(0.1)
        order = [int(name[1:]) for name in log]
        assert sorted(order) == list(range(SYSTEMS))
        assert all(order.index(a) < order.index(b) for a, b in edges)
        for group in Shown:
            places = [order.index(number) for number in range(SYSTEMS) if homes[number] is group]
            assert not places or max(places) - min(places) == len(places) - 1, f"{group} is torn apart in {order}"


def _has_cycle(edges: set[tuple[object, object]]) -> bool:
    """Whether taking away what nothing comes before leaves something."""
    rest = set(edges)
    while rest:
        followers = {b for _, b in rest}
        kept = {(a, b) for a, b in rest if a in followers}
        if kept == rest:
            return True
        rest = kept
    return False


@given(about=st.integers(0, 2), before=st.booleans(), by_set=st.booleans())
@settings(deadline=None)
def test_any_name_that_is_not_there_is_an_error_until_it_comes(about: int, before: bool, by_set: bool) -> None:
    """Bevy passes over relations to sets that nobody has (``bevy_ecs/src/schedule``); here none is lost."""
    log: list[str] = []
    systems = [noting(log, name) for name in "abc"]
    function = noting(log, "stranger")
    stranger: Target = Group.D if by_set else function
    name = "Group.D" if by_set else "stranger"
    items = [configs(system) for system in systems]
    items[about] = items[about].before(stranger) if before else items[about].after(stranger)
    with App() as app:
        app.add_systems(Update, *items)
        with pytest.raises(ScheduleError) as error:
            app.update(0.1)
        relation = "before" if before else "after"
        assert str(error.value).startswith(f"{'abc'[about]} is to run {relation} {name}, but {name} is not in")
        assert log == []
        app.add_systems(Update, configs(function).in_set(Group.D) if by_set else function)
        app.update(0.1)
        assert sorted(log) == ["a", "b", "c", "stranger"]
        assert (log.index("abc"[about]) < log.index("stranger")) == before
