"""The odd servers are odd in the way that they say, as a plain client sees it."""

from __future__ import annotations

import http.client
import json

import pytest

from tests.rig.odd_servers import (
    CaptivePortal,
    HalfCloser,
    LongLines,
    LooseJsonApi,
    NotHttp,
    OtherJsonApi,
    Silent,
    closed_port,
)
from tests.rig.plain_http import call


def test_the_captive_portal_answers_html_to_everything() -> None:
    with CaptivePortal() as portal:
        answer = call(portal.port, "POST", "/api/pull", {"model": "x"})
        assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert answer.body == CaptivePortal.PAGE
        assert call(portal.port, "HEAD", "/").body == b""
        assert portal.requests == ["POST /api/pull", "HEAD /"]


def test_the_other_api_speaks_json_that_is_not_ollamas() -> None:
    with OtherJsonApi() as api:
        assert call(api.port, "GET", "/").json() == {"service": "inventory", "items": 3}
        assert call(api.port, "GET", "/api/version").status == 404
    with LooseJsonApi() as api:
        assert isinstance(json.loads(call(api.port, "GET", "/api/version").body), list)


def test_long_lines_are_ten_megabytes_each() -> None:
    with LongLines() as server:
        body = call(server.port, "GET", "/api/version").body
        assert len(body) == 10_000_000
        assert isinstance(json.loads(body), dict)
        lines = call(server.port, "POST", "/api/pull", {"model": "x"}).body.split(b"\n")
        assert [len(line) for line in lines] == [9_999_999] * 3 + [0]


def test_the_half_closer_sends_headers_without_the_body() -> None:
    with HalfCloser() as server, pytest.raises(http.client.IncompleteRead):
        call(server.port, "GET", "/api/tags")


def test_the_silent_server_never_answers() -> None:
    with Silent() as server:
        with pytest.raises(TimeoutError):
            call(server.port, "GET", "/api/version", timeout=0.2)
        assert server.requests == ["GET /api/version"]


def test_what_is_not_http_is_not_http() -> None:
    with NotHttp() as server, pytest.raises(http.client.BadStatusLine):
        call(server.port, "GET", "/")


def test_nobody_listens_on_a_closed_port() -> None:
    with pytest.raises(ConnectionRefusedError):
        call(closed_port(), "GET", "/")
