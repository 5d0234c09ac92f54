"""Schedules: the phases of a frame, in their order, with a startup that runs once."""

from __future__ import annotations

import pytest

from ecs_localai.runtime import (
    App,
    First,
    Last,
    PostStartup,
    PostUpdate,
    PreStartup,
    PreUpdate,
    Query,
    RuntimeSetupError,
    ScheduleLabel,
    Startup,
    SystemParamError,
    Update,
)
from tests.runtime.runtime_parts import Position, noting


def test_first_frame_begins_with_the_startup_schedules_and_later_ones_do_not(app: App) -> None:
    log: list[str] = []
    for schedule in (Last, PostUpdate, Update, PreUpdate, First, PostStartup, Startup, PreStartup):
        app.add_systems(schedule, noting(log, schedule.name))
    app.update()
    startup, frame = log[:3], log[3:]
    assert startup == ["PreStartup", "Startup", "PostStartup"]
    assert frame == ["First", "PreUpdate", "Update", "PostUpdate", "Last"]
    log.clear()
    app.update()
    assert log == frame


def test_what_startup_spawns_is_there_in_the_same_frame(app: App) -> None:
    seen: list[int] = []

    def spawn() -> None:
        app.commands.spawn(Position())

    def count(query: Query[Position]) -> None:
        seen.append(len(query))

    app.add_systems(Startup, spawn).add_systems(First, count)
    app.update()
    assert seen == [1]


def test_unknown_schedule_is_an_error_that_lists_the_known_ones(app: App) -> None:
    with pytest.raises(RuntimeSetupError, match=r"no schedule Render\. Use one of .*PreStartup, Startup.*Update.*Last"):
        app.add_systems(ScheduleLabel("Render"), noting([], "a"))


def test_system_added_between_frames_runs_in_the_next_one(app: App) -> None:
    log: list[str] = []
    app.add_systems(Update, noting(log, "a"))
    app.update()
    app.add_systems(Update, noting(log, "b"))
    app.update()
    assert log == ["a", "a", "b"]


def test_system_added_by_a_system_runs_in_the_next_frame(app: App) -> None:
    log: list[str] = []

    def grow() -> None:
        if not log:
            app.add_systems(First, noting(log, "new"))
        log.append("grow")

    app.add_systems(Update, grow)
    app.update()
    assert log == ["grow"]
    app.update()
    assert log == ["grow", "new", "grow"]


def test_startup_system_added_after_the_first_frame_is_refused(app: App) -> None:
    log: list[str] = []
    app.update()
    with pytest.raises(RuntimeSetupError, match=r"Startup has run already: .*run_once"):
        app.add_systems(Startup, noting(log, "late"))
    app.update()
    assert log == []


def test_nothing_is_added_when_one_of_several_systems_cannot_be(app: App) -> None:
    log: list[str] = []

    def unsuppliable(number: int) -> None:
        log.append(str(number))

    with pytest.raises(SystemParamError):
        app.add_systems(Update, noting(log, "good"), unsuppliable)
    app.update()
    assert log == []


def test_system_may_be_added_twice_and_runs_twice(app: App) -> None:
    log: list[str] = []
    note = noting(log, "a")
    app.add_systems(Update, note, note)
    app.update()
    assert log == ["a", "a"]


def test_app_without_systems_has_frames(app: App) -> None:
    app.update()
    app.update()
    assert app.time.frame == 2


def test_schedule_of_ones_own_runs_in_its_place(app: App) -> None:
    log: list[str] = []
    physics, camera, loading = ScheduleLabel("Physics"), ScheduleLabel("Camera"), ScheduleLabel("Loading")
    app.insert_schedule(physics, before=Update)
    app.insert_schedule(camera, after=Update)
    app.insert_schedule(loading, after=Startup)
    for schedule in (camera, Update, physics, First, Last, loading, Startup, PostStartup):
        app.add_systems(schedule, noting(log, schedule.name))
    app.update()
    assert log == ["Startup", "Loading", "PostStartup", "First", "Physics", "Update", "Camera", "Last"]
    log.clear()
    app.update()
    assert log == ["First", "Physics", "Update", "Camera", "Last"]
    names = [one.name for one in app.describe().schedules]
    assert names.index("Physics") + 1 == names.index("Update") == names.index("Camera") - 1


def test_schedule_may_stand_next_to_another_of_ones_own(app: App) -> None:
    log: list[str] = []
    one, two = ScheduleLabel("One"), ScheduleLabel("Two")
    app.insert_schedule(one, after=PreUpdate).insert_schedule(two, after=one)
    app.add_systems(two, noting(log, "two")).add_systems(one, noting(log, "one"))
    app.update()
    assert log == ["one", "two"]


@pytest.mark.parametrize(
    ("label", "neighbours", "problem"),
    [
        (Update, {"after": First}, "has its place already"),
        (ScheduleLabel("Mine"), {}, "give either after"),
        (ScheduleLabel("Mine"), {"after": First, "before": Update}, "give either after"),
        (ScheduleLabel("Mine"), {"after": ScheduleLabel("Render")}, "next to Render, which is none of the schedules"),
    ],
)
def test_schedule_without_a_clear_place_is_an_error(
    app: App, label: ScheduleLabel, neighbours: dict[str, ScheduleLabel], problem: str
) -> None:
    with pytest.raises(RuntimeSetupError, match=problem):
        app.insert_schedule(label, **neighbours)
