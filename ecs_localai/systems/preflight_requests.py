"""INSTALLATION_TRACKING: what installing would mean is found out when somebody asks, before anything is installed."""

from __future__ import annotations

from ecs_localai.components.events import PreflightDone, UIUpdateEvent, UIUpdateKind
from ecs_localai.components.models import LocalModelManager
from ecs_localai.components.panel import LocalModelsPanel
from ecs_localai.components.panel_intents import InstallRequested, PreflightDismissed, PreflightRequested
from ecs_localai.components.preflight import Preflights
from ecs_localai.ollama.errors import InvalidModelName
from ecs_localai.ollama.names import parse_model_names
from ecs_localai.runtime import EventReader, EventWriter, Query, Res
from ecs_localai.systems.host_list import HostListError, OllamaHosts
from ecs_localai.systems.links import settle
from ecs_localai.systems.preflight_desk import PreflightDesk


def look_before_installing(
    requests: EventReader[PreflightRequested],
    dismissals: EventReader[PreflightDismissed],
    installs: EventReader[InstallRequested],
    panels: Query[LocalModelsPanel],
    hosts: Res[OllamaHosts],
    models: Res[LocalModelManager],
    desk: Res[PreflightDesk],
    preflights: Res[Preflights],
    done: EventWriter[PreflightDone],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Begin to look at what was asked for, and take in what was found.

    A newer request replaces an older one. What is installed now, or not wanted any more, needs no look. A name that is
    none is refused in the field itself.
    """
    over = bool(dismissals.read())
    for install in installs.read():
        over = over or _is_for(install, preflights)
    if over and preflights.asked:
        _drop(desk, preflights, ui)
    asked = requests.read()
    if asked:
        error = _begin(asked[-1], hosts, models, desk, preflights)
        for _, panel in panels:
            panel.install_error = error
        ui.write(UIUpdateEvent(UIUpdateKind.INSTALLATIONS_CHANGED))
        ui.write(UIUpdateEvent(UIUpdateKind.PREFLIGHT_CHANGED))
    channel, task = desk.channel, desk.task
    if channel is None or task is None:
        return
    finished = task.is_finished()
    news = list(channel.drain())
    for found in news:
        key = found.model_name, found.host
        others = [one for one in preflights.done if (one.model_name, one.host) != key]
        preflights.done = sorted([*others, found], key=lambda one: desk.order.index((one.model_name, one.host)))
        if not found.is_remembered:
            done.write(PreflightDone(found))
    if news or finished:
        ui.write(UIUpdateEvent(UIUpdateKind.PREFLIGHT_CHANGED))
    if finished:
        desk.task = desk.channel = None
        preflights.is_running = False
        settle(task)  # a mistake of ours is raised, and told like any other


def _begin(
    request: PreflightRequested,
    hosts: OllamaHosts,
    models: LocalModelManager,
    desk: PreflightDesk,
    preflights: Preflights,
) -> str | None:
    """Begin to look; returns why that cannot be, one sentence."""
    try:
        names = parse_model_names(request.text)
        wanted = [hosts.require_ollama(host) for host in request.hosts or [""]]
    except (InvalidModelName, HostListError) as refusal:
        desk.end()
        _empty(preflights)
        return str(refusal)
    wanted = list({one.base_url: one for one in wanted}.values())
    before = desk.order
    desk.begin(names, wanted, request.context_length, models.model_registry.cache)
    if desk.order != before:
        preflights.done = []  # with another context the rest is as it was: it is shown until the new sum is there
    preflights.asked = [name.short for name in names]
    preflights.hosts = list(request.hosts)
    preflights.context_length = request.context_length
    preflights.is_running = True
    return None


def _is_for(request: InstallRequested, preflights: Preflights) -> bool:
    """Whether this installs one of those that are looked at."""
    try:
        names = {name.key for name in parse_model_names(request.text)}
        return not names.isdisjoint(name.key for one in preflights.asked for name in parse_model_names(one))
    except InvalidModelName:
        return False


def _drop(desk: PreflightDesk, preflights: Preflights, ui: EventWriter[UIUpdateEvent]) -> None:
    desk.end()
    _empty(preflights)
    ui.write(UIUpdateEvent(UIUpdateKind.PREFLIGHT_CHANGED))


def _empty(preflights: Preflights) -> None:
    preflights.asked, preflights.hosts, preflights.done = [], [], []
    preflights.context_length = None
    preflights.is_running = False
