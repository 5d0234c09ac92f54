"""Plugin groups can be added with one of their plugins replaced or left out."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from ecs_localai.runtime import App, Plugin, PluginError, PluginGroup


class Sound(Plugin):
    def __init__(self, volume: float = 1.0) -> None:
        self.volume = volume

    def build(self, app: App) -> None:
        app.insert_resource([f"sound at {self.volume:g}"])


class Score(Plugin):
    def build(self, app: App) -> None:
        app.insert_resource({"score": 0})


class Both(PluginGroup):
    def plugins(self) -> Iterable[Plugin]:
        return Sound(), Score()


class Everything(PluginGroup):
    def plugins(self) -> Iterable[PluginGroup]:
        return (Both(),)


def test_group_adds_its_plugins_in_order(app: App) -> None:
    app.add_plugins(Everything())
    assert [one.rpartition(".")[2] for one in app.describe().plugins] == ["Sound", "Score"]
    assert app.is_plugin_added(Score)
    assert not app.is_plugin_added(Plugin)


def test_plugin_can_be_set_to_another_of_its_class(app: App) -> None:
    app.add_plugins(Everything().set(Sound(volume=0.5)))
    assert app.world.resource(list) == ["sound at 0.5"]
    assert app.world.resource(dict) == {"score": 0}


def test_plugin_can_be_left_out(app: App) -> None:
    app.add_plugins(Both().set(Sound(volume=0.5)).disable(Sound))
    assert app.world.get_resource(list) is None
    assert app.world.resource(dict) == {"score": 0}


def test_group_itself_stays_as_it_is(app: App) -> None:
    group = Both()
    group.disable(Sound)
    app.add_plugins(group)
    assert app.world.resource(list) == ["sound at 1"]


def test_plugin_that_the_group_has_not_is_an_error_that_lists_what_it_has() -> None:
    class Other(Plugin):
        pass

    with pytest.raises(PluginError, match=r"Both has no plugin Other; it has Sound, Score\."):
        Both().disable(Other)
