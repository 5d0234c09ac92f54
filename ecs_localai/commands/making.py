"""Making a model on hosts by way of the world: what ``import`` and ``create`` have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ecs_localai.commands.asking import ask_all
from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.host_labels import labels_of
from ecs_localai.commands.installation_job import Wanted, install_all
from ecs_localai.commands.kept_file import is_kept
from ecs_localai.commands.queue_file import open_queue
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import warn
from ecs_localai.commands.waiting_note import WaitingNote
from ecs_localai.components.installation import DownloadConfig
from ecs_localai.components.recipe import ModelRecipe
from ecs_localai.ollama.errors import OllamaError
from ecs_localai.ollama.import_names import free_name
from ecs_localai.ollama.names import ModelName, name_key, parse_model_name
from ecs_localai.systems.import_look import ImportLook
from ecs_localai.systems.queue_rows import read_row
from ecs_localai.systems.saved_hosts import SavedHost, server_of


@dataclass(frozen=True, slots=True)
class MakeOptions:
    """What was said besides what the model is made of."""

    name: str = ""
    """Empty: made from what the files say of themselves, and free on all the hosts."""
    replace: bool = False
    """Whether a model of that name may be overwritten."""
    on: Sequence[str] = ()
    """The hosts; none: the chosen one."""
    as_json: bool = False
    anyway: bool = False
    """Whether a small disk is no hindrance."""


def make_models(target: Target, looked: ImportLook, options: MakeOptions) -> int:
    """Make a model on each of the hosts and show how far all are; returns the exit code.

    Ctrl-C ends it, and the connections with it.

    Raises:
        CommandFailed: there is a model of the name, it was not made, a host does not answer, or somebody stopped it.
        OllamaError: the name is none, or the only host does not answer.
    """
    book, folder = target.book(), target.folder()
    hosts = book.require_all(options.on) if options.on else [book.chosen]
    given = parse_model_name(options.name) if options.name else None
    for note in looked.notes:
        warn(note)
    listed, troubles = _listed(hosts)
    possible = [host for host in hosts if host.config.base_url in listed]
    name = given or free_name(looked.name, [there for names in listed.values() for there in names])
    if not options.replace:
        taken = [(host, there) for host in possible if (there := _there(name, listed[host.config.base_url]))]
        begun = _begun_before(folder, name, looked.recipe) if taken else set()
        taken = [(host, there) for host, there in taken if server_of(host.config.base_url) not in begun]
        troubles += [_taken(host, there, several=len(hosts) > 1) for host, there in taken]
        possible = [host for host in possible if host not in [one for one, _ in taken]]
    if looked.size and not options.anyway:
        full = _without_room(possible, name, looked, options)
        troubles += [f"{host.name}: {why}" if len(hosts) > 1 else why for host, why in full]
        possible = [host for host in possible if host not in [one for one, _ in full]]
    if possible:
        recipe = msgspec.structs.replace(looked.recipe, replace=options.replace)
        troubles += install_all(
            book,
            folder,
            [Wanted(name.short, host) for host in possible],
            labels_of(hosts),
            DownloadConfig(ignores_room=options.anyway),
            as_json=options.as_json,
            several=len(hosts) > 1,
            recipe=recipe,
        )
    if troubles:
        raise CommandFailed(*troubles)
    return 0


def _listed(hosts: Sequence[SavedHost]) -> tuple[dict[str, list[str]], list[str]]:
    """The names of each host's models by base URL, and a sentence for each host that does not answer.

    Raises:
        OllamaError: the only host does not answer.
    """
    answers = ask_all(hosts, lambda client: client.tags())
    names: dict[str, list[str]] = {}
    troubles: list[str] = []
    for host, answer in zip(hosts, answers, strict=True):
        if not isinstance(answer, OllamaError):
            names[host.config.base_url] = [entry.name for entry in answer]
        elif len(hosts) == 1:
            raise answer
        else:
            troubles.append(f"{host.name}: {answer.message}")
    return names, troubles


def _without_room(
    hosts: Sequence[SavedHost], name: ModelName, looked: ImportLook, options: MakeOptions
) -> list[tuple[SavedHost, str]]:
    """The hosts whose disks are too small for the files, with why. One that does not answer is none of them."""
    from ecs_localai.systems.creating import lack_of_room

    with WaitingNote(options.as_json) as note, note.about("Looking at the disk"):
        answers = ask_all(hosts, lambda client: lack_of_room(client, name, looked.recipe, looked.size))
    anyway = "To try it all the same: --anyway"
    return [(host, f"{why} {anyway}") for host, why in zip(hosts, answers, strict=True) if isinstance(why, str)]


def _begun_before(folder: Path, name: ModelName, recipe: ModelRecipe) -> set[str]:
    """The servers that were asked for the same already by a program that has ended meanwhile: what is there may be it.

    The installation itself finds out whether it is.
    """
    if not is_kept(folder):
        return set()
    with open_queue(folder) as queue:
        rows = [row for value in queue.store.initial.queue.values() if (row := read_row(value)) is not None]
    return {
        server_of(row.request.host)
        for row in rows
        if row.mark is not None and row.request.recipe == recipe and name_key(row.request.model_name) == name.key
    }


def _there(name: ModelName, names: Sequence[str]) -> str:
    """The model of this name as its host spells it; empty where there is none."""
    return next((there for there in names if name_key(there) == name.key), "")


def _taken(host: SavedHost, there: str, *, several: bool) -> str:
    where = f" on {host.name}" if several else ""
    return f"There is a model {there} already{where}; choose another name, or say --replace to overwrite it."
