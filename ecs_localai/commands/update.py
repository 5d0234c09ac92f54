"""``ecs-localai update``: installed models anew from their registries, where there is something new."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from ecs_localai.commands.asking import ask_all
from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.host_labels import labels_of, named
from ecs_localai.commands.installation_job import Wanted, install_all
from ecs_localai.commands.outdated import Compared, compare
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import say
from ecs_localai.commands.waiting_note import WaitingNote
from ecs_localai.components.installation import DownloadConfig
from ecs_localai.components.updates import ModelUpdate, UpdateState
from ecs_localai.ollama.errors import OllamaError
from ecs_localai.ollama.names import ModelName, name_key, parse_model_name
from ecs_localai.systems.saved_hosts import SavedHost


def update_models(
    target: Target,
    names: Sequence[str],
    everything: bool,
    as_json: bool,
    on: Sequence[str] = (),
    everywhere: bool = False,
    insecure: bool = False,
) -> int:
    """Update models, or with `everything` all that are surely outdated; returns the exit code.

    One that is named is updated also where it is only possibly outdated. Where it is current, may be another model that
    was made on its host, or its registry does not show what it has, that is said and nothing done.

    Raises:
        CommandFailed: a model was not updated, a host does not answer, or somebody stopped it.
        OllamaError: the only host does not answer.
    """
    book, folder = target.book(), target.folder()
    hosts = book.ollamas if everywhere else book.require_all(on) if on else [book.chosen]
    keys = {parse_model_name(name).key: parse_model_name(name) for name in names}
    with WaitingNote(as_json) as note, note.about("Looking for updates"):
        compared, away = compare(folder, hosts, keys)
    if away and len(hosts) == 1:
        raise away[0][1]
    labels = labels_of(hosts)
    troubles = [f"{host.name}: {error.message}" for host, error in away]
    if not everything:
        troubles += _missing(hosts, [host for host, _ in away], compared, keys, labels)
    wanted: list[Wanted] = []
    for host, one in compared:
        label = labels[host.config.base_url]
        if one.state is UpdateState.OUTDATED or (not everything and _is_perhaps_newer(one)):
            wanted.append(Wanted(one.model_name, host))
        elif not everything and one.state is not UpdateState.CURRENT:
            troubles.append(f"{named(one.model_name, label)} was not updated: {_why_not(one)}")
        elif not everything and not as_json:
            say(f"{named(one.model_name, label)} is current.")
    if everything and not as_json:
        for line in _not_updated(compared, labels, is_all=not wanted):
            say(line)
    if wanted:
        config = DownloadConfig(insecure=insecure)
        troubles += install_all(book, folder, wanted, labels, config, as_json=as_json, several=len(wanted) > 1)
    if troubles:
        raise CommandFailed(*troubles)
    return 0


def _not_updated(compared: Compared, labels: dict[str, str], *, is_all: bool) -> list[str]:
    """What `update --all` leaves alone though it may be outdated, a line each; `is_all`: it updates nothing."""
    unknown = [one for _, one in compared if one.state is UpdateState.UNKNOWN]
    others = dict.fromkeys(one.model_name for _, one in compared if one.may_be_another)
    newer: dict[str, list[str]] = {}
    for host, one in compared:
        if _is_perhaps_newer(one):
            newer.setdefault(labels[host.config.base_url], []).append(one.model_name)
    may_be = "may be" if is_all else "may be outdated"
    buts = []
    for label, names in newer.items():
        where = f" --on {shlex.quote(label)}" if label else ""
        may = f"{named(_models(len(names)), label)} {may_be}"
        buts.append(f"{may}; to update: ecs-localai update {' '.join(names)}{where}")
    if others:
        may = f"{_models(len(others))} {may_be}"
        buts.append(f"{may}, or may be another of that name; to see why: ecs-localai outdated")
    if unknown:
        buts.append(f"{_models(len(unknown))} could not be looked up: {unknown[0].reason}")
    before = "Nothing is known to be outdated, but" if is_all else "Besides,"
    return [f"{before} {but}" for but in buts] or (["Nothing is outdated."] if is_all else [])


def _models(count: int) -> str:
    return "one model" if count == 1 else f"{count} models"


def _is_perhaps_newer(one: ModelUpdate) -> bool:
    return one.state is UpdateState.POSSIBLY and not one.may_be_another


def _why_not(one: ModelUpdate) -> str:
    if one.may_be_another:
        return f"{one.reason} If that is wanted: ecs-localai install {one.model_name}"
    if one.state is UpdateState.UNKNOWN:
        return f"{one.reason} What can be done all the same: ecs-localai install {one.model_name} --dry-run"
    return one.reason


def _missing(
    hosts: Sequence[SavedHost],
    away: Sequence[SavedHost],
    compared: Sequence[tuple[SavedHost, ModelUpdate]],
    keys: dict[str, ModelName],
    labels: dict[str, str],
) -> list[str]:
    """A sentence about each model that was named and is not there, or runs elsewhere."""
    found = {(host.config.base_url, name_key(one.model_name)) for host, one in compared}
    asked = [host for host in hosts if host not in away]
    lacking = [(host, name) for host in asked for key, name in keys.items() if (host.config.base_url, key) not in found]
    if not lacking:
        return []
    there: dict[str, set[str]] = {}
    for host, answer in zip(asked, ask_all(asked, lambda client: client.tags()), strict=True):
        entries = [] if isinstance(answer, OllamaError) else answer
        there[host.config.base_url] = {name_key(entry.name) for entry in entries if entry.is_remote}
    return [
        f"{named(name.short, labels[host.config.base_url])} runs in Ollama's cloud, which keeps it up to date."
        if name.key in there[host.config.base_url]
        else f"There is no model {named(name.short, labels[host.config.base_url])}; `ecs-localai list` shows what is "
        "installed."
        for host, name in lacking
    ]
