"""MODEL_MANAGEMENT: loads, unloads, pins, copies and renames installed models when somebody asks for it."""

from __future__ import annotations

import time as clock
from datetime import timedelta

from ecs_localai.components.events import (
    ModelAction,
    ModelActionFailed,
    ModelCopied,
    ModelLoaded,
    ModelUnloaded,
    UIUpdateEvent,
    UIUpdateKind,
)
from ecs_localai.components.hosts import OllamaHost, OllamaHostManager
from ecs_localai.components.installation import ModelInstallation
from ecs_localai.components.models import HostModels
from ecs_localai.components.panel_intents import CopyModelRequested, LoadModelRequested, UnloadModelRequested
from ecs_localai.ollama.errors import InvalidModelName, ModelNotFound, OllamaError
from ecs_localai.ollama.names import ModelName, parse_model_name
from ecs_localai.runtime import EventReader, EventWriter, IoTaskPool, Query, Res, Time
from ecs_localai.systems.host_clients import HostClients
from ecs_localai.systems.host_entries import HostListError, ListedHost
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.links import HostLink, settle
from ecs_localai.systems.model_work import ModelWork, copy_model, done_word, load_model, unload_model
from ecs_localai.systems.persistence import SavedState

_Request = LoadModelRequested | UnloadModelRequested | CopyModelRequested
LOOKS_AFTER_UNLOADING = (1.0, 6.0)
"""Seconds until the models are looked at. ``/api/ps`` lists an unloaded one for up to a second more, on a GPU for up to
five (Ollama 0.9.3, ``server/sched.go``, ``waitForVRAMRecovery``)."""


class WorkRefused(ValueError):
    """This cannot be done to this model now. The message is a sentence that says what to do."""


def begin_model_work(
    loads: EventReader[LoadModelRequested],
    unloads: EventReader[UnloadModelRequested],
    copies: EventReader[CopyModelRequested],
    installations: Query[ModelInstallation],
    listed: Res[OllamaHosts],
    tasks: Res[IoTaskPool],
    clients: Res[HostClients],
    failed: EventWriter[ModelActionFailed],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Begin in the background what somebody asked for, one thing at a time for each model of a host.

    Who asks to load what is being loaded says anew whether it is to stay; who asks to unload it ends the loading.
    """
    requests: list[_Request] = [*loads.read(), *unloads.read(), *copies.read()]
    for request in requests:
        base_url = ""
        try:
            one = listed.require_ollama(request.host)
            base_url = one.base_url
            name = listed_name(one.models, parse_model_name(request.model_name))
            match request:
                case LoadModelRequested():
                    _begin_loading(one, name, request.pinned, tasks, clients)
                case UnloadModelRequested():
                    _begin_unloading(one, name, tasks, clients, failed)
                case CopyModelRequested():
                    new_name = parse_model_name(request.new_name).short
                    being_installed = {
                        _plain(installation.model_name)
                        for _, installation in installations
                        if installation.host == base_url and not installation.status.is_finished
                    }
                    _refuse_new_name(one, name, new_name, being_installed)
                    _begin_copying(one, name, new_name, request.move, tasks, clients)
        except (InvalidModelName, HostListError, WorkRefused) as error:
            failed.write(ModelActionFailed(_action_of(request), request.model_name, str(error), base_url))
            ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text=str(error)))
            continue
        ui.write(UIUpdateEvent(UIUpdateKind.MODELS_CHANGED))


def listed_name(models: HostModels, name: ModelName) -> str:
    """A model's name as its host lists it, whatever its case here; of one that is not known the usual form."""
    short = name.short
    if short in models.installed:
        return short
    return next((there for there in models.installed if there.lower() == short.lower()), short)


def _plain(name: str) -> str:
    """What names are compared by; of what is no name the text itself."""
    try:
        return parse_model_name(name).short.lower()
    except InvalidModelName:
        return name


def _action_of(request: _Request) -> ModelAction:
    match request:
        case LoadModelRequested():
            return ModelAction.LOAD
        case UnloadModelRequested():
            return ModelAction.UNLOAD
        case CopyModelRequested():
            return ModelAction.RENAME if request.move else ModelAction.COPY


def _refuse_busy(one: ListedHost, name: str) -> None:
    """One thing at a time for each model.

    Raises:
        WorkRefused: something is under way with it.
    """
    doing = one.link.busy().get(name)
    if doing is not None:
        raise WorkRefused(f"{one.host.name} is {doing.lower()} {name} just now; try again when that is done.")


def _begin_loading(one: ListedHost, name: str, pinned: bool, tasks: IoTaskPool, clients: HostClients) -> None:
    work = one.link.model_work.get(name)
    if work is not None and work.action is ModelAction.LOAD:
        work.pinned = pinned
        return
    _refuse_busy(one, name)
    model = one.models.installed.get(name)
    if model is not None and model.is_cloud:
        raise WorkRefused(f"{name} runs in Ollama's cloud, so it can be used without being loaded into memory.")
    task = tasks.spawn(load_model(clients, one.manager, name, pinned), f"load {name}")
    one.link.model_work[name] = ModelWork(ModelAction.LOAD, task, clock.monotonic(), pinned=pinned, asked_pinned=pinned)


def _begin_unloading(
    one: ListedHost, name: str, tasks: IoTaskPool, clients: HostClients, failed: EventWriter[ModelActionFailed]
) -> None:
    work = one.link.model_work.get(name)
    if work is not None and work.action is ModelAction.UNLOAD:
        return
    if work is not None and work.action is ModelAction.LOAD:
        del one.link.model_work[name]
        work.task.cancel()  # Ollama ends a load when its client leaves (0.9.3)
        text = f"The loading of {name} was stopped, because somebody asked {one.host.name} to unload it."
        failed.write(ModelActionFailed(ModelAction.LOAD, name, text, one.base_url))
    _refuse_busy(one, name)
    task = tasks.spawn(unload_model(clients, one.manager, name), f"unload {name}")
    one.link.model_work[name] = ModelWork(ModelAction.UNLOAD, task, clock.monotonic())


def _refuse_new_name(one: ListedHost, name: str, new_name: str, being_installed: set[str]) -> None:
    """Refuse a name that is taken as far as is known here; the host is asked before it is given.

    Raises:
        WorkRefused: it is.
    """
    if new_name.lower() == name.lower():
        raise WorkRefused(f"{name} is the name it has already; choose another one.")
    taken = {work.new_name.lower() for work in one.link.model_work.values()} | being_installed
    if new_name.lower() in taken:
        raise WorkRefused(f"{one.host.name} is just getting a model {new_name}; choose another name.")


def _begin_copying(
    one: ListedHost, name: str, new_name: str, move: bool, tasks: IoTaskPool, clients: HostClients
) -> None:
    _refuse_busy(one, name)
    action = ModelAction.RENAME if move else ModelAction.COPY
    task = tasks.spawn(copy_model(clients, one.manager, name, new_name, move=move), f"{action} {name}")
    one.link.model_work[name] = ModelWork(action, task, clock.monotonic(), new_name)


def finish_model_work(
    hosts: Query[OllamaHost, OllamaHostManager, HostLink, HostModels],
    time: Time,
    tasks: Res[IoTaskPool],
    clients: Res[HostClients],
    saved: Res[SavedState],
    loaded: EventWriter[ModelLoaded],
    unloaded: EventWriter[ModelUnloaded],
    copied: EventWriter[ModelCopied],
    failed: EventWriter[ModelActionFailed],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Tell how it went what has ended in the background, and have the models looked at again."""
    if not tasks.arrived:
        return
    for _, (host, manager, link, there) in hosts:
        base_url = manager.host_config.base_url
        for name in [name for name, work in link.model_work.items() if work.task.is_finished()]:
            work = link.model_work.pop(name)
            ui.write(UIUpdateEvent(UIUpdateKind.MODELS_CHANGED))
            result = settle(work.task)
            if result is None or isinstance(result, OllamaError):
                reason = _what_failed(work, name, host.name, result)
                failed.write(ModelActionFailed(work.action, name, reason, base_url))
                text = f"{name} was not {done_word(work.action)}: {reason}"
                ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text=text))
                if work.new_name:
                    link.sync_wanted = True  # half of it may have been done
                else:
                    link.look_again(time, 0.0)
                if not isinstance(result, ModelNotFound):
                    link.ask_at_once()  # whether it is still there
                continue
            match work.action:
                case ModelAction.LOAD:
                    took = work.load_seconds if work.load_seconds is not None else result.ended_at - work.begun_at
                    if work.pinned is not work.asked_pinned:
                        work.load_seconds, work.asked_pinned = took, work.pinned
                        work.task = tasks.spawn(load_model(clients, manager, name, work.pinned), f"keep {name}")
                        link.model_work[name] = work
                        continue
                    loaded.write(ModelLoaded(name, timedelta(seconds=took), work.pinned, base_url))
                    link.look_again(time, 0.0)
                case ModelAction.UNLOAD:
                    unloaded.write(ModelUnloaded(name, base_url))
                    link.look_again(time, *LOOKS_AFTER_UNLOADING)
                case ModelAction.COPY | ModelAction.RENAME:
                    moved = work.action is ModelAction.RENAME
                    if moved:
                        _take_usage_along(saved, there, base_url, name, result.name)
                    copied.write(ModelCopied(name, result.name, moved, base_url))
                    link.sync_wanted = True


def _what_failed(work: ModelWork, name: str, host_name: str, result: OllamaError | None) -> str:
    if isinstance(result, ModelNotFound):
        return f"There is no model {name} on {host_name}; install it, or check the name."
    if result is not None:
        return result.message
    return f"The work was stopped before {host_name} had done it; try again."


def _take_usage_along(saved: SavedState, there: HostModels, base_url: str, former: str, name: str) -> None:
    """A renamed model is the one that was used before."""
    usage = saved.model_usage.get(f"{base_url}/{former}") or saved.model_usage.get(former)
    if usage is None:
        return
    saved.move_model_usage(f"{base_url}/{former}", f"{base_url}/{name}", usage)
    model = there.installed.get(name)
    if model is not None:  # it was looked at before the old name was deleted
        model.usage_count, model.last_used = usage.usage_count, usage.last_used
        model.performance_metrics = usage.performance
