"""``ecs-localai outdated``: which installed models have a newer version, found out without pulling."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ecs_localai.commands.asking import ask_all
from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.kept_knowledge import KeptKnowledge, kept_knowledge
from ecs_localai.commands.list_models import ago
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import say, say_json
from ecs_localai.commands.waiting_note import WaitingNote
from ecs_localai.components.time_values import utc_now
from ecs_localai.components.updates import HostUpdates, ModelUpdate, UpdateState
from ecs_localai.ollama.errors import OllamaError
from ecs_localai.ollama.plain_http import is_by_plain_http
from ecs_localai.systems.kept_updates import best_known, merged_updates
from ecs_localai.systems.saved_hosts import SavedHost

if TYPE_CHECKING:
    from ecs_localai.ollama.client import OllamaClient
    from ecs_localai.ollama.registry_look import RegistryLook

_WORDS = {
    UpdateState.OUTDATED: "outdated",
    UpdateState.POSSIBLY: "possibly outdated",
    UpdateState.CURRENT: "current",
    UpdateState.LOCAL: "local",
    UpdateState.UNKNOWN: "unknown",
}
"""In the order in which they are listed."""


class UpdateLine(msgspec.Struct, frozen=True):
    """One model, as ``outdated --json`` tells it."""

    name: str
    state: UpdateState
    reason: str
    """Why it is not known, or only possible; else empty."""
    may_be_another: bool
    """Whether it may be no version of the registry's model, which would replace it: `update` leaves it alone."""
    digest: str
    """Of the installed manifest."""
    pushed_at: datetime | None
    """When the registry's version was put there, where it tells."""
    checked_at: datetime | None
    """When that was found out: earlier, where the registry could not be asked now."""
    host: str
    """The base URL of its host."""
    host_name: str
    """What the host is called in the list."""


Compared = list[tuple[SavedHost, ModelUpdate]]


def list_outdated(target: Target, as_json: bool, all_hosts: bool = False) -> int:
    """Print how the installed models compare with their registries; returns 0, also where some are outdated.

    Raises:
        CommandFailed, OllamaError: with a sentence; of many hosts, those that answer are printed.
    """
    book = target.book()
    hosts = book.ollamas if all_hosts else [book.chosen]
    with WaitingNote(as_json) as note, note.about("Looking for updates"):
        compared, troubles = compare(target.folder(), hosts, as_known_before=True)
    if troubles and not all_hosts:
        raise troubles[0][1]
    order = list(_WORDS)
    compared.sort(key=lambda pair: order.index(pair[1].state))  # stable: in the order of the hosts and their models
    if as_json:
        for host, one in compared:
            say_json(_line(host, one))
    elif compared or not troubles:
        _print(compared, with_host=all_hosts)
    if troubles:
        raise CommandFailed(*(f"{host.name}: {error.message}" for host, error in troubles))
    return 0


def compare(
    folder: Path, hosts: Sequence[SavedHost], names: Collection[str] = (), *, as_known_before: bool = False
) -> tuple[Compared, list[tuple[SavedHost, OllamaError]]]:
    """Compare the hosts' models, or those of these keys, with their registries; besides, the hosts without an answer.

    Each registry is asked once for what several hosts have. What was found out is kept, where anything is. With
    `as_known_before` a model about which its registry could not be asked is as it was known, with that in `reason`.
    """
    from ecs_localai.ollama.registry_look import RegistryLook

    compared: Compared = []
    away: list[tuple[SavedHost, OllamaError]] = []
    with kept_knowledge(folder) as known:
        look = RegistryLook(is_by_plain_http)
        answers = ask_all(hosts, lambda client: _compare(client, look, known, names))
        former = {host.config.base_url: known.updates_of(host.config.base_url) for host in hosts}
        for host, answer in zip(hosts, answers, strict=True):
            if not names and not isinstance(answer, OllamaError):
                base_url = host.config.base_url
                known.compared[base_url] = merged_updates(former[base_url], answer, utc_now())
    for host, answer in zip(hosts, answers, strict=True):
        if isinstance(answer, OllamaError):
            away.append((host, answer))
        else:
            before = former[host.config.base_url] if as_known_before else None
            compared += [(host, _as_known(before, one)) for one in answer]
    return compared, away


def _as_known(before: HostUpdates | None, one: ModelUpdate) -> ModelUpdate:
    """One about which nothing could be found out as it was known before, if it was; and why it is not new."""
    known = best_known(before, one)
    if known is one or known.checked_at is None:
        return one
    reason = f"As it was {ago(known.checked_at)}: {one.reason} {known.reason}".rstrip()
    return msgspec.structs.replace(known, reason=reason)


async def _compare(
    client: OllamaClient, look: RegistryLook, known: KeptKnowledge, names: Collection[str]
) -> list[ModelUpdate]:
    from ecs_localai.ollama.local_models import models_folder
    from ecs_localai.ollama.updates import check_updates

    return await check_updates(
        client,
        look,
        await models_folder(client),
        names=names,
        installed_from=known.installed,
        remember=known.learnt.append,
        recognise=known.recognised.append,
    )


def _line(host: SavedHost, one: ModelUpdate) -> UpdateLine:
    return UpdateLine(
        one.model_name,
        one.state,
        one.reason,
        one.may_be_another,
        one.digest,
        one.pushed_at,
        one.checked_at,
        host.config.base_url,
        host.name,
    )


def _print(compared: Compared, *, with_host: bool) -> None:
    if not compared:
        say("There is no model to compare.")
        return
    from ecs_localai.commands.tables import draw, table

    heads = ("name", "state", "pushed", "remark")
    rows = (
        (
            *([host.name] if with_host else []),
            one.model_name,
            _WORDS[one.state],
            ago(one.pushed_at) if one.pushed_at is not None else "-",
            one.reason or "-",
        )
        for host, one in compared
    )
    draw(table(("host", *heads) if with_host else heads, rows))
    outdated = sum(one.state is UpdateState.OUTDATED for _, one in compared)
    if outdated:
        say(f"{'1 model has' if outdated == 1 else f'{outdated} models have'} an update: ecs-localai update --all")
