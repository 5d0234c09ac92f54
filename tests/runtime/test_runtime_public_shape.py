"""The public shape, word for word as it is promised, from ``ecs_localai`` alone."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from enum import auto

import esper
import pytest

import ecs_localai
import ecs_localai.runtime
from ecs_localai import (
    App,
    HostConnection,
    InstallationTracking,
    LocalModelsPlugin,
    ModelManagement,
    OllamaConfiguration,
    PerformanceMonitoring,
    Query,
    SystemSet,
    Time,
    UIUpdate,
    Update,
    after,
    before,
    chain,
    in_set,
    run_if,
)
from tests.rig.ports import free_port


@dataclass
class Plant:
    """A component of the example."""

    rate: float = 2.0


@dataclass
class Height:
    """Another component of the example."""

    metres: float = 0.0


@dataclass
class X:
    """A component to put on and take off."""


@dataclass
class Clock:
    """A resource."""


@dataclass
class Grew:
    """An event."""

    entity: int


class S(SystemSet):
    """The example's sets."""

    A = auto()
    B = auto()
    X = auto()


def grow(plants: Query[Plant, Height], time: Time) -> None:
    """The example's system."""
    for _, (plant, height) in plants:
        height.metres += plant.rate * time.delta_seconds


def shrink(plants: Query[Plant, Height]) -> None:
    """Another system, to order."""
    for _, (_plant, height) in plants:
        height.metres = min(height.metres, 100.0)


def water(plants: Query[Plant]) -> None:
    """A third system, to order."""
    for _, plant in plants:
        plant.rate += 0.0


def never() -> bool:
    """A condition."""
    return False


def test_public_shape_word_for_word() -> None:
    config = OllamaConfiguration(host="127.0.0.1", port=free_port())
    with App() as app:
        app.add_plugins(LocalModelsPlugin(config))
        app.add_systems(Update, grow)
        app.add_systems(Update, chain(water, shrink), in_set(S.X, water), before(grow, water), after(grow, shrink))
        app.add_systems(Update, run_if(never, grow))
        app.configure_sets(Update, chain(S.A, S.B))
        clock = Clock()
        app.insert_resource(clock)
        assert app.world.resource(Clock) is clock
        app.add_event(Grew)
        app.events(Grew).writer().write(Grew(7))
        assert app.events(Grew).reader().read() == [Grew(7)]
        e = app.world.spawn(Plant(), Height())
        x = X()
        app.world.insert(e, x)
        assert app.world.get(e, X) is x
        app.world.remove(e, X)
        assert app.world.get(e, X) is None
        [(entity, (plant, height))] = app.world.query(Plant, Height)
        assert (entity, plant, height) == (e, Plant(), Height())
        assert app.world.query(Plant) == [(e, plant)]
        app.update()
        height.metres = 0.0
        app.update(1 / 60)
        assert height.metres == pytest.approx(2.0 / 60)
        assert app.world.name in esper.list_worlds()
        assert app.should_exit() is None
        app.world.despawn(e)
        assert app.world.query(Plant, Height) == []
        app.exit()
        assert app.run() == 0
        app.shutdown()


def test_five_sets_are_processors_that_plain_esper_finds_in_their_order() -> None:
    kinds = (HostConnection, ModelManagement, InstallationTracking, PerformanceMonitoring, UIUpdate)
    with App() as app:
        app.add_plugins(LocalModelsPlugin(OllamaConfiguration(host="127.0.0.1", port=free_port())))
        app.update(0.0)
        with app.world.active():
            found = [esper.get_processor(kind) for kind in kinds]
        priorities = [processor.priority for processor in found if processor is not None]
    assert len(set(priorities)) == 5
    assert priorities == sorted(priorities, reverse=True)


def test_guest_by_one_bridge_processor(host_world: str) -> None:
    with App() as app:
        app.add_systems(Update, grow)
        height = Height()
        app.world.spawn(Plant(), height)
        esper.add_processor(app.as_processor())
        esper.process(0.5)
        assert height.metres == 1.0
        assert esper.current_world == host_world


def test_guest_in_the_hosts_own_world(host_world: str) -> None:
    with App(world=host_world) as app:
        app.add_systems(Update, grow)
        height = Height()
        esper.create_entity(Plant(), height)
        app.update(0.5)
        assert height.metres == 1.0
        assert app.world.name == host_world


def test_everything_public_is_there_and_comes_from_one_place() -> None:
    names = dir(ecs_localai)
    for name in names:
        assert hasattr(ecs_localai, name), name
    assert len(set(names)) == len(names)
    assert set(ecs_localai.runtime.__all__) <= set(names)
    for name in ecs_localai.runtime.__all__:
        assert getattr(ecs_localai, name) is getattr(ecs_localai.runtime, name)


def test_importing_the_app_and_the_plugin_loads_nothing_heavy() -> None:
    program = (
        "import sys, ecs_localai.runtime, ecs_localai\n"
        "ecs_localai.App, ecs_localai.LocalModelsPlugin('127.0.0.1').load()\n"
        "heavy = {'aiohttp', 'pygame', 'psutil', 'pynvml', 'typer', 'rich'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
