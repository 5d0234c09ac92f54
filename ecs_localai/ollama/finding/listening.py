"""The TCP ports on which programs of this machine listen, and which of them may be an Ollama."""

from __future__ import annotations

import ipaddress
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from ..address import DEFAULT_PORT
from .places import LOOPBACK, is_unspecified

__all__ = ["Listener", "ListeningSocket", "listeners", "listening_sockets", "may_be_ollama"]

# Services for which a stray HTTP request is more than a line in a log: a database counts it as a failed log-in and
# may block this machine, Redis logs an attack, a raw printer port prints it.
_NEVER_ASKED = frozenset({22, 25, 53, 110, 143, 465, 515, 587, 993, 995, 3306, 5432, 6379, 9100, 27017})
_RUNNERS = ("ollama_llama_server", "llama-server")


class _Connection(Protocol):
    """What we read of psutil's connections, of all processes' and of one's."""

    @property
    def laddr(self) -> tuple[str, int] | tuple[()]: ...

    @property
    def status(self) -> str: ...


@dataclass(frozen=True, slots=True)
class ListeningSocket:
    """One socket; `pid` is None where the program belongs to somebody else."""

    host: str
    port: int
    pid: int | None


@dataclass(frozen=True, slots=True)
class Listener:
    """One server: a port and the addresses on which the same program listens there."""

    port: int
    hosts: frozenset[str]
    pid: int | None

    @property
    def is_everywhere(self) -> bool:
        """Whether it listens on every interface."""
        return any(is_unspecified(host) for host in self.hosts)

    @property
    def hosts_to_ask(self) -> tuple[str, ...]:
        """Where to ask, in this order, until one answers."""
        if self.is_everywhere:
            return LOOPBACK if "::" in self.hosts else LOOPBACK[:1]
        known = [host for host in LOOPBACK if host in self.hosts]
        return tuple(known or sorted(self.hosts)[:1])


def listening_sockets() -> list[ListeningSocket]:
    """Every socket that listens for TCP, other users' too where the system shows them (Linux and Windows do).

    Blocks for some milliseconds. macOS shows the sockets of one's own processes alone. Raises psutil.Error, OSError.
    """
    import psutil

    try:
        return list(_listening((one, one.pid) for one in psutil.net_connections("tcp")))
    except psutil.AccessDenied:  # macOS, without root: one process after the other
        return list(_listening(_of_each_process()))


def _of_each_process() -> Iterator[tuple[_Connection, int]]:
    import psutil

    for process in psutil.process_iter():
        try:
            found = process.net_connections("tcp")
        except psutil.Error:  # ended meanwhile, or somebody else's
            continue
        yield from ((one, process.pid) for one in found)


def _listening(connections: Iterable[tuple[_Connection, int | None]]) -> Iterator[ListeningSocket]:
    for one, pid in connections:
        if one.status == "LISTEN" and len(one.laddr) == 2 and (host := _plain(one.laddr[0])) is not None:
            yield ListeningSocket(host, one.laddr[1], pid)


def _plain(host: str) -> str | None:
    """The address in its usual form; None for one of a single link, which has no URL that all servers take."""
    try:
        ip = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return None if ip.is_link_local else str(mapped or ip)


def listeners(sockets: Iterable[ListeningSocket]) -> list[Listener]:
    """The sockets, sorted into servers.

    Sockets of one program on one port are one server. So are those for "every interface" of both families, even of
    two programs: Docker starts one for each. Where the program is hidden from us, as other users' are, those on both
    loopback addresses are taken for one.
    """
    by_port: defaultdict[int, dict[object, set[ListeningSocket]]] = defaultdict(lambda: defaultdict(set))
    for one in sockets:
        by_port[one.port][_owner(one)].add(one)
    found: list[Listener] = []
    for port, owners in sorted(by_port.items()):
        everywhere = owners.get("everywhere", set())
        for owner in [owner for owner in owners if owner != "everywhere"]:
            if any(one.pid is not None and one.pid == owner for one in everywhere):
                everywhere |= owners.pop(owner)
        for together in owners.values():
            pids = [one.pid for one in together if one.pid is not None]
            hosts = frozenset(one.host for one in together)
            found.append(Listener(port, hosts, min(pids, default=None)))
    return found


def _owner(one: ListeningSocket) -> object:
    if is_unspecified(one.host):
        return "everywhere"
    if one.pid is not None:
        return one.pid
    return "loopback" if one.host in LOOPBACK else one.host


def may_be_ollama(found: Iterable[Listener]) -> list[Listener]:
    """Those that are worth asking, the likely ones first. Reads the command lines of the programs, so it blocks.

    Left out: our own sockets, Ollama's runners (their port is their server's alone; asking one that computes would
    disturb it), and ports of well-known services that are no web servers.
    """
    ranked: list[tuple[int, int, Listener]] = []
    for one in found:
        if one.pid == os.getpid() or (one.port in _NEVER_ASKED and one.port != DEFAULT_PORT):
            continue
        command = [] if one.pid is None else _command_line(one.pid)
        if is_runner(command):
            continue
        named = any("ollama" in part.lower() for part in command[:1])
        ranked.append((0 if one.port == DEFAULT_PORT else 1 if named else 2, one.port, one))
    return [one for _, _, one in sorted(ranked, key=lambda entry: entry[:2])]


def is_runner(command: list[str]) -> bool:
    """Whether a command line is that of a process in which Ollama runs a model.

    Up to early 0.5 it is ``ollama_llama_server``, then ``ollama runner``, since 0.30 ``llama-server`` with a blob of
    Ollama's as its model (`llm/server.go` of these versions). A ``llama-server`` of one's own is none.
    """
    if not command:
        return False
    program = command[0].replace("\\", "/").rpartition("/")[2].lower().removesuffix(".exe")
    if program == _RUNNERS[0] or (len(command) > 1 and command[1] == "runner" and "ollama" in program):
        return True
    return program == _RUNNERS[1] and any("sha256-" in part for part in command)


def _command_line(pid: int) -> list[str]:
    import psutil

    try:
        return psutil.Process(pid).cmdline()
    except (psutil.Error, OSError):  # ended meanwhile, or somebody else's
        return []
