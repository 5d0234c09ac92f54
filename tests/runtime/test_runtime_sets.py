"""Sets: order and conditions for groups of systems, nested as deep as one likes."""

from __future__ import annotations

import pytest

from ecs_localai.runtime import (
    App,
    EventReader,
    Local,
    PostUpdate,
    Res,
    ScheduleError,
    SystemFailed,
    SystemParamError,
    Update,
    after,
    before,
    chain,
    in_set,
    run_if,
)
from ecs_localai.runtime.sets import configs
from tests.runtime.runtime_parts import Broken, Clock, Ping, Stage, noting, the_failure


def test_chained_sets_order_their_systems_whenever_those_were_added(app: App) -> None:
    log: list[str] = []
    app.add_systems(Update, in_set(Stage.DRAW, noting(log, "draw")), in_set(Stage.INPUT, noting(log, "input")))
    app.configure_sets(Update, chain(Stage.INPUT, Stage.MOVE, Stage.DRAW))
    app.add_systems(Update, in_set(Stage.MOVE, noting(log, "move 1"), noting(log, "move 2")))
    app.update()
    assert log == ["input", "move 1", "move 2", "draw"]


def test_system_orders_against_a_whole_set(app: App) -> None:
    log: list[str] = []
    app.add_systems(Update, after(Stage.MOVE, noting(log, "last")), before(Stage.MOVE, noting(log, "first")))
    app.add_systems(Update, in_set(Stage.MOVE, noting(log, "a"), noting(log, "b")))
    app.update()
    assert log == ["first", "a", "b", "last"]


def test_nested_set_takes_its_parents_place(app: App) -> None:
    log: list[str] = []
    app.configure_sets(Update, in_set(Stage.WORLD, chain(Stage.MOVE, Stage.DRAW)), after(Stage.WORLD, Stage.INPUT))
    app.add_systems(Update, in_set(Stage.INPUT, noting(log, "input")), in_set(Stage.DRAW, noting(log, "draw")))
    app.add_systems(Update, in_set(Stage.MOVE, noting(log, "move")), in_set(Stage.WORLD, noting(log, "world")))
    app.update()
    assert log.index("move") < log.index("draw")
    assert log[-1] == "input"


def test_system_in_two_sets_obeys_both(app: App) -> None:
    log: list[str] = []
    app.add_systems(Update, configs(noting(log, "both")).in_set(Stage.MOVE).in_set(Stage.WORLD))
    app.add_systems(Update, before(Stage.MOVE, noting(log, "first")), after(Stage.WORLD, noting(log, "last")))
    app.update()
    assert log == ["first", "both", "last"]


def test_sets_of_one_schedule_say_nothing_about_another(app: App) -> None:
    log: list[str] = []
    app.configure_sets(Update, run_if(lambda: False, Stage.MOVE))
    app.add_systems(Update, in_set(Stage.MOVE, noting(log, "skipped")))
    app.add_systems(PostUpdate, in_set(Stage.MOVE, noting(log, "runs")))
    app.update()
    assert log == ["runs"]


def test_system_runs_only_while_its_condition_holds(app: App) -> None:
    log: list[str] = []
    clock = Clock()
    app.insert_resource(clock)

    def is_even(clock: Res[Clock]) -> bool:
        return clock.ticks % 2 == 0

    app.add_systems(Update, run_if(is_even, noting(log, "even")), noting(log, "always"))
    for tick in range(4):
        clock.ticks = tick
        app.update()
    assert log == ["even", "always", "always", "even", "always", "always"]


def test_all_conditions_must_hold_and_the_first_that_does_not_ends_the_asking(app: App) -> None:
    log: list[str] = []

    def closed() -> bool:
        log.append("asked closed")
        return False

    def asked() -> bool:
        log.append("asked second")
        return True

    app.add_systems(Update, configs(noting(log, "system")).run_if(closed).run_if(asked))
    app.update()
    assert log == ["asked closed"]


def test_condition_on_several_systems_is_asked_for_each(app: App) -> None:
    log: list[str] = []

    def condition() -> bool:
        log.append("asked")
        return True

    app.add_systems(Update, run_if(condition, noting(log, "a"), noting(log, "b")))
    app.update()
    assert log == ["asked", "a", "asked", "b"]


def test_condition_on_a_set_is_asked_once_a_frame_for_all_its_systems(app: App) -> None:
    log: list[str] = []

    def condition(count: Local[int]) -> bool:
        count.value += 1
        log.append(f"asked {count.value}")
        return count.value != 2

    app.configure_sets(Update, run_if(condition, Stage.MOVE))
    app.add_systems(Update, in_set(Stage.MOVE, noting(log, "a"), noting(log, "b")))
    for _ in range(3):
        app.update()
    assert log == ["asked 1", "a", "b", "asked 2", "asked 3", "a", "b"]


def test_condition_of_an_outer_set_is_asked_before_that_of_the_inner_one(app: App) -> None:
    log: list[str] = []

    def outer() -> bool:
        log.append("outer")
        return True

    def inner() -> bool:
        log.append("inner")
        return False

    app.configure_sets(Update, run_if(outer, Stage.WORLD), in_set(Stage.WORLD, run_if(inner, Stage.MOVE)))
    app.add_systems(Update, in_set(Stage.MOVE, noting(log, "a")), in_set(Stage.WORLD, noting(log, "b")))
    app.update()
    assert log in (["outer", "inner", "b"], ["outer", "b", "inner"])


def test_set_configured_twice_has_the_conditions_of_both(app: App) -> None:
    log: list[str] = []
    app.configure_sets(Update, run_if(lambda: True, Stage.MOVE))
    app.configure_sets(Update, run_if(lambda: False, Stage.MOVE))
    app.add_systems(Update, in_set(Stage.MOVE, noting(log, "a")))
    app.update()
    assert log == []


def test_condition_keeps_what_it_knows_when_systems_are_added_later(app: App) -> None:
    log: list[str] = []

    def three_times(count: Local[int]) -> bool:
        count.value += 1
        return count.value <= 3

    def was_pinged(pings: EventReader[Ping]) -> bool:
        return bool(pings.read())

    app.configure_sets(Update, run_if(three_times, Stage.MOVE))
    app.add_systems(Update, in_set(Stage.MOVE, noting(log, "moved")), run_if(was_pinged, noting(log, "pinged")))
    app.events(Ping).write(Ping())
    for number in range(5):
        app.update()
        app.add_systems(Update, noting([], f"late {number}"))
    assert log.count("moved") == 3
    assert log.count("pinged") == 1


def test_condition_that_cannot_be_supplied_fails_when_it_is_added(app: App) -> None:
    def wrong(number: int) -> bool:
        return number > 0

    with pytest.raises(SystemParamError, match=r"wrong: parameter 'number'"):
        app.add_systems(Update, run_if(wrong, noting([], "a")))
    with pytest.raises(SystemParamError, match=r"wrong: parameter 'number'"):
        app.configure_sets(Update, run_if(wrong, Stage.MOVE))


def test_condition_may_name_classes_of_the_function_that_adds_it(app: App) -> None:
    class Door:
        is_open = False

    def is_open(door: Res[Door]) -> bool:
        return door.is_open

    log: list[str] = []
    door = Door()

    def build(app: App) -> None:
        app.insert_resource(door)
        app.add_systems(Update, run_if(is_open, noting(log, "a")))
        app.configure_sets(Update, run_if(is_open, Stage.MOVE))

    build(app)
    app.update()
    door.is_open = True
    app.update()
    assert log == ["a"]


def test_failing_condition_does_not_hold_and_is_reported_by_its_own_name(
    app: App, failures: list[SystemFailed]
) -> None:
    log: list[str] = []

    def hesitant() -> bool:
        raise Broken("I do not know")

    app.add_systems(Update, run_if(hesitant, noting(log, "a")), noting(log, "b"))
    app.update()
    assert log == ["b"]
    assert the_failure(failures).system.endswith("hesitant")


def test_failing_condition_of_a_set_is_reported_once_a_frame(app: App, failures: list[SystemFailed]) -> None:
    log: list[str] = []

    def hesitant() -> bool:
        raise Broken("I do not know")

    app.configure_sets(Update, run_if(hesitant, Stage.MOVE))
    app.add_systems(Update, in_set(Stage.MOVE, noting(log, "a"), noting(log, "b")), noting(log, "c"))
    app.update()
    assert log == ["c"]
    assert the_failure(failures).system.endswith("hesitant")


def test_function_where_a_set_belongs_is_an_error_and_nothing_is_configured(app: App) -> None:
    log: list[str] = []
    with pytest.raises(ScheduleError, match=r"a is not a set: add it with add_systems\(Update, a\)"):
        app.configure_sets(Update, run_if(lambda: False, Stage.MOVE), noting(log, "a"))
    app.add_systems(Update, in_set(Stage.MOVE, noting(log, "moves")))
    app.update()
    assert log == ["moves"]


def test_set_where_a_system_belongs_is_an_error(app: App) -> None:
    with pytest.raises(ScheduleError, match=r"Stage\.MOVE is a set, not a system: order sets with configure_sets"):
        app.add_systems(Update, Stage.MOVE)
