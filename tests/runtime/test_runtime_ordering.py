"""The order of systems: what was asked for holds, and what is impossible is said with its path."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_localai.runtime import App, PreUpdate, ScheduleError, Update, after, before, chain, in_set
from ecs_localai.runtime.sets import configs
from tests.runtime.runtime_parts import Stage, noting


def test_unordered_systems_keep_the_order_they_were_added_in(app: App) -> None:
    log: list[str] = []
    app.add_systems(Update, *(noting(log, name) for name in "abcdef"))
    app.update()
    assert log == list("abcdef")


def test_chain_runs_each_after_the_one_before_it(app: App) -> None:
    log: list[str] = []
    a, b, c = (noting(log, name) for name in "abc")
    app.add_systems(Update, c, b)
    app.add_systems(Update, chain(a, noting(log, "x")), before(b, noting(log, "y")))
    app.add_systems(Update, chain(c, noting(log, "after c")))
    app.update()
    assert log.index("a") < log.index("x")
    assert log.index("y") < log.index("b")


def test_before_and_after_order_against_systems_added_earlier_or_later(app: App) -> None:
    log: list[str] = []
    middle = noting(log, "middle")
    app.add_systems(Update, after(middle, noting(log, "last")), middle)
    app.add_systems(Update, before(middle, noting(log, "first")))
    app.update()
    assert log == ["first", "middle", "last"]


def test_methods_and_functions_say_the_same(app: App) -> None:
    log: list[str] = []
    middle = noting(log, "middle")
    app.add_systems(
        Update, configs(noting(log, "last")).after(middle), middle, configs(noting(log, "1")).before(middle)
    )
    app.add_systems(Update, configs(noting(log, "one"), noting(log, "two")).chain().after(middle))
    app.update()
    assert log[:2] == ["1", "middle"]
    assert log.index("one") < log.index("two")


def test_chain_of_groups_orders_the_groups_and_keeps_their_insides(app: App) -> None:
    log: list[str] = []
    a, b, c, d = (noting(log, name) for name in "abcd")
    app.add_systems(Update, chain(configs(c, d), chain(b, a)))
    app.update()
    assert log == ["c", "d", "b", "a"]


def test_empty_item_does_not_tear_a_chain_apart() -> None:
    log: list[str] = []
    for seed in range(8):
        log.clear()
        with App(shuffle_seed=seed) as app:
            app.add_systems(Update, chain(noting(log, "a"), in_set(Stage.MOVE), noting(log, "b")))
            app.update()
        assert log == ["a", "b"]


def test_relation_to_a_system_that_was_added_twice_holds_for_both(app: App) -> None:
    log: list[str] = []
    twice = noting(log, "twice")
    app.add_systems(Update, twice, after(twice, noting(log, "last")), twice)
    app.update()
    assert log == ["twice", "twice", "last"]


def test_cycle_is_an_error_that_shows_its_path(app: App) -> None:
    log: list[str] = []
    wash, dry, fold = (noting(log, name) for name in ("wash", "dry", "fold"))
    app.add_systems(Update, chain(after(fold, wash), dry, fold), noting(log, "bystander"))
    app.add_systems(Update, after(fold, noting(log, "behind the cycle")))
    with pytest.raises(ScheduleError) as error:
        app.update()
    path = re.search(r"itself: ([^.]+)\.", str(error.value))
    assert path is not None
    assert path.group(1) in (
        "wash → dry → fold → wash",
        "dry → fold → wash → dry",
        "fold → wash → dry → fold",
    )
    assert "remove one of these before/after/chain relations" in str(error.value)
    assert log == []


def test_system_before_itself_is_an_error(app: App) -> None:
    log: list[str] = []
    alone = noting(log, "alone")
    app.add_systems(Update, before(alone, alone))
    with pytest.raises(ScheduleError, match="contradicts itself: alone → alone"):
        app.update()


def test_cycle_of_sets_names_each_set_once(app: App) -> None:
    app.configure_sets(Update, chain(Stage.INPUT, Stage.MOVE), chain(Stage.MOVE, Stage.INPUT))
    with pytest.raises(ScheduleError) as error:
        app.update()
    assert re.search(
        r": (Stage\.INPUT → Stage\.MOVE → Stage\.INPUT|Stage\.MOVE → Stage\.INPUT → Stage\.MOVE)\.", str(error.value)
    )


def test_set_inside_itself_is_an_error(app: App) -> None:
    app.configure_sets(Update, in_set(Stage.MOVE, Stage.WORLD), in_set(Stage.WORLD, Stage.MOVE))
    with pytest.raises(ScheduleError) as error:
        app.update()
    assert re.search(
        r": (Stage\.MOVE → Stage\.WORLD → Stage\.MOVE|Stage\.WORLD → Stage\.MOVE → Stage\.WORLD)\.", str(error.value)
    )
    assert "Stage.MOVE is in Stage.WORLD" in str(error.value)
    assert "Stage.WORLD is in Stage.MOVE" in str(error.value)
    assert "remove one of these in_set relations" in str(error.value)
    assert "chain" not in str(error.value)


def test_set_put_into_itself_is_an_error(app: App) -> None:
    app.configure_sets(Update, in_set(Stage.MOVE, Stage.MOVE))
    with pytest.raises(
        ScheduleError, match=r"Stage\.MOVE → Stage\.MOVE\. By in_set, Stage\.MOVE is in Stage\.MOVE, .*in_set relations"
    ):
        app.update()


def test_shortest_of_several_cycles_is_shown(app: App) -> None:
    app.configure_sets(
        Update, in_set(Stage.INPUT, Stage.MOVE), in_set(Stage.MOVE, Stage.DRAW), in_set(Stage.DRAW, Stage.WORLD)
    )
    app.configure_sets(Update, in_set(Stage.WORLD, Stage.INPUT), in_set(Stage.WORLD, Stage.DRAW))
    with pytest.raises(
        ScheduleError, match=r": (Stage\.DRAW → Stage\.WORLD → Stage\.DRAW|Stage\.WORLD → Stage\.DRAW → Stage\.WORLD)\."
    ):
        app.update()


def test_unknown_system_is_an_error_with_the_remedy(app: App) -> None:
    log: list[str] = []
    absent = noting(log, "absent")
    app.add_systems(Update, after(absent, noting(log, "present")))
    with pytest.raises(ScheduleError) as error:
        app.update()
    assert str(error.value) == (
        "present is to run after absent, but absent is not in the schedule Update. "
        "Add it with add_systems(Update, absent), or remove the relation."
    )


def test_system_of_another_schedule_is_unknown(app: App) -> None:
    log: list[str] = []
    early = noting(log, "early")
    app.add_systems(PreUpdate, early).add_systems(Update, before(early, noting(log, "late")))
    with pytest.raises(ScheduleError, match="late is to run before early, but early is not in the schedule Update"):
        app.update()


def test_unknown_set_is_an_error_with_the_remedy(app: App) -> None:
    app.add_systems(Update, before(Stage.UNUSED, noting([], "present")))
    with pytest.raises(ScheduleError) as error:
        app.update()
    assert str(error.value) == (
        "present is to run before Stage.UNUSED, but Stage.UNUSED is not in the schedule Update. Put a system into "
        "it, or declare it with configure_sets(Update, Stage.UNUSED), or remove the relation."
    )


def test_set_that_orders_against_the_unknown_names_itself(app: App) -> None:
    app.configure_sets(Update, after(Stage.UNUSED, Stage.MOVE))
    with pytest.raises(ScheduleError, match=r"Stage\.MOVE is to run after Stage\.UNUSED"):
        app.update()


def test_declared_set_without_systems_can_be_ordered_against(app: App) -> None:
    log: list[str] = []
    app.configure_sets(Update, Stage.UNUSED)
    app.add_systems(Update, after(Stage.UNUSED, noting(log, "last")), before(Stage.UNUSED, noting(log, "first")))
    app.update()
    assert log == ["first", "last"]


def test_impossible_order_is_an_error_in_every_update_until_it_is_mended(app: App) -> None:
    log: list[str] = []
    absent = noting(log, "absent")
    app.add_systems(Update, after(absent, noting(log, "present")))
    for _ in range(2):
        with pytest.raises(ScheduleError):
            app.update()
    app.add_systems(Update, absent)
    app.update()
    assert log == ["absent", "present"]


@given(edges=st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda edge: edge[0] < edge[1])),
       seed=st.integers(0, 1000))  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_every_shuffle_obeys_every_relation(edges: set[tuple[int, int]], seed: int) -> None:
    log: list[str] = []
    systems = [noting(log, str(number)) for number in range(8)]
    with App(shuffle_seed=seed) as app:
        for number, system in enumerate(systems):
            item = configs(system)
            for earlier, later in edges:
                item = item.after(systems[earlier]) if later == number else item
            app.add_systems(Update, item)
        app.update()
    assert sorted(log) == sorted(str(number) for number in range(8))
    for earlier, later in edges:
        assert log.index(str(earlier)) < log.index(str(later))


def orders_of(seed: int | None) -> list[str]:
    """The order of eight unordered systems, two of them in a set, under a seed."""
    log: list[str] = []
    with App(shuffle_seed=seed) as app:
        app.add_systems(Update, *(noting(log, name) for name in "abcdef"))
        app.add_systems(Update, in_set(Stage.MOVE, noting(log, "g"), noting(log, "h")))
        app.update()
    return log


def test_seed_shuffles_unordered_systems_the_same_way_each_time() -> None:
    plain = orders_of(None)
    shuffled = [orders_of(seed) for seed in range(10)]
    assert [orders_of(seed) for seed in range(10)] == shuffled
    assert any(order != plain for order in shuffled)
    assert all(sorted(order) == sorted(plain) for order in shuffled)
