"""The host: missing at the start, appearing, dying, replaced by another, and what is no Ollama at all."""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack

import pytest

from ecs_localai import HostEdited, OllamaConnectionStatusChanged, OllamaHostManager, RefreshRequested
from ecs_localai.components.panel_view import Tone
from tests.rig.odd_servers import (
    CaptivePortal,
    HalfCloser,
    LongLines,
    LooseJsonApi,
    NotHttp,
    OddServer,
    OtherJsonApi,
    Silent,
    closed_port,
)
from tests.rig.ollama_server import OllamaServer
from tests.rig.ports import free_port
from tests.rig.waiting import run_frames_until
from tests.systems.systems_parts import Driven, assert_clear

ODD_SERVERS: list[type[OddServer]] = [
    CaptivePortal,
    OtherJsonApi,
    LooseJsonApi,
    LongLines,
    HalfCloser,
    NotHttp,
    Silent,
]


def transitions(driven: Driven) -> list[tuple[bool, bool]]:
    """Each appearance and disappearance; not the news of another reason."""
    events = driven.events(OllamaConnectionStatusChanged)
    return [(one.old_status, one.new_status) for one in events if one.old_status != one.new_status]


def test_no_host_is_said_with_a_sentence_and_advice() -> None:
    with Driven() as driven:
        driven.update()
        assert (driven.view.host.status_text, driven.view.host.tone) == ("Connecting", Tone.NEUTRAL)
        driven.until(lambda: driven.view.host.status_text == "Not connected")
        host = driven.view.host
        assert host.tone is Tone.DANGER
        assert_clear(host.detail)
        assert any("ollama serve" in step for step in host.advice)
        assert any("ollama.com/download" in step for step in host.advice)
        assert "Ollama" in driven.view.models_empty_text
        health = driven.app.world.query(OllamaHostManager)[0][1].health_monitor
        assert not health.is_healthy
        assert health.last_health_check is not None
        assert (health.error_count, health.consecutive_failures) == (1, 1)
        assert transitions(driven) == []
        (news,) = driven.events(OllamaConnectionStatusChanged)  # that it was not there from the start
        assert (news.old_status, news.new_status, news.error_message) == (False, False, host.detail)


def test_a_host_that_comes_and_goes_is_followed() -> None:
    """Not there, started, killed as the kernel kills, started again: each seen without anybody's help."""
    server = OllamaServer(port=free_port())
    try:
        with Driven(server.port) as driven:
            driven.until(lambda: driven.view.host.status_text == "Not connected")
            server.start()
            driven.until(lambda: transitions(driven) == [(False, True)])
            assert driven.events(OllamaConnectionStatusChanged)[-1].error_message is None
            host = driven.view.host
            assert (host.status_text, host.tone, host.detail, host.advice) == ("Connected", Tone.OK, None, [])
            assert host.version == server.call("GET", "/api/version").json()["version"]
            assert host.response_time_ms is not None
            assert host.response_time_ms > 0
            assert driven.models.ollama_config.api_version == host.version
            server.kill()
            driven.until(lambda: transitions(driven)[1:] == [(True, False)])
            (gone,) = [
                one for one in driven.events(OllamaConnectionStatusChanged) if one.old_status and not one.new_status
            ]
            assert_clear(gone.error_message)
            assert driven.view.host.status_text == "Not connected"
            server.restart()
            driven.until(lambda: transitions(driven)[2:] == [(False, True)])
            assert driven.view.host.status_text == "Connected"
    finally:
        server.stop()


def test_refresh_asks_a_missing_host_at_once(fresh_ollama: OllamaServer) -> None:
    """Between two probes of a host that fails lie up to two seconds; nobody has to wait for them."""
    fresh_ollama.terminate()
    with Driven(fresh_ollama.port) as driven:
        driven.clock_stands = True
        driven.until(lambda: driven.view.host.status_text == "Not connected")
        fresh_ollama.restart()
        driven.write(RefreshRequested())
        driven.until(lambda: driven.view.host.status_text == "Connected")


def test_another_host_replaces_the_first(ollama_server: OllamaServer, fresh_ollama: OllamaServer) -> None:
    """Nothing of the first host is shown as the second one's."""
    with Driven(ollama_server.port) as driven:
        driven.connect()
        driven.write(HostEdited(fresh_ollama.host_port))
        driven.update()
        assert driven.view.host.address == fresh_ollama.base_url
        assert driven.view.host.status_text == "Connecting"
        assert driven.view.models == []
        assert driven.models.installed_models == {}
        driven.until(lambda: driven.view.host.status_text == "Connected")
        changes = driven.events(OllamaConnectionStatusChanged)
        assert transitions(driven) == [(False, True), (True, False), (False, True)]
        assert [one.host for one in changes] == [ollama_server.base_url, ollama_server.base_url, fresh_ollama.base_url]
        assert driven.models.ollama_config.port == fresh_ollama.port
        driven.write(HostEdited(f" {ollama_server.base_url}/ "))
        driven.until(lambda: driven.model_row("tiny:latest"))
        assert driven.models.ollama_config.port == ollama_server.port


def test_the_same_host_confirmed_again_is_asked_at_once(ollama_server: OllamaServer) -> None:
    with Driven(ollama_server.port) as driven:
        driven.connect()
        health = driven.app.world.query(OllamaHostManager)[0][1].health_monitor
        driven.clock_stands = True
        first = health.last_health_check
        driven.write(HostEdited(ollama_server.host_port))
        driven.until(lambda: health.last_health_check != first)
        assert transitions(driven) == [(False, True)]
        assert driven.model_row("tiny:latest") is not None


@pytest.mark.parametrize("text", ["http://", "127.0.0.1:99999", "ftp://127.0.0.1", "two words", "a@b@c:1", "[::1"])
def test_a_bad_address_is_refused_with_a_notice_and_changes_nothing(text: str, ollama_server: OllamaServer) -> None:
    with Driven(ollama_server.port) as driven:
        driven.until(lambda: driven.view.host.status_text == "Connected")
        driven.write(HostEdited(text))
        driven.until(driven.notices)
        assert len(driven.notices()) == 1
        assert_clear(driven.notices()[0])
        assert driven.view.host.address == ollama_server.base_url
        assert driven.view.host.status_text == "Connected"
        assert transitions(driven) == [(False, True)]


class Together:
    """Several apps whose frames are run in turn, so that waiting for the slowest is waiting for all."""

    def __init__(self, apps: list[Driven]) -> None:
        self.apps = apps

    def update(self, dt: float | None = None) -> None:
        """One frame of each."""
        for driven in self.apps:
            driven.update(dt)

    def until_all(self, status: str) -> None:
        """Run frames until every app's host has this status."""
        shown = [driven.view for driven in self.apps]
        run_frames_until(self, lambda: all(view.host.status_text == status for view in shown), 30, lambda: f"{shown}")


def test_what_does_not_answer_as_an_ollama_is_said_in_one_sentence_each(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer
) -> None:
    """Every kind of wrong server gets its sentence, and the same world then connects to a real one.

    The last of them is a real Ollama that hangs: its process is stopped, so the kernel still accepts connections
    for it and no answer comes. It comes back by itself.
    """
    with ExitStack() as stack:
        odd = {kind: stack.enter_context(Driven(stack.enter_context(kind()).port)) for kind in ODD_SERVERS}
        hanging = stack.enter_context(Driven(fresh_ollama.port))
        hanging.until(lambda: hanging.view.host.status_text == "Connected")
        fresh_ollama.pause()
        hanging.write(RefreshRequested())
        everyone = Together([*odd.values(), hanging])
        everyone.until_all("Not connected")
        for driven in everyone.apps:
            assert_clear(driven.view.host.detail)
            assert driven.view.host.advice
        assert "web page" in str(odd[CaptivePortal].view.host.detail)
        for driven in (odd[Silent], hanging):
            assert "no answer" in str(driven.view.host.detail)
        fresh_ollama.unpause()
        for driven in odd.values():
            driven.write(HostEdited(ollama_server.host_port))
        everyone.until_all("Connected")
        assert transitions(hanging) == [(False, True), (True, False), (False, True)]


def test_a_closed_port_is_a_sentence_too() -> None:
    port = closed_port()
    with Driven(port) as driven:
        driven.until(lambda: driven.view.host.detail)
        assert f"127.0.0.1:{port}" in str(driven.view.host.detail)


class HalfConfiguredProxy(OddServer):
    """A proxy before a real Ollama that lets ``/api/version`` through and forbids the rest."""

    def __init__(self, target: OllamaServer) -> None:
        self._target = target
        super().__init__()

    async def respond(self, method: str, path: str, writer: asyncio.StreamWriter) -> None:
        """What the real server says, or 403 as a web page."""
        status, kind, body = "403 Forbidden", "text/html", b"<html><body>Forbidden</body></html>"
        if path == "/api/version":
            answer = await asyncio.to_thread(self._target.call, "GET", path)
            status, kind, body = "200 OK", "application/json", json.dumps(answer.json()).encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + (b"" if method == "HEAD" else body))


def test_a_server_whose_models_cannot_be_listed_says_why(fresh_ollama: OllamaServer) -> None:
    with HalfConfiguredProxy(fresh_ollama) as server, Driven(server.port) as driven:
        driven.until(lambda: "cannot be listed" in driven.view.models_empty_text)
        assert_clear(driven.view.models_empty_text.removeprefix("The models cannot be listed. "))
        assert "installed" not in driven.view.summary, "nothing was counted"
