"""Ollama servers that are announced in the local network (mDNS, DNS-SD: RFC 6762 and 6763)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

from ecs_localai.components.found_hosts import FoundBy

from .places import Place, ThisMachine, is_unspecified, url_of
from .probe import Prober, Sighting

if TYPE_CHECKING:
    from zeroconf import ServiceStateChange, Zeroconf
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

__all__ = ["BROWSE_SECONDS", "SERVICE_TYPES", "find_lan_hosts"]

BROWSE_SECONDS = 4.0
"""So long we listen: an announcement is answered within a second, and again after one and three (RFC 6762, 5.2)."""
SERVICE_TYPES = ("_ollama._tcp.local.", "_http._tcp.local.", "_https._tcp.local.")
_RESOLVE_SECONDS = 3.0


async def find_lan_hosts(
    on_sighting: Callable[[Sighting], None],
    *,
    seconds: float = BROWSE_SECONDS,
    machine: ThisMachine | None = None,
    prober: Prober | None = None,
    skip: Collection[Place] = (),
    interfaces: Sequence[str] | None = None,
) -> list[str]:
    """Listen for announcements for some `seconds` and ask each address; returns sentences about what failed.

    It sends questions to the whole local network, so only do it where a person asks for it. Ollama itself announces
    nothing: one finds what somebody announces (Avahi, a NAS, a home server), as ``_ollama._tcp`` or as a web server,
    with a base path in the TXT record ``path`` where there is one. What can be reached at one of the places of `skip`
    is not asked. `interfaces` are addresses of this machine to listen on; None for all.
    """
    try:
        from zeroconf.asyncio import AsyncServiceBrowser
    except ModuleNotFoundError:
        return ["The local network was not searched; install the Python package zeroconf for that."]

    machine = machine or await ThisMachine.look()
    for one in interfaces or ():
        if one not in machine.hosts:
            return [f"The local network could not be searched: {one!r} is not an address of this machine."]
    try:
        radio = _open(interfaces)
    except (OSError, RuntimeError) as error:
        return [f"The local network could not be searched: {error}; check that this machine is in a network."]
    questions = _Questions(radio, machine, prober or Prober(), skip, on_sighting)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(_close, radio)
        browser = AsyncServiceBrowser(radio.zeroconf, list(SERVICE_TYPES), handlers=[questions.on_change])
        stack.push_async_callback(questions.end)
        stack.push_async_callback(browser.async_cancel)
        await asyncio.sleep(seconds)
        await questions.wait()
    return []


class _Questions:
    """Resolves each announcement and asks what it names, each in a task of its own."""

    def __init__(
        self,
        radio: AsyncZeroconf,
        machine: ThisMachine,
        prober: Prober,
        skip: Collection[Place],
        on_sighting: Callable[[Sighting], None],
    ) -> None:
        self._radio = radio
        self._machine = machine
        self._prober = prober
        self._skip = skip
        self._on_sighting = on_sighting
        self._asked: set[tuple[frozenset[Place], str]] = set()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def on_change(self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        """What zeroconf calls, on the loop; the names of the parameters are its own."""
        if state_change.name == "Added" and name not in self._tasks:
            self._tasks[name] = asyncio.get_running_loop().create_task(self._ask(service_type, name))

    async def wait(self) -> None:
        """Wait for the questions asked so far."""
        await asyncio.gather(*self._tasks.values())

    async def end(self) -> None:
        """Cancel those that are still open."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _ask(self, kind: str, name: str) -> None:
        from zeroconf.asyncio import AsyncServiceInfo

        info = AsyncServiceInfo(kind, name)
        if not await info.async_request(self._radio.zeroconf, _RESOLVE_SECONDS * 1000):
            return
        hosts, port, base_path = _hosts(info, self._machine), info.port or 0, _base_path(info)
        server = (info.server or "").removesuffix(".").lower()
        scheme = "https" if kind.startswith("_https.") else "http"
        places = frozenset(Place(host, port, base_path) for host in [*hosts, server] if host)
        if not port or not hosts or (places, scheme) in self._asked or not places.isdisjoint(self._skip):
            return
        self._asked.add((places, scheme))
        if scheme == "https" and server:
            hosts.insert(0, server)  # a certificate names the server rather than an address
        for host in hosts:
            where = frozenset(Place(one, port, base_path) for one in (host, server) if one)
            url = url_of(host, port, base_path, scheme)
            sighting = await self._prober.sighting(url, FoundBy.LAN, where, name.removesuffix(f".{kind}"))
            if sighting is not None:
                self._on_sighting(sighting)
                return


def _open(interfaces: Sequence[str] | None) -> AsyncZeroconf:
    """Open the sockets, for both families where the machine has both. Raises OSError, RuntimeError."""
    from zeroconf import InterfaceChoice, IPVersion
    from zeroconf.asyncio import AsyncZeroconf

    if interfaces is not None:
        return AsyncZeroconf(interfaces=list(interfaces))
    try:
        return AsyncZeroconf(interfaces=InterfaceChoice.All, ip_version=IPVersion.All)
    except OSError:
        return AsyncZeroconf(interfaces=InterfaceChoice.All, ip_version=IPVersion.V4Only)


async def _close(radio: AsyncZeroconf) -> None:
    """Close the sockets, all of them, however often we are cancelled meanwhile."""
    closing = asyncio.ensure_future(_closed_whole(radio))
    cancelled: asyncio.CancelledError | None = None
    while not closing.done():
        try:
            await asyncio.wait({closing})
        except asyncio.CancelledError as error:
            cancelled = error
    closing.result()
    if cancelled is not None:
        raise cancelled


async def _closed_whole(radio: AsyncZeroconf) -> None:
    """Zeroconf 0.154 takes its sockets into the loop in a task of its own; closed before that, it leaves them open."""
    from zeroconf import NotRunningException

    with suppress(NotRunningException):
        await radio.zeroconf.async_wait_for_start()
    await radio.async_close()


def _hosts(info: AsyncServiceInfo, machine: ThisMachine) -> list[str]:
    """The announced addresses, IPv4 first; without those of a single link, which have no URL that all servers take.

    Others' addresses that are ours too are left out: Docker gives every machine the same 172.17.0.1, and Avahi
    announces it. Where all are ours, the announcement is this machine's own.
    """
    plain = [one for one in info.parsed_addresses() if not one.lower().startswith("fe80:") and not is_unspecified(one)]
    foreign = [one for one in plain if one not in machine.hosts]
    return sorted(foreign or plain, key=lambda one: ":" in one)


def _base_path(info: AsyncServiceInfo) -> str:
    path = (info.decoded_properties.get("path") or "").strip().strip("/")
    usable = path and not any(one in "?#\\" or one.isspace() or not one.isprintable() for one in path)
    return f"/{path}" if usable and "//" not in path else ""
