"""What plugins may do to the app while they are built, and what is left when one cannot be built."""

from __future__ import annotations

from collections.abc import Callable

import esper
import pytest

from ecs_localai.runtime import App, Plugin, PluginError, Res, Startup, Update, World
from tests.runtime.runtime_parts import Broken, Clock, Ping, Position, Stage, noting


class Refusing(Plugin):
    """Cannot be built."""

    def build(self, app: App) -> None:
        raise Broken("the plugin cannot be built")


class Game(Plugin):
    """Does everything that a plugin does, and looks at what it has made."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    def build(self, app: App) -> None:
        clock = app.init_resource(Clock)
        clock.ticks = 7
        app.insert_resource(self.log)
        app.add_event(Ping)
        app.configure_sets(Update, Stage.MOVE)
        app.add_systems(Startup, self.start)
        assert app.world.resource(Clock) is clock
        app.world.spawn(Position())
        app.send_event(Ping(1))
        app.commands.spawn(Position())

    def start(self, clock: Res[Clock], world: World) -> None:
        self.log.append(f"{clock.ticks} ticks, {len(world.query(Position))} positions")


def test_plugin_that_cannot_be_built_tells_the_caller_and_hurts_no_other(app: App) -> None:
    log: list[str] = []

    def adding(name: str) -> Callable[[App], None]:
        def add(app: App) -> None:
            app.add_systems(Update, noting(log, name))

        return add

    app.add_plugins(adding("before"))
    with pytest.raises(Broken):
        app.add_plugins(Refusing(), adding("not reached"))
    app.add_plugins(adding("after"))
    app.update()
    assert log == ["before", "after"]


def test_what_a_plugin_makes_is_there_at_once_and_in_the_first_frame(app: App) -> None:
    """Bevy: ``Plugin::build`` gets the app, and may use its world."""
    log: list[str] = []
    reader = app.events(Ping).reader()
    app.add_plugins(Game(log))
    assert len(app.world.query(Position)) == 1
    app.update()
    assert log == ["7 ticks, 2 positions"]
    assert reader.read() == [Ping(1)]
    assert app.world.get_resource(list) is log


def test_building_a_plugin_leaves_the_callers_world_active(app: App, host_world: str) -> None:
    app.add_plugins(Game([]))
    assert esper.current_world == host_world
    assert list(esper.get_entities()) == []


def test_plugin_that_could_not_be_built_is_not_there(app: App) -> None:
    class Shaky(Plugin):
        works = False
        finished = 0

        def build(self, app: App) -> None:
            if not self.works:
                raise OSError("no device")

        def finish(self, app: App) -> None:
            Shaky.finished += 1

    shaky = Shaky()
    with pytest.raises(OSError, match="no device"):
        app.add_plugins(shaky)
    assert app.describe().plugins == []
    shaky.works = True
    app.add_plugins(shaky).update()
    assert Shaky.finished == 1


def test_no_frame_runs_while_a_plugin_is_being_built(app: App) -> None:
    class Hasty(Plugin):
        def build(self, app: App) -> None:
            app.update()

    with pytest.raises(PluginError, match="while a plugin is being built"):
        app.add_plugins(Hasty())
    app.update()
    assert app.time.frame == 1
