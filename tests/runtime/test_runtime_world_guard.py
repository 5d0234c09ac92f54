"""The world guard: whatever we do, and however it ends, the caller's esper world is active again."""

from __future__ import annotations

from collections.abc import Callable

import esper
import pytest

from ecs_localai.runtime import (
    App,
    MissingResourceError,
    Query,
    ScheduleError,
    Startup,
    SystemFailed,
    SystemParamError,
    Update,
    after,
)
from tests.runtime.runtime_parts import Clock, One, Position, Velocity, broken, noting


def queue_and_apply(app: App) -> None:
    """Spawn by a command."""
    app.commands.spawn(Position())
    app.apply_commands()


CALLS: dict[str, Callable[[App, int], object]] = {
    "spawn": lambda app, entity: app.world.spawn(Position()),
    "insert": lambda app, entity: app.world.insert(entity, Velocity()),
    "remove": lambda app, entity: app.world.remove(entity, Position),
    "get": lambda app, entity: app.world.get(entity, Position),
    "has": lambda app, entity: app.world.has(entity, Position),
    "exists": lambda app, entity: app.world.exists(entity),
    "components": lambda app, entity: app.world.components(entity),
    "query": lambda app, entity: app.world.query(Position, Velocity),
    "despawn": lambda app, entity: app.world.despawn(entity),
    "commands": lambda app, entity: app.commands.spawn(Position()),
    "applying commands": lambda app, entity: queue_and_apply(app),
    "update": lambda app, entity: app.update(0.1),
    "systems": lambda app, entity: app.add_systems(Update, noting([], "a")),
    "processors": lambda app, entity: app.add_set_processors(One()),
    "shutdown": lambda app, entity: app.shutdown(),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_every_call_leaves_the_callers_world_active_and_untouched(
    app: App, host_world: str, call: Callable[[App, int], object]
) -> None:
    theirs = esper.create_entity(Position(-1.0))
    ours = app.world.spawn(Position())
    assert ours == theirs, "the same number in both worlds, to see that they are not mixed up"
    call(app, ours)
    assert esper.current_world == host_world
    assert [(entity, position.x) for entity, position in esper.get_component(Position)] == [(theirs, -1.0)]
    assert esper.get_component(Velocity) == []
    assert list(esper.get_entities()) == [theirs]


def test_making_an_app_leaves_the_callers_world_active(host_world: str) -> None:
    with App():
        assert esper.current_world == host_world
    assert esper.current_world == host_world


def test_systems_run_in_the_apps_world(app: App, host_world: str) -> None:
    seen: list[str] = []

    def look(query: Query[Position]) -> None:
        seen.append(f"{esper.current_world} {len(query)}")

    app.world.spawn(Position())
    esper.create_entity(Position())
    esper.create_entity(Position())
    app.add_systems(Startup, look).add_systems(Update, look)
    app.update()
    assert seen == [f"{app.world.name} 1"] * 2


def test_world_is_given_back_when_systems_fail(app: App, host_world: str, failures: list[SystemFailed]) -> None:
    app.add_systems(Update, broken())
    app.update()
    assert esper.current_world == host_world
    failures.clear()


def test_world_is_given_back_when_the_order_is_impossible(app: App, host_world: str) -> None:
    app.add_systems(Update, after(noting([], "absent"), noting([], "a")))
    with pytest.raises(ScheduleError):
        app.update()
    assert esper.current_world == host_world


def test_world_is_given_back_when_somebody_interrupts(app: App, host_world: str) -> None:
    def press() -> None:
        raise KeyboardInterrupt

    app.add_systems(Update, press)
    with pytest.raises(KeyboardInterrupt):
        app.update()
    assert esper.current_world == host_world


def test_world_is_given_back_when_a_call_fails(app: App, host_world: str) -> None:
    with pytest.raises(SystemParamError):
        app.world.query()
    with pytest.raises(MissingResourceError):
        app.world.resource(Clock)
    with pytest.raises(KeyError), app.world.active():
        esper.component_for_entity(4711, Position)
    assert esper.current_world == host_world


def test_active_may_be_nested(app: App, host_world: str) -> None:
    with app.world.active():
        with app.world.active():
            assert esper.current_world == app.world.name
            esper.switch_world(host_world)
            with app.world.active():
                assert esper.current_world == app.world.name
            assert esper.current_world == host_world
        assert esper.current_world == app.world.name
    assert esper.current_world == host_world


def test_update_in_the_middle_of_the_hosts_process_is_not_noticed_by_the_host(app: App, host_world: str) -> None:
    seen: list[tuple[str, int]] = []

    class Stepping(esper.Processor):
        """The host's: steps our app while it iterates over its own entities."""

        def process(self) -> None:
            """Look, step, look again."""
            for entity, _ in esper.get_component(Position):
                app.update(0.1)
                app.world.spawn(Velocity())
                seen.append((esper.current_world, entity))

    class Later(esper.Processor):
        """The host's, after the one that stepped us."""

        def process(self) -> None:
            """Look."""
            seen.append((esper.current_world, len(esper.get_component(Velocity))))

    entities = [esper.create_entity(Position()) for _ in range(2)]
    esper.add_processor(Stepping(), priority=1)
    esper.add_processor(Later())
    esper.process()
    assert sorted(seen[:2]) == [(host_world, entity) for entity in entities]
    assert seen[2:] == [(host_world, 0)]
    assert app.time.frame == 2
    assert len(app.world.query(Velocity)) == 2


def test_system_of_one_app_may_step_another() -> None:
    with App() as outer, App() as inner:
        seen: list[str] = []

        def step() -> None:
            inner.update()
            seen.append(esper.current_world)

        def look() -> None:
            seen.append(esper.current_world)

        outer.add_systems(Update, step)
        inner.add_systems(Update, look)
        outer.update()
        assert seen == [inner.world.name, outer.world.name]
