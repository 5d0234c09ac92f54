"""``ecs-localai install``: what it means, before any byte moves; then by way of the world to the verified models."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import typer

from ecs_localai.commands.asking import ask_all
from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.host_book import HostBook
from ecs_localai.commands.host_labels import about, labels_of, named
from ecs_localai.commands.installation_job import Wanted, install_all, with_option
from ecs_localai.commands.preflight_look import Looked, look_before
from ecs_localai.commands.preflight_text import preflight_lines, preflight_object, too_much_together
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import is_terminal, printable, say, say_json, warn
from ecs_localai.commands.waiting_note import WaitingNote
from ecs_localai.components.installation import DownloadConfig
from ecs_localai.components.preflight import Fit
from ecs_localai.components.wording import format_list
from ecs_localai.ollama.errors import InvalidModelName, OllamaError
from ecs_localai.ollama.names import ModelName, parse_model_name


@dataclass(frozen=True, slots=True)
class InstallOptions:
    """What was said besides the names and the hosts."""

    insecure: bool = False
    as_json: bool = False
    context_length: int | None = None
    """The tokens that there is to be memory for; None: as many as the model gets by itself."""
    dry_run: bool = False
    """Whether it is only said what it would mean."""
    anyway: bool = False
    """Whether nobody is asked about those that there is too little memory to run, and what a person may know better is
    no hindrance: a small disk, and a registry that does not show what would replace a model."""
    not_before: datetime | None = None
    """When it is to begin; None: now."""


def install_models(
    target: Target, names: Sequence[str], options: InstallOptions, on: Sequence[str] = (), everywhere: bool = False
) -> int:
    """Install models on the hosts named by `on`, or all of the list, else on the chosen one; returns the exit code.

    First it is said what that means. What cannot be installed is not begun; the others are.

    Raises:
        CommandFailed: a model was not installed, a host does not answer, or somebody stopped it.
        OllamaError: the only host does not answer.
    """
    book, folder = target.book(), target.folder()
    hosts = book.ollamas if everywhere else book.require_all(on) if on else [book.chosen]
    labels = labels_of(hosts)
    models, troubles = _read(names)
    several = (len(models) + len(troubles)) * len(hosts) > 1
    wanted = [Wanted(name.short, host) for name in models for host in hosts]
    with WaitingNote(options.as_json) as note, note.about("Looking at what that means"):
        looked, away = look_before(folder, wanted, context_length=options.context_length, insecure=options.insecure)
    if away and len(hosts) == 1:
        raise away[0][1]
    troubles += dict.fromkeys(f"{one.host.name}: {error.message}" for one, error in away)
    _show(looked, labels, options, several=several)
    chosen, refused = _choose(looked, labels, options, several=several)
    troubles += refused
    if chosen and not options.dry_run:
        troubles += _begin(book, folder, chosen, labels, options, several=several)
    if troubles:
        raise CommandFailed(*troubles)
    return 0


def install_wanted(book: HostBook, folder: Path, wanted: Sequence[Wanted], *, insecure: bool, as_json: bool) -> int:
    """Install each model on its host, about which somebody has decided already; returns the exit code.

    A host that does not answer is told, and the others are not kept from theirs. Ctrl-C cancels what is under way and
    waits until the servers can be left without harm.

    Raises:
        CommandFailed: a model was not installed, a host does not answer, or somebody stopped it.
        OllamaError: the only host does not answer.
    """
    hosts = list({host.config.base_url: host for _, host in wanted}.values())
    # Says at once what is wrong with a host, instead of trying again.
    answers = ask_all(hosts, lambda client: client.version())
    away = {host.config.base_url: one for host, one in zip(hosts, answers, strict=True) if isinstance(one, OllamaError)}
    if len(hosts) == 1:
        for error in away.values():
            raise error
    troubles = [f"{host.name}: {away[host.config.base_url].message}" for host in hosts if host.config.base_url in away]
    possible = [one for one in wanted if one.host.config.base_url not in away]
    if possible:
        config = DownloadConfig(insecure=insecure)
        troubles += install_all(
            book, folder, possible, labels_of(hosts), config, as_json=as_json, several=len(wanted) > 1
        )
    if troubles:
        raise CommandFailed(*troubles)
    return 0


def _read(names: Sequence[str]) -> tuple[list[ModelName], list[str]]:
    """The models that were named, each once, also with commas between them; and a sentence for each that is none."""
    parts = [part for text in names for part in text.split(",") if part.strip()] or [""]
    models: dict[str, ModelName] = {}
    refusals: list[tuple[str, str]] = []
    for part in parts:
        try:
            name = parse_model_name(part)
        except InvalidModelName as error:
            refusals.append((part.strip(), error.message))
        else:
            models.setdefault(name.key, name)
    several = len(models) + len(refusals) > 1
    return list(models.values()), [f"{part}: {why}" if several else why for part, why in refusals]


def _label(one: Looked, labels: Mapping[str, str]) -> str:
    return labels[one.wanted.host.config.base_url]


def _named(one: Looked, labels: Mapping[str, str]) -> str:
    return named(one.wanted.name, _label(one, labels))


def _is_hindered(one: Looked, options: InstallOptions) -> bool:
    """Whether it cannot be installed, or not without `InstallOptions.anyway`."""
    return one.preflight.problem is not None and not (options.anyway and one.preflight.can_go_anyway)


def _show(looked: Sequence[Looked], labels: Mapping[str, str], options: InstallOptions, *, several: bool) -> None:
    for one in looked:
        if options.as_json:
            say_json(preflight_object(one))
        elif several or not _is_hindered(one, options):  # else the sentence is all there is to say
            for line in preflight_lines(one, _label(one, labels), insecure=options.insecure, anyway=options.anyway):
                say(line)


def _choose(
    looked: Sequence[Looked], labels: Mapping[str, str], options: InstallOptions, *, several: bool
) -> tuple[list[Looked], list[str]]:
    """What is to be installed, asking where a person can answer; and a sentence for each that is not, but should be."""
    chosen: list[Looked] = []
    troubles: list[str] = []
    for one in looked:
        found = one.preflight
        if found.problem is not None and _is_hindered(one, options):
            sentence = with_option(found.problem, options.insecure)
            if found.can_go_anyway:
                sentence += " To try it all the same: --anyway"
            troubles.append(about(one.wanted.name, _label(one, labels), sentence) if several else sentence)
        elif not (found.is_current or found.was_current):
            chosen.append(one)
    if options.dry_run:
        return [], troubles
    chosen, refused = _without_unwanted(chosen, labels, options)
    for host in dict.fromkeys(one.wanted.host.config.base_url for one in chosen):
        told = too_much_together([one for one in chosen if one.wanted.host.config.base_url == host])
        if told is not None:
            warn(f"{labels[host]}: {told}" if labels[host] else told)
    return chosen, troubles + refused


def _without_unwanted(
    chosen: list[Looked], labels: Mapping[str, str], options: InstallOptions
) -> tuple[list[Looked], list[str]]:
    """Ask about those that will not run; where nobody can be asked, say so and go on."""
    doubtful = [one for one in chosen if one.preflight.verdict.fit is Fit.WONT_RUN]
    if not doubtful or options.anyway:
        return chosen, []
    listed = format_list([_named(one, labels) for one in doubtful])
    there_is = "There is too little memory free to run"
    if options.as_json or not (is_terminal() and sys.stdin is not None and sys.stdin.isatty()):
        warn(f"{there_is} {listed}. To see what it needs: --dry-run")
        return chosen, []
    if typer.confirm(printable(f"{there_is} {listed}. Install it all the same?"), err=True):
        return chosen, []
    return [one for one in chosen if one not in doubtful], [f"Not installed: {listed}."]


def _begin(
    book: HostBook,
    folder: Path,
    chosen: Sequence[Looked],
    labels: Mapping[str, str],
    options: InstallOptions,
    *,
    several: bool,
) -> list[str]:
    """Install it now, or put it into the queue; returns what went wrong."""
    config = DownloadConfig(insecure=options.insecure, ignores_room=options.anyway, replaces_unread=options.anyway)
    if options.not_before is None:
        wanted = [one.wanted for one in chosen]
        return install_all(book, folder, wanted, labels, config, as_json=options.as_json, several=several)
    from ecs_localai.commands.queue_adding import put_off

    put_off(book, folder, chosen, config, options.not_before, as_json=options.as_json)
    return []
