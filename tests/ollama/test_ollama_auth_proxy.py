"""An Ollama behind a proxy that wants a log-in, under a path of its own, over TLS: everything works there, too."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ecs_localai.components.authentication import OllamaAuth
from ecs_localai.components.secret_source import SecretPlace, SecretSource
from ecs_localai.components.tls import TlsSettings
from ecs_localai.ollama import ErrorKind, OllamaClient
from ecs_localai.ollama.errors import HostForbidden, Unauthorized
from ecs_localai.ollama.secrets import resolve_auth
from tests.ollama.ollama_parts import ProgressLog, assert_one_clear_sentence
from tests.ollama.ollama_proxy import ReverseProxy
from tests.rig.ollama_server import OllamaServer
from tests.rig.proxy_certificates import ProxyCertificates
from tests.rig.registry import Registry

pytestmark = pytest.mark.ollama

SECRET = "Жgr☂ün open sesame"


@pytest.fixture
def certificates(tmp_path: Path) -> ProxyCertificates:
    """A throw-away CA."""
    return ProxyCertificates(tmp_path)


@pytest.fixture
def secret_file(tmp_path: Path) -> SecretSource:
    """A file with the secret."""
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n", encoding="utf-8")
    path.chmod(0o600)
    return SecretSource(SecretPlace.FILE, str(path))


@pytest.mark.parametrize("kind", ["bearer", "basic", "header"])
async def test_every_kind_of_log_in_behind_tls_and_a_path(
    ollama_server: OllamaServer, certificates: ProxyCertificates, secret_file: SecretSource, kind: str
) -> None:
    auth = {
        "bearer": OllamaAuth.bearer(source=secret_file),
        "basic": OllamaAuth.basic("ada", source=secret_file),
        "header": OllamaAuth.headers({"X-Api-Key": secret_file}),
    }[kind]
    proxy = ReverseProxy(
        ollama_server.port,
        token=SECRET if kind == "bearer" else "",
        basic=("ada", SECRET) if kind == "basic" else None,
        header=("X-Api-Key", SECRET) if kind == "header" else None,
        base_path="/behind/ollama",
        tls=certificates.server(),
    )
    tls = TlsSettings(ca_file=certificates.ca_file)
    async with proxy:
        url = f"https://localhost:{proxy.port}/behind/ollama"
        headers = await asyncio.to_thread(resolve_auth, auth)
        async with OllamaClient(url, headers=headers, tls=tls) as client:
            assert await client.version()
            assert {"tiny:latest", "smollm2:135m"} <= {model.name for model in await client.tags()}
            assert (await client.show("tiny")).modelfile
            assert await client.ps() is not None
        async with OllamaClient(url, tls=tls) as stranger:
            with pytest.raises(Unauthorized) as caught:
                await stranger.version()
        assert_one_clear_sentence(caught.value)
        assert caught.value.kind is ErrorKind.UNAUTHORIZED
        assert f"localhost:{proxy.port}/behind/ollama" in caught.value.message


@pytest.mark.registry
async def test_a_pull_through_a_proxy_with_tls_a_path_and_a_log_in(
    fresh_ollama: OllamaServer, registry: Registry, certificates: ProxyCertificates
) -> None:
    model = registry.name_for("middle:latest")
    proxy = ReverseProxy(fresh_ollama.port, token=SECRET, base_path="/ollama", tls=certificates.server())
    progress = ProgressLog()
    headers = OllamaAuth.bearer(SECRET).request_headers()
    async with proxy:
        url = f"https://localhost:{proxy.port}/ollama"
        tls = TlsSettings(ca_file=certificates.ca_file)
        async with OllamaClient(url, headers=headers, tls=tls) as client:
            await client.pull(model, insecure=True, on_progress=progress)
            assert len(await client.tags()) == 1
    assert len(progress.entries) > 2
    assert progress.last.bytes_downloaded == progress.last.total_bytes > 11_000_000


async def test_a_proxy_that_does_not_rewrite_the_host_header(ollama_server: OllamaServer) -> None:
    """Ollama accepts localhost and addresses of private networks alone (0.9.3)."""
    async with ReverseProxy(ollama_server.port, keep_host=True) as proxy:
        async with OllamaClient(f"localhost:{proxy.port}") as client:
            assert await client.version()
        async with OllamaClient(f"localhost:{proxy.port}", headers={"Host": "models.example.com"}) as client:
            with pytest.raises(HostForbidden) as caught:
                await client.version()
    assert "Host header" in caught.value.message
    assert_one_clear_sentence(caught.value)
