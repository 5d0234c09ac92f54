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
from ecs_localai.components.updates import ModelUpdate, UpdateState
from ecs_localai.ollama.errors import OllamaError
from ecs_localai.systems.model_updates import is_by_plain_http
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
        compared, troubles = compare(target.folder(), hosts)
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
    folder: Path, hosts: Sequence[SavedHost], names: Collection[str] = ()
) -> tuple[Compared, list[tuple[SavedHost, OllamaError]]]:
    """Compare the hosts' models, or those of these keys, with their registries; besides, the hosts without an answer.

    Each registry is asked once for what several hosts have. What was found out is kept, where anything is.
    """
    from ecs_localai.ollama.registry_look import RegistryLook

    compared: Compared = []
    away: list[tuple[SavedHost, OllamaError]] = []
    with kept_knowledge(folder) as known:
        look = RegistryLook(is_by_plain_http)
        answers = ask_all(hosts, lambda client: _compare(client, look, known, names))
    for host, answer in zip(hosts, answers, strict=True):
        if isinstance(answer, OllamaError):
            away.append((host, answer))
        else:
            compared += [(host, one) for one in answer]
    return compared, away


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
