"""Questions are answered on frames, whoever steps them, and cost nothing when nobody asks."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import esper
import pytest

from ecs_localai.remote import RemoteClient, RemoteEndpoint, RemoteOpened, RemotePlugin
from ecs_localai.remote.desk import MOST_MAIL
from ecs_localai.remote.errors import NO_FRAME, TOO_MANY
from ecs_localai.remote.messages import MOST_IN_A_BATCH
from ecs_localai.runtime import App, EventReader, ReactiveRunner, Update
from ecs_localai.runtime.type_registry import TypeRegistry
from ecs_localai.testing import SteppedApp, run_until
from tests.remote.remote_parts import HERE, Position, Remote, Watcher, open_remote, post, request
from tests.rig.waiting import wait_until

POSITION = f"{HERE}.Position"


def test_without_frames_a_question_is_answered_by_an_error_that_says_so(app: SteppedApp) -> None:
    remote = open_remote(app, answer_seconds=0.2)
    reply = post(remote.port, request("world.list_components"))  # and meanwhile nobody runs a frame
    assert reply.error_code == NO_FRAME
    assert "no frame" in str(reply.data["error"])
    app.world.spawn(Position())
    assert remote.ask(lambda client: client.list_components()) == [POSITION]


def test_without_frames_questions_do_not_pile_up(app: SteppedApp) -> None:
    remote = open_remote(app, answer_seconds=0.05)
    one = json.loads(request("world.list_components"))
    batch = json.dumps([one] * MOST_IN_A_BATCH).encode()
    codes = []
    for _ in range(MOST_MAIL // MOST_IN_A_BATCH + 2):
        codes += [answer["error"]["code"] for answer in json.loads(post(remote.port, batch).body)]
    assert codes == [NO_FRAME] * MOST_MAIL + [TOO_MANY] * (2 * MOST_IN_A_BATCH)
    app.update()
    assert remote.ask(lambda client: client.list_components()) == []


def test_a_big_answer_may_take_longer_than_one_frame_is_waited_for(app: SteppedApp) -> None:
    remote = open_remote(app, answer_seconds=0.5)
    for number in range(3_000):
        app.world.spawn(Position(float(number)))
    assert len(remote.ask(lambda client: client.query(["Position"]))) == 3_000


def test_with_nothing_to_tell_no_frame_is_asked_for(remote: Remote) -> None:
    entity = remote.app.world.spawn(Position())
    with Watcher(remote, "world.get_components+watch", entity=entity, components=["Position"]) as watcher:
        watcher.wait_for(1)
        remote.ask(lambda client: client.query(["Position"]))

        def settled() -> bool:
            return remote.app.idle_delay() is None

        run_until(remote.app, settled)


@contextmanager
def asking(port: int, questions: Callable[[RemoteClient], None]) -> Iterator[threading.Thread]:
    """Ask in a thread of its own, while this one is busy with something that does not return by itself."""
    thread = threading.Thread(target=questions, args=(RemoteClient(port),))
    thread.start()
    try:
        yield thread
    finally:
        thread.join(30)


@pytest.mark.usefixtures("no_leaks")
def test_a_sleeping_app_is_woken_by_a_question_and_sleeps_on() -> None:
    answers: list[list[str]] = []
    with App() as app:
        app.add_plugins(RemotePlugin(0))
        endpoint = app.world.resource(RemoteEndpoint)
        app.world.spawn(Position())
        asked: list[threading.Thread] = []

        def ask() -> None:
            client = RemoteClient(endpoint.port or 0)
            answers.extend(client.list_components() for _ in range(5))

        def begin_and_end(opened: EventReader[RemoteOpened]) -> None:
            if opened.read():
                asked.append(threading.Thread(target=ask))
                asked[0].start()
            if len(answers) == 4:  # the fifth is answered at the end of this frame
                app.exit()

        app.add_systems(Update, begin_and_end)
        app.set_runner(ReactiveRunner()).run()
        asked[0].join(10)
    assert answers == [[POSITION]] * 5
    assert app.time.frame < 60


@pytest.mark.usefixtures("no_leaks")
def test_a_sleeping_app_tells_watchers_of_what_its_timers_change() -> None:
    told: list[object] = []
    with App() as app:
        app.add_plugins(RemotePlugin(0))
        app.world.resource(TypeRegistry).register(Position)
        endpoint, position = app.world.resource(RemoteEndpoint), Position()
        entity = app.world.spawn(position)
        timer = app.wakeups.timer()
        watching: list[threading.Thread] = []

        def watch() -> None:
            with RemoteClient(endpoint.port or 0).watch_components(entity, ["Position"], timeout=30) as news:
                for one in news:
                    told.append(one.components[POSITION])
                    if len(told) == 4:
                        return

        def move() -> None:
            if endpoint.port and not watching:
                watching.append(threading.Thread(target=watch))
                watching[0].start()
            if timer.due <= app.time.real_elapsed_seconds:
                timer.restart(app.time, 0.02)
                position.x += 1.0
            if len(told) == 4:
                app.exit()

        app.add_systems(Update, move)
        app.set_runner(ReactiveRunner()).run()
        watching[0].join(10)
    places = [one["x"] for one in told if isinstance(one, dict)]
    assert len(places) == 4
    assert places == sorted(set(places))


def step_by_update(app: App) -> Callable[[], None]:
    """The first way of being a guest: the host calls `App.update`."""
    return lambda: app.update(1 / 60)


def step_by_bridge(app: App) -> Callable[[], None]:
    """The second: a processor in the host's world."""
    esper.add_processor(app.as_processor())
    return lambda: esper.process(1 / 60)


def step_by_process(app: App) -> Callable[[], None]:
    """The third: our systems in the host's own world."""
    return lambda: esper.process(1 / 60)


@pytest.mark.usefixtures("no_leaks")
@pytest.mark.parametrize("way", [step_by_update, step_by_bridge, step_by_process])
def test_it_answers_in_all_three_ways_of_being_a_guest(way: Callable[[App], Callable[[], None]]) -> None:
    before = esper.current_world
    esper.switch_world("remote-host")
    try:
        with App(world="remote-host" if way is step_by_process else None) as app:
            app.add_plugins(RemotePlugin(0))
            app.world.spawn(Position())
            step = way(app)
            endpoint = app.world.resource(RemoteEndpoint)
            answers: list[list[str]] = []

            def stepped(condition: Callable[[], object]) -> None:
                def look() -> object:
                    step()
                    assert esper.current_world == "remote-host"
                    return condition()

                wait_until(look, poll=0.002)

            stepped(lambda: endpoint.port)
            with asking(endpoint.port or 0, lambda client: answers.append(client.list_components())) as thread:
                stepped(lambda: not thread.is_alive())
            assert answers == [[POSITION]]
    finally:
        esper.switch_world(before)
        esper.delete_world("remote-host")
