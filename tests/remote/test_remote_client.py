"""The Python client, where nobody answers or somebody else does."""

from __future__ import annotations

import socket
import threading

import pytest

from ecs_localai.remote import RemoteClient, RemoteError, RemoteUnreachable
from ecs_localai.remote.errors import METHOD_NOT_FOUND
from tests.remote.remote_parts import Remote
from tests.rig.odd_servers import closed_port


def test_where_nobody_listens_it_says_what_to_start() -> None:
    port = closed_port()
    with pytest.raises(RemoteUnreachable, match=rf"127\.0\.0\.1:{port}.*--remote"):
        RemoteClient(port).describe()


def first_news(client: RemoteClient) -> object:
    """What a watching client is told first."""
    with client.watch_events(timeout=20) as news:
        return next(news)


@pytest.mark.parametrize(
    "answer",
    [
        b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"models": []}\n',
        b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nno\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"220 mail.example ESMTP\r\n",
        b"",
    ],
    ids=["other JSON", "not found", "cut off", "mail", "nothing"],
)
@pytest.mark.parametrize("watching", [False, True])
def test_somebody_who_is_no_endpoint_is_an_error(answer: bytes, watching: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        client = RemoteClient(int(server.getsockname()[1]), timeout=20)
        ask = first_news if watching else RemoteClient.describe
        with pytest.raises(RemoteUnreachable):
            ask(client)
        thread.join(10)


def test_an_answer_that_does_not_come_in_time_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:  # which takes the connection, and says nothing
        client = RemoteClient(int(server.getsockname()[1]), timeout=0.1)
        with pytest.raises(RemoteUnreachable, match="in time"):
            client.describe()


def test_an_error_has_its_code_and_its_sentence(remote: Remote) -> None:
    def ask(client: RemoteClient) -> RemoteError:
        with pytest.raises(RemoteError, match="only reads") as caught:
            client.call("world.despawn_entity", object, {"entity": 1})
        return caught.value

    assert remote.ask(ask).code == METHOD_NOT_FOUND


def test_a_watch_that_is_refused_is_an_error(remote: Remote) -> None:
    def ask(client: RemoteClient) -> RemoteError:
        with pytest.raises(RemoteError) as caught, client.watch("nonsense+watch", object) as news:
            list(news)
        return caught.value

    assert remote.ask(ask).code == METHOD_NOT_FOUND


def test_a_method_that_watches_is_not_called(remote: Remote) -> None:
    def ask(client: RemoteClient) -> None:
        with pytest.raises(ValueError, match="use watch"):
            client.call("app.events+watch", object)

    remote.ask(ask)
