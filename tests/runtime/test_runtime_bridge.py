"""The bridge: one processor in the host's world that runs one frame of ours."""

from __future__ import annotations

import esper

from ecs_localai.runtime import App, Plugin, Query, SystemFailed, Update, after
from ecs_localai.runtime.processors import AppProcessor
from tests.runtime.runtime_parts import Broken, Position, broken, noting, the_failure


class Counting(esper.Processor):
    """One of the host's own."""

    ran = 0

    def process(self, *_args: object) -> None:
        """Count."""
        self.ran += 1


def test_bridge_runs_one_frame_of_ours_in_our_world_for_each_of_the_hosts(app: App, host_world: str) -> None:
    seen: list[tuple[str, int]] = []

    def look(query: Query[Position]) -> None:
        seen.append((esper.current_world, len(query)))

    esper.create_entity(Position())
    app.add_systems(Update, look)
    counting = Counting()
    esper.add_processor(app.as_processor())
    esper.add_processor(counting, priority=-1)
    esper.process()
    esper.process()
    assert seen == [(app.world.name, 0)] * 2
    assert counting.ran == 2
    assert esper.current_world == host_world
    assert esper.get_processor(AppProcessor) is not None


def test_bridge_passes_the_hosts_delta_on(app: App, host_world: str) -> None:
    esper.add_processor(app.as_processor())
    esper.process(0.5)
    esper.process("screen")
    esper.process(screen="screen")
    assert app.time.frame == 3
    assert app.time.elapsed_seconds >= 0.5


def test_failing_system_does_not_reach_the_hosts_frame(app: App, host_world: str, failures: list[SystemFailed]) -> None:
    app.add_systems(Update, broken())
    counting = Counting()
    esper.add_processor(app.as_processor(), priority=1)
    esper.add_processor(counting)
    esper.process()
    assert counting.ran == 1
    the_failure(failures)


def test_impossible_order_does_not_reach_the_hosts_frame_and_is_reported_once(
    app: App, host_world: str, failures: list[SystemFailed]
) -> None:
    log: list[str] = []
    absent = noting(log, "absent")
    app.add_systems(Update, after(absent, noting(log, "present")))
    esper.add_processor(app.as_processor())
    for _ in range(50):
        esper.process()
    assert "absent is not in the schedule Update" in the_failure(failures).message
    assert len(app.events(SystemFailed).buffer) == 1, "nothing may pile up while there are no frames"
    app.add_systems(Update, absent)
    esper.process()
    assert log == ["absent", "present"]


def test_plugin_that_cannot_say_whether_it_is_ready_does_not_reach_the_hosts_frame(
    app: App, host_world: str, failures: list[SystemFailed]
) -> None:
    class Unsure(Plugin):
        def ready(self, app: App) -> bool:
            raise Broken("cannot tell")

    app.add_plugins(Unsure())
    esper.add_processor(app.as_processor())
    esper.process()
    esper.process()
    assert the_failure(failures).message == "cannot tell"


def test_bridge_to_an_app_that_was_shut_down_does_nothing(host_world: str, failures: list[SystemFailed]) -> None:
    with App() as app:
        app.set_error_handler(failures.append)
        bridge = app.as_processor()
        esper.add_processor(bridge)
        esper.process()
    esper.process()
    assert failures == []
    assert app.world.name not in esper.list_worlds()
    assert esper.current_world == host_world


def test_host_may_remove_the_bridge(app: App, host_world: str) -> None:
    esper.add_processor(app.as_processor())
    esper.process()
    esper.remove_processor(AppProcessor)
    esper.process()
    assert app.time.frame == 1
