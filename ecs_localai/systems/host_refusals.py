"""Why a host cannot have an address or a name: the one rule for the list, the commands and the panel's form.

A server is one host of the list, however its address is written: models and installations are told apart by it. A name
is one host's, and never reads as the address of another one, which would be taken for it wherever a host is named, nor
as an option of a command.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from ecs_localai.ollama.address import parse_host
from ecs_localai.ollama.errors import InvalidHost
from ecs_localai.systems.saved_hosts import MOST_SENTENCES, SavedHost, made_name, name_key, server_of


class Known(NamedTuple):
    """Another host that is known already."""

    name: str
    base_url: str


def known(hosts: Iterable[SavedHost]) -> list[Known]:
    """Saved hosts as others that are known."""
    return [Known(host.name, host.config.base_url) for host in hosts]


class Refusal(NamedTuple):
    """Why it cannot be so."""

    text: str
    """A sentence."""
    name: str
    """The host that is in the way; its base URL where its name does not lead to it."""
    is_about_name: bool
    """Whether another name would do; else the address is what cannot be."""


def why_refused(others: Iterable[Known], base_url: str, name: str, former: Known | None = None) -> Refusal | None:
    """Why a host cannot be given this address and this name beside the others; None: it can.

    Args:
        others: the other hosts.
        base_url: what it is to have.
        name: what it is to be called; empty: one will be made.
        former: what it was, if it was anything: a name that it had already may stay, whatever it reads as.
    """
    there = list(others)
    if name.startswith("-") and name != (former or Known("", "")).name:
        return Refusal(f"{name} begins with a dash, as options of commands do. Choose another name.", name, True)
    return why_taken(there, base_url, name) or _why_misleading(there, base_url, name, former or Known("", ""))


def follows_address(name: str, base_url: str) -> bool:
    """Whether a host's name is its address, as it was made or however a person has written it: it changes with it.

    A mere host name, such as ``gpu`` for ``gpu:11434``, is a name like any other.
    """
    if name == made_name(base_url):
        return True
    is_address = bool(set(name) & set(":/")) or not name.strip("0123456789.")
    try:
        return is_address and server_of(parse_host(name).base_url) == server_of(base_url)
    except InvalidHost:
        return False


def why_taken(others: Iterable[Known], base_url: str, name: str) -> Refusal | None:
    """Why a host cannot be in the list together with the others, whoever has put them there; None: it can."""
    server = server_of(base_url)
    for other in others:
        if other.base_url == base_url:
            return Refusal(f"{base_url} is in the list already, as {other.name}.", other.name, False)
        if server_of(other.base_url) == server:
            text = f"{base_url} is the same as {other.base_url}: in the list already, as {other.name}."
            return Refusal(text, other.name, False)
        if name and name_key(other.name) == name_key(name):
            return Refusal(f"Another host is called {other.name}. Choose another name.", other.name, True)
    return None


def apart(saved: Iterable[SavedHost]) -> tuple[list[SavedHost], dict[str, str]]:
    """The hosts of a file that can be in one list together, and for each other one, by its name, why it cannot.

    Of two for one server the first can; it is the default one if the other is.
    """
    taken: dict[str, SavedHost] = {}
    left: dict[str, str] = {}
    for host in saved:
        first = taken.setdefault(server_of(host.config.base_url), host)
        refusal = None if first is host else why_taken(known([first]), host.config.base_url, "")
        if refusal is not None:
            left[host.name] = refusal.text
            if host.is_default:
                taken[server_of(host.config.base_url)] = msgspec.structs.replace(first, is_default=True)
    return list(taken.values()), left


def left_out_text(name: str, reason: str) -> str:
    """The sentences for a saved host that is not in the list, for this reason."""
    quoted = shlex.quote(name)
    advice = f"To change it: ecs-localai hosts edit {quoted}; to remove it: ecs-localai hosts remove {quoted}"
    return f"{name} is saved, but left out here. {reason} {advice}"


def left_out_texts(left: Mapping[str, str]) -> list[str]:
    """As `left_out_text`, for each of these; one sentence for all where they are many."""
    if len(left) > MOST_SENTENCES:
        return [f"{', '.join(left)} are saved, but left out here. To see why: ecs-localai hosts"]
    return [left_out_text(name, reason) for name, reason in left.items()]


def _why_misleading(others: Iterable[Known], base_url: str, name: str, former: Known) -> Refusal | None:
    for other in others:
        if name != former.name and _reads_as(name, base_url, other.base_url):
            text = f"{name} is the address of {other.name}, {other.base_url}. Choose another name."
            return Refusal(text, other.name, True)
        if base_url != former.base_url and _reads_as(other.name, other.base_url, base_url):
            text = f"Another host, at {other.base_url}, is called {other.name}: give that one another name first."
            return Refusal(text, other.base_url, False)
    return None


def _reads_as(name: str, own_url: str, base_url: str) -> bool:
    """Whether a host's name is the address of another one.

    The name that is made of its own address is not, though without its ``https://`` it may read so.
    """
    if not name or name == made_name(own_url):
        return False
    try:
        return server_of(parse_host(name).base_url) == server_of(base_url)
    except InvalidHost:
        return False
