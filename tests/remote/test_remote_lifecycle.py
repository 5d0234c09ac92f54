"""The endpoint's beginning and end: off unless added, one port an app, nothing left behind."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading

import pytest

from ecs_localai.remote import DEFAULT_PORT, RemoteClient, RemoteEndpoint, RemoteError, RemoteOpened, RemotePlugin
from ecs_localai.remote.errors import ENDED
from ecs_localai.runtime import App, PluginError, SystemFailed
from ecs_localai.runtime.type_registry import TypeRegistry
from ecs_localai.testing import SteppedApp, left_behind, run_until
from ecs_localai.testing.leaks import Holdings
from tests.remote.remote_parts import HERE, Creature, Position, Remote, Watcher, open_remote, post, request
from tests.rig.waiting import wait_until


def can_be_bound(port: int) -> bool:
    """Whether nobody listens on this port of 127.0.0.1."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def test_it_is_off_unless_it_is_added() -> None:
    code = (
        "import sys, ecs_localai\n"
        "with ecs_localai.App() as app: app.update(); print(app.tasks.task_names)\n"
        "print([name for name in sys.modules if 'ecs_localai.remote' in name or name == 'aiohttp'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["[]", "[]"]


def test_adding_it_imports_nothing_heavy_on_the_frame_thread() -> None:
    code = (
        "import sys, ecs_localai, ecs_localai.remote\n"
        "app = ecs_localai.App().add_plugins(ecs_localai.remote.RemotePlugin(0))\n"
        "print([name for name in ('aiohttp', 'http.client', 'pygame') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_the_port_is_bevy_s_unless_told_otherwise() -> None:
    assert DEFAULT_PORT == 15702


def test_it_says_where_it_listens(app: SteppedApp) -> None:
    opened = app.capture_events(RemoteOpened)
    remote = open_remote(app)
    endpoint = app.world.resource(RemoteEndpoint)
    assert (endpoint.port, endpoint.url, endpoint.failure) == (remote.port, f"http://127.0.0.1:{remote.port}/", None)
    assert opened == [RemoteOpened(f"http://127.0.0.1:{remote.port}/")]


@pytest.mark.parametrize("port", [-1, 65_536])
def test_there_is_no_such_port(port: int) -> None:
    with pytest.raises(ValueError, match="port"):
        RemotePlugin(port)


def test_a_time_to_wait_is_above_zero() -> None:
    with pytest.raises(ValueError, match="answer_seconds"):
        RemotePlugin(answer_seconds=0)


def test_where_it_listens_is_not_saved_with_the_world(remote: Remote) -> None:
    assert remote.app.world.resource(TypeRegistry).why_left_out(RemoteEndpoint)


def test_an_app_has_one_endpoint(app: SteppedApp) -> None:
    app.add_plugins(RemotePlugin(0))
    with pytest.raises(PluginError):
        app.add_plugins(RemotePlugin(0))


def test_a_port_in_use_is_reported_and_the_app_goes_on(app: SteppedApp) -> None:
    failed = app.capture_events(SystemFailed)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
        app.add_plugins(RemotePlugin(port))
        endpoint = app.world.resource(RemoteEndpoint)
        run_until(app, lambda: endpoint.failure)
    assert endpoint.failure is not None
    assert f"port {port} of 127.0.0.1 is in use" in endpoint.failure
    assert (endpoint.port, endpoint.url) == (None, None)
    app.update()
    assert [one.message for one in failed] == [endpoint.failure]
    assert app.failures.pop().message == endpoint.failure


@pytest.mark.usefixtures("no_leaks")
def test_two_apps_answer_on_two_ports() -> None:
    with SteppedApp() as one, SteppedApp() as other:
        first, second = open_remote(one), open_remote(other)
        assert first.port != second.port
        one.world.spawn(Position())
        other.world.spawn(Creature())
        assert first.ask(lambda client: client.list_components()) == [f"{HERE}.Position"]
        assert second.ask(lambda client: client.list_components()) == [f"{HERE}.Creature"]
        one.shutdown()
        assert second.ask(lambda client: client.list_components()) == [f"{HERE}.Creature"]


@pytest.mark.usefixtures("no_leaks")
def test_a_watcher_s_stream_ends_with_the_app() -> None:
    with SteppedApp() as app:
        remote = open_remote(app)
        entity = app.world.spawn(Position())
        with Watcher(remote, "world.get_components+watch", entity=entity, components=["Position"]) as watcher:
            watcher.wait_for(1)
            app.shutdown()
            wait_until(lambda: watcher.has_ended)
            assert watcher.error_codes == []
    assert can_be_bound(remote.port)
    assert app.world.resource(RemoteEndpoint).port is None


@pytest.mark.usefixtures("no_leaks")
def test_a_question_that_waits_is_told_of_the_shutdown() -> None:
    codes: list[int] = []
    with SteppedApp() as app:
        remote = open_remote(app, answer_seconds=30)

        def ask() -> None:
            with pytest.raises(RemoteError) as caught:
                RemoteClient(remote.port, timeout=30).query()
            codes.append(caught.value.code)

        thread = threading.Thread(target=ask)
        thread.start()
        wait_until(lambda: app.tasks.pending)  # it waits for a frame now
        app.shutdown()
        thread.join(10)
    assert codes == [ENDED]


@pytest.mark.usefixtures("no_leaks")
def test_a_port_can_be_had_again_at_once() -> None:
    with SteppedApp() as app:
        port = open_remote(app).port
    with SteppedApp() as app:
        app.add_plugins(RemotePlugin(port))
        run_until(app, lambda: app.world.resource(RemoteEndpoint).port == port)


@pytest.mark.usefixtures("no_leaks")
@pytest.mark.parametrize("frames", [0, 1, 2])
def test_an_app_may_end_while_its_endpoint_begins(frames: int) -> None:
    before = Holdings.now()
    with App() as app:
        app.add_plugins(RemotePlugin(0))
        for _ in range(frames):
            app.update()
    assert left_behind(before) == []


def test_a_connection_that_is_kept_open_does_not_keep_the_app(remote: Remote) -> None:
    with socket.create_connection(("127.0.0.1", remote.port), timeout=20) as idle:
        body = request("world.list_components")
        head = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        idle.sendall(head.encode() + b"\r\n\r\n" + body)
        remote.stepped(lambda: idle.recv(1 << 16))
        remote.app.shutdown()
        assert idle.recv(1 << 16) == b""


def test_a_question_that_breaks_is_reported_and_the_others_are_answered(app: SteppedApp) -> None:
    remote = open_remote(app)

    class Cursed(type):
        """Types that will not say where they come from."""

        @property
        def __module__(cls) -> str:  # type: ignore[override] # as nobody should
            raise RuntimeError("hunter2")

    class Stray(metaclass=Cursed):
        """One of them."""

    entity = app.world.spawn(Stray())
    app.world.spawn(Position(1.0))
    reply = remote.post(request("world.list_components", entity=entity))
    assert reply.error_code == -32603
    assert "hunter2" not in str(reply.data)
    assert "hunter2" in app.failures.pop().message
    assert len(remote.ask(lambda client: client.query())) == 2


def test_requests_after_the_end_find_nobody(app: SteppedApp) -> None:
    remote = open_remote(app)
    app.shutdown()
    with pytest.raises(ConnectionRefusedError):
        post(remote.port, request("world.query"))
