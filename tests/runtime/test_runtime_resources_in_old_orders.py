"""A system sees the resources of now, also while a newer order has been worked out that is not in force."""

from __future__ import annotations

import esper

from ecs_localai.runtime import App, First, Res, SystemFailed, Update, after
from tests.runtime.runtime_parts import Clock, noting, the_failure


def test_in_a_hosts_world_where_the_newer_order_is_impossible(host_world: str, failures: list[SystemFailed]) -> None:
    ticks: list[int] = []

    def look(clock: Res[Clock]) -> None:
        ticks.append(clock.ticks)

    a, b = noting([], "a"), noting([], "b")
    with App(world=host_world) as app:
        app.set_error_handler(failures.append)
        app.insert_resource(Clock(1))
        app.add_systems(First, look)
        esper.process()
        app.add_systems(Update, after(a, b), after(b, a))
        esper.process()
        app.insert_resource(Clock(2))
        esper.process()
    assert ticks == [1, 1, 2]
    assert the_failure(failures).error_type == "ScheduleError"


def test_in_the_frame_in_which_a_system_adds_another_and_looks_at_the_app(app: App) -> None:
    ticks: list[int] = []

    def look(clock: Res[Clock]) -> None:
        ticks.append(clock.ticks)

    def meddle() -> None:
        if app.time.frame == 2:
            app.add_systems(Update, noting([], "more"))
            app.describe()
            app.insert_resource(Clock(2))

    app.insert_resource(Clock(1))
    app.add_systems(Update, meddle, after(meddle, look))
    app.update()
    app.update()
    app.update()
    assert ticks == [1, 2, 2]
