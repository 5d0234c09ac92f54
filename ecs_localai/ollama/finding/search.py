"""Looking for Ollama servers everywhere at once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from functools import partial

from ecs_localai.components.found_hosts import FoundBy, FoundHost

from .containers import find_container_hosts
from .lan import find_lan_hosts
from .local_ports import find_local_hosts
from .places import Place, ThisMachine
from .probe import Prober, Sighting

__all__ = ["SEARCH_SECONDS", "find_hosts"]

SEARCH_SECONDS = 20.0
_Search = Callable[[], Coroutine[object, object, list[str]]]
_ORDER = (FoundBy.CONTAINER, FoundBy.LOCAL, FoundBy.LAN)
_WHERE = {
    FoundBy.CONTAINER: "the containers",
    FoundBy.LOCAL: "the ports of this machine",
    FoundBy.LAN: "the local network",
}


async def find_hosts(
    *,
    lan: bool,
    known: Collection[str],
    on_found: Callable[[FoundHost], None],
    within: float = SEARCH_SECONDS,
    lan_interfaces: Sequence[str] | None = None,
    environment: Mapping[str, str] = os.environ,
) -> list[str]:
    """Look for Ollamas on this machine, in its containers and, with `lan`, in the local network.

    `known` are the base URLs of the hosts that one has (any form that `parse_host` reads): they are neither reported
    nor asked. Each server is reported once, under one of its addresses, by `on_found`, which is called on the loop. A
    container's published port is a local port as well; it is reported as the container, which has a name.

    Ends after `within` seconds at the latest, and at once when cancelled, leaving nothing open. Returns sentences
    about places that could not be looked at; finding nothing is no problem.
    """
    machine = await ThisMachine.look()
    skip = frozenset(place for url in known for place in machine.places_of_url(url))
    desk = _Desk(skip, on_found)
    prober = Prober()
    searches: dict[FoundBy, _Search] = {
        FoundBy.CONTAINER: partial(
            find_container_hosts,
            desk.taker(FoundBy.CONTAINER),
            machine=machine,
            prober=prober,
            skip=skip,
            environment=environment,
        ),
        FoundBy.LOCAL: partial(
            find_local_hosts,
            desk.taker(FoundBy.LOCAL),
            machine=machine,
            prober=prober,
            skip=skip,
            on_skipped=desk.take_places,
            environment=environment,
        ),
    }
    if lan:
        searches[FoundBy.LAN] = partial(
            find_lan_hosts,
            desk.taker(FoundBy.LAN),
            machine=machine,
            prober=prober,
            skip=skip,
            interfaces=lan_interfaces,
        )
    problems: list[str] = []

    async def look(found_by: FoundBy, search: _Search) -> None:
        try:
            async with asyncio.timeout_at(end):
                problems.extend(await search())
        except TimeoutError:
            problems.append(f"Not all of {_WHERE[found_by]} could be looked at within {within:g} seconds; try again.")
        desk.is_done(found_by)

    end = asyncio.get_running_loop().time() + within
    tasks = [asyncio.ensure_future(look(found_by, search)) for found_by, search in searches.items()]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            if not task.cancelling():  # a second cancel would cut short what the first has begun to close
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return problems


class _Desk:
    """Reports each server once, by the search that knows most of it.

    What the containers' search finds is reported at once, what the ports' search finds when that has ended, what the
    network's finds when both have.
    """

    def __init__(self, known: frozenset[Place], on_found: Callable[[FoundHost], None]) -> None:
        self._taken = set(known)
        self._on_found = on_found
        self._held: dict[FoundBy, list[Sighting]] = {found_by: [] for found_by in _ORDER}
        self._done: set[FoundBy] = set()

    def taker(self, found_by: FoundBy) -> Callable[[Sighting], None]:
        """What a search calls for each server that it finds."""

        def take(sighting: Sighting) -> None:
            self._held[found_by].append(sighting)
            self._report()

        return take

    def take_places(self, places: frozenset[Place]) -> None:
        """These are those of a known server, too: one known by its loopback address may be announced by another."""
        self._taken |= places

    def is_done(self, found_by: FoundBy) -> None:
        """A search has ended."""
        self._done.add(found_by)
        self._report()

    def _report(self) -> None:
        for found_by in _ORDER:
            held = self._held[found_by]
            while held:
                sighting = held.pop(0)
                if sighting.places.isdisjoint(self._taken):
                    self._taken |= sighting.places
                    self._on_found(sighting.host)
            if found_by not in self._done:
                return
