"""Failures are isolated: the other systems run, the world is told, and the caller sees nothing."""

from __future__ import annotations

import logging

import esper
import pytest

from ecs_localai.runtime import (
    App,
    Commands,
    EventReader,
    First,
    Last,
    NestedUpdateError,
    ScheduleLabel,
    Startup,
    SystemFailed,
    Update,
    World,
    in_set,
    run_if,
)
from tests.runtime.runtime_parts import Broken, One, Position, Shown, broken, noting, the_failure


class Fragile(esper.Processor):
    """A plain processor that fails while it is told to."""

    def __init__(self) -> None:
        self.fails = True
        self.ran = 0

    def process(self, *_args: object) -> None:
        """Fail, or count."""
        if self.fails:
            raise Broken("plain")
        self.ran += 1


class Patient(esper.Processor):
    """A plain processor that counts."""

    ran = 0

    def process(self, *_args: object) -> None:
        """Count."""
        self.ran += 1


def test_other_systems_run_in_the_same_frame_and_the_failing_one_again_in_the_next(
    app: App, failures: list[SystemFailed]
) -> None:
    log: list[str] = []
    app.add_systems(Update, noting(log, "a"), broken(), noting(log, "b")).add_systems(Last, noting(log, "last"))
    app.update()
    app.update()
    assert log == ["a", "b", "last"] * 2
    assert [failure.frame for failure in failures] == [1, 2]
    failures.clear()


def test_report_says_what_failed_where_and_why(app: App, failures: list[SystemFailed]) -> None:
    app.add_set_processors(One())
    app.add_systems(Update, in_set(Shown.ONE, broken("careless")))
    app.update()
    failure = the_failure(failures)
    assert failure.system == "careless"
    assert failure.schedule == "Update/ONE"
    assert failure.error_type == "Broken"
    assert failure.message == "careless is broken"
    assert failure.traceback.rstrip().endswith("Broken: careless is broken")
    assert "in fail" in failure.traceback
    assert failure.frame == 1


@pytest.mark.parametrize("schedule", [Startup, First, Last], ids=lambda schedule: schedule.name)
def test_failing_system_of_any_schedule_is_isolated(
    app: App, failures: list[SystemFailed], schedule: ScheduleLabel
) -> None:
    log: list[str] = []
    app.add_systems(schedule, broken(), noting(log, "same schedule"))
    app.add_systems(Update, noting(log, "update"))
    app.update()
    assert sorted(log) == ["same schedule", "update"]
    assert the_failure(failures).schedule == schedule.name


def test_failure_is_an_event_that_systems_can_read(app: App, failures: list[SystemFailed]) -> None:
    seen: list[str] = []

    def read(reader: EventReader[SystemFailed]) -> None:
        seen.extend(failure.system for failure in reader)

    app.add_systems(Update, read, broken())
    app.update()
    assert seen == []
    app.update()
    assert seen == ["broken"]
    failures.clear()


def test_failing_handler_keeps_nothing_from_running(caplog: pytest.LogCaptureFixture) -> None:
    log: list[str] = []

    def careless(_failure: SystemFailed) -> None:
        raise Broken("the handler too")

    with App() as app:
        app.set_error_handler(careless)
        app.add_systems(Update, broken(), noting(log, "after"))
        reader = app.events(SystemFailed).reader()
        with caplog.at_level(logging.ERROR, "ecs_localai"):
            app.update()
        assert [failure.system for failure in reader.read()] == ["broken"]
    assert log == ["after"]
    assert "The error handler itself failed, on: broken is broken" in caplog.text


def test_default_handler_logs_a_failure_in_full_once_and_quietly_after_that(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with App() as app, caplog.at_level(logging.DEBUG, "ecs_localai"):
        app.add_systems(Update, broken("tired"))
        app.update()
        app.update()
        app.update()
    loud = [record for record in caplog.records if record.levelno == logging.ERROR]
    quiet = [record for record in caplog.records if record.levelno == logging.DEBUG and "tired" in record.message]
    assert len(loud) == 1
    assert "System tired (Update) failed in frame 1; the other systems go on" in loud[0].message
    assert "Traceback" in loud[0].message
    assert len(quiet) == 2


def test_exception_that_cannot_even_be_shown_is_isolated(app: App, failures: list[SystemFailed]) -> None:
    class Unspeakable(Exception):
        def __str__(self) -> str:
            raise Broken("no words")

    def fail() -> None:
        raise Unspeakable

    log: list[str] = []
    app.add_systems(Update, fail, noting(log, "after"))
    app.update()
    assert log == ["after"]
    failure = the_failure(failures)
    assert failure.error_type == "Unspeakable"
    assert failure.message == "(its message cannot be shown: Broken)"


def test_group_of_exceptions_is_isolated(app: App, failures: list[SystemFailed]) -> None:
    def fail() -> None:
        raise ExceptionGroup("several", [Broken("one"), Broken("two")])

    app.add_systems(Update, fail)
    app.update()
    assert "one" in the_failure(failures).traceback


def test_interrupt_is_let_through_and_the_next_frame_is_whole(app: App) -> None:
    log: list[str] = []
    presses = [KeyboardInterrupt]

    def press() -> None:
        if presses:
            raise presses.pop()

    before = esper.current_world
    app.add_systems(Update, noting(log, "first"), press, noting(log, "last"))
    with pytest.raises(KeyboardInterrupt):
        app.update()
    assert esper.current_world == before
    app.update()
    assert log == ["first", "first", "last"]


def test_update_from_inside_a_system_is_an_error_of_that_system(app: App, failures: list[SystemFailed]) -> None:
    log: list[str] = []
    app.add_systems(Update, lambda: app.update(), noting(log, "after"))
    app.update()
    assert log == ["after"]
    assert the_failure(failures).error_type == NestedUpdateError.__name__


def test_plain_processor_that_fails_after_ours_is_reported(app: App, failures: list[SystemFailed]) -> None:
    log: list[str] = []
    fragile = Fragile()
    app.add_systems(Last, noting(log, "last"))
    with app.world.active():
        esper.add_processor(fragile)
    app.update()
    assert log == ["last"]
    failure = the_failure(failures)
    assert failure.system == "a plain esper processor"
    assert failure.message == "plain"
    fragile.fails = False
    app.update()
    assert fragile.ran == 1


def test_plain_processor_that_fails_before_ours_does_not_cost_our_frame(app: App, failures: list[SystemFailed]) -> None:
    log: list[str] = []
    app.add_systems(Update, noting(log, "update")).add_systems(Last, noting(log, "last"))
    with app.world.active():
        esper.add_processor(Fragile(), priority=5000)
    reader = app.events(SystemFailed).reader()
    for _ in range(50):
        app.update(0.5)
    assert log == ["update", "last"] * 50
    assert app.time.elapsed_seconds == 25.0
    assert len(failures) == 50
    assert len(app.events(SystemFailed).buffer) <= 2, "the events of failures are swapped like all others"
    reader.clear()
    failures.clear()


def test_plain_processor_that_fails_between_ours_leaves_the_end_of_our_frame(
    app: App, failures: list[SystemFailed]
) -> None:
    log: list[str] = []
    app.add_systems(Update, noting(log, "update")).add_systems(Last, noting(log, "last"))
    with app.world.active():
        esper.add_processor(Fragile(), priority=995)
    app.update()
    assert log == ["update", "last"]
    the_failure(failures)


def test_deleting_an_entity_that_never_was_is_explained_and_does_not_stop_our_frames(
    app: App, failures: list[SystemFailed]
) -> None:
    log: list[str] = []
    app.add_systems(Update, noting(log, "update"))
    with app.world.active():
        esper.delete_entity(4711)
    app.update()
    app.update()
    assert log == ["update"] * 2
    assert "esper.delete_entity was called for entity 4711, which did not exist" in failures[0].message
    failures.clear()


def test_failures_of_commands_and_conditions_are_isolated_together(app: App, failures: list[SystemFailed]) -> None:
    log: list[str] = []

    def bad_condition() -> bool:
        raise Broken("condition")

    def bad_command(world: World) -> None:
        world.resource(Position)

    def queue(commands: Commands) -> None:
        commands.queue(bad_command)

    app.add_systems(Update, run_if(bad_condition, noting(log, "never")), queue, noting(log, "after"))
    app.update()
    assert log == ["after"]
    assert sorted(failure.error_type for failure in failures) == ["Broken", "MissingResourceError"]
    failures.clear()
