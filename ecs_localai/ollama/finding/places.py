"""Where a server can be reached, in a form that tells whether two addresses mean the same server."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass

from ..address import HostAddress, parse_host
from ..errors import InvalidHost

__all__ = ["LOOPBACK", "Place", "ThisMachine", "is_unspecified", "url_of"]

LOOPBACK = ("127.0.0.1", "::1")
"""In the order in which they are tried: Ollama listens on the first alone unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Place:
    """One way to reach a server: a host in lower case, its port, the path before ``/api``."""

    host: str
    port: int
    base_path: str = ""


@dataclass(frozen=True, slots=True)
class ThisMachine:
    """The addresses and names under which this machine knows itself."""

    hosts: frozenset[str]

    @classmethod
    async def look(cls) -> ThisMachine:
        """Ask the system, in a thread."""
        return cls(await asyncio.to_thread(_own_hosts))

    def places(self, host: str, port: int, base_path: str = "") -> frozenset[Place]:
        """The places of a server that listens at `host`; one that listens everywhere has all of the machine's."""
        if not is_unspecified(host):
            return frozenset({Place(host, port, base_path)})
        return frozenset(Place(own, port, base_path) for own in self.hosts)

    def is_here(self, places: Iterable[Place]) -> bool:
        """Whether any of the places is on this machine."""
        return any(place.host in self.hosts for place in places)

    def places_of_url(self, url: str) -> frozenset[Place]:
        """The places that an address as people type it stands for; none where it can't be read."""
        try:
            address = parse_host(url)
        except InvalidHost:
            return frozenset()
        return frozenset(Place(host, address.port, address.base_path) for host in (address.host, *address.candidates))


def url_of(host: str, port: int, base_path: str = "", scheme: str = "http") -> str:
    """The base URL of a place; an IPv6 address gets its brackets."""
    return HostAddress(scheme, host, port, base_path).base_url


def is_unspecified(host: str) -> bool:
    """Whether the address means "every interface": 0.0.0.0, ``::``, or none at all."""
    return host in ("", "*", "0.0.0.0", "::")


def _own_hosts() -> frozenset[str]:
    import psutil

    own = {*LOOPBACK, "localhost"}
    name = socket.gethostname().lower()
    if name:
        own |= {name, f"{name.split('.')[0]}.local"}
    try:
        interfaces = psutil.net_if_addrs()
    except OSError:  # a sandbox may forbid the question; then we know the loopback addresses alone
        interfaces = {}
    for addresses in interfaces.values():
        for one in addresses:
            if one.family in (socket.AF_INET, socket.AF_INET6):
                with contextlib.suppress(ValueError):  # not of a form that we know
                    own.add(str(ipaddress.ip_address(one.address.partition("%")[0])))
    return frozenset(own)
