"""The list of hosts as it is kept: every list comes back equal but for its secrets, and nothing unreadable stops it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_localai import (
    ConnectionPool,
    HostOrigin,
    HostProtocol,
    OllamaAuth,
    OllamaConfiguration,
    RetryPolicy,
    SecretPlace,
    SecretSource,
    TlsSettings,
)
from ecs_localai.systems.saved_hosts import (
    FORMER_SETTING,
    SavedHost,
    configuration_of,
    name_for,
    read_saved_hosts,
    server_of,
    to_rows,
    unique_name,
)

SECRET = "s3cret-7f1d"
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1)
SECONDS = st.integers(1, 600).map(lambda number: timedelta(seconds=number))
SOURCES = st.builds(SecretSource, st.sampled_from(SecretPlace), st.just("a-place"))
AUTHS = st.one_of(
    st.none(),
    st.just(OllamaAuth.bearer(SECRET)),
    st.just(OllamaAuth.basic("somebody", SECRET)),
    st.just(OllamaAuth.headers({"X-Key": SECRET})),
    SOURCES.map(lambda source: OllamaAuth.bearer(source=source)),
    SOURCES.map(lambda source: OllamaAuth.headers({"X-Key": source, "X-Other": SECRET})),
)
TLS = st.one_of(
    st.none(),
    st.builds(TlsSettings, ca_file=st.sampled_from(["", "/a/ca.pem"]), server_name=st.sampled_from(["", "x.example"])),
    st.builds(TlsSettings, client_certificate=st.just("/a/me.pem"), client_key_password=SOURCES),
)
CONFIGURATIONS = st.builds(
    OllamaConfiguration,
    host=st.sampled_from(["127.0.0.1", "localhost", "::1", "fe80::1%eth0", "gpu-box", "x.example."]),
    port=st.integers(1, 65535),
    connection_timeout=SECONDS,
    api_version=st.sampled_from(["", "0.9.3"]),
    authentication=AUTHS,
    tls_enabled=st.booleans(),
    base_path=st.sampled_from(["", "/ollama", "/a/b"]),
    tls=TLS,
)
HOSTS = st.builds(
    SavedHost,
    name=NAMES,
    config=CONFIGURATIONS,
    protocol=st.sampled_from(HostProtocol),
    origin=st.sampled_from([HostOrigin.ADDED, HostOrigin.FOUND]),
    is_default=st.booleans(),
    pool=st.builds(ConnectionPool, max_connections=st.integers(1, 99), keep_alive=SECONDS),
    retry_policy=st.builds(RetryPolicy, max_attempts=st.integers(1, 9)),
)
LISTS = st.lists(HOSTS, max_size=8, unique_by=lambda host: host.name.casefold())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)


def saved(hosts: Sequence[SavedHost]) -> dict[str, object]:
    """Through JSON, as the store keeps it."""
    rows: dict[str, object] = msgspec.json.decode(msgspec.json.encode(to_rows(hosts)))
    return rows


def as_kept(hosts: Sequence[SavedHost]) -> list[SavedHost]:
    """The list without its secrets, and with one default host."""
    chosen = next((number for number, host in enumerate(hosts) if host.is_default), 0)
    return [
        msgspec.structs.replace(
            host,
            is_default=number == chosen,
            config=msgspec.structs.replace(
                host.config,
                authentication=host.config.authentication and host.config.authentication.without_secrets(),
            ),
        )
        for number, host in enumerate(hosts)
    ]


@given(LISTS)
def test_any_list_comes_back_equal_but_for_its_secrets(hosts: list[SavedHost]) -> None:
    rows = saved(hosts)
    assert SECRET not in repr(rows)
    assert read_saved_hosts(rows, {}) == (as_kept(hosts), [])


@given(LISTS)
def test_what_was_read_is_written_the_same_again(hosts: list[SavedHost]) -> None:
    once, _ = read_saved_hosts(saved(hosts), {})
    assert read_saved_hosts(saved(once), {}) == (once, [])


@given(LISTS, st.lists(JSON, max_size=4))
def test_unreadable_entries_are_left_out_each_with_a_sentence(hosts: list[SavedHost], others: list[object]) -> None:
    there = list(saved(hosts).items())
    for number, other in enumerate(others):
        there.insert((number * 7) % (len(there) + 1), (f"\0other {number}", other))
    read, problems = read_saved_hosts(dict(there), {})
    assert read == as_kept(hosts)
    assert len(problems) == len(others)
    assert all("left out" in problem for problem in problems)


@given(JSON)
def test_whatever_the_settings_hold_reading_them_never_fails(value: object) -> None:
    for rows, settings in (({"name": value}, {}), ({}, {FORMER_SETTING: value})):
        hosts, problems = read_saved_hosts(rows, settings)
        assert hosts == [] or isinstance(value, str)
        assert all(problem.strip() for problem in problems)


@pytest.mark.parametrize("damage", ["lone surrogate \ud800", 10**400, {"name": "x", "config": {"port": "\udfff"}}])
def test_what_no_json_can_say_is_left_out(damage: object) -> None:
    good = SavedHost("Good", OllamaConfiguration(), is_default=True)
    hosts, problems = read_saved_hosts({"damaged": damage, **to_rows([good])}, {})
    assert hosts == [good]
    assert len(problems) == 1


def test_hosts_of_one_run_are_not_kept() -> None:
    config = OllamaConfiguration()
    hosts = [SavedHost(origin.value, config, origin=origin) for origin in HostOrigin]
    assert [host.name for host in read_saved_hosts(saved(hosts), {})[0]] == ["added", "found"]


def test_two_of_one_name_are_told_apart() -> None:
    rows = {str(port): to_rows([SavedHost("Box", OllamaConfiguration(port=port))])["Box"] for port in (1, 2, 3)}
    assert [host.name for host in read_saved_hosts(rows, {})[0]] == ["Box", "Box 2", "Box 3"]


def test_the_only_host_of_former_times_is_read() -> None:
    hosts, problems = read_saved_hosts({}, {FORMER_SETTING: "http://old-box:11434"})
    assert [host.config.base_url for host in hosts] == ["http://old-box:11434"]
    assert hosts[0].is_default
    assert problems == []
    hosts, problems = read_saved_hosts({}, {FORMER_SETTING: "no address at all"})
    assert hosts == []
    assert len(problems) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://localhost:11434", "http://127.0.0.1:11434"),
        ("http://LOCALHOST.:11434", "http://0.0.0.0:11434"),
        ("http://Gpu-Box:11434", "http://gpu-box.:11434"),
        ("http://[0:0:0:0:0:0:0:1]:11434", "http://[::1]:11434"),
        ("http://ollama.localhost:80", "http://localhost"),
    ],
)
def test_different_spellings_are_the_same_server(one: str, other: str) -> None:
    assert server_of(one) == server_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://127.0.0.1:11434", "http://127.0.0.1:11435"),
        ("http://127.0.0.1:11434", "http://[::1]:11434"),
        ("http://x:80/a", "http://x:80/b"),
        ("http://x:11434", "https://x:11434"),
    ],
)
def test_other_servers_are_told_apart(one: str, other: str) -> None:
    assert server_of(one) != server_of(other)


@given(CONFIGURATIONS)
def test_every_configuration_has_a_name(config: OllamaConfiguration) -> None:
    name = name_for(config)
    assert name.strip()
    assert unique_name(name, [name.upper(), f"{name} 2"]) == f"{name} 3"


def test_what_is_no_address_stays_from_the_settings() -> None:
    from ecs_localai.ollama.address import parse_host

    settings = OllamaConfiguration(connection_timeout=timedelta(seconds=9), tls=TlsSettings(ca_file="/ca.pem"))
    config = configuration_of(parse_host("https://x.example/ollama"), settings)
    assert config.base_url == "https://x.example:443/ollama"
    assert (config.connection_timeout, config.tls) == (settings.connection_timeout, settings.tls)
