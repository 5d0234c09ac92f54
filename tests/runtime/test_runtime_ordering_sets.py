"""Sets in the order of systems: what follows from them without being said, and what contradicts them.

The cases are those of Bevy's own tests (``bevy_ecs/src/schedule/mod.rs``): order through empty sets, a set ordered
against its own member, and sets in an order that share a system.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from ecs_localai.runtime import App, ScheduleError, Update, after, before, chain, in_set
from ecs_localai.runtime.sets import Configs, configs
from tests.runtime.runtime_parts import Stage, noting


@pytest.mark.parametrize("seed", range(5))
def test_order_passes_through_a_set_without_systems(seed: int) -> None:
    log: list[str] = []
    with App(shuffle_seed=seed) as app:
        app.configure_sets(Update, Stage.MOVE)
        app.add_systems(Update, after(Stage.MOVE, noting(log, "last")), before(Stage.MOVE, noting(log, "first")))
        app.update()
    assert log == ["first", "last"]


@pytest.mark.parametrize("seed", range(5))
def test_order_passes_through_a_chain_of_sets_without_systems(seed: int) -> None:
    log: list[str] = []
    with App(shuffle_seed=seed) as app:
        app.configure_sets(Update, chain(Stage.INPUT, Stage.MOVE, Stage.DRAW, Stage.WORLD))
        app.add_systems(Update, in_set(Stage.WORLD, noting(log, "last")), in_set(Stage.INPUT, noting(log, "first")))
        app.update()
    assert log == ["first", "last"]


@pytest.mark.parametrize("seed", range(5))
def test_order_of_an_outer_set_holds_for_systems_of_the_sets_inside(seed: int) -> None:
    log: list[str] = []
    with App(shuffle_seed=seed) as app:
        app.configure_sets(Update, in_set(Stage.WORLD, Stage.MOVE), in_set(Stage.MOVE, Stage.INPUT))
        app.add_systems(Update, after(Stage.WORLD, noting(log, "last")))
        app.add_systems(Update, in_set(Stage.INPUT, noting(log, "inside")))
        app.add_systems(Update, before(Stage.WORLD, noting(log, "first")))
        app.update()
    assert log == ["first", "inside", "last"]


@pytest.mark.parametrize("relate", [before, after])
def test_system_ordered_against_its_own_set_is_an_error_that_names_both(
    app: App, relate: Callable[..., Configs]
) -> None:
    system = noting([], "system")
    app.add_systems(Update, relate(Stage.MOVE, in_set(Stage.MOVE, system)))
    with pytest.raises(ScheduleError, match="contradicts itself") as error:
        app.update()
    assert re.search(r": (system → Stage\.MOVE → system|Stage\.MOVE → system → Stage\.MOVE)\.", str(error.value))
    assert "remove one of these before/after/chain relations, or take system out of Stage.MOVE (in_set)." in str(
        error.value
    )


def test_set_ordered_against_the_set_it_is_in_is_an_error(app: App) -> None:
    app.configure_sets(Update, before(Stage.WORLD, in_set(Stage.WORLD, Stage.MOVE)))
    app.add_systems(Update, in_set(Stage.MOVE, noting([], "system")))
    with pytest.raises(ScheduleError, match=r"Stage\.MOVE.*Stage\.WORLD|Stage\.WORLD.*Stage\.MOVE"):
        app.update()


def test_sets_in_an_order_cannot_share_a_system(app: App) -> None:
    app.configure_sets(Update, chain(Stage.INPUT, Stage.MOVE))
    app.add_systems(Update, configs(noting([], "shared")).in_set(Stage.INPUT).in_set(Stage.MOVE))
    with pytest.raises(
        ScheduleError, match=r"take shared out of Stage\.(INPUT|MOVE) \(in_set\) or take shared out of Stage"
    ):
        app.update()


def test_same_relation_said_twice_is_once(app: App) -> None:
    log: list[str] = []
    first, second = noting(log, "first"), noting(log, "second")
    app.configure_sets(Update, chain(Stage.INPUT, Stage.MOVE))
    app.configure_sets(Update, chain(Stage.INPUT, Stage.MOVE))
    app.add_systems(Update, in_set(Stage.MOVE, configs(second).after(first).after(first)))
    app.add_systems(Update, in_set(Stage.INPUT, configs(first).before(second)))
    app.update()
    assert log == ["first", "second"]


def test_set_in_two_sets_obeys_the_order_of_both(app: App) -> None:
    log: list[str] = []
    app.configure_sets(Update, configs(Stage.MOVE).in_set(Stage.INPUT).in_set(Stage.WORLD))
    app.add_systems(Update, after(Stage.WORLD, noting(log, "after world")))
    app.add_systems(Update, in_set(Stage.MOVE, noting(log, "move")))
    app.add_systems(Update, before(Stage.INPUT, noting(log, "before input")))
    app.update()
    assert log == ["before input", "move", "after world"]
