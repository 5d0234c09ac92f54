"""Schedules: which systems run in a phase of the frame, and in which order (Bevy: ``Schedule``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from ecs_localai.runtime.errors import ScheduleError
from ecs_localai.runtime.frame_activity import activity
from ecs_localai.runtime.ordering import topological_order
from ecs_localai.runtime.sets import Configs, Node, SystemFunction, SystemSet, Target
from ecs_localai.runtime.steps import Condition, ConditionalStep, FlushStep, Segment, SharedCondition, Step
from ecs_localai.runtime.system import System
from ecs_localai.runtime.timing import TimedSegment

if TYPE_CHECKING:
    from random import Random

    from ecs_localai.runtime.app import App


@dataclass(frozen=True)
class ScheduleLabel:
    """A phase of the frame, by name (Bevy: the trait ``ScheduleLabel``, which any type may have)."""

    name: str
    is_of_transitions: ClassVar[bool] = False
    """Whether it runs in transitions between states."""

    def __repr__(self) -> str:
        return self.name


PreStartup: Final = ScheduleLabel("PreStartup")
Startup: Final = ScheduleLabel("Startup")
PostStartup: Final = ScheduleLabel("PostStartup")
First: Final = ScheduleLabel("First")
PreUpdate: Final = ScheduleLabel("PreUpdate")
StateTransition: Final = ScheduleLabel("StateTransition")
FixedUpdate: Final = ScheduleLabel("FixedUpdate")
Update: Final = ScheduleLabel("Update")
PostUpdate: Final = ScheduleLabel("PostUpdate")
Last: Final = ScheduleLabel("Last")

STARTUP_ORDER: Final = (StateTransition, PreStartup, Startup, PostStartup)
"""Run once, in the first update, before everything else (Bevy: ``bevy_app/src/main_schedule.rs``, and
``bevy_state/src/app.rs`` for `StateTransition`, which enters the first states before anything starts)."""
FRAME_ORDER: Final = (First, PreUpdate, StateTransition, FixedUpdate, Update, PostUpdate, Last)
"""Run in every update, `FixedUpdate` as often as its steps have become due. What has no systems costs nothing."""


class _Point(NamedTuple):
    """A place in the order: a system, or where a set begins or ends."""

    what: int | SystemSet
    end: bool = False


class Schedule:
    """The systems and sets of one phase. `compile` turns them into segments, which the frame runs."""

    def __init__(self, label: ScheduleLabel, app: App) -> None:
        self.label = label
        self._app = app
        self._nodes: list[Node] = []
        self._systems: list[System] = []
        self._conditions: list[list[System]] = []  # of each system, beside `_systems`
        self._edges: list[tuple[_Point, _Point]] = []
        self._set_nodes: dict[SystemSet, list[Node]] = {}
        self._set_conditions: dict[SystemSet, list[System]] = {}
        self._visible: list[SystemSet] = []
        self._ran = 0  # so many systems, of a schedule that runs once
        self.segments: list[Segment] = []
        """What the last `compile` returned."""

    def add_systems(self, added: Configs) -> None:
        """Add systems; their parameters, and those of their conditions, are found now.

        Raises:
            SystemParamError: one of them asks for something that cannot be supplied.
            ScheduleError: a set was handed in where a system belongs.
        """
        systems: list[System] = []
        conditions: list[list[System]] = []
        for node in added.nodes:
            if isinstance(node.target, SystemSet):
                raise ScheduleError(
                    f"{node.target} is a set, not a system: order sets with configure_sets({self.label}, …)."
                )
            systems.append(System(node.target, self._app))
            conditions.append([System(one, self._app, is_condition=True) for one in node.conditions])
        offset = len(self._systems)
        self._systems.extend(systems)
        self._conditions.extend(conditions)
        self._nodes.extend(added.nodes)
        self._edges.extend((_Point(a + offset), _Point(b + offset)) for a, b in added.edges)

    def configure_sets(self, added: Configs) -> None:
        """Declare sets, their order, nesting and conditions.

        Raises:
            SystemParamError: a condition asks for something that cannot be supplied.
            ScheduleError: a function was handed in where a set belongs.
        """
        sets: list[SystemSet] = []
        conditions: list[list[System]] = []
        for node in added.nodes:
            if not isinstance(node.target, SystemSet):
                name = getattr(node.target, "__qualname__", node.target)
                raise ScheduleError(f"{name} is not a set: add it with add_systems({self.label}, {name}).")
            sets.append(node.target)
            conditions.append([System(one, self._app, is_condition=True) for one in node.conditions])
        for system_set, node, its_conditions in zip(sets, added.nodes, conditions, strict=True):
            self._set_nodes.setdefault(system_set, []).append(node)
            self._set_conditions.setdefault(system_set, []).extend(its_conditions)
        for a, b in added.edges:
            self._edges.append((_Point(sets[a], end=True), _Point(sets[b])))

    def make_visible(self, system_set: SystemSet) -> None:
        """Let this set be a segment of its own, which an esper processor can run."""
        self._set_nodes.setdefault(system_set, [])
        if system_set not in self._visible:
            self._visible.append(system_set)

    def sets_of(self, system: System) -> list[SystemSet]:
        """The sets that a system was put into, as `in_set` named them."""
        for one, node in zip(self._systems, self._nodes, strict=True):
            if one is system:
                return list(node.sets)
        return []

    def compile(self, shuffle: Random | None) -> list[Segment]:
        """The segments in the order to run them: one for each visible set, others between them as needed.

        Raises:
            ScheduleError: a cycle, an unknown name, or a system in two visible sets.
        """
        self.segments = _Compiler(self, self._app, shuffle).segments()
        return self.segments

    def compile_new(self, shuffle: Random | None) -> list[Segment]:
        """As `compile`, with nothing in it that was there at the last `mark_run`."""
        if self._ran == len(self._systems):
            return []
        return _Compiler(self, self._app, shuffle, self._ran).segments()

    def mark_run(self) -> None:
        """All systems have run, in a schedule that runs once."""
        self._ran = len(self._systems)


class _Compiler:
    """One compilation of a schedule."""

    def __init__(self, schedule: Schedule, app: App, shuffle: Random | None, ran: int = 0) -> None:
        """Of the systems, the first `ran` only take part in the order."""
        self._ran = ran
        self._label = schedule.label
        self._app = app
        self._shuffle = shuffle
        self._nodes = schedule._nodes
        self._systems = schedule._systems
        self._own_conditions = schedule._conditions
        self._set_conditions = schedule._set_conditions
        self._set_nodes = {key: list(value) for key, value in schedule._set_nodes.items()}
        for node in self._nodes:
            for system_set in node.sets:
                self._set_nodes.setdefault(system_set, [])
        for nodes in list(self._set_nodes.values()):
            for node in nodes:
                for parent in node.sets:
                    self._set_nodes.setdefault(parent, [])
        self._visible = schedule._visible
        self._by_function: dict[SystemFunction, list[int]] = {}
        for index, node in enumerate(self._nodes):
            if not isinstance(node.target, SystemSet):
                self._by_function.setdefault(node.target, []).append(index)
        self._points = [_Point(index) for index in range(len(self._systems))]
        for system_set in self._set_nodes:
            self._points += [_Point(system_set), _Point(system_set, end=True)]
        self._nesting: dict[tuple[_Point, _Point], tuple[_Point, _Point]] = {}
        self._edges = list(schedule._edges) + self._declared_edges()
        self._followers: dict[_Point, list[_Point]] = {point: [] for point in self._points}
        for first, second in self._edges:
            self._followers[first].append(second)
        self._shared: dict[System, SharedCondition] = {}

    def segments(self) -> list[Segment]:
        home = {point: self._visible_home(point) for point in self._points}
        top_nodes: list[_Point | SystemSet] = list(dict.fromkeys(home[point] or point for point in self._points))
        top_edges = [(home[a] or a, home[b] or b) for a, b in self._edges if home[a] is None or home[a] != home[b]]
        nesting: dict[tuple[_Point | SystemSet, _Point | SystemSet], tuple[_Point | SystemSet, _Point | SystemSet]]
        nesting = {(home[a] or a, home[b] or b): inside for (a, b), inside in self._nesting.items()}
        order = topological_order(top_nodes, top_edges, self._show, self._shuffle, nesting)
        segments: list[Segment] = []
        free: list[_Point] = []
        for node in order:
            if isinstance(node, SystemSet):
                self._close_free(segments, free)
                inside = [point for point in self._points if home[point] == node]
                members = set(inside)
                edges = [(a, b) for a, b in self._edges if a in members and b in members]
                ordered = topological_order(inside, edges, self._show, self._shuffle, self._nesting)
                segments.append(self._segment(node, ordered))
            else:
                free.append(node)
        self._close_free(segments, free)
        return segments

    def _close_free(self, segments: list[Segment], free: list[_Point]) -> None:
        if any(isinstance(point.what, int) and point.what >= self._ran for point in free):
            segments.append(self._segment(None, free))
        free.clear()

    def _segment(self, system_set: SystemSet | None, points: list[_Point]) -> Segment:
        where = self._label.name if system_set is None else f"{self._label.name}/{system_set.name}"
        steps: list[Step] = []
        queued: list[set[_Point]] = []  # what comes behind each system that may have queued commands
        for point in points:
            if not isinstance(point.what, int) or point.what < self._ran:
                continue
            system = self._systems[point.what]
            if any(point in behind for behind in queued):
                steps.append(FlushStep(self._app.apply_commands))
                queued.clear()
            conditions = self._conditions_of(point.what)
            steps.append(ConditionalStep(system, conditions, where, self._app) if conditions else system)
            if system.uses_commands:
                queued.append(self._behind(point))
        gates = [] if system_set is None else self._set_conditions.get(system_set, [])
        reacts_to = None
        if gates and gates[0].function is activity:
            reacts_to = self._app.activity
            gates = gates[1:]
        if self._app.timings is not None:
            return TimedSegment(where, system_set, steps, gates, self._app, reacts_to, self._app.timings)
        return Segment(where, system_set, steps, gates, self._app, reacts_to)

    def _behind(self, first: _Point) -> set[_Point]:
        """What the edges order behind `first`."""
        seen: set[_Point] = set()
        todo = [first]
        while todo:
            for follower in self._followers[todo.pop()]:
                if follower not in seen:
                    seen.add(follower)
                    todo.append(follower)
        return seen

    def _conditions_of(self, index: int) -> list[Condition]:
        """What is asked before this system runs; a visible set's own conditions are asked by its segment."""
        found: list[Condition] = []
        for system_set in reversed(self._ancestors(self._nodes[index].sets)):
            if system_set not in self._visible:
                found += [self._share(condition) for condition in self._set_conditions.get(system_set, ())]
        return found + self._own_conditions[index]

    def _share(self, condition: System) -> SharedCondition:
        if condition not in self._shared:
            self._shared[condition] = SharedCondition(condition, self._app.time)
        return self._shared[condition]

    def _ancestors(self, sets: tuple[SystemSet, ...]) -> list[SystemSet]:
        """These sets and all sets around them, inner ones first."""
        found = list(sets)
        for system_set in found:
            for node in self._set_nodes[system_set]:
                found.extend(parent for parent in node.sets if parent not in found)
        return found

    def _visible_home(self, point: _Point) -> SystemSet | None:
        sets = self._nodes[point.what].sets if isinstance(point.what, int) else (point.what,)
        homes = [one for one in self._ancestors(sets) if one in self._visible]
        if len(homes) > 1:
            names = " and ".join(str(home) for home in homes)
            raise ScheduleError(
                f"{self._show(point)} is in {names}, which are separate processors: leave it in one of them."
            )
        return homes[0] if homes else None

    def _declared_edges(self) -> list[tuple[_Point, _Point]]:
        edges: list[tuple[_Point, _Point]] = []
        for system_set, nodes in self._set_nodes.items():
            start, end = _Point(system_set), _Point(system_set, end=True)
            edges.append((start, end))
            for node in nodes:
                edges += self._inside(node, start, end)
                edges += self._relations(node, start, end)
        for index, node in enumerate(self._nodes):
            point = _Point(index)
            edges += self._inside(node, point, point)
            edges += self._relations(node, point, point)
        return edges

    def _inside(self, node: Node, start: _Point, end: _Point) -> list[tuple[_Point, _Point]]:
        edges: list[tuple[_Point, _Point]] = []
        for outer in node.sets:
            around = [(_Point(outer), start), (end, _Point(outer, end=True))]
            self._nesting.update(dict.fromkeys(around, (start, _Point(outer))))
            edges += around
        return edges

    def _relations(self, node: Node, start: _Point, end: _Point) -> list[tuple[_Point, _Point]]:
        name = self._show(start)
        edges = []
        for target in node.before:
            edges += [(end, point) for point in self._places(target, name, "before", end=False)]
        for target in node.after:
            edges += [(point, start) for point in self._places(target, name, "after", end=True)]
        return edges

    def _places(self, target: Target, name: str, relation: str, *, end: bool) -> list[_Point]:
        if isinstance(target, SystemSet):
            if target in self._set_nodes:
                return [_Point(target, end=end)]
            shown = str(target)
            remedy = f"Put a system into it, or declare it with configure_sets({self._label}, {shown})"
        else:
            if target in self._by_function:
                return [_Point(index) for index in self._by_function[target]]
            shown = getattr(target, "__qualname__", repr(target))
            remedy = f"Add it with add_systems({self._label}, {shown})"
        raise ScheduleError(
            f"{name} is to run {relation} {shown}, but {shown} is not in the schedule {self._label}. "
            f"{remedy}, or remove the relation."
        )

    def _show(self, node: _Point | SystemSet) -> str:
        if isinstance(node, SystemSet):
            return str(node)
        return self._systems[node.what].name if isinstance(node.what, int) else str(node.what)
