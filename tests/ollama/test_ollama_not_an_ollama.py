"""Addresses that are wrong, servers that aren't Ollama, connections that break: one clear sentence each."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest
import trustme

from ecs_localai.components.tls import TlsSettings
from ecs_localai.ollama import OllamaClient, OllamaError, PullFailed, PullFailure
from ecs_localai.ollama.errors import (
    BadReply,
    ErrorKind,
    HostForbidden,
    HostUnreachable,
    NotAnOllama,
    ServerFailure,
    Unauthorized,
)
from tests.ollama.ollama_parts import assert_one_clear_sentence
from tests.ollama.ollama_proxy import ReverseProxy
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
from tests.rig.relay import Relay

Call = Callable[[OllamaClient], Awaitable[object]]

CALLS: dict[str, Call] = {
    "version": lambda client: client.version(),
    "tags": lambda client: client.tags(),
    "ps": lambda client: client.ps(),
    "show": lambda client: client.show("x"),
    "delete": lambda client: client.delete("x"),
    "copy": lambda client: client.copy("x", "y"),
    "load": lambda client: client.load("x"),
    "unload": lambda client: client.unload("x"),
    "blob_exists": lambda client: client.blob_exists("sha256:" + "0" * 64),
    "generate": lambda client: client.generate("x", "y"),
    "pull": lambda client: client.pull("x", stall_timeout=5),
}
PATIENCE = 60.0
"""Seconds for megabytes on a busy machine."""
SHORT_CALLS = {name: call for name, call in CALLS.items() if name not in {"load", "generate", "pull"}}


async def _failure(
    base_url: str, call: Call, *, ca_file: str = "", patience: float = 0.5, **headers: str
) -> OllamaError:
    tls = TlsSettings(ca_file=ca_file) if ca_file else None
    async with OllamaClient(base_url, connect_timeout=2, timeout=patience, headers=headers, tls=tls) as client:
        with pytest.raises(OllamaError) as caught:
            await call(client)
        assert_one_clear_sentence(caught.value)
        return caught.value


@pytest.mark.parametrize("name", CALLS)
async def test_a_port_where_nothing_listens(name: str) -> None:
    error = await _failure(f"127.0.0.1:{closed_port()}", CALLS[name])
    assert isinstance(error, HostUnreachable)
    assert error.kind is ErrorKind.REFUSED
    assert error.retryable
    assert "Nothing listens at 127.0.0.1:" in error.message
    assert "start Ollama" in error.message


async def test_localhost_where_nothing_listens_on_either_address() -> None:
    error = await _failure(f"localhost:{closed_port()}", CALLS["version"])
    assert error.kind is ErrorKind.REFUSED


async def test_a_name_that_nobody_knows() -> None:
    async with OllamaClient("nobody-has-this-name.invalid", connect_timeout=10, timeout=10) as client:
        with pytest.raises(HostUnreachable) as caught:
            await client.version()
    assert caught.value.kind is ErrorKind.DNS
    assert "nobody-has-this-name.invalid" in caught.value.message
    assert_one_clear_sentence(caught.value)


@pytest.mark.parametrize("name", CALLS)
async def test_a_web_page_instead_of_ollama(name: str) -> None:
    with CaptivePortal() as server:
        error = await _failure(server.base_url, CALLS[name])
    assert isinstance(error, NotAnOllama)
    assert "web page" in error.message


@pytest.mark.parametrize("name", [name for name in CALLS if name != "blob_exists"])
@pytest.mark.parametrize("kind", [OtherJsonApi, LooseJsonApi])
async def test_another_programs_json(kind: type[OddServer], name: str) -> None:
    """A missing blob is a plain 404 everywhere, so ``blob_exists`` can't tell."""
    with kind() as server:
        error = await _failure(server.base_url, CALLS[name])
    assert isinstance(error, NotAnOllama)
    assert not error.retryable


@pytest.mark.parametrize("name", ["version", "tags", "ps", "show", "load"])
async def test_ten_megabytes_in_one_line_of_the_wrong_json(name: str) -> None:
    with LongLines() as server:
        error = await _failure(server.base_url, CALLS[name], patience=PATIENCE)
    assert isinstance(error, NotAnOllama | BadReply)


async def test_ten_megabyte_lines_instead_of_a_pull() -> None:
    statuses: list[str] = []
    with LongLines() as server:
        error = await _failure(
            server.base_url, lambda client: client.pull("x", on_progress=lambda now: statuses.append(now.status))
        )
    assert isinstance(error, PullFailed)
    assert error.kind is PullFailure.CUT
    assert all(len(status) <= 200 for status in statuses)


@pytest.mark.parametrize(
    "call", [lambda client: client.pull("x", stall_timeout=PATIENCE), CALLS["generate"]], ids=["pull", "generate"]
)
async def test_a_line_without_end(call: Call) -> None:
    with LongLines(40_000_000) as server:
        error = await _failure(server.base_url, call, patience=PATIENCE)
    assert isinstance(error, BadReply)
    assert "32 MiB" in error.message


async def test_a_reply_without_end() -> None:
    with LongLines(80_000_000) as server:
        async with OllamaClient(server.base_url) as client:
            with pytest.raises(BadReply) as caught:
                await client.tags()
    assert "64 MiB" in caught.value.message
    assert_one_clear_sentence(caught.value)


@pytest.mark.parametrize("name", [name for name in CALLS if name != "blob_exists"])
async def test_a_connection_closed_in_the_middle_of_a_reply(name: str) -> None:
    with HalfCloser() as server:
        error = await _failure(server.base_url, CALLS[name])
    assert isinstance(error, BadReply | PullFailed)
    if isinstance(error, PullFailed):
        assert error.kind is PullFailure.CUT
    assert error.retryable


@pytest.mark.parametrize("name", SHORT_CALLS)
async def test_a_server_that_never_answers(name: str) -> None:
    with Silent() as server:
        error = await _failure(server.base_url, CALLS[name])
    assert isinstance(error, HostUnreachable)
    assert error.kind is ErrorKind.TIMED_OUT
    assert error.retryable
    assert "0.5 s" in error.message


async def test_a_server_that_never_answers_a_pull() -> None:
    with Silent() as server:
        error = await _failure(server.base_url, lambda client: client.pull("x", stall_timeout=0.3))
    assert isinstance(error, PullFailed)
    assert error.kind is PullFailure.STALLED
    assert error.retryable
    assert "0.3 s" in error.message


@pytest.mark.parametrize("name", CALLS)
async def test_a_server_of_another_protocol(name: str) -> None:
    with NotHttp() as server:
        error = await _failure(server.base_url, CALLS[name])
    assert isinstance(error, NotAnOllama)
    assert "HTTP" in error.message


async def test_an_address_that_swallows_connections() -> None:
    """A listener whose queue is full: the kernel drops what would connect, as a firewall does."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=0)) as full:
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
            async with OllamaClient(f"127.0.0.1:{port}", connect_timeout=0.3, timeout=5) as client:
                with pytest.raises(HostUnreachable) as caught:
                    await client.version()
                with pytest.raises(HostUnreachable) as pulling:
                    await client.pull("x")
        finally:
            for filler in fillers:
                filler.close()
    for error in (caught.value, pulling.value):
        assert error.kind is ErrorKind.TIMED_OUT
        assert "0.3 s" in error.message
        assert_one_clear_sentence(error)


@pytest.mark.ollama
@pytest.mark.parametrize("name", ["version", "tags", "show", "pull"])
async def test_a_host_header_that_ollama_does_not_allow(ollama_server: OllamaServer, name: str) -> None:
    error = await _failure(ollama_server.base_url, CALLS[name], Host="ollama.example.com")
    assert isinstance(error, HostForbidden)
    assert "OLLAMA_HOST=0.0.0.0" in error.message


@pytest.mark.ollama
async def test_no_origin_is_sent_unless_asked_for(ollama_server: OllamaServer) -> None:
    error = await _failure(ollama_server.base_url, CALLS["version"], Origin="http://foreign.example")
    assert isinstance(error, HostForbidden)


@pytest.mark.ollama
async def test_a_proxy_that_wants_a_log_in(ollama_server: OllamaServer) -> None:
    async with ReverseProxy(ollama_server.port, token="open sesame", base_path="/ollama") as proxy:
        url = f"http://127.0.0.1:{proxy.port}/ollama"
        for call in (CALLS["version"], CALLS["pull"], CALLS["show"]):
            error = await _failure(url, call)
            assert isinstance(error, Unauthorized)
        async with OllamaClient(url, headers={"Authorization": "Bearer open sesame"}) as client:
            assert await client.version()
            assert len(await client.tags()) >= 2


async def test_a_proxy_whose_ollama_is_down() -> None:
    async with ReverseProxy(closed_port()) as proxy:
        error = await _failure(f"http://127.0.0.1:{proxy.port}", CALLS["version"])
    assert isinstance(error, ServerFailure)
    assert error.retryable
    assert "502" in error.message


async def test_a_server_that_sends_us_on() -> None:
    async with ReverseProxy(closed_port(), redirect="https://elsewhere.example/") as proxy:
        for call in (CALLS["version"], CALLS["delete"], CALLS["pull"]):
            error = await _failure(f"http://127.0.0.1:{proxy.port}", call)
            assert isinstance(error, NotAnOllama)
            assert "https://elsewhere.example/" in error.message


@pytest.mark.ollama
async def test_a_path_too_much(ollama_server: OllamaServer) -> None:
    error = await _failure(f"{ollama_server.base_url}/api", CALLS["version"])
    assert isinstance(error, NotAnOllama)
    assert "without the /api" in error.message


@pytest.fixture
def authority(tmp_path: Path) -> tuple[ssl.SSLContext, str]:
    """A server's TLS context with a certificate for localhost, and the file of the CA that signed it."""
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    return context, str(tmp_path / "ca.pem")


@pytest.mark.ollama
async def test_tls_with_a_certificate_of_ones_own(
    ollama_server: OllamaServer, authority: tuple[ssl.SSLContext, str]
) -> None:
    context, ca_file = authority
    async with ReverseProxy(ollama_server.port, tls=context) as proxy:
        async with OllamaClient(f"https://localhost:{proxy.port}", tls=TlsSettings(ca_file=ca_file)) as client:
            assert await client.version()
            assert client.answered_address == "127.0.0.1"
        untrusted = await _failure(f"https://localhost:{proxy.port}", CALLS["version"])
        assert untrusted.kind is ErrorKind.TLS
        assert "not trusted" in untrusted.message
        wrong_name = await _failure(f"https://127.0.0.1:{proxy.port}", CALLS["version"], ca_file=ca_file)
        assert wrong_name.kind is ErrorKind.TLS
        plain = await _failure(f"http://localhost:{proxy.port}", CALLS["version"])
        assert isinstance(plain, HostUnreachable | NotAnOllama)


@pytest.mark.ollama
async def test_https_to_a_plain_ollama(ollama_server: OllamaServer) -> None:
    error = await _failure(f"https://127.0.0.1:{ollama_server.port}", CALLS["version"])
    assert error.kind is ErrorKind.TLS
    assert "http://" in error.message


async def test_a_ca_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for name in ("ca.pem", "missing.pem"):
        async with OllamaClient("https://localhost", tls=TlsSettings(ca_file=str(tmp_path / name))) as client:
            with pytest.raises(HostUnreachable) as caught:
                await client.version()
            assert caught.value.kind is ErrorKind.TLS
            assert name in caught.value.message


@pytest.mark.ollama
async def test_a_connection_reset_before_the_answer(ollama_server: OllamaServer) -> None:
    with Relay("127.0.0.1", ollama_server.port) as relay:
        relay.cut_after_bytes(1)
        error = await _failure(relay.base_url, CALLS["version"])
        assert isinstance(error, HostUnreachable | BadReply | NotAnOllama)
        relay.resume()
        async with OllamaClient(relay.base_url) as client:
            assert await client.version()


@pytest.mark.ollama
async def test_pooled_connections_that_died_are_replaced(ollama_server: OllamaServer) -> None:
    with Relay("127.0.0.1", ollama_server.port) as relay:
        async with OllamaClient(relay.base_url) as client:
            for _ in range(3):
                assert await client.version()
                assert (await client.show("tiny")).modelfile
                relay.cut()
                await asyncio.sleep(0)
            relay.refuse()
            relay.cut()
            with pytest.raises(HostUnreachable):
                await client.version()
            relay.accept()
            assert await client.version()
            assert relay.accepted_connections >= 4
