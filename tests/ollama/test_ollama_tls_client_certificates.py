"""Servers that want to know who we are: client certificates, their keys, and the keys' passwords."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from ecs_localai.components.secret_source import SecretPlace, SecretSource
from ecs_localai.components.tls import TlsSettings
from ecs_localai.ollama import OllamaClient, OllamaError
from ecs_localai.ollama.errors import ErrorKind, HostUnreachable
from ecs_localai.ollama.secrets import SecretUnavailable
from ecs_localai.ollama.tls_context import TlsFileUnusable
from ecs_localai.ollama.tls_failures import ClientCertificateRefused
from tests.ollama.ollama_parts import assert_one_clear_sentence
from tests.ollama.ollama_proxy import ReverseProxy
from tests.rig.ollama_server import OllamaServer
from tests.rig.proxy_certificates import ProxyCertificates
from tests.rig.tls_proxy import TlsProxy

PASSWORD = "Ж☂ correct horse"


@pytest.fixture
def certificates(tmp_path: Path) -> ProxyCertificates:
    """A throw-away CA."""
    return ProxyCertificates(tmp_path)


@pytest.fixture
def password_file(tmp_path: Path) -> SecretSource:
    """Where the key's password is kept."""
    path = tmp_path / "key-password"
    path.write_text(PASSWORD + "\n")
    path.chmod(0o600)
    return SecretSource(SecretPlace.FILE, str(path))


async def _failure(url: str, tls: TlsSettings) -> OllamaError:
    async with OllamaClient(url, connect_timeout=3, timeout=5, tls=tls) as client:
        with pytest.raises(OllamaError) as caught:
            await client.version()
    assert_one_clear_sentence(caught.value)
    assert PASSWORD not in repr(vars(caught.value)) + str(caught.value)
    return caught.value


@pytest.mark.ollama
async def test_a_server_that_wants_a_client_certificate(
    ollama_server: OllamaServer, certificates: ProxyCertificates, password_file: SecretSource
) -> None:
    context = certificates.server(client_ca=certificates.ca)
    plain, locked = certificates.client(), certificates.client(password=PASSWORD)
    both = certificates.in_one_file(*plain)
    ca = certificates.ca_file
    async with ReverseProxy(ollama_server.port, tls=context) as proxy:
        url = f"https://localhost:{proxy.port}"
        for tls in (
            TlsSettings(ca, *plain),
            TlsSettings(ca, both),
            TlsSettings(ca, *locked, password_file),
        ):
            async with OllamaClient(url, tls=tls) as client:
                assert await client.version()
                assert len(await client.tags()) >= 2


@pytest.mark.ollama
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_no_client_certificate_where_one_is_wanted(
    ollama_server: OllamaServer, certificates: ProxyCertificates, version: ssl.TLSVersion
) -> None:
    context = certificates.server(client_ca=certificates.ca)
    context.maximum_version = version
    with TlsProxy(ollama_server.port, context) as proxy:
        for _ in range(5):
            error = await _failure(f"https://localhost:{proxy.port}", TlsSettings(certificates.ca_file))
            assert isinstance(error, ClientCertificateRefused)
            assert error.kind is ErrorKind.TLS
            assert "wants a client certificate" in error.message
            assert "give yours" in error.message


@pytest.mark.ollama
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_client_certificate_that_the_server_refuses(
    ollama_server: OllamaServer, certificates: ProxyCertificates, version: ssl.TLSVersion
) -> None:
    foreign = certificates.client(ca=trustme.CA(organization_name="Foreign CA"))
    expired = certificates.client(days_to=-2)
    context = certificates.server(client_ca=certificates.ca)
    context.maximum_version = version
    with TlsProxy(ollama_server.port, context) as proxy:
        url = f"https://localhost:{proxy.port}"
        error = await _failure(url, TlsSettings(certificates.ca_file, *foreign))
        assert isinstance(error, ClientCertificateRefused)
        assert error.certificate is not None
        assert error.certificate.issuer == "Foreign CA"
        assert error.certificate.sha256 in error.message
        assert "is refused" in error.message
        error = await _failure(url, TlsSettings(certificates.ca_file, *expired))
        assert isinstance(error, ClientCertificateRefused)
        assert "has expired" in error.message
        async with OllamaClient(url, tls=TlsSettings(certificates.ca_file, *certificates.client())) as client:
            assert await client.version()


@pytest.mark.ollama
async def test_a_server_that_hangs_up_on_us_without_a_word(
    ollama_server: OllamaServer, certificates: ProxyCertificates
) -> None:
    """asyncio's TLS server tells nobody why a handshake failed."""
    foreign = certificates.client(ca=trustme.CA(organization_name="Foreign CA"))
    async with ReverseProxy(ollama_server.port, tls=certificates.server(client_ca=certificates.ca)) as proxy:
        for tls in (TlsSettings(certificates.ca_file), TlsSettings(certificates.ca_file, *foreign)):
            error = await _failure(f"https://localhost:{proxy.port}", tls)
            assert isinstance(error, HostUnreachable)
            assert "client certificate" in error.message
        assert proxy.requests == []


async def test_keys_that_do_not_open_or_do_not_fit(
    certificates: ProxyCertificates, password_file: SecretSource, tmp_path: Path
) -> None:
    path, key = certificates.client()
    locked_path, locked_key = certificates.client(password="another one")
    text = tmp_path / "text.pem"
    text.write_text("nothing")
    damaged = tmp_path / "damaged.key"
    damaged.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    missing = str(tmp_path / "missing.pem")
    for tls, words in (
        (TlsSettings("", path, certificates.another_key()), "does not belong to"),
        (TlsSettings("", locked_path, locked_key, password_file), "does not open"),
        (TlsSettings("", locked_path, locked_key), "locked by a password"),
        (TlsSettings("", missing, key), "client certificate"),
        (TlsSettings("", path, missing), "client key"),
        (TlsSettings("", str(text), key), "holds no certificate"),
        (TlsSettings("", path, str(text)), "holds no private key"),
        (TlsSettings("", path), "holds no private key"),
        (TlsSettings("", path, str(damaged)), "damaged"),
        (TlsSettings("", str(tmp_path), key), "folder"),
    ):
        error = await _failure("https://localhost", tls)
        assert isinstance(error, TlsFileUnusable), tls
        assert words in error.message


async def test_a_password_that_is_not_where_it_should_be(certificates: ProxyCertificates, tmp_path: Path) -> None:
    nowhere = SecretSource(SecretPlace.FILE, str(tmp_path / "missing-password"))
    error = await _failure("https://localhost", TlsSettings("", *certificates.client(password=PASSWORD), nowhere))
    assert isinstance(error, SecretUnavailable)
    assert "missing-password" in error.message
