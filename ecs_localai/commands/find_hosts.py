"""``ecs-localai hosts find``: the Ollamas of this machine, its containers and, where wanted, of the local network."""

from __future__ import annotations

import asyncio

from ecs_localai.commands.host_book import change_hosts
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import say, say_json, warn
from ecs_localai.components.found_hosts import FoundBy, FoundHost
from ecs_localai.components.hosts import HostOrigin
from ecs_localai.ollama.address import parse_host
from ecs_localai.systems.host_refusals import known, why_refused
from ecs_localai.systems.saved_hosts import SavedHost, configuration_of, name_for, unique_name

_WHERE = {
    FoundBy.LOCAL: "on this machine",
    FoundBy.CONTAINER: "in the container {name}",
    FoundBy.LAN: "in the local network, as {name}",
}


def find_hosts(target: Target, lan: bool, add: bool, as_json: bool) -> int:
    """Look for hosts that are not in the list, print each when it is found, and add them all where that is wanted.

    Returns the exit code; finding none is no failure.

    Raises:
        CommandFailed: the list cannot be saved.
    """
    from ecs_localai.ollama.finding.search import find_hosts as search

    # The one that --host or OLLAMA_HOST names for this run is known only if it is in the list.
    known = [host.config.base_url for host in target.book().hosts if host.origin is not HostOrigin.ENVIRONMENT]
    found: list[FoundHost] = []

    def take(host: FoundHost) -> None:
        found.append(host)
        if as_json:
            say_json(host)
        else:
            say(f"{host.base_url}: Ollama {host.version} {_where(host)}")

    if not as_json and lan:
        say("Looking on this machine, in its containers and in the local network.")
    problems = asyncio.run(search(lan=lan, known=known, on_found=take))
    for problem in problems:
        warn(problem)
    if add and found:
        added = _add(target, found)
        if added and not as_json:
            say(f"Added to the list: {', '.join(added)}.")
    elif not as_json:
        _say_what_next(found, lan)
    return 0


def _where(host: FoundHost) -> str:
    if not host.name:
        return "in the local network" if host.found_by is FoundBy.LAN else "on this machine"
    return _WHERE[host.found_by].format(name=host.name)


def _say_what_next(found: list[FoundHost], lan: bool) -> None:
    if found:
        say("To add them to the list: ecs-localai hosts find --add, or hosts add ADDRESS for one.")
        return
    more = "" if lan else " In the local network it is looked for with --lan."
    say(f"Found no Ollama that is not in the list already.{more}")


def _add(target: Target, found: list[FoundHost]) -> list[str]:
    """Add them; returns their names."""
    added: list[str] = []

    def change(hosts: list[SavedHost]) -> list[SavedHost]:
        hosts = list(hosts)
        for one in found:
            config = configuration_of(parse_host(one.base_url))
            refusal = why_refused(known(hosts), config.base_url, "")
            if refusal is not None:
                warn(refusal.text)
                continue
            taken = [host.name for host in hosts]
            name = unique_name(one.name, taken) if one.name else ""
            if not name or why_refused(known(hosts), config.base_url, name) is not None:
                name = name_for(config, taken)
            hosts.append(SavedHost(name, config, origin=HostOrigin.FOUND))
            added.append(name)
        return hosts

    change_hosts(target.folder(), change, is_told=True)
    return added
