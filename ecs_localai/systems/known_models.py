"""MODEL_MANAGEMENT and UI_UPDATE: the models' names that are known, and where from, for whoever types one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from ecs_localai.components.events import (
    HostChanged,
    HostRemoved,
    InstalledModelsChanged,
    ModelInstallationCancelled,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    OllamaConnectionStatusChanged,
    PreflightDone,
    UIUpdateEvent,
    UIUpdateKind,
    UpdatesChecked,
)
from ecs_localai.components.hosts import HostProtocol, OllamaHostManager
from ecs_localai.components.installation import InstallationRecord, InstallationStatus, ModelInstallationManager
from ecs_localai.components.installing_view import CompletionRow
from ecs_localai.components.models import LocalModelManager
from ecs_localai.components.wording import format_bytes
from ecs_localai.ollama.errors import InvalidModelName, OllamaError
from ecs_localai.ollama.names import parse_model_name
from ecs_localai.runtime import App, EventReader, EventWriter, IoTaskPool, Res, Task
from ecs_localai.systems.host_clients import HostClients
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.links import settle
from ecs_localai.systems.spread_work import SpreadWork
from ecs_localai.systems.stepwise import LIGHT, Steps, every, finish
from ecs_localai.systems.view_model_list import ModelList

if TYPE_CHECKING:
    from ecs_localai.ollama.wire_account import ModelRecommendation

Offered: TypeAlias = "tuple[list[KnownName], list[CompletionRow]]"


class KnownName(msgspec.Struct):
    """A model's name, and where it is known from."""

    name: str
    recommended: bool = False
    """By an Ollama that recommends models (since 0.22.1)."""
    note: str = ""
    """What the one that recommends it says of it."""
    size: int | None = None
    """Bytes, as its registry said."""
    installed_on: list[str] = []
    """The names of the hosts that have it."""
    installed_before: bool = False
    """Whether it was installed by this program at some time."""
    in_registry: bool = False
    """Whether its registry had it when that was looked at."""

    @property
    def detail(self) -> str:
        """For example ``recommended · 4.1 GB``."""
        if self.installed_on:
            where = "installed" if self.installed_on == [""] else f"on {', '.join(self.installed_on[:2])}"
            more = len(self.installed_on) - 2
            words = f"{where} and {more} more" if more > 0 else where
        elif self.recommended:
            words = "recommended"
        elif self.installed_before:
            words = "installed before"
        else:
            words = "known from its registry"
        return f"{words} · {format_bytes(self.size)}" if self.size else words


class NameSources(msgspec.Struct, frozen=True):
    """What names are gathered from."""

    installed: list[tuple[str, list[str]]]
    """Each host's name, empty where there is only one, with the names of its models."""
    registry: dict[str, int]
    """The sizes of models that registries told of, by name."""
    before: list[str]
    """Models that were installed."""
    recommended: list[ModelRecommendation]


def known_names(sources: NameSources) -> list[KnownName]:
    """All names that are known, the likeliest to be installed first: recommended, had before, seen, then installed."""
    return finish(known_names_in_steps(sources))


def known_names_in_steps(sources: NameSources) -> Steps[list[KnownName]]:
    """Like `known_names`, in steps."""
    found: dict[str, KnownName] = {}
    done = 0
    for one in sources.recommended:
        if (known := _known(found, one.model)) is not None:
            known.recommended, known.note = True, one.description
    for name in sources.before:
        if (known := _known(found, name)) is not None:
            known.installed_before = True
        yield
    for name, size in sources.registry.items():
        if (known := _known(found, name)) is not None:
            known.in_registry, known.size = True, size
        yield
    for host, names in sources.installed:
        for name in names:
            known = found.get(name.lower()) or found.setdefault(name.lower(), KnownName(name))
            known.installed_on.append(host)
            done += 1
            if done % LIGHT == 0:
                yield
    ranks: list[tuple[int, str]] = []
    for ends, (key, known_name) in every(found.items()):
        ranks.append((_rank(known_name), key))
        if ends:
            yield
    return [found[key] for _, key in sorted(ranks)]


def _offered_in_steps(sources: NameSources, before: list[CompletionRow]) -> Steps[Offered]:
    """The names and their rows; one that is as before is the same object, so that a frame sees that at once."""
    names = yield from known_names_in_steps(sources)
    there = {row.name: row for row in before}
    rows = []
    for ends, one in every(names):
        row, shown = CompletionRow(one.name, one.detail), there.get(one.name)
        rows.append(shown if shown is not None and shown == row else row)
        if ends:
            yield
    return names, rows


def _known(found: dict[str, KnownName], text: str) -> KnownName | None:
    """The entry of a name, by its short form; None for what is no name."""
    try:
        name = parse_model_name(text).short
    except InvalidModelName:
        return None
    return found.get(name.lower()) or found.setdefault(name.lower(), KnownName(name))


def _rank(one: KnownName) -> int:
    if one.installed_on:
        return 3
    return 0 if one.recommended else 1 if one.installed_before else 2


class KnownModels:
    """The names that are known. A resource."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.names: list[KnownName] = []
        """The likeliest first."""
        self.rows: list[CompletionRow] = []
        """The same for the panel."""
        self.recommended: dict[str, list[ModelRecommendation]] = {}
        """What hosts recommend, by their base URLs."""
        self.asking: dict[str, Task[list[ModelRecommendation]]] = {}
        self.work = SpreadWork[Offered](app.tasks, "list of known models")
        self.is_stale = True

    @property
    def is_unfinished(self) -> bool:
        """Whether there is more to be gathered."""
        return self.is_stale or self.work.is_under_way


def ask_for_recommendations(
    connections: EventReader[OllamaConnectionStatusChanged],
    listed: Res[OllamaHosts],
    tasks: Res[IoTaskPool],
    clients: Res[HostClients],
    known: Res[KnownModels],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Ask each Ollama that appears what it recommends, once; one that cannot tell says nothing."""
    appeared = {change.host for change in connections.read() if change.new_status}
    for one in listed.all() if appeared else []:
        if one.base_url in appeared and one.host.protocol is HostProtocol.OLLAMA and one.base_url not in known.asking:
            work = tasks.spawn(_ask(clients, one.manager), f"recommendations of {one.base_url}")
            known.asking[one.base_url] = work
    if not tasks.arrived:
        return
    for base_url in [base_url for base_url, work in known.asking.items() if work.is_finished()]:
        answer = settle(known.asking.pop(base_url))
        if isinstance(answer, list) and answer != known.recommended.get(base_url, []):
            known.recommended[base_url] = answer
            ui.write(UIUpdateEvent(UIUpdateKind.KNOWN_MODELS_CHANGED))


async def _ask(clients: HostClients, manager: OllamaHostManager) -> list[ModelRecommendation]:
    client = await clients.get(manager)
    try:
        return await client.model_recommendations(retry=False)
    except OllamaError:
        return []  # older than 0.22.1, or it cannot reach ollama.com: nothing is recommended


def list_known_models(
    updates: EventReader[UIUpdateEvent],
    installed: EventReader[InstalledModelsChanged],
    completed: EventReader[ModelInstallationCompleted],
    failed: EventReader[ModelInstallationFailed],
    cancelled: EventReader[ModelInstallationCancelled],
    preflights: EventReader[PreflightDone],
    compared: EventReader[UpdatesChecked],
    changed: EventReader[HostChanged],
    removed: EventReader[HostRemoved],
    listed: Res[OllamaHosts],
    models: Res[LocalModelManager],
    manager: Res[ModelInstallationManager],
    known: Res[KnownModels],
    making: Res[ModelList],
) -> None:
    """Gather the names anew where one may have come or gone; many of them in the background.

    They are put into the panel's view with all else that has changed (`update_local_models_ui`).
    """
    news = [
        *installed.read(), *completed.read(), *failed.read(), *cancelled.read(), *preflights.read(), *compared.read(),
        *changed.read(), *removed.read(),
    ]  # fmt: skip
    known.is_stale |= bool(news) or any(one.kind is UIUpdateKind.KNOWN_MODELS_CHANGED for one in updates.read())
    if making.is_unfinished:
        return  # a frame has room for one of the two, and there is one when the list is done
    if not known.work.is_under_way:
        if not known.is_stale:
            return
        known.is_stale = False
        known.work.begin_making(_offered_in_steps(_sources(listed, models, manager, known), known.rows))
    offered = known.work.go_on()
    if offered is not None:
        known.names, known.rows = offered
        making.made["completions"] = known.rows
    if known.is_unfinished and not known.work.is_in_background:
        known.app.wakeups.request_frame()


def _sources(
    listed: OllamaHosts, models: LocalModelManager, manager: ModelInstallationManager, known: KnownModels
) -> NameSources:
    hosts = listed.all()
    known.recommended = {
        base_url: told for base_url, told in known.recommended.items() if any(one.base_url == base_url for one in hosts)
    }
    entries = list(models.model_registry.cache.entries.items())  # the background puts new ones in
    return NameSources(
        installed=[(one.host.name if len(hosts) > 1 else "", list(one.models.installed)) for one in hosts],
        registry={name: entry.total_bytes for name, entry in entries},
        before=list(dict.fromkeys(installed_before(manager.installation_history))),
        recommended=[one for told in known.recommended.values() for one in told],
    )


def installed_before(history: Iterable[InstallationRecord]) -> Iterator[str]:
    """The models of the history that registries had, whether they are still installed or not."""
    return (
        record.model_name for record in history if record.status == InstallationStatus.COMPLETED and not record.was_made
    )
