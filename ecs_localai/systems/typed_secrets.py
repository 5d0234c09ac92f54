"""Secrets that a person typed, on their way into the system's keyring, in the background."""

from __future__ import annotations

from ecs_localai.components.events import UIUpdateEvent, UIUpdateKind
from ecs_localai.components.hosts import OllamaAPIClient, OllamaHostManager
from ecs_localai.components.panel_intents import HostSecret
from ecs_localai.components.secret_source import SecretPlace, SecretSource
from ecs_localai.ollama.errors import OllamaError
from ecs_localai.runtime import EventWriter, IoTaskPool, Query, Res, Task
from ecs_localai.systems.host_clients import HostClients
from ecs_localai.systems.host_secrets import keep_secret
from ecs_localai.systems.links import HostLink, settle


class TypedSecrets:
    """The secrets under way. A resource; a host that needs one of them is asked once it is in the keyring."""

    def __init__(self, tasks: IoTaskPool) -> None:
        self._tasks = tasks
        self.under_way: list[tuple[str, Task[str | None]]] = []
        """With the names of their entries in the keyring."""

    def keep(self, secret: HostSecret) -> None:
        """Put a secret into the system's keyring."""
        task = self._tasks.spawn(keep_secret(secret), f"keep the secret {secret.entry}")
        self.under_way.append((secret.entry, task))


def keep_typed_secrets(
    secrets: Res[TypedSecrets],
    hosts: Query[OllamaHostManager, HostLink],
    clients: Res[HostClients],
    tasks: Res[IoTaskPool],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Connect the hosts that use a secret anew once it has been kept, and say where it could not be, or not safely."""
    if not secrets.under_way:
        return
    for entry, task in [(entry, task) for entry, task in secrets.under_way if task.is_finished()]:
        secrets.under_way.remove((entry, task))
        outcome = settle(task)
        if isinstance(outcome, OllamaError):
            ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text=outcome.message))
        elif outcome is not None:
            ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text=outcome))
        for _, (manager, link) in hosts:
            api = manager.api_client
            if SecretSource(SecretPlace.KEYRING, entry) in _places(api):
                # Its client has read the former one, which may well be valid still: it is not to be sent any more.
                tasks.spawn(clients.drop(api, manager.connection_pool), f"log in anew at {api.base_url}").detach()
                link.drop_probe()
                link.probe_timer.due = 0.0


def _places(api: OllamaAPIClient) -> list[SecretSource]:
    """Where the secrets of a host are kept."""
    places = [] if api.authentication is None else [*api.authentication.sources]
    if api.tls is not None and api.tls.client_key_password is not None:
        places.append(api.tls.client_key_password)
    return places
