"""Ollama servers that programs of this machine run."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from ecs_localai.components.found_hosts import FoundBy

from ..address import DEFAULT_HOST, DEFAULT_PORT, parse_host
from ..errors import InvalidHost
from .listening import Listener, listeners, listening_sockets, may_be_ollama
from .places import Place, ThisMachine, url_of
from .probe import Prober, Sighting

__all__ = ["find_local_hosts"]


@dataclass(frozen=True, slots=True)
class _Candidate:
    urls: tuple[str, ...]
    places: frozenset[Place]


async def find_local_hosts(
    on_sighting: Callable[[Sighting], None],
    *,
    machine: ThisMachine | None = None,
    prober: Prober | None = None,
    skip: Collection[Place] = (),
    on_skipped: Callable[[frozenset[Place]], None] | None = None,
    environment: Mapping[str, str] = os.environ,
) -> list[str]:
    """Ask every port on which a program of this machine listens; returns sentences about what could not be looked at.

    Ollama's default address and that in ``OLLAMA_HOST`` are asked in any case, the latter where it is one of this
    machine's: the system may hide other users' sockets (macOS), or pass a port on to another system (WSL).
    What can be reached at one of the places of `skip` is not asked; `on_skipped` gets all the places of such a server.
    `on_sighting` is called once for each server.
    """
    machine = machine or await ThisMachine.look()
    prober = prober or Prober()
    problems: list[str] = []
    found, trouble = await asyncio.to_thread(_look)
    if trouble:
        problems.append(trouble)
    candidates = [_of_listener(one, machine) for one in found]
    asked = {place for candidate in candidates for place in candidate.places}
    for usual in _usual(machine, environment, problems):
        if usual.places.isdisjoint(asked):
            candidates.insert(0, usual)
            asked |= usual.places
    wanted = [candidate for candidate in candidates if candidate.places.isdisjoint(skip)]
    if on_skipped is not None:
        for candidate in candidates:
            if candidate not in wanted:
                on_skipped(candidate.places)
    await asyncio.gather(*(_ask(candidate, prober, on_sighting) for candidate in wanted))
    return problems


def _look() -> tuple[list[Listener], str]:
    import psutil

    try:
        return may_be_ollama(listeners(listening_sockets())), ""
    except (psutil.Error, OSError) as error:
        return [], f"The ports of this machine could not be listed ({error}); only Ollama's usual address was asked."


def _of_listener(one: Listener, machine: ThisMachine) -> _Candidate:
    hosts = [""] if one.is_everywhere else list(one.hosts)
    places = frozenset(place for host in hosts for place in machine.places(host, one.port))
    return _Candidate(tuple(url_of(host, one.port) for host in one.hosts_to_ask), places)


def _usual(machine: ThisMachine, environment: Mapping[str, str], problems: list[str]) -> list[_Candidate]:
    usual = [
        _Candidate((url_of(DEFAULT_HOST, DEFAULT_PORT),), frozenset({Place(DEFAULT_HOST, DEFAULT_PORT)})),
    ]
    if named := environment.get("OLLAMA_HOST", ""):
        try:
            address = parse_host(named)
        except InvalidHost as error:
            problems.append(f"OLLAMA_HOST can't be read: {error.message}")
            return usual
        places = machine.places_of_url(named)
        if machine.is_here(places):
            urls = [url_of(host, address.port, address.base_path, address.scheme) for host in address.candidates]
            usual.append(_Candidate(tuple(urls), places))
    return usual


async def _ask(candidate: _Candidate, prober: Prober, on_sighting: Callable[[Sighting], None]) -> None:
    for url in candidate.urls:
        sighting = await prober.sighting(url, FoundBy.LOCAL, candidate.places)
        if sighting is not None:
            on_sighting(sighting)
            return
