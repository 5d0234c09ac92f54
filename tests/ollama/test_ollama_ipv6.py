"""Real IPv6: an Ollama that listens on it, link-local addresses with their zones, and localhost in its two meanings."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from ecs_localai.components.hosts import OllamaConfiguration
from ecs_localai.components.tls import TlsSettings
from ecs_localai.ollama import OllamaClient
from ecs_localai.ollama.tls_failures import CertificateRefused
from tests.ollama.ollama_parts import pipe_to
from tests.ollama.ollama_proxy import ReverseProxy
from tests.rig.ollama_server import OllamaServer
from tests.rig.ports import free_port
from tests.rig.proxy_certificates import ProxyCertificates

pytestmark = pytest.mark.ollama


@pytest.fixture
def dual_ollama() -> Iterator[OllamaServer]:
    """A real Ollama that listens on every address of both families."""
    if not _has_ipv6():
        pytest.skip("this machine has no IPv6 loopback")
    port = free_port()
    with OllamaServer(port=port, env={"OLLAMA_HOST": f"[::]:{port}"}) as server:
        yield server


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def _link_local() -> str | None:
    for addresses in psutil.net_if_addrs().values():
        for entry in addresses:
            if entry.family is socket.AF_INET6 and ipaddress.IPv6Address(entry.address).is_link_local:
                return entry.address
    return None


async def test_an_ollama_on_ipv6(dual_ollama: OllamaServer) -> None:
    for text in (f"[::1]:{dual_ollama.port}", f"http://[::1]:{dual_ollama.port}", f"[::]:{dual_ollama.port}"):
        async with OllamaClient(text) as client:
            assert await client.version()
            assert await client.tags() == []
            assert client.answered_address == "::1"
    config = OllamaConfiguration(host="::1", port=dual_ollama.port)
    async with OllamaClient(config.base_url) as client:
        assert await client.version()


async def test_a_link_local_address_with_its_zone(dual_ollama: OllamaServer) -> None:
    address = _link_local()
    if address is None:
        pytest.skip("no network interface here has a link-local IPv6 address")
    bare, _, zone = address.partition("%")
    for text in (f"[{address}]:{dual_ollama.port}", f"http://[{bare}%25{zone}]:{dual_ollama.port}"):
        async with OllamaClient(text) as client:
            assert await client.version()
            assert client.address.zone == zone
            assert client.answered_address is not None
            assert client.answered_address.partition("%")[0] == bare
    config = OllamaConfiguration(host=address, port=dual_ollama.port)
    async with OllamaClient(config.base_url) as client:
        assert await client.version()


async def test_no_other_machine_is_told_our_zone(ollama_server: OllamaServer, tmp_path: Path) -> None:
    address = _link_local()
    if address is None:
        pytest.skip("no network interface here has a link-local IPv6 address")
    bare = address.partition("%")[0]
    certificates = ProxyCertificates(tmp_path)
    async with ReverseProxy(ollama_server.port, host="::", tls=certificates.server(bare)) as proxy:
        url = f"https://[{address.replace('%', '%25')}]:{proxy.port}"
        async with OllamaClient(url, tls=TlsSettings(ca_file=certificates.ca_file)) as client:
            assert await client.version()
        assert proxy.headers[-1]["Host"] == f"[{bare}]:{proxy.port}"
        async with OllamaClient(url) as client:
            with pytest.raises(CertificateRefused) as caught:
                await client.version()
    assert caught.value.certificate is not None
    assert caught.value.certificate.names == (bare,)


async def test_localhost_is_ipv4_first_and_ipv6_where_only_that_answers(
    ollama_server: OllamaServer, dual_ollama: OllamaServer
) -> None:
    async with OllamaClient(f"localhost:{dual_ollama.port}") as client:
        assert await client.version()
        assert client.answered_address == "127.0.0.1"
    door = await asyncio.start_server(partial(pipe_to, ollama_server.port), "::1", 0)
    async with door:
        port = door.sockets[0].getsockname()[1]
        for name in ("localhost", "models.localhost", "LOCALHOST."):
            async with OllamaClient(f"{name}:{port}") as client:
                assert await client.version()
                assert client.answered_address == "::1"


async def test_a_tls_proxy_on_ipv6(ollama_server: OllamaServer, tmp_path: Path) -> None:
    if not _has_ipv6():
        pytest.skip("this machine has no IPv6 loopback")
    certificates = ProxyCertificates(tmp_path)
    async with ReverseProxy(ollama_server.port, host="::1", tls=certificates.server("::1")) as proxy:
        tls = TlsSettings(ca_file=certificates.ca_file)
        async with OllamaClient(f"https://[::1]:{proxy.port}", tls=tls) as client:
            assert await client.version()
        async with OllamaClient(f"https://localhost:{proxy.port}", tls=tls) as client:
            with pytest.raises(CertificateRefused) as caught:
                await client.version()
    assert "is not for localhost" in caught.value.message
    assert "::1" in caught.value.message
