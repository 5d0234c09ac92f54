"""Addresses: what people type and what OLLAMA_HOST may hold."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_localai.components.hosts import OllamaConfiguration
from ecs_localai.ollama.address import HostAddress, parse_host
from ecs_localai.ollama.errors import ErrorKind, InvalidHost
from tests.ollama.ollama_parts import assert_one_clear_sentence


@pytest.mark.parametrize(
    ("text", "base_url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("  ", "http://127.0.0.1:11434"),
        ('""', "http://127.0.0.1:11434"),
        ("127.0.0.1", "http://127.0.0.1:11434"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("localhost", "http://localhost:11434"),
        ("LocalHost:1", "http://localhost:1"),
        (":8080", "http://127.0.0.1:8080"),
        ("example.com:", "http://example.com:11434"),
        ("my_box", "http://my_box:11434"),
        ("example.com.", "http://example.com.:11434"),
        ("http://example.com", "http://example.com:80"),
        ("https://example.com", "https://example.com:443"),
        ("HTTPS://Example.com:8443/", "https://example.com:8443"),
        ("http://example.com/ollama/", "http://example.com:80/ollama"),
        ("example.com/a/b", "http://example.com:11434/a/b"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:9", "http://127.0.0.1:9"),
        ("http://0.0.0.0:11434", "http://127.0.0.1:11434"),
        ("::", "http://[::1]:11434"),
        ("[::]:9", "http://[::1]:9"),
        ("::1", "http://[::1]:11434"),
        ("[::1]", "http://[::1]:11434"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("http://[2001:DB8::1]/x", "http://[2001:db8::1]:80/x"),
        ("fe80:0:0:0:0:0:0:1", "http://[fe80::1]:11434"),
        (' "127.0.0.1:11434" ', "http://127.0.0.1:11434"),
        ("'http://example.com:1'", "http://example.com:1"),
        ("“example.com”", "http://example.com:11434"),
        ("fe80::1%eth0", "http://[fe80::1%25eth0]:11434"),
        ("[FE80::1%Eth0]:8080", "http://[fe80::1%25Eth0]:8080"),
        ("http://[fe80::1%25eth0]/x", "http://[fe80::1%25eth0]:80/x"),
        ("http://[fe80::1%eth0]:1", "http://[fe80::1%25eth0]:1"),
        ("https://[fe80::1%252]", "https://[fe80::1%252]:443"),
        ("[fe80::1%25eth0]:1", "http://[fe80::1%25eth0]:1"),
        ("fe80::1%25eth0", "http://[fe80::1%25eth0]:11434"),
        ("[fe80::1%25]:1", "http://[fe80::1%2525]:1"),  # the interface with the number 25
        ("[fe80::1%2512]:1", "http://[fe80::1%252512]:1"),
        ("::FFFF:127.0.0.1", "http://[::ffff:127.0.0.1]:11434"),
        ("[::ffff:7f00:1]:1", "http://[::ffff:127.0.0.1]:1"),
        ("localhost.", "http://localhost:11434"),
        ("bücher.example", "http://xn--bcher-kva.example:11434"),
        ("ollama.com", "https://ollama.com:443"),
    ],
)
def test_reads_what_people_type(text: str, base_url: str) -> None:
    assert parse_host(text).base_url == base_url


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("local host", "space"),
        ("example.com\u200b", "unprintable"),
        ("ftp://example.com", "http:// or https://"),
        ("http:/example.com", "http://example.com"),
        ("https//example.com", "https://example.com"),
        ("http:example.com:99", "http://example.com:99"),
        ("http:\\\\example.com", "http://example.com"),
        ("http://", "no host"),
        ("me:secret@example.com", "authentication"),
        ("http://me@example.com", "authentication"),
        ("example.com?x=1", "Leave out"),
        ("http://example.com/#top", "Leave out"),
        ("example.com:0", "1 to 65535"),
        ("example.com:65536", "1 to 65535"),
        ("example.com:+5", "1 to 65535"),
        ("example.com:٣", "1 to 65535"),
        ("example.com:http", "1 to 65535"),
        ("example.com:" + "9" * 5000, "1 to 65535"),
        ("11434", ":11434"),
        ("256.1.1.1", "IPv4"),
        ("1.2.3", "IPv4"),
        ("1.2.3.4.5", "IPv4"),
        ("::1:11434", "[::1]:11434"),
        ("[::1", "brackets"),
        ("[::1]x", "brackets"),
        ("[example.com]:1", "IPv6"),
        ("fe80::1%", "IPv6"),
        ("fe80::1%a%b", "IPv6"),
        ("[fe80::1%a$b]", "IPv6"),
        ("127.0.0.1%eth0", "zone"),
        ("example.com%eth0", "zone"),
        ("a..b", "host name"),
        ("-a.example", "host name"),
        ("a" * 64, "host name"),
        (".".join(["abcdefgh"] * 40), "host name"),
        ("exa$mple.com", "host name"),
        ("example.com//x", "slashes"),
        ("example.com\\x", "backslash"),
    ],
)
def test_says_what_is_wrong_with_an_address(text: str, hint: str) -> None:
    with pytest.raises(InvalidHost) as caught:
        parse_host(text)
    assert hint in caught.value.message
    assert caught.value.kind is ErrorKind.INVALID_HOST
    assert not caught.value.retryable
    if len(text) < 100:
        assert_one_clear_sentence(caught.value)


def test_never_repeats_a_password() -> None:
    with pytest.raises(InvalidHost) as caught:
        parse_host("https://me:s3cret@example.com")
    assert "s3cret" not in caught.value.message


def test_localhost_is_tried_on_ipv4_first() -> None:
    address = parse_host("localhost:5")
    assert address.host == "localhost"
    assert address.candidates == ("127.0.0.1", "::1")
    assert parse_host("models.localhost").candidates == ("127.0.0.1", "::1")
    assert parse_host("127.0.0.1").candidates == ("127.0.0.1",)
    assert parse_host("[::1]").candidates == ("::1",)


@pytest.mark.parametrize(
    ("text", "display"),
    [
        ("", "127.0.0.1:11434"),
        ("http://example.com", "example.com:80"),
        ("https://example.com", "https://example.com"),
        ("https://example.com:8443/a/", "https://example.com:8443/a"),
        ("::1", "[::1]:11434"),
        ("fe80::1%eth0", "[fe80::1%eth0]:11434"),
        ("https://[fe80::1%25eth0]", "https://[fe80::1%25eth0]"),
        ("http://[fe80::1%2525eth0]:1", "[fe80::1%2525eth0]:1"),
    ],
)
def test_shows_addresses_short(text: str, display: str) -> None:
    assert parse_host(text).display == display


@pytest.mark.parametrize(
    "text", ["localhost", "127.0.0.1", "127.9.9.9", "[::1]", "0.0.0.0", "x.localhost", "::ffff:127.0.0.1"]
)
def test_knows_this_machine(text: str) -> None:
    assert parse_host(text).is_loopback


@pytest.mark.parametrize("text", ["example.com", "10.0.0.1", "[2001:db8::1]", "::ffff:10.0.0.1"])
def test_knows_other_machines(text: str) -> None:
    assert not parse_host(text).is_loopback


@given(st.text(max_size=60))
def test_any_text_gives_an_address_or_a_sentence(text: str) -> None:
    try:
        address = parse_host(text)
    except InvalidHost:
        address = None
    if address is not None:
        assert 1 <= address.port <= 65535
        assert address.scheme in {"http", "https"}
        host = address.host.partition("%")[0]
        assert host == host.lower()
        assert parse_host(address.base_url) == parse_host(address.display) == address


def _written(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return str(ip) if mapped is None else f"::ffff:{mapped}"


_ADDRESSES = st.builds(
    HostAddress,
    scheme=st.sampled_from(["http", "https"]),
    host=st.one_of(
        st.ip_addresses().filter(lambda ip: not ip.is_unspecified and "%" not in str(ip)).map(_written),
        st.from_regex(r"fe80::[1-9a-f]{1,4}%[A-Za-z0-9._~-]{1,8}", fullmatch=True),
        st.from_regex(r"[a-z][a-z0-9]{0,10}(\.[a-z]{2,8}){0,2}", fullmatch=True),
    ),
    port=st.integers(1, 65535),
    base_path=st.from_regex(r"(/[a-z0-9_-]{1,8}){0,3}", fullmatch=True),
)


@given(_ADDRESSES)
def test_what_is_shown_reads_back_as_the_same_address(address: HostAddress) -> None:
    assert parse_host(address.base_url) == address
    assert parse_host(address.display) == address


@given(_ADDRESSES)
def test_what_other_machines_see_has_no_zone(address: HostAddress) -> None:
    for theirs in (address.zoneless, address.tls_name):
        assert "%" not in theirs
        assert parse_host(theirs).host == address.host.partition("%")[0]
    assert parse_host(address.zoneless).port == address.port


@given(_ADDRESSES)
def test_a_configuration_takes_every_address_and_says_it_alike(address: HostAddress) -> None:
    config = OllamaConfiguration(
        host=address.host, port=address.port, tls_enabled=address.scheme == "https", base_path=address.base_path
    )
    assert config.base_url == address.base_url
    assert parse_host(config.base_url) == address


@pytest.mark.parametrize(
    "host",
    [
        "256.1.1.1",
        "1.2.3",
        "11434",
        "a..b",
        "-a.example",
        "a" * 64,
        "fe80::1%a$b",
        "fe80::1%a b",
        "127.0.0.1%eth0",
        "exa$mple",
        "a b",
        "[example.com]",
        "::1:11434:x",
    ],
)
def test_a_host_that_cannot_be_is_refused_as_text_and_in_a_configuration(host: str) -> None:
    with pytest.raises(InvalidHost):
        parse_host(host)
    with pytest.raises(ValueError, match=r"\.$"):
        OllamaConfiguration(host=host)


@given(st.text(max_size=40) | st.from_regex(r"[a-z0-9.:%\[\]_-]{1,30}", fullmatch=True))
def test_whatever_a_configuration_takes_can_be_connected_to(host: str) -> None:
    try:
        config = OllamaConfiguration(host=host)
    except ValueError:
        return
    address = parse_host(config.base_url)
    assert address.port == config.port


@given(st.ip_addresses(v=6).filter(lambda ip: not ip.is_unspecified))
def test_every_ipv6_address_is_read_with_and_without_brackets(ip: ipaddress.IPv6Address) -> None:
    assert parse_host(str(ip)) == parse_host(f"[{ip}]") == parse_host(f"http://[{ip.exploded}]:11434")
