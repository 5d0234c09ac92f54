"""Which HTTP requests are let in: a web page must get nothing through the browser, whatever name it goes by."""

from __future__ import annotations

import ipaddress
import logging
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_localai.remote.errors import REFUSED
from ecs_localai.remote.gate import MOST_BODY_BYTES, is_loopback
from tests.remote.remote_parts import Position, Remote, post, request

LIST = request("world.list_components")


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://127.0.0.1:15702", "http://localhost", "null", "file://", ""]
)
def test_a_request_of_a_web_page_is_refused(remote: Remote, origin: str) -> None:
    reply = remote.post(LIST, {"Origin": origin})
    assert (reply.status, reply.error_code) == (403, REFUSED)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:15702",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil.example@127.0.0.1",
        "127.0.0.1@evil.example",
        "192.168.0.1",
        "0.0.0.0",
        "[::]",
        "[fe80::1]",
        "2130706433",
        "127.0.0.1:nonsense",
        "",
    ],
)
def test_a_name_that_was_rebound_to_this_machine_is_refused(remote: Remote, host: str) -> None:
    remote.app.world.spawn(Position())
    reply = remote.post(LIST, {"Host": host})
    assert reply.status in (400, 403)  # 400 where it is no proper header at all
    assert b"Position" not in reply.body


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:15702", "localhost", "LocalHost:9999", "[::1]:1", "127.1.2.3"]
)
def test_the_names_of_this_machine_are_let_in_with_any_port(remote: Remote, host: str) -> None:
    assert remote.post(LIST, {"Host": host}).status == 200


@given(st.ip_addresses(), st.none() | st.integers(0, 99_999))
def test_of_addresses_only_loopback_ones_are_let_in(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int | None
) -> None:
    name = f"[{address}]" if address.version == 6 else str(address)
    assert is_loopback(name if port is None else f"{name}:{port}") == address.is_loopback


@given(st.text(max_size=30))
def test_no_other_text_is_let_in(text: str) -> None:
    name = text.strip().partition(":")[0].lower()
    assert not is_loopback(text) or name == "localhost" or name.startswith(("127.", "["))


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp", ""]
)
def test_what_a_page_may_send_without_asking_first_is_refused(remote: Remote, content_type: str) -> None:
    reply = remote.post(LIST, {"Content-Type": content_type})
    assert (reply.status, reply.error_code) == (415, REFUSED)


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_may_say_more_about_itself(remote: Remote, content_type: str) -> None:
    assert remote.post(LIST, {"Content-Type": content_type}).status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_anything_but_post_is_refused(remote: Remote, method: str) -> None:
    reply = remote.stepped(lambda: post(remote.port, b"", method=method))
    assert reply.status == 405


def test_a_body_that_is_too_big_is_refused(remote: Remote) -> None:
    reply = remote.post(b" " * (MOST_BODY_BYTES + 1))
    assert (reply.status, reply.error_code) == (413, REFUSED)
    assert remote.post(LIST + b" " * (MOST_BODY_BYTES - len(LIST))).status == 200


def test_a_compressed_body_is_not_unpacked(remote: Remote) -> None:
    assert remote.post(LIST, {"Content-Encoding": "gzip"}).data["result"] == []  # read as it is


@pytest.mark.parametrize(
    "sent",
    [
        b"POST / HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nContent-Type: application/json\r\n"
        b"Content-Length: 2\r\n\r\n{}",
        b"POST http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\nContent-Type: application/json\r\n"
        b"Content-Length: 2\r\n\r\n{}",
        b"POST /elsewhere HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Type: text/plain\r\n"
        b"Content-Length: 2\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: -2\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
    ids=[
        "no host", "two hosts", "absolute", "elsewhere", "two types", "two lengths", "no length", "long", "nonsense"
    ],
)  # fmt: skip
def test_odd_requests_are_refused_and_fill_nobody_s_log(
    remote: Remote, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    def ask() -> bytes:
        with socket.create_connection(("127.0.0.1", remote.port), timeout=20) as connection:
            connection.sendall(sent)
            return connection.recv(1 << 16)

    answer = remote.stepped(ask)
    assert answer.split()[1] in (b"400", b"403", b"404", b"415"), answer
    assert [record.getMessage() for record in caplog.records if record.levelno > logging.DEBUG] == []


def test_only_loopback_is_listened_on(remote: Remote) -> None:
    elsewhere = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in elsewhere - {"127.0.0.1"}:
        with pytest.raises(OSError):  # noqa: PT011 - refused or unreachable, as the system has it
            socket.create_connection((str(address), remote.port), timeout=2).close()
