"""HOST_CONNECTION: what people ask for in the list of hosts, and what is typed into the host field."""

from __future__ import annotations

import msgspec

from ecs_localai.components.events import UIUpdateEvent, UIUpdateKind
from ecs_localai.components.panel import LocalModelsPanel
from ecs_localai.components.panel_intents import (
    AddHostRequested,
    DefaultHostRequested,
    EditHostRequested,
    HostEdited,
    MoveHostRequested,
    RemoveHostRequested,
)
from ecs_localai.ollama.address import parse_host
from ecs_localai.runtime import EventReader, EventWriter, Query, Res
from ecs_localai.systems.host_list import HostListError, OllamaHosts
from ecs_localai.systems.saved_hosts import configuration_of, name_for
from ecs_localai.systems.typed_secrets import TypedSecrets


def edit_hosts(
    additions: EventReader[AddHostRequested],
    edits: EventReader[EditHostRequested],
    panels: Query[LocalModelsPanel],
    hosts: Res[OllamaHosts],
    secrets: Res[TypedSecrets],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Add and change hosts. What is refused is said in the form that it was typed into, and changes nothing."""
    requests: list[AddHostRequested | EditHostRequested] = [*additions.read(), *edits.read()]
    for request in requests:
        error: str | None = None
        try:
            if isinstance(request, AddHostRequested):
                _add(request, hosts)
            else:
                _edit(request, hosts)
            if request.secret is not None:
                secrets.keep(request.secret)
        except ValueError as refusal:  # also HostListError and InvalidHost
            error = str(refusal)
        for _, panel in panels:
            panel.host_error = error
        ui.write(UIUpdateEvent(UIUpdateKind.HOST_CHANGED))


def _add(request: AddHostRequested, hosts: OllamaHosts) -> None:
    config = configuration_of(parse_host(request.address), request.config)
    hosts.add(config, request.name, protocol=request.protocol)


def _edit(request: EditHostRequested, hosts: OllamaHosts) -> None:
    one = hosts.require(request.host)
    config = configuration_of(parse_host(request.address), request.config or one.config)
    if config.base_url == one.base_url:  # what is typed into a form knows no version
        config = msgspec.structs.replace(config, api_version=one.config.api_version)
    changed = None if config == one.config and request.secret is None else config
    hosts.edit(one.entity, changed, request.name, protocol=request.protocol)


def order_hosts(
    removals: EventReader[RemoveHostRequested],
    defaults: EventReader[DefaultHostRequested],
    moves: EventReader[MoveHostRequested],
    hosts: Res[OllamaHosts],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Remove and move hosts, and choose the default one."""
    requests: list[RemoveHostRequested | DefaultHostRequested | MoveHostRequested] = [
        *removals.read(),
        *defaults.read(),
        *moves.read(),
    ]
    for request in requests:
        try:
            entity = hosts.require(request.host).entity
            if isinstance(request, RemoveHostRequested):
                hosts.remove(entity)
            elif isinstance(request, DefaultHostRequested):
                hosts.set_default(entity)
            else:
                hosts.move(entity, request.by)
        except HostListError as error:
            ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text=str(error)))
        ui.write(UIUpdateEvent(UIUpdateKind.HOST_CHANGED))


def follow_host_field(edits: EventReader[HostEdited], hosts: Res[OllamaHosts], ui: EventWriter[UIUpdateEvent]) -> None:
    """Connect to the host that was typed into the host field.

    A host of the list, by its name or address, becomes the default one. Another address replaces that of the only
    host, and is added where there are several. The only host's log-in and certificates are not for another address,
    so they go.
    """
    for edit in edits.read():
        ui.write(UIUpdateEvent(UIUpdateKind.HOST_CHANGED))
        known = hosts.find(edit.text) if edit.text.strip() else None
        if known is not None:
            if edit.text.strip() != known.base_url and known.host.name.casefold() != edit.text.strip().casefold():
                config = configuration_of(parse_host(edit.text), known.config)
                if config.base_url != known.base_url:  # the same server, spelled in another way
                    hosts.edit(known.entity, config)
            if known.is_default:
                known.link.ask_at_once()
            else:
                hosts.set_default(known.entity)
            continue
        try:
            config = configuration_of(parse_host(edit.text))
            there = hosts.all()
            if len(there) == 1:
                only = there[0]
                name = name_for(config) if only.host.name == name_for(only.config) else ""
                hosts.edit(only.entity, config, name)
            else:
                hosts.set_default(hosts.add(config))
        except ValueError as error:  # also HostListError and InvalidHost
            ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text=str(error)))
