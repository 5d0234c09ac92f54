"""Late plugins: no frame waits for them, and what is done before they have come is not lost."""

from __future__ import annotations

import threading
from collections.abc import Callable

import esper
import pytest

from ecs_localai.runtime import (
    Added,
    App,
    EventReader,
    LatePlugin,
    Plugin,
    PluginError,
    Query,
    ReactiveRunner,
    Startup,
    SystemFailed,
    Update,
    after,
    chain,
    in_set,
)
from tests.rig.waiting import run_frames_until, wait_until
from tests.runtime.runtime_parts import Broken, One, Ping, Position, Shown, Two, noting, the_failure


class Held(Plugin):
    """Is loaded when it is told so, and writes down what happens to it."""

    def __init__(self, log: list[str], label: str = "a") -> None:
        self.log = log
        self.label = label
        self.may_load = threading.Event()
        self.is_ready = True
        self.loaded_in: threading.Thread | None = None

    def is_unique(self) -> bool:
        return False

    def load(self) -> None:
        self.loaded_in = threading.current_thread()
        self.may_load.wait(60)

    def unload(self) -> None:
        self.log.append(f"unload {self.label}")

    def build(self, app: App) -> None:
        self.log.append(f"build {self.label}")
        app.add_systems(Startup, noting(self.log, f"startup {self.label}"))
        app.add_systems(Update, noting(self.log, f"update {self.label}"))

    def ready(self, app: App) -> bool:
        return self.is_ready

    def finish(self, app: App) -> None:
        self.log.append(f"finish {self.label}")

    def cleanup(self, app: App) -> None:
        self.log.append(f"cleanup {self.label}")

    def shutdown(self, app: App) -> None:
        self.log.append(f"shutdown {self.label}")


class Reading(Plugin):
    """Reads what was written and spawned before it came."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.missed = 0
        self.added: list[float] = []

    def build(self, app: App) -> None:
        def read(pings: EventReader[Ping], positions: Query[Position, Added[Position]]) -> None:
            self.numbers += [ping.number for ping in pings.read()]
            self.missed = pings.missed
            self.added += [position.x for _, position in positions]

        app.add_systems(Update, read)


def frames_until(app: App, condition: Callable[[], object]) -> None:
    """Run frames until it holds."""
    run_frames_until(app, lambda: bool(condition()), timeout=40)


@pytest.fixture
def log() -> list[str]:
    return []


def test_frames_begin_without_it_and_it_is_loaded_in_the_background_after_the_first(app: App, log: list[str]) -> None:
    held = Held(log)
    app.add_plugins(LatePlugin(held))
    app.add_systems(Update, noting(log, "own"))
    app.update()
    assert log == ["own"]
    assert held.loaded_in is None
    frames_until(app, lambda: held.loaded_in)
    assert held.loaded_in is not threading.current_thread()
    assert not app.is_plugin_added(Held)
    assert set(log) == {"own"}
    held.may_load.set()
    frames_until(app, lambda: app.is_plugin_added(Held))
    assert [line for line in log if line != "own"] == ["build a", "finish a", "cleanup a", "startup a", "update a"]


def test_startup_systems_run_once_each_the_late_ones_when_they_come(app: App, log: list[str]) -> None:
    held = Held(log)
    held.may_load.set()
    app.add_systems(Startup, noting(log, "own startup"))
    app.add_plugins(LatePlugin(held))
    frames_until(app, lambda: log.count("update a") == 3)
    app.add_systems(Update, noting(log, "own"))  # puts all in order anew
    app.update()
    assert (log.count("own startup"), log.count("startup a")) == (1, 1)
    assert log.index("startup a") < log.index("update a")


def test_startup_system_may_be_ordered_after_one_that_has_run_already(app: App, log: list[str]) -> None:
    first = noting(log, "first")

    class Ordered(Plugin):
        def build(self, app: App) -> None:
            app.add_systems(Startup, chain(after(first, noting(log, "second")), noting(log, "third")))

    app.add_systems(Startup, first)
    app.add_plugins(LatePlugin(Ordered()))
    frames_until(app, lambda: "third" in log)
    assert log == ["first", "second", "third"]


def test_no_event_and_no_entity_from_before_is_missed(app: App) -> None:
    held, reading = Held([]), Reading()
    app.add_plugins(LatePlugin(held, reading))
    own = app.events(Ping).reader()
    read: list[int] = []
    for number in range(12):
        app.send_event(Ping(number))
        app.world.spawn(Position(float(number)))
        app.update()
        read += [ping.number for ping in own.read()]
    held.may_load.set()
    frames_until(app, lambda: app.is_plugin_added(Reading))
    assert reading.numbers == read == list(range(12))
    assert reading.added == [float(number) for number in range(12)]
    assert reading.missed == 0


def test_events_live_for_two_updates_again_once_all_have_come(app: App) -> None:
    app.add_plugins(LatePlugin(Reading()))
    frames_until(app, lambda: app.is_plugin_added(Reading))
    app.send_event(Ping(1))
    for _ in range(3):
        app.update()
    assert app.events(Ping).buffer == []


def test_all_of_one_are_built_together_in_their_order(app: App, log: list[str]) -> None:
    one, two = Held(log, "a"), Held(log, "b")
    one.may_load.set()
    app.add_plugins(LatePlugin([one, two]))
    frames_until(app, lambda: two.loaded_in)
    app.update()
    assert log == []
    two.may_load.set()
    frames_until(app, lambda: "update b" in log)
    assert log[:6] == ["build a", "build b", "finish a", "finish b", "cleanup a", "cleanup b"]


def test_it_may_be_added_between_two_frames(app: App, log: list[str]) -> None:
    app.update()
    held = Held(log)
    held.may_load.set()
    app.add_plugins(LatePlugin(held))
    frames_until(app, lambda: "update a" in log)


def test_frames_go_on_while_it_is_not_ready(app: App, log: list[str]) -> None:
    held = Held(log)
    held.may_load.set()
    held.is_ready = False
    app.add_plugins(LatePlugin(held))
    frames_until(app, lambda: log.count("update a") > 3)
    assert "finish a" not in log
    held.is_ready = True
    frames_until(app, lambda: "cleanup a" in log)
    assert log.count("finish a") == 1


def test_plugins_that_it_adds_in_its_build_come_with_it(app: App, log: list[str]) -> None:
    class Parent(Plugin):
        def build(self, app: App) -> None:
            child = Held(log, "child")
            child.may_load.set()
            app.add_plugins(child)

    app.add_plugins(LatePlugin(Parent()))
    frames_until(app, lambda: "update child" in log)
    assert log[:4] == ["build child", "finish child", "cleanup child", "startup child"]


@pytest.mark.parametrize("where", ["load", "build", "ready", "finish"])
def test_failure_is_reported_and_the_others_come(
    app: App, log: list[str], failures: list[SystemFailed], where: str
) -> None:
    def fail(*_args: object) -> None:
        raise Broken("does not want to")

    class Failing(Plugin):
        pass

    setattr(Failing, where, fail)
    held = Held(log)
    held.may_load.set()
    app.add_plugins(LatePlugin(Failing(), held))
    frames_until(app, lambda: "cleanup a" in log)
    assert the_failure(failures).system.endswith(f"Failing.{where}")
    assert app.is_plugin_added(Failing) is (where in ("ready", "finish"))
    failures.clear()


def test_module_that_ends_the_program_when_it_is_imported_is_a_failure(
    app: App, log: list[str], failures: list[SystemFailed]
) -> None:
    class Ending(Plugin):
        def load(self) -> None:
            raise SystemExit(3)

    held = Held(log)
    held.may_load.set()
    app.add_plugins(LatePlugin(Ending(), held))
    frames_until(app, lambda: "cleanup a" in log)
    assert the_failure(failures).error_type == "SystemExit"
    failures.clear()


def test_duplicate_is_refused_at_once(app: App, log: list[str]) -> None:
    held = Held(log)
    app.add_plugins(LatePlugin(held, Reading()))
    with pytest.raises(PluginError, match="Reading has been added already"):
        app.add_plugins(Reading())
    with pytest.raises(PluginError, match="Reading has been added already"):
        app.add_plugins(LatePlugin(Reading()))
    held.may_load.set()
    frames_until(app, lambda: app.is_plugin_added(Reading))


def test_late_one_in_a_late_one_is_an_error(app: App) -> None:
    with pytest.raises(PluginError, match="once is late enough"):
        app.add_plugins(LatePlugin(LatePlugin(Reading())))


def test_what_is_no_plugin_is_an_error_at_once() -> None:
    with pytest.raises(PluginError, match="3 is not a plugin"):
        LatePlugin(3)  # type: ignore[arg-type]  # the mistake under test


def test_app_that_ends_while_it_is_loaded_never_builds_it_and_lets_it_go(log: list[str]) -> None:
    held = Held(log)
    with App() as app:
        app.add_plugins(LatePlugin(held))
        frames_until(app, lambda: held.loaded_in)
        threading.Timer(0.05, held.may_load.set).start()
    wait_until(lambda: log, timeout=40)
    assert log == ["unload a"]


def test_app_that_ends_between_loading_and_building_lets_it_go(log: list[str]) -> None:
    held = Held(log)
    with App() as app:
        app.add_plugins(LatePlugin(held))
        app.update()
        app.update()
        held.may_load.set()  # now, for a frame that finds it loaded builds it
        wait_until(lambda: held.loaded_in and not app.tasks.in_flight, timeout=40)
    assert log == ["unload a"]


def test_app_that_ends_before_it_was_loaded_has_nothing_to_let_go(log: list[str]) -> None:
    with App() as app:
        app.add_plugins(LatePlugin(Held(log)))
        app.update()
    assert log == []


def test_plugin_whose_build_fails_is_let_go(app: App, log: list[str], failures: list[SystemFailed]) -> None:
    class Failing(Held):
        def build(self, app: App) -> None:
            raise Broken("cannot be built")

    now, late = Failing(log, "now"), Failing(log, "late")
    now.may_load.set()
    late.may_load.set()
    with pytest.raises(Broken):
        app.add_plugins(now)
    app.add_plugins(LatePlugin(late))
    frames_until(app, lambda: failures)
    assert log == ["unload now", "unload late"]
    failures.clear()


def test_runner_that_sleeps_wakes_for_it(app: App, log: list[str]) -> None:
    class Ending(Plugin):
        def build(self, app: App) -> None:
            app.exit(7)

    app.add_plugins(LatePlugin(Ending()))
    assert ReactiveRunner()(app) == 7


def test_hosts_own_process_brings_it_in_with_its_sets_in_their_order(host_world: str, log: list[str]) -> None:
    class Visible(Plugin):
        def build(self, app: App) -> None:
            app.add_set_processors(One(), Two())
            app.configure_sets(Update, chain(Shown.ONE, Shown.TWO))
            app.add_systems(Update, in_set(Shown.TWO, noting(log, "two")), in_set(Shown.ONE, noting(log, "one")))

    class Hosts(esper.Processor):
        def process(self, *_args: object) -> None:
            log.append("host")

    esper.add_processor(Hosts())
    with App(world=host_world) as app:
        app.add_plugins(LatePlugin(Visible()))
        esper.process()
        assert log == ["host"]

        def has_come() -> bool:
            esper.process()
            return app.is_plugin_added(Visible)

        wait_until(has_come, timeout=40)
        log.clear()
        esper.process()
        assert log == ["one", "two", "host"]
        assert esper.get_processor(One) is not None


def test_description_names_it_when_it_has_come(app: App, log: list[str]) -> None:
    held = Held(log)
    app.add_plugins(LatePlugin(held))
    frames_until(app, lambda: held.loaded_in)
    assert app.describe().plugins == []
    wait_until(lambda: any("loading" in name for name in app.tasks.task_names))
    held.may_load.set()
    frames_until(app, lambda: app.is_plugin_added(Held))
    assert app.describe().plugins == [held.name]
