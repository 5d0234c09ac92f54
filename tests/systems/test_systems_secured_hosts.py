"""Hosts behind a real TLS proxy with a log-in, in the world: secrets from files and the keyring, wrong certificates."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keyring
import msgspec
import pytest
from keyrings.alt.file import PlaintextKeyring  # type: ignore[import-untyped]  # it has no annotations

from ecs_localai import (
    AddHostRequested,
    HostSecret,
    ModelInstallationCompleted,
    ModelInstallRequest,
    OllamaAuth,
    OllamaConfiguration,
    OllamaHosts,
    RemoveHostRequested,
    SecretPlace,
    SecretSource,
    TlsSettings,
)
from ecs_localai.ollama.errors import ErrorKind
from tests.ollama.ollama_proxy import ReverseProxy, standing
from tests.rig.ollama_server import OllamaServer
from tests.rig.proxy_certificates import ProxyCertificates
from tests.rig.registry import Registry
from tests.systems.systems_parts import INSECURE, Driven, assert_clear

TOKEN = "correct-horse-battery"


@pytest.fixture
def certificates(tmp_path: Path) -> ProxyCertificates:
    return ProxyCertificates(tmp_path)


@pytest.fixture
def proxy(ollama_server: OllamaServer, certificates: ProxyCertificates) -> Iterator[ReverseProxy]:
    """A TLS proxy with a log-in and a base path before the shared server."""
    with standing_before(ollama_server, certificates) as server:
        yield server


@contextmanager
def standing_before(server: OllamaServer, certificates: ProxyCertificates) -> Iterator[ReverseProxy]:
    with standing(ReverseProxy(server.port, token=TOKEN, base_path="/ollama", tls=certificates.server())) as started:
        yield started


@pytest.fixture
def file_keyring() -> Iterator[PlaintextKeyring]:
    """A real keyring for this process: one in a file."""
    before = keyring.get_keyring()
    chosen = PlaintextKeyring()
    keyring.set_keyring(chosen)
    try:
        yield chosen
    finally:
        keyring.set_keyring(before)


def behind(proxy: ReverseProxy, auth: OllamaAuth | None, tls: TlsSettings | None) -> OllamaConfiguration:
    return OllamaConfiguration(
        host="localhost", port=proxy.port, base_path="/ollama", tls_enabled=True, authentication=auth, tls=tls
    )


def test_a_host_behind_tls_and_a_log_in_is_like_any_other(
    fresh_ollama: OllamaServer, certificates: ProxyCertificates, registry: Registry, tmp_path: Path
) -> None:
    secret = tmp_path / "token"
    secret.write_text(TOKEN + "\n")
    auth = OllamaAuth.bearer(source=SecretSource(SecretPlace.FILE, str(secret)))
    name = registry.name_for("tiny:latest")
    with Driven() as driven, standing_before(fresh_ollama, certificates) as proxy:
        hosts = driven.app.world.resource(OllamaHosts)
        hosts.add(behind(proxy, auth, TlsSettings(ca_file=certificates.ca_file)), "Secured")
        driven.until(lambda: hosts.require("Secured").models.synced)
        driven.app.world.spawn(ModelInstallRequest(name, INSECURE, "Secured"))
        driven.until_event(ModelInstallationCompleted)
        driven.until(lambda: name in hosts.require("Secured").models.installed)
        assert name in fresh_ollama.model_names()


def test_a_typed_secret_goes_into_the_keyring_and_nowhere_else(
    proxy: ReverseProxy,
    certificates: ProxyCertificates,
    file_keyring: PlaintextKeyring,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    data = tmp_path / "data"
    auth = OllamaAuth.bearer(source=SecretSource(SecretPlace.KEYRING, "proxy-token"))
    config = OllamaConfiguration(authentication=auth, tls=TlsSettings(ca_file=certificates.ca_file))
    address = f"https://localhost:{proxy.port}/ollama"
    with Driven.saved(data) as driven:
        hosts = driven.app.world.resource(OllamaHosts)
        request = AddHostRequested(address, "Typed", config, secret=HostSecret("proxy-token", TOKEN))
        assert TOKEN not in repr(request)
        driven.write(request)
        driven.until(lambda: (one := hosts.find("Typed")) and one.health.is_healthy)
        assert file_keyring.get_password("ecs-localai", "proxy-token") == TOKEN
        (tmp_path / "world.json").write_bytes(msgspec.json.encode(driven.app.save()))
        assert all(TOKEN not in repr(event) for event in driven.log)
        assert TOKEN not in str(driven.app.describe())
    assert TOKEN not in caplog.text
    for file in [*data.iterdir(), tmp_path / "world.json"]:
        assert TOKEN.encode() not in file.read_bytes()
    with Driven.saved(data) as driven:  # the next start finds it where it is kept
        hosts = driven.app.world.resource(OllamaHosts)
        driven.until(lambda: hosts.require("Typed").health.is_healthy)


def test_a_typed_secret_is_forgotten_with_its_host(
    proxy: ReverseProxy, certificates: ProxyCertificates, file_keyring: PlaintextKeyring
) -> None:
    """One that a person named is left alone: others may need it."""
    own, typed = "my-own-entry", f"localhost:{proxy.port} 0123abcd"
    address = f"https://localhost:{proxy.port}"
    tls = TlsSettings(ca_file=certificates.ca_file)
    with Driven() as driven:
        for name, path, entry in (("Own", "/ollama", own), ("Typed", "/other", typed)):
            auth = OllamaAuth.bearer(source=SecretSource(SecretPlace.KEYRING, entry))
            config = OllamaConfiguration(authentication=auth, tls=tls)
            driven.write(AddHostRequested(address + path, name, config, secret=HostSecret(entry, TOKEN)))
        driven.until(lambda: all(file_keyring.get_password("ecs-localai", entry) for entry in (own, typed)))
        driven.write(RemoveHostRequested("Own"))
        driven.write(RemoveHostRequested("Typed"))
        driven.until(lambda: file_keyring.get_password("ecs-localai", typed) is None)
        # It is written anew while we read it, so we may have to look twice.
        driven.until(lambda: file_keyring.get_password("ecs-localai", own) == TOKEN)


def test_a_machine_without_a_keyring_says_what_to_do(proxy: ReverseProxy, certificates: ProxyCertificates) -> None:
    from keyring.backends.fail import Keyring

    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())  # type: ignore[no-untyped-call]  # keyring's own class has no annotations
    try:
        auth = OllamaAuth.bearer(source=SecretSource(SecretPlace.KEYRING, "nothing"))
        config = OllamaConfiguration(authentication=auth, tls=TlsSettings(ca_file=certificates.ca_file))
        with Driven() as driven:
            hosts = driven.app.world.resource(OllamaHosts)
            address = f"https://localhost:{proxy.port}/ollama"
            driven.write(AddHostRequested(address, "Typed", config, secret=HostSecret("nothing", TOKEN)))
            driven.until(driven.notices)
            assert "keyring" in driven.notices()[0]
            assert TOKEN not in driven.notices()[0]
            driven.until(lambda: hosts.require("Typed").health.last_error)
    finally:
        keyring.set_keyring(before)


def test_a_wrong_certificate_is_named(proxy: ReverseProxy) -> None:
    with Driven() as driven:
        hosts = driven.app.world.resource(OllamaHosts)
        hosts.add(behind(proxy, None, None), "Untrusted")
        driven.until(lambda: hosts.require("Untrusted").health.last_error)
        health = hosts.require("Untrusted").health
        assert health.last_error_kind == ErrorKind.TLS
        assert health.last_error is not None
        assert "for localhost" in health.last_error
        assert "Rig CA" in health.last_error
    assert proxy.requests == []  # nothing was asked of it


def test_a_secret_that_is_corrected_where_it_is_kept_heals_the_host(
    proxy: ReverseProxy, certificates: ProxyCertificates, tmp_path: Path
) -> None:
    secret = tmp_path / "token"
    secret.write_text("wrong")
    auth = OllamaAuth.bearer(source=SecretSource(SecretPlace.FILE, str(secret)))
    with Driven() as driven:
        hosts = driven.app.world.resource(OllamaHosts)
        hosts.add(behind(proxy, auth, TlsSettings(ca_file=certificates.ca_file)), "Secured")
        driven.until(lambda: hosts.require("Secured").health.last_error)
        assert hosts.require("Secured").health.last_error_kind == ErrorKind.UNAUTHORIZED
        assert_clear(hosts.require("Secured").health.last_error)
        secret.write_text(TOKEN)
        driven.until(lambda: hosts.require("Secured").health.is_healthy)
