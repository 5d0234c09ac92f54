"""https: whom we trust, and an error that names the certificate of whom we don't."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from ecs_localai.components.tls import TlsSettings
from ecs_localai.ollama import OllamaClient, OllamaError
from ecs_localai.ollama.certificate import CertificateFacts
from ecs_localai.ollama.errors import ErrorKind, HostUnreachable
from ecs_localai.ollama.tls_context import TlsFileUnusable
from ecs_localai.ollama.tls_failures import CertificateProblem, CertificateRefused
from tests.ollama.ollama_parts import assert_one_clear_sentence
from tests.ollama.ollama_proxy import ReverseProxy
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.proxy_certificates import ProxyCertificates

pytestmark = pytest.mark.ollama


@pytest.fixture
def certificates(tmp_path: Path) -> ProxyCertificates:
    """A throw-away CA."""
    return ProxyCertificates(tmp_path)


def _assert_clear(error: OllamaError) -> None:
    """One sentence; one that names a certificate with its fingerprint may be longer than others."""
    if not isinstance(error, CertificateRefused):
        assert_one_clear_sentence(error)
    assert str(error) == error.message
    assert error.message.endswith(".")
    assert ". " not in error.message
    assert "\n" not in error.message
    assert len(error.message) < 400


async def _failure(url: str, tls: TlsSettings | None = None) -> OllamaError:
    async with OllamaClient(url, connect_timeout=3, timeout=5, tls=tls) as client:
        with pytest.raises(OllamaError) as caught:
            await client.version()
    _assert_clear(caught.value)
    assert not caught.value.retryable
    return caught.value


async def _refused(url: str, tls: TlsSettings | None = None) -> tuple[CertificateRefused, CertificateFacts]:
    """The failure, after checking that it names the certificate in full."""
    error = await _failure(url, tls)
    assert isinstance(error, CertificateRefused)
    assert error.kind is ErrorKind.TLS
    facts = error.certificate
    assert facts is not None
    for part in (facts.sha256, facts.owner, f"{facts.valid_from:%Y-%m-%d}", f"{facts.valid_to:%Y-%m-%d}"):
        assert part in error.message
    assert "itself" in error.message or facts.issuer in error.message
    assert facts.long in error.detail
    return error, facts


def _fingerprint(url_port: int) -> str:
    """The certificate's fingerprint as the standard library sees it."""
    from hashlib import sha256

    pem = ssl.get_server_certificate(("127.0.0.1", url_port))
    return sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


async def test_a_ca_of_ones_own(ollama_server: OllamaServer, certificates: ProxyCertificates) -> None:
    async with ReverseProxy(ollama_server.port, tls=certificates.server()) as proxy:
        for host in ("localhost", "127.0.0.1"):
            url = f"https://{host}:{proxy.port}"
            async with OllamaClient(url, tls=TlsSettings(ca_file=certificates.ca_file)) as client:
                assert await client.version()
                assert client.answered_address == "127.0.0.1"


async def test_the_systems_certificates_stay_trusted_beside_ones_own(certificates: ProxyCertificates) -> None:
    from ecs_localai.ollama.tls_context import make_context

    def subjects(context: ssl.SSLContext) -> set[str]:
        return {str(found.get("subject")) for found in context.get_ca_certs()}

    usual = subjects(ssl.create_default_context())
    if not usual:
        pytest.skip("this system loads its certificates one by one, so they can't be listed")
    both = subjects(make_context(TlsSettings(ca_file=certificates.ca_file)))
    assert usual < both
    assert any("Rig CA" in subject for subject in both)


async def test_a_certificate_of_an_unknown_ca(
    ollama_server: OllamaServer, certificates: ProxyCertificates, tmp_path: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "foreign.pem"))
    async with ReverseProxy(ollama_server.port, tls=certificates.server("localhost")) as proxy:
        for tls in (None, TlsSettings(ca_file=str(tmp_path / "foreign.pem"))):
            error, facts = await _refused(f"https://localhost:{proxy.port}", tls)
            assert error.problem is CertificateProblem.UNKNOWN_CA
            assert "CA file" in error.message or "its file" in error.message
            assert facts.subject == "rig proxy"
            assert facts.issuer == "Rig CA"
            assert facts.names == ("localhost",)
        assert proxy.requests == []


async def test_a_certificate_that_is_its_own_ca(ollama_server: OllamaServer, certificates: ProxyCertificates) -> None:
    context, own_file = certificates.self_signed()
    async with ReverseProxy(ollama_server.port, tls=context) as proxy:
        url = f"https://localhost:{proxy.port}"
        error, facts = await _refused(url)
        assert error.problem is CertificateProblem.SELF_SIGNED
        assert facts.is_self_issued
        assert facts.key == "RSA, 2048 bits"
        async with OllamaClient(url, tls=TlsSettings(ca_file=own_file)) as client:
            assert await client.version()


@pytest.mark.parametrize(
    ("days_from", "days_to", "problem", "words"),
    [
        (-30, -2, CertificateProblem.EXPIRED, "has expired"),
        (2, 30, CertificateProblem.NOT_YET_VALID, "is not valid yet"),
    ],
)
async def test_a_certificate_out_of_its_time(
    ollama_server: OllamaServer,
    certificates: ProxyCertificates,
    days_from: float,
    days_to: float,
    problem: CertificateProblem,
    words: str,
) -> None:
    context = certificates.server("localhost", days_from=days_from, days_to=days_to)
    async with ReverseProxy(ollama_server.port, tls=context) as proxy:
        error, facts = await _refused(f"https://localhost:{proxy.port}", TlsSettings(ca_file=certificates.ca_file))
    assert error.problem is problem
    assert words in error.message
    assert "clock" in error.message
    assert not facts.valid_from <= datetime.now(UTC) <= facts.valid_to


async def test_a_certificate_for_another_name(ollama_server: OllamaServer, certificates: ProxyCertificates) -> None:
    async with ReverseProxy(ollama_server.port, tls=certificates.server("gpu.rig.example")) as proxy:
        trusting = TlsSettings(ca_file=certificates.ca_file)
        for host in ("localhost", "127.0.0.1"):
            error, _ = await _refused(f"https://{host}:{proxy.port}", trusting)
            assert error.problem is CertificateProblem.OTHER_NAME
            assert f"is not for {host}" in error.message
            assert "for gpu.rig.example" in error.message
        named = TlsSettings(ca_file=certificates.ca_file, server_name="gpu.rig.example")
        async with OllamaClient(f"https://127.0.0.1:{proxy.port}", tls=named) as client:
            assert await client.version()
        wrong = TlsSettings(ca_file=certificates.ca_file, server_name="cpu.rig.example")
        error, _ = await _refused(f"https://127.0.0.1:{proxy.port}", wrong)
        assert "is not for cpu.rig.example" in error.message


async def test_all_that_is_wrong_is_told_at_once(ollama_server: OllamaServer, certificates: ProxyCertificates) -> None:
    context = certificates.server("gpu.rig.example", days_from=-9, days_to=-2)
    async with ReverseProxy(ollama_server.port, tls=context) as proxy:
        error, _ = await _refused(f"https://localhost:{proxy.port}")
        assert "is not for localhost" in error.message
        assert "expired" in error.message


async def test_a_certificate_that_is_too_weak(ollama_server: OllamaServer, certificates: ProxyCertificates) -> None:
    context, own_file = certificates.self_signed(weak=True)
    async with ReverseProxy(ollama_server.port, tls=context) as proxy:
        error, facts = await _refused(f"https://localhost:{proxy.port}", TlsSettings(ca_file=own_file))
    assert error.problem is CertificateProblem.WEAK
    assert facts.key == "RSA, 1024 bits"
    assert facts.key in error.message


async def test_the_fingerprint_is_that_of_the_certificate(
    ollama_server: OllamaServer, certificates: ProxyCertificates
) -> None:
    import asyncio

    async with ReverseProxy(ollama_server.port, tls=certificates.server()) as proxy:
        _, facts = await _refused(f"https://localhost:{proxy.port}")
        assert facts.sha256 == await asyncio.to_thread(_fingerprint, proxy.port)
        assert proxy.requests == []  # reading it sends nothing


async def test_a_certificate_that_was_replaced_is_accepted_by_the_same_client(
    ollama_server: OllamaServer, certificates: ProxyCertificates
) -> None:
    context = certificates.server(days_from=-9, days_to=-2)
    async with ReverseProxy(ollama_server.port, tls=context) as proxy:
        tls = TlsSettings(ca_file=certificates.ca_file)
        async with OllamaClient(f"https://localhost:{proxy.port}", tls=tls) as client:
            with pytest.raises(CertificateRefused):
                await client.version()
            certificates.ca.issue_cert("localhost").configure_cert(context)
            assert await client.version()


async def test_plain_http_to_a_port_that_speaks_tls(
    ollama_server: OllamaServer, certificates: ProxyCertificates
) -> None:
    async with ReverseProxy(ollama_server.port, tls=certificates.server()) as proxy:
        error = await _failure(f"http://localhost:{proxy.port}")
        assert isinstance(error, HostUnreachable)
        assert error.kind is ErrorKind.TLS
        assert f"https://localhost:{proxy.port}" in error.message


async def test_tls_to_a_port_that_speaks_plain_http(ollama_server: OllamaServer) -> None:
    error = await _failure(f"https://127.0.0.1:{ollama_server.port}")
    assert error.kind is ErrorKind.TLS
    assert "http://" in error.message


async def test_tls_to_a_port_where_nothing_listens() -> None:
    async with OllamaClient(f"https://localhost:{closed_port()}") as client:
        with pytest.raises(HostUnreachable) as caught:
            await client.version()
    assert caught.value.kind is ErrorKind.REFUSED


async def test_a_ca_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "text.pem").write_text("no certificate")
    (tmp_path / "damaged.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    (tmp_path / "folder.pem").mkdir()
    for name in ("text.pem", "damaged.pem", "folder.pem", "missing.pem"):
        error = await _failure("https://localhost", TlsSettings(ca_file=str(tmp_path / name)))
        assert isinstance(error, TlsFileUnusable)
        assert error.kind is ErrorKind.TLS
        assert name in error.message
        assert "CA file" in error.message


async def test_a_ca_file_that_is_corrected_is_read_again(
    ollama_server: OllamaServer, certificates: ProxyCertificates, tmp_path: Path
) -> None:
    path = tmp_path / "later.pem"
    async with ReverseProxy(ollama_server.port, tls=certificates.server()) as proxy:
        tls = TlsSettings(ca_file=str(path))
        async with OllamaClient(f"https://localhost:{proxy.port}", tls=tls) as client:
            with pytest.raises(TlsFileUnusable):
                await client.version()
            path.write_bytes(certificates.ca.cert_pem.bytes())
            assert await client.version()


async def test_no_context_is_made_for_plain_http(ollama_server: OllamaServer, tmp_path: Path) -> None:
    """Its files are not even looked at."""
    tls = TlsSettings(ca_file=str(tmp_path / "missing.pem"))
    async with OllamaClient(ollama_server.base_url, tls=tls) as client:
        assert await client.version()
