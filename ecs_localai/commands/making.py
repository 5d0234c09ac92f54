"""Making a model on hosts by way of the world: what ``import`` and ``create`` have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from ecs_localai.commands.asking import ask_all
from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.host_labels import labels_of
from ecs_localai.commands.installation_job import Wanted, install_all
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import warn
from ecs_localai.components.installation import DownloadConfig
from ecs_localai.ollama.errors import OllamaError
from ecs_localai.ollama.import_names import free_name
from ecs_localai.ollama.names import ModelName, name_key, parse_model_name
from ecs_localai.systems.import_look import ImportLook
from ecs_localai.systems.saved_hosts import SavedHost


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
        troubles += [_taken(host, there, several=len(hosts) > 1) for host, there in taken]
        possible = [host for host in possible if host not in [one for one, _ in taken]]
    if possible:
        recipe = msgspec.structs.replace(looked.recipe, replace=options.replace)
        troubles += install_all(
            book,
            folder,
            [Wanted(name.short, host) for host in possible],
            labels_of(hosts),
            DownloadConfig(),
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


def _there(name: ModelName, names: Sequence[str]) -> str:
    """The model of this name as its host spells it; empty where there is none."""
    return next((there for there in names if name_key(there) == name.key), "")


def _taken(host: SavedHost, there: str, *, several: bool) -> str:
    where = f" on {host.name}" if several else ""
    return f"There is a model {there} already{where}; choose another name, or say --replace to overwrite it."
