"""Plugins: built at once, finished before the first frame, shut down in reverse."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import esper
import pytest

from ecs_localai.runtime import App, Plugin, PluginError, PluginGroup, SystemFailed, Update
from tests.runtime.runtime_parts import Broken, Clock, noting, the_failure


class Tracing(Plugin):
    """Writes down what it is asked to do."""

    def __init__(self, log: list[str], label: str = "a") -> None:
        self.log = log
        self.label = label

    def is_unique(self) -> bool:
        return False

    def build(self, app: App) -> None:
        self.log.append(f"build {self.label}")

    def ready(self, app: App) -> bool:
        self.log.append(f"ready {self.label}")
        return True

    def finish(self, app: App) -> None:
        self.log.append(f"finish {self.label}")

    def cleanup(self, app: App) -> None:
        self.log.append(f"cleanup {self.label}")

    def shutdown(self, app: App) -> None:
        self.log.append(f"shutdown {self.label}")


class Unique(Plugin):
    """A plugin that does nothing, once."""


class Slow(Plugin):
    """Is ready when it is told so."""

    is_ready = False

    def ready(self, app: App) -> bool:
        return self.is_ready


class Failing(Plugin):
    """Fails in `finish` with something that is no mistake of the app's."""

    def finish(self, app: App) -> None:
        raise Broken("the plugin cannot finish")


def test_plugin_is_built_at_once_and_nothing_else_is_called(app: App) -> None:
    log: list[str] = []
    app.add_plugins(Tracing(log))
    assert log == ["build a"]


def test_every_plugin_is_finished_before_any_is_cleaned_up() -> None:
    log: list[str] = []
    with App() as app:
        app.add_plugins(Tracing(log, "a"), Tracing(log, "b"))
        app.add_systems(Update, noting(log, "frame"))
        app.update()
        app.update()
    assert log == [
        *("build a", "build b"),
        *("ready a", "ready b"),
        *("finish a", "finish b"),
        *("cleanup a", "cleanup b"),
        *("frame", "frame"),
        *("shutdown b", "shutdown a"),
    ]


def test_plugins_are_shut_down_even_if_no_frame_ever_ran() -> None:
    log: list[str] = []
    with App() as app:
        app.add_plugins(Tracing(log))
    assert log == ["build a", "shutdown a"]


def test_plugin_added_by_a_plugin_comes_after_its_parent(app: App) -> None:
    log: list[str] = []

    def parent(app: App) -> None:
        log.append("build parent")
        app.add_plugins(Tracing(log, "child"))

    app.add_plugins(parent, Tracing(log, "sibling"))
    assert log == ["build parent", "build child", "build sibling"]


def test_frames_wait_until_every_plugin_is_ready(app: App) -> None:
    log: list[str] = []
    slow = Slow()
    app.add_plugins(Tracing(log), slow)
    app.add_systems(Update, noting(log, "frame"))
    app.update(1.0)
    app.update(1.0)
    assert "finish a" not in log
    assert "frame" not in log
    assert app.time.frame == 0
    slow.is_ready = True
    app.update(1.0)
    assert log[-3:] == ["finish a", "cleanup a", "frame"]
    assert app.time.elapsed_seconds == 1.0


def test_duplicate_of_a_unique_plugin_is_an_error_that_names_it(app: App) -> None:
    app.add_plugins(Unique())
    with pytest.raises(PluginError, match=r"test_runtime_plugins\.Unique has been added already"):
        app.add_plugins(Unique())


def test_plugin_that_is_not_unique_may_be_added_again(app: App) -> None:
    log: list[str] = []
    app.add_plugins(Tracing(log, "a")).add_plugins(Tracing(log, "b"))
    assert log == ["build a", "build b"]


def test_function_of_the_app_is_a_plugin(app: App) -> None:
    def clockwork(app: App) -> None:
        app.insert_resource(Clock(3))

    app.add_plugins(clockwork)
    assert app.world.resource(Clock).ticks == 3
    with pytest.raises(PluginError, match="clockwork has been added already"):
        app.add_plugins(clockwork)


def test_functions_are_told_apart_although_all_lambdas_have_one_name(app: App) -> None:
    log: list[str] = []
    app.add_plugins(lambda _: log.append("first"), lambda _: log.append("second"))
    assert log == ["first", "second"]


def test_function_with_bound_arguments_is_a_plugin(app: App) -> None:
    def set_clock(ticks: int, app: App) -> None:
        app.insert_resource(Clock(ticks))

    app.add_plugins(partial(set_clock, 5))
    assert app.world.resource(Clock).ticks == 5


def test_group_adds_its_plugins_in_order_and_may_hold_groups_and_functions(app: App) -> None:
    log: list[str] = []

    class Inner(PluginGroup):
        def plugins(self) -> Iterable[Plugin]:
            return Tracing(log, "b"), Tracing(log, "c")

    class Outer(PluginGroup):
        def plugins(self) -> Iterable[Plugin | PluginGroup]:
            yield Tracing(log, "a")
            yield Inner()

    app.add_plugins(Outer(), [Tracing(log, "d")], lambda _: log.append("function"))
    assert log == ["build a", "build b", "build c", "build d", "function"]


def test_empty_group_adds_nothing(app: App) -> None:
    app.add_plugins(PluginGroup())
    app.update()


def test_class_instead_of_an_instance_is_an_error_with_the_remedy(app: App) -> None:
    with pytest.raises(PluginError, match=r"Unique is a class: add an instance of it, Unique\(\)"):
        app.add_plugins(Unique)  # type: ignore[arg-type]  # the mistake under test


@pytest.mark.parametrize("wrong", ["unique", 3, None])
def test_what_is_no_plugin_is_an_error_that_shows_it(app: App, wrong: object) -> None:
    with pytest.raises(PluginError, match=f"{wrong!r} is not a plugin"):
        app.add_plugins(wrong)  # type: ignore[arg-type]  # the mistake under test


def test_plugin_after_the_first_frame_is_an_error(app: App) -> None:
    app.update()
    with pytest.raises(PluginError, match=r"Unique comes too late: add it before the first update"):
        app.add_plugins(Unique())


def test_plugin_that_fails_to_finish_tells_the_caller_of_update(app: App) -> None:
    app.add_plugins(Failing())
    with pytest.raises(Broken, match="cannot finish"):
        app.update()


def test_plugin_that_fails_to_finish_does_not_reach_a_hosts_frame(failures: list[SystemFailed]) -> None:
    with App() as app:
        app.set_error_handler(failures.append)
        app.add_plugins(Failing())
        app.as_processor().process()
        assert the_failure(failures).error_type == "Broken"


def test_plugin_that_fails_to_shut_down_keeps_no_other_from_it(failures: list[SystemFailed]) -> None:
    log: list[str] = []

    class Stuck(Plugin):
        def shutdown(self, app: App) -> None:
            raise Broken("does not want to")

    app = App()
    app.set_error_handler(failures.append)
    app.add_plugins(Tracing(log), Stuck())
    app.shutdown()
    assert log[-1] == "shutdown a"
    failure = the_failure(failures)
    assert failure.system.endswith("Stuck.shutdown")
    assert failure.message == "does not want to"


def test_plugin_shuts_down_inside_the_apps_world() -> None:
    seen: list[str] = []

    class Looking(Plugin):
        def shutdown(self, app: App) -> None:
            seen.append(esper.current_world)

    with App() as app:
        app.add_plugins(Looking())
    assert seen == [app.world.name]
