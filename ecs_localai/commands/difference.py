"""``ecs-localai diff`` and ``sync``: what hosts have and lack of each other's models, and evening that out."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
import typer

from ecs_localai.commands.asking import ask_all
from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.host_book import HostBook
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import is_terminal, printable, say, say_json
from ecs_localai.components.wording import format_bytes
from ecs_localai.ollama.errors import OllamaError
from ecs_localai.systems.model_difference import ModelGroup, difference_text, group_models, missing_installs
from ecs_localai.systems.saved_hosts import SavedHost

if TYPE_CHECKING:
    from ecs_localai.components.models import InstalledModel
    from ecs_localai.ollama.client import OllamaClient


class ModelOnHost(msgspec.Struct, frozen=True):
    """A model where it is installed."""

    host: str
    """The host's base URL."""
    host_name: str
    digest: str
    size: int | None
    """Bytes."""
    modified_at: datetime


class GroupLine(msgspec.Struct, frozen=True):
    """One model on all hosts that were compared, as ``diff --json`` tells it."""

    name: str
    on: list[ModelOnHost]
    missing_on: list[str]
    """Names of hosts."""
    outdated_on: list[str]
    """Names of hosts that have another version than the one that was installed last on any of them."""


@dataclass(frozen=True, slots=True)
class _Compared:
    hosts: list[SavedHost]
    """Those that have answered."""
    groups: list[ModelGroup]
    troubles: list[str]
    """A sentence for each of the others."""

    @property
    def names(self) -> dict[str, str]:
        """The hosts' names by base URL."""
        return {host.config.base_url: host.name for host in self.hosts}


def show_difference(target: Target, named: Sequence[str], as_json: bool) -> int:
    """Print which of these hosts lacks what, of all hosts where none is named; returns the exit code.

    Raises:
        CommandFailed: there are no two hosts, or one does not answer; the others are compared all the same.
    """
    compared = _compare(target.book(), named)
    if as_json:
        for group in compared.groups:
            say_json(_line(group, compared.names))
    else:
        _print(compared, named)
    if compared.troubles:
        raise CommandFailed(*compared.troubles)
    return 0


def even_out(target: Target, named: Sequence[str], yes: bool, insecure: bool, as_json: bool) -> int:
    """Install on each of these hosts what the others have, after asking; returns the exit code.

    Raises:
        CommandFailed: it was not wanted, nobody can be asked, a host does not answer, or a model was not installed.
    """
    from ecs_localai.commands.install import install_wanted
    from ecs_localai.commands.installation_job import Wanted

    book = target.book()
    compared = _compare(book, named)
    wanted = missing_installs(compared.groups)
    hosts = {host.config.base_url: host for host in compared.hosts}
    if wanted and not yes:
        _confirm([(name, hosts[base_url], _size_of(compared.groups, name)) for name, base_url in wanted])
    if wanted:
        jobs = [Wanted(name, hosts[base_url]) for name, base_url in wanted]
        try:
            install_wanted(book, target.folder(), jobs, insecure=insecure, as_json=as_json)
        except CommandFailed as failure:
            raise CommandFailed(*compared.troubles, *failure.lines) from failure
    elif not as_json:
        say(_nothing_differs(compared))
    if compared.troubles:
        raise CommandFailed(*compared.troubles)
    return 0


def _compare(book: HostBook, named: Sequence[str]) -> _Compared:
    hosts = book.require_all(named)
    if len(hosts) < 2:
        why = f"{' and '.join(named)} are the same host." if len(named) > 1 else "There is only one host to look at."
        raise CommandFailed(f"{why} Name two, or add another one: ecs-localai hosts add ADDRESS")

    async def read(client: OllamaClient) -> list[InstalledModel]:
        from ecs_localai.systems.model_sync import installed_model

        return [installed_model(entry, client.base_url) for entry in await client.tags()]

    answered: list[tuple[SavedHost, list[InstalledModel]]] = []
    troubles = []
    for host, answer in zip(hosts, ask_all(hosts, read), strict=True):
        if isinstance(answer, OllamaError):
            troubles.append(f"{host.name}: {answer.message}")
        else:
            answered.append((host, answer))
    if len(answered) < 2:
        raise CommandFailed(*troubles)
    groups = group_models([(host.config.base_url, {one.name: one for one in models}) for host, models in answered])
    return _Compared([host for host, _ in answered], groups, troubles)


def _line(group: ModelGroup, names: dict[str, str]) -> GroupLine:
    return GroupLine(
        name=group.name,
        on=[
            ModelOnHost(base_url, names[base_url], model.digest, model.size, model.install_date)
            for base_url, model in group.on.items()
        ],
        missing_on=[names[base_url] for base_url in group.missing_on],
        outdated_on=[names[base_url] for base_url in group.outdated_on],
    )


def _print(compared: _Compared, named: Sequence[str]) -> None:
    different = [group for group in compared.groups if not group.is_everywhere]
    if not different:
        say(_nothing_differs(compared))
        return
    from ecs_localai.commands.tables import draw, table, text

    rows = (
        (group.name, format_bytes(_size_of([group], group.name)), *(_cell(group, url) for url in compared.names))
        for group in different
    )
    draw(
        text(f"{difference_text(different, compared.names)}.", "bold"),
        "",
        table(("model", "size", *compared.names.values()), rows, right=("size",)),
        "",
        text(f"To even it out: ecs-localai sync {' '.join(map(shlex.quote, named))}".rstrip()),
    )


def _cell(group: ModelGroup, base_url: str) -> str:
    if base_url in group.missing_on:
        return "missing"
    return "outdated" if base_url in group.outdated_on else "there"


def _nothing_differs(compared: _Compared) -> str:
    count = len(compared.groups)
    models = "no models" if not count else "the same model" if count == 1 else f"the same {count} models"
    return f"{' and '.join(compared.names.values())} have {models}."


def _size_of(groups: Sequence[ModelGroup], name: str) -> int:
    """Bytes of the model where it was installed last; 0 where that host does not say."""
    group = next(group for group in groups if group.name == name)
    return max(group.on.values(), key=lambda model: model.install_date).size or 0


def _confirm(wanted: Sequence[tuple[str, SavedHost, int]]) -> None:
    """Ask about what is to be installed.

    Raises:
        CommandFailed: the answer was no, or nobody can be asked.
    """
    if not (is_terminal() and sys.stdin is not None and sys.stdin.isatty()):
        raise CommandFailed("Nobody can be asked here. Look at `ecs-localai diff`, and give --yes to install.")
    for name, host, size in wanted:
        say(f"{name} ({format_bytes(size)}) on {host.name}")
    total = sum(size for _, _, size in wanted)
    question = f"Install {len(wanted)} {'model' if len(wanted) == 1 else 'models'}, up to {format_bytes(total)}?"
    if not typer.confirm(printable(question)):
        raise CommandFailed("Nothing was installed.")
