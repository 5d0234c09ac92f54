"""Behind a real reverse proxy: base path, API key, TLS with a certificate of one's own."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from ecs_localai.components.tls import TlsSettings
from ecs_localai.ollama.errors import ErrorKind, HostUnreachable, NotAnOllama, ServerFailure, Unauthorized
from ecs_localai.providers import OpenAIProvider
from tests.ollama.ollama_proxy import ReverseProxy
from tests.providers.providers_parts import HELLO, SHORT, assert_clear
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer

pytestmark = pytest.mark.ollama


async def test_a_base_path_and_an_api_key(ollama_server: OllamaServer) -> None:
    async with ReverseProxy(ollama_server.port, token="open sesame", base_path="/llm") as proxy:
        url = f"127.0.0.1:{proxy.port}/llm/v1"
        async with OpenAIProvider(url) as provider:
            for call in (provider.probe(), provider.chat("tiny", HELLO, SHORT)):
                with pytest.raises(Unauthorized) as caught:
                    await call
                assert_clear(caught.value)
        async with OpenAIProvider(url, headers={"Authorization": "Bearer open sesame"}) as provider:
            assert (await provider.probe()).program == "Ollama"
            assert (await provider.chat("tiny", HELLO, SHORT)).completion_tokens == 4


async def test_tls(ollama_server: OllamaServer, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    async with ReverseProxy(ollama_server.port, tls=context) as proxy:
        url = f"https://localhost:{proxy.port}"
        async with OpenAIProvider(url, tls=TlsSettings(ca_file=str(tmp_path / "ca.pem"))) as provider:
            assert len(await provider.models()) >= 2
            assert (await provider.chat("tiny", HELLO, SHORT)).text
        async with OpenAIProvider(url) as provider:
            with pytest.raises(HostUnreachable) as caught:
                await provider.probe()
            assert caught.value.kind is ErrorKind.TLS
            assert "certificate" in caught.value.message


async def test_https_to_a_plain_server(ollama_server: OllamaServer) -> None:
    async with OpenAIProvider(f"https://127.0.0.1:{ollama_server.port}/v1") as provider:
        with pytest.raises(HostUnreachable) as caught:
            await provider.probe()
    assert caught.value.kind is ErrorKind.TLS
    assert "Ollama" not in caught.value.message


async def test_the_server_behind_the_proxy_is_down() -> None:
    async with ReverseProxy(closed_port()) as proxy, OpenAIProvider(f"127.0.0.1:{proxy.port}") as provider:
        with pytest.raises(ServerFailure) as caught:
            await provider.probe()
    assert caught.value.retryable
    assert_clear(caught.value)


async def test_a_proxy_that_sends_us_on(ollama_server: OllamaServer) -> None:
    async with (
        ReverseProxy(ollama_server.port, redirect="https://elsewhere.example/") as proxy,
        OpenAIProvider(f"127.0.0.1:{proxy.port}") as provider,
    ):
        with pytest.raises(NotAnOllama) as caught:
            await provider.models()
    assert "https://elsewhere.example/" in caught.value.message
