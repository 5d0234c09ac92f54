"""Clients that read slowly, leave, or are too many: nothing piles up for them."""

from __future__ import annotations

import contextlib
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from ecs_localai.remote import RemoteClient, RemoteUnreachable
from ecs_localai.remote.errors import TOO_MANY
from ecs_localai.remote.server import MOST_CONNECTIONS, MOST_WATCHING
from ecs_localai.runtime import Update
from ecs_localai.testing import run_until
from tests.remote.remote_parts import Creature, Position, Remote, Sang, Watcher, request

VALUES, EVENTS = "world.get_components+watch", "app.events+watch"
LONG = "x" * 100_000


class SlowReader:
    """A client that watches, and reads only when it is told to. Use it in a ``with`` block."""

    def __init__(self, remote: Remote, body: bytes) -> None:
        self._connection = socket.create_connection(("127.0.0.1", remote.port), timeout=30)
        head = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        self._connection.sendall(head.encode() + b"\r\n\r\n" + body)

    def read_until(self, end: bytes) -> bytes:
        """All that comes until it has been told this."""
        seen = bytearray()
        while end not in seen[-(2 << 20) :]:
            data = self._connection.recv(1 << 20)
            assert data, "it has ended"
            seen += data
        return bytes(seen)

    def __enter__(self) -> SlowReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def test_a_slow_reader_is_told_less_often_and_always_the_newest(remote: Remote) -> None:
    app, creature, frames = remote.app, Creature("begin"), 1_000
    entity = app.world.spawn(creature)

    def chatter() -> None:
        if creature.name != "the end":
            creature.name = f"{app.time.frame} {LONG}"

    with SlowReader(remote, request(VALUES, entity=entity, components=["Creature"])) as reader:
        remote.stepped(lambda: reader.read_until(b'"begin"'))
        app.add_systems(Update, chatter)
        for _ in range(frames):  # what they make, 100 MB, is in nobody's memory afterwards
            app.update()
        creature.name = "the end"
        seen = remote.stepped(lambda: reader.read_until(b'"the end"'))
    assert 1 <= seen.count(b"data: ") < frames / 2


def test_a_slow_reader_of_events_is_told_how_many_it_missed(remote: Remote) -> None:
    app = remote.app
    song = "begin"

    def sing() -> None:
        app.send_event(Sang(song))

    app.add_systems(Update, sing)
    with SlowReader(remote, request(EVENTS, events=["Sang"])) as reader:
        remote.stepped(lambda: reader.read_until(b'"begin"'))
        song = LONG
        for _ in range(1_000):
            app.update()
        song = "the end"
        seen = remote.stepped(lambda: reader.read_until(b'"the end"'))
    missed = int(seen.rpartition(b'"missed":')[2].partition(b"}")[0])
    assert missed > 500


def test_a_reader_that_has_stopped_reading_does_not_keep_the_app(remote: Remote) -> None:
    app, creature = remote.app, Creature("begin")
    entity = app.world.spawn(creature)

    def chatter() -> None:
        creature.name = f"{app.time.frame} {LONG}"

    with SlowReader(remote, request(VALUES, entity=entity, components=["Creature"])) as reader:
        remote.stepped(lambda: reader.read_until(b'"begin"'))
        app.add_systems(Update, chatter)
        for _ in range(500):
            app.update()
        assert app.tasks.shutdown()  # that is, the background thread has ended
        app.shutdown()


def test_a_client_that_leaves_is_forgotten(remote: Remote) -> None:
    entity = remote.app.world.spawn(Position())
    before = len(remote.app.events(Sang).readers)
    for _ in range(MOST_WATCHING * 2):  # which would be too many, were one of them still there
        with Watcher(remote, EVENTS, events=["Sang"]) as watcher:
            remote.app.send_event(Sang("la"))
            watcher.wait_for(1)
    run_until(remote.app, lambda: len(remote.app.events(Sang).readers) == before)
    with Watcher(remote, VALUES, entity=entity, components=["Position"]) as watcher:
        watcher.wait_for(1)


def test_a_client_that_leaves_before_its_answer_is_forgotten(remote: Remote) -> None:
    remote.app.world.spawn(Position())
    body = request("world.query")
    for _ in range(5):
        connection = socket.create_connection(("127.0.0.1", remote.port), timeout=30)
        head = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        connection.sendall(head.encode() + b"\r\n\r\n" + body)
        connection.close()
    assert len(remote.ask(lambda client: client.query())) == 1


def test_only_so_many_clients_may_watch_at_once(remote: Remote) -> None:
    entity = remote.app.world.spawn(Position())
    with ExitStack() as stack:
        for _ in range(MOST_WATCHING):
            stack.enter_context(Watcher(remote, VALUES, entity=entity, components=["Position"])).wait_for(1)
        reply = remote.post(request(VALUES, entity=entity, components=["Position"]))
        assert reply.error_code == TOO_MANY
        assert remote.ask(lambda client: client.list_resources())
    with Watcher(remote, VALUES, entity=entity, components=["Position"]) as watcher:
        watcher.wait_for(1)


def test_only_so_many_clients_may_be_connected_at_once(remote: Remote) -> None:
    def connect_and_say_nothing() -> list[socket.socket]:
        return [socket.create_connection(("127.0.0.1", remote.port), timeout=30) for _ in range(MOST_CONNECTIONS)]

    silent = remote.stepped(connect_and_say_nothing)
    with pytest.raises(RemoteUnreachable, match="failed"):
        remote.ask(lambda client: client.list_resources())
    for connection in silent:
        connection.close()

    def is_let_in_again() -> bool:
        with contextlib.suppress(RemoteUnreachable):
            return bool(remote.ask(lambda client: client.list_resources()))
        return False

    run_until(remote.app, is_let_in_again)


def test_all_watchers_are_told_of_one_change(remote: Remote) -> None:
    position = Position()
    entity = remote.app.world.spawn(position)
    with ExitStack() as stack:
        watchers = [
            stack.enter_context(Watcher(remote, VALUES, entity=entity, components=["Position"]))
            for _ in range(MOST_WATCHING)
        ]
        for watcher in watchers:
            watcher.wait_for(1)
        position.x = 9.0
        for watcher in watchers:
            watcher.wait_for(2)


def test_many_clients_may_ask_at_once(remote: Remote) -> None:
    remote.app.world.spawn(Position())

    def many(client: RemoteClient) -> list[int]:
        with ThreadPoolExecutor(16) as pool:
            return list(pool.map(lambda _: len(client.query(["Position"])), range(100)))

    assert remote.ask(many) == [1] * 100
