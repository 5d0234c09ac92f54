"""The relay does to a real connection what it says, as a plain client sees it."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig.file_server import FileServer
from tests.rig.odd_servers import closed_port
from tests.rig.plain_http import call
from tests.rig.relay import Relay
from tests.rig.waiting import wait_until

CONTENTS = b"0123456789" * 50_000


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    (tmp_path / "data").write_bytes(CONTENTS)
    with FileServer(tmp_path) as files, Relay("127.0.0.1", files.port) as relay:
        yield relay


def get(relay: Relay, timeout: float = 10.0) -> bytes:
    return call(relay.port, "GET", "/data", timeout=timeout).body


def test_it_passes_everything_on_and_counts(relay: Relay) -> None:
    assert get(relay) == CONTENTS
    assert relay.bytes_to_client > len(CONTENTS)
    assert relay.accepted_connections == 1
    wait_until(lambda: relay.open_connections == 0, describe="the connection to be closed")


def test_delay_comes_on_both_ways_and_goes(relay: Relay) -> None:
    relay.delay(0.1)
    began = time.monotonic()
    assert get(relay) == CONTENTS
    assert time.monotonic() - began >= 0.2
    relay.resume()
    assert get(relay) == CONTENTS


@pytest.mark.parametrize("how", ["rst", "fin"])
def test_cut_ends_open_connections_only(relay: Relay, how: str) -> None:
    with socket.create_connection(("127.0.0.1", relay.port), timeout=5) as client:
        wait_until(lambda: relay.open_connections == 1)
        if how == "rst":
            relay.cut()
            with pytest.raises(ConnectionResetError):
                client.recv(1)
        else:
            relay.cut("fin")
            assert client.recv(1) == b""
    assert get(relay) == CONTENTS


def test_cut_after_bytes_ends_so_many_connections(relay: Relay) -> None:
    relay.cut_after_bytes(1000, how="fin", times=1)
    with pytest.raises(http.client.IncompleteRead) as cut:
        get(relay)
    assert 0 < len(cut.value.partial) < 1000  # the headers count, too
    relay.cut_after_bytes(1000, times=1)
    with pytest.raises(ConnectionResetError):
        get(relay)
    assert get(relay) == CONTENTS


def test_stall_passes_nothing_until_it_resumes(relay: Relay) -> None:
    relay.stall()
    with socket.create_connection(("127.0.0.1", relay.port), timeout=0.2) as client:
        client.sendall(b"GET /data HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        with pytest.raises(TimeoutError):
            client.recv(1)
        relay.resume()
        client.settimeout(5)
        assert client.recv(15) == b"HTTP/1.1 200 OK"


def test_half_close_ends_one_direction_only(relay: Relay) -> None:
    relay.half_close_after(10)
    with socket.create_connection(("127.0.0.1", relay.port), timeout=5) as client:
        client.sendall(b"GET /data HTTP/1.1\r\nHost: x\r\n\r\n")
        received = b""
        while piece := client.recv(100):
            received += piece
        assert received == b"HTTP/1.1 2"
        client.sendall(b"still here")  # the relay reads on
        assert relay.open_connections == 1


def test_refuse_and_accept_keep_the_port(relay: Relay) -> None:
    relay.refuse()
    with pytest.raises(ConnectionRefusedError):
        get(relay)
    relay.accept()
    assert get(relay) == CONTENTS


def test_a_server_that_is_not_there_ends_the_connection() -> None:
    with Relay("127.0.0.1", closed_port()) as relay, pytest.raises(ConnectionError):
        get(relay)


def test_a_client_that_leaves_in_the_middle_ends_its_link(relay: Relay) -> None:
    relay.delay(0.05)
    with socket.create_connection(("127.0.0.1", relay.port), timeout=5) as client:
        client.sendall(b"GET /data HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(5) == b"HTTP/"
    wait_until(lambda: relay.open_connections == 0, describe="the link to end with its client")


def test_a_stall_at_a_text_passes_its_line_and_nothing_after_it(relay: Relay, tmp_path: Path) -> None:
    (tmp_path / "lines").write_bytes(b"one\ntwo\nthree\nfour\n")
    relay.stall_at(b"thr")
    with socket.create_connection(("127.0.0.1", relay.port), timeout=5) as client:
        client.sendall(b"GET /lines HTTP/1.0\r\n\r\n")
        got = b""
        while not got.endswith(b"three\n"):
            got += client.recv(1)
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(1)
        relay.resume()
        client.settimeout(5)
        assert client.recv(5) == b"four\n"
