"""``ecs-localai hosts add``, ``edit``, ``remove``, ``default`` and ``move``: changing the list of hosts."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence

import msgspec

from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.host_book import change_hosts, find_either, find_host, remove_unreadable
from ecs_localai.commands.host_look import OPENAI_FLAG
from ecs_localai.commands.host_settings import HostOptions, TypedSecrets, configured, doubts_about, forget_secrets
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import say, warn
from ecs_localai.components.hosts import HostProtocol, OllamaConfiguration
from ecs_localai.ollama.address import parse_host
from ecs_localai.ollama.errors import InvalidHost
from ecs_localai.systems.host_list import no_such_host
from ecs_localai.systems.host_refusals import Known, follows_address, known, why_refused
from ecs_localai.systems.saved_hosts import SavedHost, configuration_of, name_for, tidy_name


def add_host(target: Target, address: str, name: str, options: HostOptions, *, make_default: bool, openai: bool) -> int:
    """Add a host at the end of the list; returns the exit code.

    Raises:
        CommandFailed: its address is none, or it or its name is taken, or the options make no sense.
    """
    config, typed = configured(_config_at(address), options)
    made = SavedHost(_name(name), config, HostProtocol.OPENAI if openai else HostProtocol.OLLAMA)

    def change(hosts: list[SavedHost]) -> list[SavedHost]:
        nonlocal made
        _refuse(hosts, config.base_url, made.name)
        made = msgspec.structs.replace(made, name=made.name or name_for(config, [host.name for host in hosts]))
        typed.keep()
        return _with_default([*hosts, made], made.name if make_default else "")

    changed = _change(target, change, typed)
    default = next(host for host in changed if host.is_default)
    told = " It is the default one." if default.name == made.name else ""
    say(f"Added {made.name} at {config.base_url}.{told} See how it does: ecs-localai hosts check {_quoted(made.name)}")
    _tell_doubts(target, made)
    return 0


def edit_host(
    target: Target,
    named: str,
    name: str,
    address: str | None,
    options: HostOptions,
    *,
    make_default: bool,
    openai: bool | None,
) -> int:
    """Change a host of the list; what is not given stays. Returns the exit code.

    Raises:
        CommandFailed: there is no such host, or what is given is taken or makes no sense.
    """
    book = target.book()
    before = find_either(book.hosts, book.left_out, named) or _require(book.hosts, named)
    config = before.config if address is None else _config_at(address, before.config)
    config, typed = configured(config, options)
    protocol = before.protocol if openai is None else HostProtocol.OPENAI if openai else HostProtocol.OLLAMA
    made = msgspec.structs.replace(before, name=_name(name) or before.name, config=config, protocol=protocol)
    former = before.config.base_url
    follows = not _name(name) and config.base_url != former and follows_address(before.name, former)
    if made == before and not make_default:
        say(f"{before.name} stays as it is: nothing else was given. What can be changed: ecs-localai hosts edit --help")
        return 0

    def change(hosts: list[SavedHost]) -> list[SavedHost]:
        nonlocal made
        old = next((host for host in hosts if host == before), None) or _require(hosts, before.config.base_url)
        others = [host for host in hosts if host is not old]
        if follows:
            made = msgspec.structs.replace(made, name=name_for(config, [host.name for host in others]))
        _refuse(others, config.base_url, made.name, Known(old.name, old.config.base_url))
        typed.keep()
        new = msgspec.structs.replace(made, is_default=old.is_default)
        return _with_default([new if host is old else host for host in hosts], new.name if make_default else "")

    changed = _change(target, change, typed, is_told=True)
    others = [host.config for host in changed]
    for trouble in forget_secrets(before.config, others):
        warn(trouble)
    say(f"Changed {made.name} at {config.base_url}.")
    _tell_doubts(target, made)
    return 0


def remove_host(target: Target, named: str) -> int:
    """Take a host off the list, and what was typed for it out of the keyring; returns the exit code.

    Its models stay where they are. One that is saved but unreadable goes by its name alone.

    Raises:
        CommandFailed: there is no such host, or it is the only one.
    """
    if remove_unreadable(target.folder(), named):
        say(f"Removed {named} from what is saved; it was unreadable.")
        return 0
    gone: list[SavedHost] = []

    def change(hosts: list[SavedHost]) -> list[SavedHost]:
        gone.append(_require(hosts, named))
        if len(hosts) == 1:
            raise CommandFailed(
                f"{gone[0].name} is the only host. Add another one first, or change its address with hosts edit."
            )
        return [host for host in hosts if host is not gone[0]]

    left = change_hosts(target.folder(), change)
    for trouble in forget_secrets(gone[0].config, [host.config for host in left]):
        warn(trouble)
    default = next(host for host in left if host.is_default)
    told = f" The default one is {default.name} now." if gone[0].is_default else ""
    say(f"Removed {gone[0].name} from the list; its models stay where they are.{told}")
    return 0


def set_default_host(target: Target, named: str) -> int:
    """Make a host the one that is used where none is named; returns the exit code.

    Raises:
        CommandFailed: there is no such host.
    """
    changed = change_hosts(target.folder(), lambda hosts: _with_default(hosts, _require(hosts, named).name))
    say(f"{next(host.name for host in changed if host.is_default)} is the default host now.")
    return 0


def move_host(target: Target, named: str, where: str) -> int:
    """Move a host ``up``, ``down`` or to a place counted from 1; returns the exit code. Beyond an end it stays there.

    Raises:
        CommandFailed: there is no such host, or no such place.
    """
    place = where.strip().lower()
    if place not in ("up", "down") and not (place.isascii() and place.isdigit() and int(place) >= 1):
        raise CommandFailed("Say where to: up, down, or its new place in the list, counted from 1.")
    moved: list[SavedHost] = []

    def change(hosts: list[SavedHost]) -> list[SavedHost]:
        one = _require(hosts, named)
        index = next(number for number, host in enumerate(hosts) if host is one)
        steps = {"up": index - 1, "down": index + 1}
        others = [host for host in hosts if host is not one]
        others.insert(max(0, min(len(others), steps[place] if place in steps else int(place) - 1)), one)
        moved.append(one)
        return others

    changed = change_hosts(target.folder(), change)
    order = ", ".join(host.name for host in changed)
    say(f"Moved {moved[0].name}. The list is: {order}.")
    return 0


def _change(
    target: Target,
    change: Callable[[list[SavedHost]], Sequence[SavedHost]],
    typed: TypedSecrets,
    *,
    is_told: bool = False,
) -> list[SavedHost]:
    """As `change_hosts`; what was typed leaves the keyring again where the list could not be saved."""
    try:
        return change_hosts(target.folder(), change, is_told=is_told)
    except CommandFailed:
        typed.forget()
        raise


def _name(given: str) -> str:
    if not given.strip().isprintable():
        raise CommandFailed("A host's name is one line of text.")
    return tidy_name(given)


def _config_at(address: str, settings: OllamaConfiguration | None = None) -> OllamaConfiguration:
    if not address.strip():
        raise CommandFailed("The address is empty. Write it like 192.168.1.20, gpu.local:11434 or https://example.com.")
    try:
        return configuration_of(parse_host(address), settings)
    except InvalidHost as error:
        raise CommandFailed(error.message) from error
    except ValueError as error:
        raise CommandFailed(str(error)) from error


def _require(hosts: Sequence[SavedHost], named: str) -> SavedHost:
    found = find_host(hosts, named)
    if found is None:
        raise CommandFailed(no_such_host(named, [host.name for host in hosts]))
    return found


def _refuse(others: Sequence[SavedHost], base_url: str, name: str, former: Known | None = None) -> None:
    refusal = why_refused(known(others), base_url, name, former)
    if refusal is not None:
        change = "" if refusal.is_about_name else f" To change it: ecs-localai hosts edit {_quoted(refusal.name)}"
        raise CommandFailed(f"{refusal.text}{change}")


def _with_default(hosts: Sequence[SavedHost], name: str) -> list[SavedHost]:
    if not name:
        return list(hosts)
    return [msgspec.structs.replace(host, is_default=host.name == name) for host in hosts]


def _tell_doubts(target: Target, host: SavedHost) -> None:
    for doubt in doubts_about(host.config):
        warn(doubt)
    if host.protocol is HostProtocol.OPENAI and not target.book().flags.get(OPENAI_FLAG, False):
        warn("Hosts that are no Ollama are off: switch Custom providers on in the panel to use it.")


def _quoted(name: str) -> str:
    return shlex.quote(name)
