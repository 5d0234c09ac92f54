"""Our systems in the host's own world: ``App(world="my-game")``."""

from __future__ import annotations

import esper
import pytest

from ecs_localai.runtime import (
    Added,
    App,
    Commands,
    Plugin,
    Query,
    Startup,
    SystemFailed,
    Update,
    WorldInUseError,
    after,
    chain,
    in_set,
    run_if,
)
from ecs_localai.runtime.frame_activity import activity
from tests.runtime.runtime_parts import Broken, One, Position, Shown, Two, Velocity, broken, noting, the_failure


class HostProcessor(esper.Processor):
    """One of the host's own; notes what it was given."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []

    def process(self, *args: object) -> None:
        """Note the call."""
        self.calls.append(args)


class Fragile(esper.Processor):
    """One of the host's own that fails."""

    def process(self, *_args: object) -> None:
        """Fail."""
        raise Broken("the host's own")


def test_hosts_entities_are_seen_by_our_systems_and_ours_by_the_host(host_world: str) -> None:
    with App(world=host_world) as app:

        def answer(query: Query[Position, Added[Position]], commands: Commands) -> None:
            for entity, _ in query:
                commands.insert(entity, Velocity())

        app.add_systems(Update, answer)
        entity = esper.create_entity(Position())
        app.update()
        assert esper.has_component(entity, Velocity)


def test_update_does_not_run_the_hosts_processors(host_world: str) -> None:
    processor = HostProcessor()
    esper.add_processor(processor)
    with App(world=host_world) as app:
        app.update()
        assert processor.calls == []


def test_hosts_process_runs_our_frame_before_its_own_processors(host_world: str) -> None:
    log: list[str] = []

    class Logging(esper.Processor):
        def process(self, *_args: object) -> None:
            log.append("host")

    esper.add_processor(Logging())
    with App(world=host_world) as app:
        app.add_systems(Startup, noting(log, "startup")).add_systems(Update, noting(log, "update"))
        esper.process()
        esper.process()
        assert app.time.frame == 2
    assert log == ["startup", "update", "host", "update", "host"]


def test_number_that_the_host_passes_is_our_delta_and_reaches_its_processors_too(host_world: str) -> None:
    processor = HostProcessor()
    esper.add_processor(processor)
    with App(world=host_world) as app:
        esper.process(0.25)
        assert app.time.delta_seconds == 0.25
        esper.process("not a number", None)
        assert app.time.frame == 2
    assert processor.calls == [(0.25,), ("not a number", None)]


def test_processors_and_handlers_of_the_host_are_untouched(host_world: str) -> None:
    heard: list[int] = []
    processor = HostProcessor()

    def hear(number: int) -> None:
        heard.append(number)

    esper.add_processor(processor, priority=3)
    esper.set_handler("fired", hear)
    app = App(world=host_world)
    app.update()
    esper.dispatch_event("fired", 1)
    esper.process()
    app.shutdown()
    esper.dispatch_event("fired", 2)
    esper.process()
    assert heard == [1, 2]
    assert esper.get_processor(HostProcessor) is processor
    assert processor.priority == 3
    assert processor.calls == [(), ()]
    assert list(esper.event_registry) == ["fired"]


def test_hosts_entities_survive_our_shutdown(host_world: str) -> None:
    with App(world=host_world) as app:
        entity = esper.create_entity(Position())
        app.update()
    assert esper.entity_exists(entity)
    assert esper.current_world == host_world


def test_exceptions_of_the_hosts_processors_reach_the_host_as_before(host_world: str) -> None:
    log: list[str] = []
    esper.add_processor(Fragile(), priority=995)  # in the middle of our processors
    with App(world=host_world) as app:
        app.add_systems(Update, noting(log, "update"))
        for _ in range(2):
            with pytest.raises(Broken, match="the host's own"):
                esper.process()
        assert app.time.frame == 2
        app.update()
    assert log == ["update"] * 3


def test_exceptions_of_ours_do_not_reach_the_hosts_process(host_world: str, failures: list[SystemFailed]) -> None:
    processor = HostProcessor()
    esper.add_processor(processor)
    with App(world=host_world) as app:
        app.set_error_handler(failures.append)
        app.add_systems(Update, broken())
        esper.process()
    the_failure(failures)
    assert processor.calls == [()]


def test_impossible_order_is_reported_once_in_the_hosts_frames_and_can_be_mended(
    host_world: str, failures: list[SystemFailed]
) -> None:
    log: list[str] = []
    absent = noting(log, "absent")
    with App(world=host_world) as app:
        app.set_error_handler(failures.append)
        app.add_systems(Startup, noting(log, "startup"))
        app.add_systems(Update, after(absent, noting(log, "present")))
        esper.process()
        esper.process()
        assert the_failure(failures).error_type == "ScheduleError"
        assert log == []
        app.add_systems(Update, absent)
        esper.process()
    assert log == ["startup", "absent", "present"]


def test_impossible_order_added_later_leaves_the_one_before_in_force(
    host_world: str, failures: list[SystemFailed]
) -> None:
    log: list[str] = []
    with App(world=host_world) as app:
        app.set_error_handler(failures.append)
        app.add_systems(Update, noting(log, "a"))
        esper.process()
        app.add_systems(Update, after(noting(log, "absent"), noting(log, "b")))
        esper.process()
        esper.process()
    assert log == ["a"] * 3
    assert the_failure(failures).error_type == "ScheduleError"


def test_startup_waits_for_plugins_in_the_hosts_frames_too(host_world: str) -> None:
    log: list[str] = []

    class Slow(Plugin):
        is_ready = False

        def ready(self, app: App) -> bool:
            return self.is_ready

    slow = Slow()
    with App(world=host_world) as app:
        app.add_plugins(slow)
        app.add_systems(Startup, noting(log, "startup")).add_systems(Update, noting(log, "update"))
        esper.process()
        esper.process()
        assert log == []
        assert app.time.frame == 0
        slow.is_ready = True
        esper.process()
    assert log == ["startup", "update"]


def test_plugin_that_fails_does_not_reach_the_hosts_process(host_world: str, failures: list[SystemFailed]) -> None:
    class Failing(Plugin):
        def ready(self, app: App) -> bool:
            raise Broken("cannot tell")

    with App(world=host_world) as app:
        app.set_error_handler(failures.append)
        app.add_plugins(Failing())
        for _ in range(3):
            esper.process()
        assert the_failure(failures).message == "cannot tell"
        assert len(app.events(SystemFailed).buffer) == 1


def test_sets_sorted_differently_in_the_first_frame_leave_the_hosts_processors_in_place(host_world: str) -> None:
    log: list[str] = []
    early, late = HostProcessor(), type("Late", (HostProcessor,), {})()
    esper.add_processor(early, priority=2000)
    esper.add_processor(late)
    with App(world=host_world) as app:
        app.add_set_processors(Two(), One())
        app.configure_sets(Update, chain(Shown.ONE, Shown.TWO))
        app.add_systems(Update, in_set(Shown.ONE, noting(log, "one")), in_set(Shown.TWO, noting(log, "two")))
        esper.process()
        esper.process()
    assert log == ["one", "two"] * 2
    assert (len(early.calls), len(late.calls)) == (2, 2)


def test_host_may_shut_us_down_in_the_middle_of_its_process(host_world: str) -> None:
    app = App(world=host_world)

    class Ending(esper.Processor):
        def process(self, *_args: object) -> None:
            app.shutdown()

    processor = HostProcessor()
    esper.add_processor(Ending(), priority=5000)
    esper.add_processor(processor)
    esper.process()
    esper.process()
    assert app.time.frame == 0
    assert processor.calls
    assert esper.current_world == host_world


def test_host_that_clears_its_database_breaks_nothing(host_world: str) -> None:
    seen: list[int] = []
    with App(world=host_world) as app:

        def look(query: Query[Position], commands: Commands) -> None:
            seen.append(len(query))
            for entity, _ in query:
                commands.insert(entity, Velocity())

        app.add_systems(Update, look)
        esper.create_entity(Position())
        app.update()
        app.commands.insert(1, Velocity())
        esper.clear_database()
        app.update()
        esper.create_entity(Position())
        app.update()
    assert seen == [1, 0, 1]


def test_host_deleting_its_entities_wakes_our_idle_systems(host_world: str) -> None:
    seen: list[int] = []
    with App(world=host_world) as app:

        def look(query: Query[Position]) -> None:
            seen.append(len(query))

        app.add_systems(Update, run_if(activity, look))
        entity = esper.create_entity(Position())
        for _ in range(3):
            app.update()
        esper.delete_entity(entity, immediate=True)
        app.update()
    assert seen == [1, 0]


def test_two_apps_cannot_have_the_same_world(host_world: str) -> None:
    with App(world=host_world), pytest.raises(WorldInUseError, match="using the esper world 'somebody's game'"):
        App(world=host_world)
    with App(world=host_world) as again:
        again.update()


def test_world_that_does_not_exist_yet_is_made() -> None:
    with App(world="made for us") as app:
        app.update()
        assert "made for us" in esper.list_worlds()
    assert esper.current_world == "default"
    esper.delete_world("made for us")


def test_espers_own_first_world_can_be_the_hosts() -> None:
    with App(world="default") as app:
        log: list[str] = []
        app.add_systems(Update, noting(log, "update"))
        esper.process()
        assert log == ["update"]
    esper.process()
    assert log == ["update"]
