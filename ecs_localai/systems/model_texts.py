"""MODEL_MANAGEMENT: reads what models say of themselves, in the background, when somebody wants to see it."""

from __future__ import annotations

from collections import OrderedDict

from ecs_localai.components.events import UIUpdateEvent, UIUpdateKind
from ecs_localai.components.hosts import HostProtocol, OllamaHostManager
from ecs_localai.components.model_text import ModelText
from ecs_localai.components.panel_intents import ModelDetailsRequested
from ecs_localai.ollama.errors import OllamaError
from ecs_localai.ollama.model_parameters import read_shown_parameters
from ecs_localai.runtime import EventReader, EventWriter, IoTaskPool, Res, Task
from ecs_localai.systems.host_clients import HostClients
from ecs_localai.systems.host_entries import ListedHost
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.links import settle

MOST_KNOWN = 64
"""So many models' texts are kept: a licence and a template together are some 20 kB."""
_NOBODY = "No host that has it is connected."
_STOPPED = "Reading it was stopped; show the model again."


class ModelTexts:
    """What models say of themselves, by digest: those that were asked for last. A resource."""

    def __init__(self) -> None:
        self.known: OrderedDict[str, ModelText] = OrderedDict()
        """The one that was asked for last is the last."""
        self.reading: dict[str, Task[ModelText]] = {}

    def keep(self, digest: str, text: ModelText) -> None:
        """Know this from now on, and forget what nobody has asked for the longest time."""
        self.known[digest] = text
        self.known.move_to_end(digest)
        while len(self.known) > MOST_KNOWN:
            self.known.popitem(last=False)


def read_model_texts(
    requests: EventReader[ModelDetailsRequested],
    listed: Res[OllamaHosts],
    tasks: Res[IoTaskPool],
    clients: Res[HostClients],
    texts: Res[ModelTexts],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Ask a host for what was asked for and is not known, and take in what has arrived."""
    changed = False
    for request in requests.read():
        known = texts.known.get(request.digest)
        if known is not None and not known.error:
            texts.known.move_to_end(request.digest)
        elif request.digest and request.digest not in texts.reading:
            found = _holder(listed.all(), request.digest)
            if found is None:
                texts.keep(request.digest, ModelText(error=_NOBODY))
                changed = True
            else:
                one, name = found
                work = read_model_text(clients, one.manager, name)
                texts.reading[request.digest] = tasks.spawn(work, f"what {name} says of itself")
    if tasks.arrived:
        for digest in [digest for digest, task in texts.reading.items() if task.is_finished()]:
            result = settle(texts.reading.pop(digest))
            if result is None:
                result = ModelText(error=_STOPPED)
            texts.keep(digest, ModelText(error=result.message) if isinstance(result, OllamaError) else result)
            changed = True
    if changed:
        ui.write(UIUpdateEvent(UIUpdateKind.MODEL_TEXTS_CHANGED))


def _holder(hosts: list[ListedHost], digest: str) -> tuple[ListedHost, str] | None:
    """A host that is there and has this model, and the model's name on it; the default one first."""
    for one in sorted(hosts, key=lambda one: not one.is_default):
        if not one.health.is_healthy or one.host.protocol is not HostProtocol.OLLAMA:
            continue
        for name, model in one.models.installed.items():
            if model.digest == digest:
                return one, name
    return None


async def read_model_text(clients: HostClients, manager: OllamaHostManager, name: str) -> ModelText:
    """What ``/api/show`` says of a model.

    Raises:
        OllamaError: the host did not say it.
    """
    client = await clients.get(manager)
    reply = await client.show(name)
    return ModelText(
        license=reply.license.strip(),
        template=reply.template,
        system=reply.system,
        parameters=read_shown_parameters(reply.parameters),
    )
