"""A world of our own: plain processors run with ours, and apps do not meet."""

from __future__ import annotations

import esper

from ecs_localai.runtime import App, Last, Query, Update
from tests.runtime.runtime_parts import Clock, One, Ping, Position, noting


class Plain(esper.Processor):
    """A plain processor that somebody adds to our world."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.arguments: list[tuple[object, ...]] = []

    def process(self, *args: object) -> None:
        """Note the call."""
        self.log.append("plain")
        self.arguments.append(args)


def test_plain_processors_run_with_ours_and_get_the_delta(app: App) -> None:
    log: list[str] = []
    plain = Plain(log)
    app.add_systems(Last, noting(log, "last"))
    with app.world.active():
        esper.add_processor(plain)
    app.update(0.5)
    app.update()
    assert log == ["last", "plain"] * 2
    assert plain.arguments == [(0.5,), ()]


def test_first_app_has_the_well_known_name_and_the_second_another() -> None:
    with App() as first, App() as second:
        assert first.world.name == "ecs-localai"
        assert second.world.name == "ecs-localai-2"


def test_name_given_on_purpose_is_the_apps_own_world() -> None:
    with App(world="ecs-localai") as app:
        app.update()
        assert app.world.name == "ecs-localai"
    assert "ecs-localai" not in esper.list_worlds()


def test_world_that_a_host_made_under_our_name_is_left_alone() -> None:
    esper.switch_world("ecs-localai")
    entity = esper.create_entity(Position())
    with App() as app:
        assert app.world.name == "ecs-localai-2"
        assert app.world.query(Position) == []
    assert esper.entity_exists(entity)
    esper.switch_world("default")
    esper.delete_world("ecs-localai")


def test_two_apps_at_once_share_nothing() -> None:
    log: list[str] = []

    def look(query: Query[Position]) -> None:
        log.append(f"{esper.current_world} {len(query)}")

    with App() as one, App() as other:
        for app in (one, other):
            app.add_set_processors(One())
            app.add_systems(Update, look)
        one.world.spawn(Position())
        one.insert_resource(Clock(1))
        one.send_event(Ping(1))
        one.update(1.0)
        other.update(2.0)
        one.update(1.0)
        assert log == ["ecs-localai 1", "ecs-localai-2 0", "ecs-localai 1"]
        assert other.world.get_resource(Clock) is None
        assert other.events(Ping).reader().read() == []
        assert (one.time.elapsed_seconds, other.time.elapsed_seconds) == (2.0, 2.0)
        one.shutdown()
        other.update()
        assert other.time.frame == 2
    assert not {"ecs-localai", "ecs-localai-2"} & set(esper.list_worlds())


def test_same_system_in_two_apps_has_parameters_of_its_own_in_each() -> None:
    seen: list[tuple[str, int]] = []

    def look(query: Query[Position]) -> None:
        seen.append((esper.current_world, len(query)))

    with App() as one, App() as other:
        one.add_systems(Update, look)
        other.add_systems(Update, look)
        other.world.spawn(Position())
        one.update()
        other.update()
    assert seen == [("ecs-localai", 0), ("ecs-localai-2", 1)]
