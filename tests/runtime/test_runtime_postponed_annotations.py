"""System parameters under ``from __future__ import annotations``, where annotations are only text."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from ecs_localai.runtime import (
    App,
    Commands,
    EventReader,
    EventWriter,
    Local,
    Query,
    Res,
    SystemParamError,
    Time,
    Update,
    With,
    Without,
    World,
)
from tests.runtime.runtime_parts import Clock, Frozen, Ping, Position, Velocity

if TYPE_CHECKING:
    from decimal import Decimal


class Marker:
    """A component at the top of the module."""


def test_every_kind_of_parameter_in_one_system(app: App) -> None:
    seen: list[object] = []

    def everything(
        query: Query[Position, With[Velocity], Without[Frozen]],
        clock: Res[Clock],
        nothing: Res[Ping] | None,
        reader: EventReader[Ping],
        writer: EventWriter[Ping],
        commands: Commands,
        count: Local[int],
        time: Time,
        world: World,
    ) -> None:
        writer.write(Ping(1))
        commands.spawn(Position())
        seen.append((len(query), clock.ticks, nothing, reader.read(), count.value, time.frame, world.name))

    app.insert_resource(Clock(5))
    app.world.spawn(Position(), Velocity())
    app.world.spawn(Position(), Velocity(), Frozen())
    app.add_systems(Update, everything)
    app.update()
    assert seen == [(1, 5, None, [Ping(1)], 0, 1, app.world.name)]


def test_annotation_may_be_quoted_once_more(app: App) -> None:
    seen: list[int] = []

    def look(query: "Query[Position]") -> None:  # noqa: UP037 - what is tested
        seen.append(len(query))

    app.add_systems(Update, look)
    app.update()
    assert seen == [0]


def test_components_may_be_local_to_the_function_that_adds_the_system(app: App) -> None:
    class Local1:
        pass

    seen: list[int] = []

    def look(query: Query[Local1, With[Marker]]) -> None:
        seen.append(len(query))

    app.world.spawn(Local1(), Marker())
    app.add_systems(Update, look)
    app.update()
    assert seen == [1]


def test_components_may_be_local_to_a_function_around_the_adding_one(app: App) -> None:
    class Outer:
        pass

    seen: list[int] = []

    def build() -> None:
        class Inner:
            pass

        def look(query: Query[Outer, With[Inner]]) -> None:
            seen.append(len(query))

        app.world.spawn(Outer(), Inner())
        app.add_systems(Update, look)

    build()
    app.update()
    assert seen == [1]


def test_methods_of_local_classes_see_local_names(app: App) -> None:
    class Part:
        pass

    class Counter:
        total = 0

        def count(self, query: Query[Part]) -> None:
            self.total += len(query)

        def __call__(self, query: Query[Part]) -> None:
            self.total += 10 * len(query)

    counter = Counter()
    app.world.spawn(Part())
    app.add_systems(Update, counter.count, counter)
    app.update()
    assert counter.total == 11


def make_system(seen: list[int]) -> tuple[type, Callable[..., None]]:
    """A component and a system, both from a function that has ended by the time the system is added."""

    class Made:
        pass

    def look(query: Query[Made]) -> None:
        seen.append(sum(isinstance(made, Made) for _, made in query))

    return Made, look


def test_names_that_the_function_itself_uses_are_found_after_its_maker_has_ended(app: App) -> None:
    seen: list[int] = []
    made, look = make_system(seen)
    app.world.spawn(made())
    app.add_systems(Update, look)
    app.update()
    assert seen == [1]


def add_from_elsewhere(app: App, system: Callable[..., None]) -> None:
    """Adds a system from a function whose own names have nothing to do with it."""
    Marker = Frozen
    app.world.spawn(Marker())
    app.add_systems(Update, system)


def test_names_of_functions_that_merely_pass_it_on_mean_nothing(app: App) -> None:
    class Part:
        pass

    seen: list[int] = []

    def look(parts: Query[Part], markers: Query[Marker]) -> None:
        seen.append(len(markers))

    app.world.spawn(Marker())
    app.world.spawn(Marker())
    add_from_elsewhere(app, look)
    app.update()
    assert seen == [2], "the module's Marker was meant, of which there are two"


def test_name_imported_for_type_checkers_only_is_an_error_with_the_remedy(app: App) -> None:
    def look(query: Query[Decimal]) -> None:
        assert query

    with pytest.raises(SystemParamError, match=r"look: an annotation .* 'Decimal' is not defined\. Import the name"):
        app.add_systems(Update, look)


def test_annotation_that_cannot_be_evaluated_is_an_error_that_names_the_system(app: App) -> None:
    def look(query: Query[pytest.NoSuchThing]) -> None:  # type: ignore[name-defined]  # the mistake under test
        assert query

    with pytest.raises(SystemParamError, match=r"look: an annotation cannot be understood: .*NoSuchThing"):
        app.add_systems(Update, look)
