"""System parameters: each kind, and the errors that name the parameter that cannot be supplied."""

# Without `from __future__ import annotations`, on purpose: annotations are objects here. The other kind, annotations
# kept as text, is in test_runtime_postponed_annotations.py.

from collections.abc import Callable, Iterator
from functools import partial, wraps
from typing import Annotated

import pytest

from ecs_localai.runtime import (
    Activity,
    Added,
    App,
    Changes,
    Commands,
    EventReader,
    EventWriter,
    IoTaskPool,
    Local,
    Query,
    RemovedComponents,
    Res,
    SystemParamError,
    Time,
    Update,
    Wakeups,
    With,
    World,
)
from tests.runtime.runtime_parts import Clock, Ping, Position, Velocity


def test_system_without_parameters_runs(app: App) -> None:
    log: list[str] = []
    app.add_systems(Update, lambda: log.append("ran"))
    app.update()
    assert log == ["ran"]


def test_every_kind_of_parameter_in_one_system(app: App) -> None:
    seen: list[object] = []

    def everything(
        query: Query[Position, With[Velocity]],
        clock: Res[Clock],
        nothing: Res[Ping] | None,
        reader: EventReader[Ping],
        writer: EventWriter[Ping],
        commands: Commands,
        count: Local[int],
        time: Time,
        world: World,
    ) -> None:
        count.value += 1
        writer.write(Ping(count.value))
        commands.spawn(Position())
        seen.append((len(query), clock.ticks, nothing, reader.read(), count.value, time.frame, world.name))

    app.insert_resource(Clock(5))
    app.world.spawn(Position(), Velocity())
    app.add_systems(Update, everything)
    app.update()
    app.update()
    name = app.world.name
    assert seen == [(1, 5, None, [Ping(1)], 1, 1, name), (1, 5, None, [Ping(2)], 2, 2, name)]
    assert len(app.world.query(Position)) == 3


def test_parts_of_the_app_are_resources(app: App) -> None:
    seen: list[object] = []

    def look(time: Res[Time], wakeups: Res[Wakeups], tasks: Res[IoTaskPool], activity: Res[Activity]) -> None:
        seen.extend((time, wakeups, tasks, activity))

    app.add_systems(Update, look)
    app.update()
    assert seen == [app.time, app.wakeups, app.tasks, app.activity]


def test_local_belongs_to_one_system_and_is_kept(app: App) -> None:
    seen: dict[str, list[int]] = {"a": [], "b": []}

    def counting(name: str, step: int) -> Callable[[Local[int]], None]:
        def count(mine: Local[int]) -> None:
            mine.value += step
            seen[name].append(mine.value)

        return count

    app.add_systems(Update, counting("a", 1), counting("b", 10))
    app.update()
    app.update()
    assert seen == {"a": [1, 2], "b": [10, 20]}


def test_local_starts_as_its_class_makes_it(app: App) -> None:
    seen: list[object] = []

    def look(names: Local[list[str]], clock: Local[Clock]) -> None:
        seen.append((list(names.value), clock.value))
        names.value.append("x")

    app.add_systems(Update, look)
    app.update()
    app.update()
    assert seen == [([], Clock()), (["x"], Clock())]


def test_method_of_an_object_is_a_system(app: App) -> None:
    class Counter:
        total = 0

        def count(self, query: Query[Position]) -> None:
            self.total += len(query)

    counter = Counter()
    app.world.spawn(Position())
    app.add_systems(Update, counter.count)
    app.update()
    assert counter.total == 1


def test_callable_object_is_a_system(app: App) -> None:
    class Counter:
        total = 0

        def __call__(self, query: Query[Position]) -> None:
            self.total += len(query)

    counter = Counter()
    app.world.spawn(Position())
    app.add_systems(Update, counter)
    app.update()
    assert counter.total == 1


def test_function_with_bound_arguments_is_a_system(app: App) -> None:
    seen: list[tuple[str, int, int]] = []

    def look(label: str, query: Query[Position], limit: int) -> None:
        seen.append((label, len(query), limit))

    app.add_systems(Update, partial(look, "first", limit=3))
    app.update()
    assert seen == [("first", 0, 3)]


def test_decorated_function_is_a_system(app: App) -> None:
    seen: list[int] = []

    def loudly(system: Callable[[Query[Position]], None]) -> Callable[[Query[Position]], None]:
        @wraps(system)
        def loud(query: Query[Position]) -> None:
            seen.append(-1)
            system(query)

        return loud

    @loudly
    def look(query: Query[Position]) -> None:
        seen.append(len(query))

    app.add_systems(Update, look)
    app.update()
    assert seen == [-1, 0]


def no_annotation(query) -> None:  # type: ignore[no-untyped-def]  # the mistake under test
    """Says nothing about its parameter."""


def plain_number(number: int) -> None:
    """Asks for something that nobody has."""


def resource_without_res(clock: Clock) -> None:
    """Forgets to say that it is a resource."""


def other_mark(clock: Annotated[Clock, "wound up"]) -> None:
    """Has an annotation of somebody else's."""


def optional_query(query: Query[Position] | None) -> None:
    """Wants a query that may be missing."""


def bare_query(query: Query) -> None:  # type: ignore[type-arg]  # the mistake under test
    """Does not say of what."""


def bare_reader(reader: EventReader) -> None:  # type: ignore[type-arg]  # the mistake under test
    """Does not say of what."""


def bare_local(mine: Local) -> None:  # type: ignore[type-arg]  # the mistake under test
    """Does not say of what."""


def bare_res(clock: Res) -> None:  # type: ignore[type-arg]  # the mistake under test
    """Does not say of what."""


def misplaced_none(clock: Res[Clock | None]) -> None:
    """Puts the None into the brackets."""


def two_events(reader: EventReader[Ping | Clock]) -> None:
    """Wants two types of event at once."""


def union_in_query(query: Query[Position, Velocity | Clock]) -> None:
    """Wants either of two components."""


def only_optional(query: Query[Position | None]) -> None:
    """Wants every entity that there is."""


def two_removed(removed: RemovedComponents[Position | Velocity]) -> None:
    """Wants two types of component at once."""


def bare_changes(changes: Changes) -> None:  # type: ignore[type-arg]  # the mistake under test
    """Does not say what it changes."""


def number_in_query(query: Query[3]) -> None:  # type: ignore[valid-type]  # the mistake under test
    """Queries something that is no class."""


def only_filters(query: Query[With[Position]]) -> None:
    """Queries nothing."""


def bare_filter(query: Query[Position, Added]) -> None:  # type: ignore[type-arg]  # the mistake under test
    """Does not say what was added."""


def local_that_cannot_start(mine: Local[Callable[[], None]]) -> None:
    """Asks for a local value that cannot be made."""


def many(*queries: Query[Position]) -> None:
    """Takes any number."""


def named(**queries: Query[Position]) -> None:
    """Takes any number by name."""


def keyword_only(*, query: Query[Position]) -> None:
    """Takes it by name only."""


async def coroutine(query: Query[Position]) -> None:
    """Cannot run in a frame."""


def generator(query: Query[Position]) -> Iterator[int]:
    """Would only be made, not run."""
    yield len(query)


@pytest.mark.parametrize(
    ("system", "message"),
    [
        (no_annotation, r"no_annotation: parameter 'query' has no annotation\. Annotate it with Query\["),
        (plain_number, r"plain_number: parameter 'number' is annotated with int, which .* cannot supply"),
        (resource_without_res, r"parameter 'clock' is annotated with Clock.* for a resource write Res\[Clock\]"),
        (other_mark, r"other_mark: parameter 'clock' is annotated with"),
        (optional_query, r"optional_query: parameter 'query' is annotated with"),
        (bare_query, r"parameter 'query' is annotated with Query alone\. Say of what, in brackets: Query\[SomeClass\]"),
        (bare_reader, r"parameter 'reader' is annotated with EventReader alone"),
        (bare_local, r"parameter 'mine' is annotated with Local alone"),
        (bare_res, r"bare_res: parameter 'clock': ~T is not one class\. Write Res\[SomeResource\]"),
        (misplaced_none, r"misplaced_none: parameter 'clock': .* Res\[SomeResource\] \| None where it may be missing"),
        (two_events, r"two_events: parameter 'reader': .* is not one event class"),
        (union_in_query, r"parameter 'query': .*Clock in a query is not a component class; .* SomeComponent \| None"),
        (only_optional, r"only_optional: parameter 'query': A query needs at least one component that is not optional"),
        (two_removed, r"two_removed: parameter 'removed': .* is not one component class\. Take one parameter for each"),
        (bare_changes, r"parameter 'changes' is annotated with Changes alone\. Say of what, .*: Changes\[SomeClass\]"),
        (number_in_query, r"number_in_query: parameter 'query': 3 in a query is not a component class"),
        (only_filters, r"only_filters: parameter 'query': A query needs at least one component type"),
        (bare_filter, r"bare_filter: parameter 'query': Added needs a component type: write Added\[SomeComponent\]"),
        (local_that_cannot_start, r"local_that_cannot_start: parameter 'mine': Local\[.*\] cannot start, because"),
        (many, r"many: parameter 'queries' cannot be supplied: systems take plain positional parameters only"),
        (named, r"named: parameter 'queries' cannot be supplied"),
        (keyword_only, r"keyword_only: parameter 'query' cannot be supplied"),
        (coroutine, r"coroutine is a coroutine or a generator.* spawn a coroutine on the resource IoTaskPool"),
        (generator, r"generator is a coroutine or a generator"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_cannot_be_supplied_is_an_error_when_added(app: App, system: Callable[..., object], message: str) -> None:
    with pytest.raises(SystemParamError, match=message):
        app.add_systems(Update, system)
