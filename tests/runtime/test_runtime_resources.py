"""Resources: one value of a type, handed to systems, missed by name, found again when it comes."""

from __future__ import annotations

import pytest

from ecs_localai.runtime import App, MissingResourceError, Res, SystemFailed, Update, run_if
from tests.runtime.runtime_parts import Clock, noting, the_failure


def tick(clock: Res[Clock]) -> None:
    """Count a frame."""
    clock.ticks += 1


def test_resource_is_handed_out_itself(app: App) -> None:
    clock = Clock()
    app.insert_resource(clock).add_systems(Update, tick)
    app.update()
    app.update()
    assert clock.ticks == 2
    assert app.world.resource(Clock) is clock


def test_resource_replaced_between_frames_is_seen_in_the_next(app: App) -> None:
    first, second = Clock(), Clock(10)
    app.insert_resource(first).add_systems(Update, tick)
    app.update()
    app.insert_resource(second)
    app.update()
    assert (first.ticks, second.ticks) == (1, 11)


def test_resource_replaced_by_a_system_is_seen_by_the_next_one(app: App) -> None:
    first, second = Clock(), Clock(10)

    def replace() -> None:
        app.world.insert_resource(second)

    app.insert_resource(first).add_systems(Update, tick, replace, tick)
    app.update()
    assert (first.ticks, second.ticks) == (1, 11)


def test_missing_resource_fails_the_system_with_both_names_and_no_other(app: App, failures: list[SystemFailed]) -> None:
    log: list[str] = []
    app.add_systems(Update, tick, noting(log, "other"))
    app.update()
    assert log == ["other"]
    failure = the_failure(failures)
    assert failure.error_type == "MissingResourceError"
    assert failure.message == (
        "System tick needs the resource Clock, which is not in the world. Insert it with app.insert_resource(Clock(…))."
    )


def test_system_heals_when_its_resource_comes(app: App, failures: list[SystemFailed]) -> None:
    app.add_systems(Update, tick)
    app.update()
    the_failure(failures)
    app.insert_resource(Clock())
    app.update()
    assert app.world.resource(Clock).ticks == 1


def test_system_with_two_missing_resources_runs_when_both_have_come(app: App, failures: list[SystemFailed]) -> None:
    class Other:
        pass

    log: list[str] = []

    def wants_both(clock: Res[Clock], other: Res[Other]) -> None:
        log.append(f"{type(clock).__name__} {type(other).__name__}")

    app.add_systems(Update, wants_both)
    app.update()
    app.insert_resource(Clock())
    app.update()
    assert [failure.message.split("resource ")[1].split(",")[0] for failure in failures] == ["Other", "Other"]
    failures.clear()
    app.insert_resource(Other())
    app.update()
    assert log == ["Clock Other"]


def test_removed_resource_is_missing_again(app: App, failures: list[SystemFailed]) -> None:
    clock = Clock()
    app.insert_resource(clock).add_systems(Update, tick)
    app.update()
    assert app.world.remove_resource(Clock) is clock
    assert app.world.remove_resource(Clock) is None
    app.update()
    assert clock.ticks == 1
    assert "needs the resource Clock" in the_failure(failures).message


def test_resource_that_may_be_missing_is_none_until_it_comes_and_after_it_went(app: App) -> None:
    seen: list[int | None] = []

    def look(clock: Res[Clock] | None) -> None:
        seen.append(None if clock is None else clock.ticks)

    app.add_systems(Update, look)
    app.update()
    app.insert_resource(Clock(4))
    app.update()
    app.world.remove_resource(Clock)
    app.update()
    assert seen == [None, 4, None]


def test_resource_that_is_false_is_not_missing(app: App) -> None:
    class Flags(dict[str, bool]):
        pass

    seen: list[Flags | None] = []

    def look(flags: Res[Flags], same: Res[Flags] | None) -> None:
        seen.extend((flags, same))

    flags = Flags()
    app.insert_resource(flags).add_systems(Update, look)
    app.update()
    assert [one is flags for one in seen] == [True, True]


def test_condition_with_a_missing_resource_does_not_hold_and_says_so(app: App, failures: list[SystemFailed]) -> None:
    log: list[str] = []

    def has_ticked(clock: Res[Clock]) -> bool:
        return clock.ticks > 0

    app.add_systems(Update, run_if(has_ticked, noting(log, "ran")))
    app.update()
    assert "has_ticked needs the resource Clock" in the_failure(failures).message
    app.insert_resource(Clock(1))
    app.update()
    assert log == ["ran"]


def test_init_resource_makes_it_once(app: App) -> None:
    clock = app.init_resource(Clock)
    clock.ticks = 3
    assert app.init_resource(Clock) is clock


def test_asking_for_a_missing_resource_outside_of_systems(app: App) -> None:
    assert app.world.get_resource(Clock) is None
    with pytest.raises(MissingResourceError, match=r"Asked for the resource Clock, which is not in the world") as error:
        app.world.resource(Clock)
    assert error.value.kind is Clock
