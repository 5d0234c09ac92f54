"""The list of hosts as a command sees it: what is saved, and the host that ``--host`` or ``OLLAMA_HOST`` names."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.kept_file import is_kept
from ecs_localai.commands.terminal import warn
from ecs_localai.components.hosts import HostOrigin, HostProtocol, OllamaConfiguration
from ecs_localai.ollama.address import parse_host
from ecs_localai.ollama.errors import InvalidHost
from ecs_localai.systems.host_refusals import apart, left_out_text
from ecs_localai.systems.kept_hosts import KeptHosts
from ecs_localai.systems.saved_hosts import (
    SavedHost,
    configuration_of,
    name_for,
    name_key,
    read_saved_hosts,
    server_of,
    unique_name,
    unreadable_keys,
    with_one_default,
)

if TYPE_CHECKING:
    from ecs_localai.store.store import Store

OPTION = "--host"
VARIABLE = "OLLAMA_HOST"


@dataclass(frozen=True, slots=True)
class HostBook:
    """The hosts of one run of the command."""

    hosts: list[SavedHost]
    """In the list's order, never none; the one in use that is not in the list stands last. `is_default` marks that."""
    source: str
    """What named the default one, in words."""
    flags: dict[str, bool]
    """The features that were switched by hand."""
    left_out: tuple[SavedHost, ...] = ()
    """The saved ones that cannot be in the list together with the others; `read_book` has told so."""

    @property
    def given(self) -> OllamaConfiguration | None:
        """The default host of this run for `LocalModelsPlugin`; None where the saved list says that itself."""
        return self.chosen.config if self.source in (OPTION, VARIABLE) else None

    @property
    def saved(self) -> list[SavedHost]:
        """Those of the list, and the saved ones that are not in it: what can be changed."""
        return [*self.hosts, *self.left_out]

    @property
    def chosen(self) -> SavedHost:
        """The host that is used where none is named."""
        return next(host for host in self.hosts if host.is_default)

    @property
    def ollamas(self) -> list[SavedHost]:
        """Those that speak Ollama's protocol, which alone can list, install and remove models."""
        return [host for host in self.hosts if host.protocol is HostProtocol.OLLAMA]

    def is_usual(self, host: SavedHost) -> bool:
        """Whether it is the host that a command without ``--host`` uses."""
        return host.is_default and self.source != OPTION

    def require(self, text: str) -> SavedHost:
        """The host of this name or address. An address that is not in the list is a host, too.

        Raises:
            CommandFailed: the text is neither.
        """
        return find_either(self.hosts, self.left_out, text) or _host_at(text, [host.name for host in self.hosts])

    def require_all(self, texts: Iterable[str]) -> list[SavedHost]:
        """As `require`, each host once; where nothing is given, all that speak Ollama's protocol.

        Raises:
            CommandFailed: a text is neither a name nor an address.
        """
        named = {server_of(host.config.base_url): host for host in map(self.require, texts)}
        return list(named.values()) or self.ollamas


def find_either(hosts: Iterable[SavedHost], left_out: Iterable[SavedHost], text: str) -> SavedHost | None:
    """As `find_host`; one that was left out of the list is found where the text is its name alone."""
    return find_host(hosts, text) or find_host(left_out, text)


def find_host(hosts: Iterable[SavedHost], text: str) -> SavedHost | None:
    """The host of this address as people type it, else of this name.

    No host's name reads as another one's address (`systems/host_refusals.py`), but for lists that are older than that
    rule, and for names that are an address without its ``https://``: there, the address counts.
    """
    wanted = text.strip()
    if not wanted:
        return None
    hosts = list(hosts)
    named = next((host for host in hosts if name_key(host.name) == name_key(wanted)), None)
    try:
        address = parse_host(wanted).base_url
    except InvalidHost:
        return named
    server = server_of(address)
    alike = [host for host in hosts if server_of(host.config.base_url) == server]
    exact = next((host for host in alike if host.config.base_url == address), None)
    return exact or (named if named in alike else None) or next(iter(alike), named)


def read_book(folder: Path, option: str | None) -> HostBook:
    """The hosts, of which `option` names the default one; else ``OLLAMA_HOST``, else the list itself does.

    Nothing is created to find them out.

    Raises:
        CommandFailed: the option, or ``OLLAMA_HOST``, is neither a name nor an address.
    """
    saved, left_out, flags = _read_saved(folder)
    usual = HostBook(saved, "the list of hosts", flags, left_out)
    if option is not None:
        chosen = find_either(saved, left_out, option) or _host_at(option, [host.name for host in saved])
        return _with_chosen(usual, chosen, OPTION)
    if named := os.environ.get(VARIABLE, "").strip():
        try:
            config = _config_at(named)
        except CommandFailed as error:
            raise CommandFailed(f"OLLAMA_HOST is no address. {error}") from error
        chosen = find_host(saved, config.base_url) or _unlisted(config, [host.name for host in saved])
        return _with_chosen(usual, chosen, VARIABLE)
    return usual if saved else HostBook([usual_host()], "Ollama's default", flags)


def usual_host() -> SavedHost:
    """Ollama's own default address, which is the only host until another one is added."""
    config = OllamaConfiguration()
    return SavedHost(name_for(config), config, is_default=True)


def change_hosts(
    folder: Path, change: Callable[[list[SavedHost]], Sequence[SavedHost]], *, is_told: bool = False
) -> list[SavedHost]:
    """Change the saved list and wait until that is on the disk; returns the new list.

    Where nothing was saved, the list begins as the panel's does: with this computer, unless ``OLLAMA_HOST`` names
    another host, which is not saved. `is_told`: whether `read_book` has told already what is wrong with it.

    Raises:
        CommandFailed: what `change` raises, or the list cannot be saved.
    """
    from ecs_localai.store.store import Store

    with Store.open(folder) as store:
        saved, problems = read_saved_hosts(store.initial.hosts, store.initial.settings)
        for problem in () if is_told else problems:
            warn(problem)
        if not saved and not os.environ.get(VARIABLE, "").strip():
            usual = usual_host()
            saved = [msgspec.structs.replace(usual, name=unique_name(usual.name, unreadable_keys(store.initial.hosts)))]
        changed = with_one_default(list(change(saved)))
        for key in unreadable_keys(store.initial.hosts):
            if any(host.name == key for host in changed):
                raise CommandFailed(
                    f"{key} is saved already, though unreadable. Choose another name, or remove that one: "
                    f"ecs-localai hosts remove {shlex.quote(key)}"
                )
        KeptHosts(store).keep(changed)
        _flush(store)
    return changed


def remove_unreadable(folder: Path, named: str) -> bool:
    """Take a saved host that is unreadable out of the file, which has it under exactly this name; returns whether there
    is one.

    Raises:
        CommandFailed: it cannot be taken out.
    """
    from ecs_localai.store.store import Store
    from ecs_localai.store.tables import Table

    if not is_kept(folder):
        return False
    with Store.open(folder) as store:
        if named not in unreadable_keys(store.initial.hosts):
            return False
        store.remove(Table.HOSTS, named)
        _flush(store)
    return True


def _flush(store: Store) -> None:
    if not store.flush():
        reason = store.notice or " ".join(store.failures) or "The disk took too long."
        raise CommandFailed(f"The list of hosts was not saved. {reason}")
    if store.notice is not None:
        warn(store.notice)


def _read_saved(folder: Path) -> tuple[list[SavedHost], tuple[SavedHost, ...], dict[str, bool]]:
    """The hosts that can be in one list, those that cannot, which is told, and the features."""
    if not is_kept(folder):
        return [], (), {}
    from ecs_localai.store.store import Store

    with Store.open(folder) as store:
        if store.notice is not None:
            warn(store.notice)
        saved, problems = read_saved_hosts(store.initial.hosts, store.initial.settings)
        flags = dict(store.initial.flags)
    listed, left = apart(saved)
    for problem in (*problems, *(left_out_text(name, reason) for name, reason in left.items())):
        warn(problem)
    return listed, tuple(host for host in saved if host.name in left), flags


def _with_chosen(book: HostBook, chosen: SavedHost, source: str) -> HostBook:
    hosts = list(book.hosts)
    if chosen not in hosts:  # nor is its server twice in the list of this run
        server = server_of(chosen.config.base_url)
        hosts = [*(host for host in hosts if server_of(host.config.base_url) != server), chosen]
    marked = [msgspec.structs.replace(host, is_default=host is chosen) for host in hosts]
    return HostBook(marked, source, book.flags, book.left_out)


def _host_at(text: str, names: list[str]) -> SavedHost:
    try:
        return _unlisted(_config_at(text), names)
    except CommandFailed as error:
        if not names or "@" in text:
            raise
        raise CommandFailed(f"{error} No host of the list is called so; there are: {', '.join(names)}.") from error


def _unlisted(config: OllamaConfiguration, taken: Iterable[str] = ()) -> SavedHost:
    return SavedHost(name_for(config, taken), config, HostProtocol.OLLAMA, HostOrigin.ENVIRONMENT)


def _config_at(text: str) -> OllamaConfiguration:
    try:
        return configuration_of(parse_host(text))
    except InvalidHost as error:
        raise CommandFailed(error.message) from error
    except ValueError as error:
        raise CommandFailed(str(error)) from error
