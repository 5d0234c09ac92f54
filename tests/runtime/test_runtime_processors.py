"""Visible sets: esper processors that plain esper finds, in the order of their priority."""

from __future__ import annotations

import esper
import pytest

from ecs_localai.runtime import (
    App,
    First,
    Last,
    RuntimeSetupError,
    ScheduleError,
    SystemFailed,
    Update,
    after,
    before,
    chain,
    in_set,
    run_if,
)
from ecs_localai.runtime.processors import FrameEnd, FrameStart
from ecs_localai.runtime.sets import configs
from tests.runtime.runtime_parts import Broken, One, Shown, Stage, Three, Two, noting, the_failure

CLASSES: tuple[type[esper.Processor], ...] = (One, Two, Three)


def add_shown(app: App, log: list[str]) -> None:
    """Three visible sets, chained, with one system each."""
    app.add_set_processors(One(), Two(), Three())
    app.configure_sets(Update, chain(*Shown))
    for shown in reversed(Shown):
        app.add_systems(Update, in_set(shown, noting(log, shown.name)))


def by_priority(app: App) -> list[type[esper.Processor]]:
    """The classes of the app's processors as plain esper finds them, the one that runs first in front."""
    with app.world.active():
        kinds: tuple[type[esper.Processor], ...] = (FrameEnd, *CLASSES, FrameStart)
        found = [esper.get_processor(kind) for kind in kinds]
    there = [processor for processor in found if processor is not None]
    return [type(one) for one in sorted(there, key=lambda processor: -processor.priority)]


def test_plain_esper_finds_a_processor_for_each_visible_set(app: App) -> None:
    add_shown(app, [])
    with app.world.active():
        assert [type(esper.get_processor(kind)) for kind in CLASSES] == list(CLASSES)
    assert esper.get_processor(One) is None, "other worlds have none"


def test_priorities_follow_the_order_of_the_sets_not_of_adding(app: App) -> None:
    app.add_set_processors(Three(), One(), Two())
    app.configure_sets(Update, chain(*Shown))
    app.update()
    assert by_priority(app) == [FrameStart, One, Two, Three, FrameEnd]


def test_processors_stay_the_same_objects_when_systems_are_added(app: App) -> None:
    log: list[str] = []
    add_shown(app, log)
    app.update()
    with app.world.active():
        before_adding = [esper.get_processor(kind) for kind in CLASSES]
    app.add_systems(Update, in_set(Shown.TWO, noting(log, "more")))
    app.update()
    with app.world.active():
        assert [esper.get_processor(kind) for kind in CLASSES] == before_adding
    assert log == ["ONE", "TWO", "THREE", "ONE", "TWO", "more", "THREE"]


def test_plain_process_in_the_apps_world_runs_the_same_frame(app: App) -> None:
    log: list[str] = []
    add_shown(app, log)
    app.add_systems(First, noting(log, "First")).add_systems(Last, noting(log, "Last"))
    app.update(0.5)
    by_update = list(log)
    log.clear()
    with app.world.active():
        esper.process(0.25)
    assert log == by_update == ["First", "ONE", "TWO", "THREE", "Last"]
    assert app.time.elapsed_seconds == 0.75


def test_plain_process_may_be_the_first_frame(app: App) -> None:
    log: list[str] = []
    app.add_set_processors(Three(), Two(), One())  # the order has to be changed in the middle of esper.process
    app.configure_sets(Update, chain(*Shown))
    for shown in Shown:
        app.add_systems(Update, in_set(shown, noting(log, shown.name)))
    with app.world.active():
        esper.process()
        esper.process()
    assert log == ["ONE", "TWO", "THREE"] * 2


def test_esper_times_each_visible_set(app: App) -> None:
    add_shown(app, [])
    with app.world.active():
        esper.timed_process()
        assert {"One", "Two", "Three"} <= set(esper.process_times)


def test_systems_outside_of_the_visible_sets_run_between_them(app: App) -> None:
    log: list[str] = []
    add_shown(app, log)
    app.add_systems(
        Update,
        before(Shown.ONE, noting(log, "before all")),
        configs(noting(log, "between")).after(Shown.ONE).before(Shown.TWO),
        after(Shown.THREE, noting(log, "after all")),
    )
    app.update()
    assert log == ["before all", "ONE", "between", "TWO", "THREE", "after all"]


def test_sets_inside_a_visible_set_order_its_systems(app: App) -> None:
    log: list[str] = []
    add_shown(app, log)
    app.configure_sets(Update, in_set(Shown.TWO, chain(Stage.MOVE, Stage.DRAW)))
    app.add_systems(Update, in_set(Stage.DRAW, noting(log, "draw")), in_set(Stage.MOVE, noting(log, "move")))
    app.update()
    assert [one for one in log if one != "TWO"] == ["ONE", "move", "draw", "THREE"]


def test_condition_of_a_visible_set_is_asked_once_and_skips_it_as_a_whole(app: App) -> None:
    log: list[str] = []

    def never() -> bool:
        log.append("asked")
        return False

    add_shown(app, log)
    app.configure_sets(Update, run_if(never, Shown.TWO))
    app.add_systems(Update, in_set(Shown.TWO, noting(log, "another")))
    app.update()
    assert log == ["ONE", "asked", "THREE"]


def test_condition_of_a_set_around_visible_ones_holds_for_all_of_them(app: App) -> None:
    log: list[str] = []
    add_shown(app, log)
    app.configure_sets(Update, run_if(lambda: False, Stage.WORLD), in_set(Stage.WORLD, Shown.ONE, Shown.TWO))
    app.update()
    assert log == ["THREE"]


def test_failing_condition_of_a_visible_set_skips_it_and_no_other(app: App, failures: list[SystemFailed]) -> None:
    log: list[str] = []

    def hesitant() -> bool:
        raise Broken("I do not know")

    add_shown(app, log)
    app.configure_sets(Update, run_if(hesitant, Shown.TWO))
    app.update()
    assert log == ["ONE", "THREE"]
    failure = the_failure(failures)
    assert failure.system.endswith("hesitant")
    assert failure.schedule == "Update/TWO"


def test_cycle_between_visible_sets_is_an_error(app: App) -> None:
    add_shown(app, [])
    app.configure_sets(Update, before(Shown.ONE, Shown.THREE))
    with pytest.raises(ScheduleError, match=r"Shown\.\w+ → Shown\.\w+ → Shown\.\w+ → Shown\.\w+"):
        app.update()


def test_system_in_two_visible_sets_is_an_error(app: App) -> None:
    add_shown(app, [])
    app.add_systems(Update, in_set(Shown.ONE, in_set(Shown.TWO, noting([], "torn"))))
    with pytest.raises(ScheduleError, match=r"torn is in Shown\.\w+ and Shown\.\w+, which are separate processors"):
        app.update()


def test_visible_set_inside_a_visible_set_is_an_error(app: App) -> None:
    add_shown(app, [])
    app.configure_sets(Update, in_set(Shown.ONE, Shown.TWO))
    with pytest.raises(ScheduleError, match="which are separate processors"):
        app.update()


def test_same_processor_again_is_an_error(app: App) -> None:
    app.add_set_processors(One())
    with pytest.raises(RuntimeSetupError, match="There is a processor One already: add each class once"):
        app.add_set_processors(One())


def test_second_processor_for_a_set_is_an_error(app: App) -> None:
    class Another(One):
        pass

    app.add_set_processors(One())
    with pytest.raises(RuntimeSetupError, match=r"Another and One are both for Shown\.ONE"):
        app.add_set_processors(Another())


def test_processors_are_gone_after_shutdown(host_world: str) -> None:
    with App(world=host_world) as app:
        add_shown(app, [])
        assert esper.get_processor(One) is not None
    assert [esper.get_processor(kind) for kind in (*CLASSES, FrameStart, FrameEnd)] == [None] * 5
