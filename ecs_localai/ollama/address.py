"""Addresses of Ollama hosts: what people type, and what ``OLLAMA_HOST`` may hold.

The rules are those of ``Host()`` in Ollama's ``envconfig/config.go`` (0.9.3), read as a *client* reads
them, with one difference: where Ollama silently falls back to its default, we say what is wrong.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from .errors import InvalidHost

__all__ = ["DEFAULT_HOST", "DEFAULT_PORT", "HostAddress", "parse_host"]

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 11434
_SCHEME_PORTS = {"http": 80, "https": 443}
_QUOTES = "\"'`“”‘’«»"
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_ZONE = re.compile(r"[A-Za-z0-9._~-]{1,64}")
_ESCAPED_ZONE = re.compile(r"%25(?=[0-9]*[A-Za-z._~-])")
"""A zone behind the ``%25`` of a URL. Of digits alone it may be the number of an interface that begins with 25."""
_SCHEME_TYPO = re.compile(r"(?i)(https?)(:/?(?!/)|/{2})")


@dataclass(frozen=True, slots=True)
class HostAddress:
    """Where an Ollama server is.

    ``host`` is lower-cased, an IPv6 address without its brackets, with the zone behind a ``%`` that a
    link-local one needs (``fe80::1%eth0``: the network interface through which it is reached);
    ``base_path`` is empty or starts with ``/`` and doesn't end with one (a reverse proxy may put Ollama
    below a path).
    """

    scheme: str
    host: str
    port: int
    base_path: str = ""

    @property
    def base_url(self) -> str:
        """The URL that API paths such as ``/api/version`` are appended to; a zone's ``%`` is ``%25`` (RFC 6874)."""
        return f"{self.scheme}://{self._bracketed.replace('%', '%25', 1)}:{self.port}{self.base_path}"

    @property
    def zoneless(self) -> str:
        """Host and port as other machines know them: without a zone, which means something here alone."""
        return f"{self._bracketed.partition('%')[0]}]:{self.port}" if self.zone else f"{self._bracketed}:{self.port}"

    @property
    def zone(self) -> str:
        """The network interface of a link-local IPv6 address; empty for everything else."""
        return self.host.partition("%")[2]

    @property
    def tls_name(self) -> str:
        """The name or address that a certificate of this server must carry."""
        return self.host.partition("%")[0].rstrip(".")

    @property
    def display(self) -> str:
        """The address as one shows it to people: ``127.0.0.1:11434``, ``https://example.com/ollama``."""
        if self.scheme == "http":
            host = self._bracketed
            host = host.replace("%", "%25", 1) if _ESCAPED_ZONE.search(host) else host  # or it would be read as that
            return f"{host}:{self.port}{self.base_path}"
        port = "" if self.port == _SCHEME_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self._bracketed.replace('%', '%25', 1)}{port}{self.base_path}"

    @property
    def candidates(self) -> tuple[str, ...]:
        """The hosts to try, in this order.

        Ollama listens on 127.0.0.1 alone by default, while ``localhost`` may well mean ``::1`` first. Names
        below ``localhost`` mean this machine, too (RFC 6761), though many systems don't know them.
        """
        return ("127.0.0.1", "::1") if self._is_localhost else (self.host,)

    @property
    def same_host(self) -> str:
        """What the spellings of one host have in common: ``localhost`` is 127.0.0.1, which is where it is looked for
        first, an IPv4 address that is written as an IPv6 one is that address, and a name needs no last dot."""
        host = self.candidates[0]
        ip = _ip(host)
        mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
        return host.rstrip(".") if mapped is None else str(mapped)

    @property
    def is_loopback(self) -> bool:
        """Whether the address is on this machine."""
        ip = _ip(self.same_host)
        return ip is not None and ip.is_loopback

    @property
    def can_be_served(self) -> bool:
        """Whether an Ollama that is started on this machine can listen there: it speaks http, and below no path."""
        return self.is_loopback and self.scheme == "http" and not self.base_path

    @property
    def _is_localhost(self) -> bool:
        return self.host == "localhost" or self.host.endswith(".localhost")

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def parse_host(text: str) -> HostAddress:
    """Read an address: ``host``, ``host:port``, ``:port``, a URL with or without a path, IPv6.

    Without a scheme the port is 11434, with ``http://`` 80, with ``https://`` 443 (Ollama's own rule).
    Empty text is the default, 127.0.0.1:11434. Addresses that mean "every interface" (0.0.0.0, ``::``)
    become the loopback address. Spaces and quotes around the text are ignored. A zone is written behind
    a ``%``, or as in a URL behind a ``%25``.

    Raises InvalidHost with a sentence that says what is wrong.
    """
    cleaned = text.strip().strip(_QUOTES).strip()
    if not cleaned:
        return HostAddress("http", DEFAULT_HOST, DEFAULT_PORT)
    if any(character.isspace() or not character.isprintable() for character in cleaned):
        raise InvalidHost(
            f"The address {cleaned!r} has a space or an unprintable character in it; "
            f"write it like {DEFAULT_HOST}:{DEFAULT_PORT}."
        )
    scheme, default_port, rest = _split_scheme(cleaned)
    authority, slash, path = rest.partition("/")
    _refuse_extras(cleaned, authority, path)
    if "://" in cleaned and authority.startswith("["):
        authority = authority.replace("%25", "%", 1)
    else:
        authority = _ESCAPED_ZONE.sub("%", authority, count=1)
    host, port = _split_port(authority, cleaned)
    base_path = (slash + path).rstrip("/")
    if "//" in base_path:
        raise InvalidHost(f"The path {base_path!r} in the address {cleaned!r} has two slashes in a row; use one.")
    return HostAddress(scheme, _normal_host(host, cleaned), default_port if port is None else port, base_path)


def _split_scheme(cleaned: str) -> tuple[str, int, str]:
    scheme, separator, rest = cleaned.partition("://")
    if not separator:
        if typo := _SCHEME_TYPO.match(cleaned):
            right = f"{typo[1].lower()}://{cleaned[typo.end() :].lstrip('/' + chr(92))}"
            raise InvalidHost(f"The address {cleaned!r} is missing a part of '://'; write {right}.")
        if cleaned.lower() == "ollama.com":  # the one bare name that Ollama reads as https
            return "https", 443, cleaned
        return "http", DEFAULT_PORT, cleaned
    scheme = scheme.lower()
    if scheme not in _SCHEME_PORTS:
        raise InvalidHost(f"An Ollama address starts with http:// or https://, not with {scheme}://.")
    if not rest.strip("/"):
        raise InvalidHost(
            f"The address {cleaned!r} has no host; write it like {scheme}://{DEFAULT_HOST}:{DEFAULT_PORT}."
        )
    return scheme, _SCHEME_PORTS[scheme], rest


def _refuse_extras(cleaned: str, authority: str, path: str) -> None:
    if "@" in authority:
        raise InvalidHost(
            "An address can't hold a user name or password; leave out everything up to the '@' and give "
            "them as the host's authentication."
        )
    for mark in "?#":
        if mark in authority or mark in path:
            raise InvalidHost(f"Leave out the {mark!r} and what follows it in the address {cleaned!r}.")
    if "\\" in cleaned:
        raise InvalidHost(f"The address {cleaned!r} has a backslash in it; use '/' instead.")


def _split_port(authority: str, cleaned: str) -> tuple[str, int | None]:
    if authority.startswith("["):
        host, bracket, after = authority[1:].partition("]")
        if not bracket or (after and not after.startswith(":")):
            raise InvalidHost(
                f"The brackets in the address {cleaned!r} don't match; write it like [::1]:{DEFAULT_PORT}."
            )
        if not isinstance(_ip(host), ipaddress.IPv6Address):
            raise InvalidHost(f"{host!r} is not an IPv6 address; only those are written in brackets, like [::1].")
        return host, _port(after[1:], cleaned)
    if authority.count(":") > 1:
        if _ip(authority) is None:
            raise InvalidHost(
                f"{authority!r} is not an IPv6 address; one with a port is written like [::1]:{DEFAULT_PORT}."
            )
        return authority, None
    host, _, port = authority.partition(":")
    return host, _port(port, cleaned)


def _port(text: str, cleaned: str) -> int | None:
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= 65535:
        return int(text)
    raise InvalidHost(f"{text!r} in the address {cleaned!r} is not a port; a port is a number from 1 to 65535.")


def _normal_host(host: str, cleaned: str) -> str:
    ip = _ip(host)
    if ip is not None:
        if ip.is_unspecified:
            return DEFAULT_HOST if ip.version == 4 else "::1"
        mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
        return str(ip) if mapped is None or "%" in host else f"::ffff:{mapped}"  # as Python 3.13 writes it
    if "%" in host:
        raise InvalidHost(f"The zone behind the '%' in {cleaned!r} is not the name of a network interface; correct it.")
    if not host:
        return DEFAULT_HOST
    if host.isascii() and host.isdigit():
        raise InvalidHost(f"{host!r} alone is not a host; for a port of this machine write :{host}.")
    try:
        name = host.lower() if host.isascii() else host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        name = ""
    labels = name.removesuffix(".").split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidHost(
            f"{host!r} in the address {cleaned!r} is not a host name; "
            f"write a name such as localhost or an IP address such as {DEFAULT_HOST}."
        )
    if name.removesuffix(".") == "localhost" or name.endswith(".localhost."):
        name = name.removesuffix(".")  # Ollama's check of the Host header knows them without the dot alone
    if labels[-1].isdigit():
        raise InvalidHost(f"{host!r} is not an IPv4 address; it has four numbers from 0 to 255, like {DEFAULT_HOST}.")
    return name


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    zone = host.partition("%")[2]
    if "%" in host and not _ZONE.fullmatch(zone):
        return None
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
