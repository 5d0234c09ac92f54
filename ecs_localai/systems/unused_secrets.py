"""Taking typed secrets out of the system's keyring again, once no host needs them any more."""

from __future__ import annotations

import re

from ecs_localai.components.events import HostAdded, HostChanged, HostRemoved, UIUpdateEvent, UIUpdateKind
from ecs_localai.components.hosts import OllamaConfiguration
from ecs_localai.components.secret_source import SecretPlace
from ecs_localai.ollama.errors import OllamaError
from ecs_localai.runtime import EventReader, EventWriter, IoTaskPool, Res, Task
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.host_secrets import forget_secret
from ecs_localai.systems.links import settle

_OURS = re.compile(r".+ [0-9a-f]{8}")
"""What entries are called that were made for a typed secret: the address, and eight digits of chance. An entry with
another name was chosen by a person, who may use it elsewhere."""


class KeyringEntries:
    """The entries of the keyring that hosts of the list refer to. A resource."""

    __slots__ = ("forgetting", "in_use")

    def __init__(self) -> None:
        self.in_use: frozenset[str] | None = None
        """None before they were looked at for the first time."""
        self.forgetting: list[Task[None]] = []


def forget_unused_secrets(
    removals: EventReader[HostRemoved],
    changes: EventReader[HostChanged],
    additions: EventReader[HostAdded],
    entries: Res[KeyringEntries],
    hosts: Res[OllamaHosts],
    tasks: Res[IoTaskPool],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Forget the typed secrets of hosts that were removed, or have another log-in now."""
    news = bool(removals.read()) | bool(changes.read()) | bool(additions.read())
    if news or entries.in_use is None:
        now = frozenset(entry for one in hosts.all() for entry in typed_entries(one.config))
        for entry in (entries.in_use or frozenset()) - now:
            entries.forgetting.append(tasks.spawn(forget_secret(entry), f"forget the secret {entry}"))
        entries.in_use = now
    for task in [task for task in entries.forgetting if task.is_finished()]:
        entries.forgetting.remove(task)
        outcome = settle(task)
        if isinstance(outcome, OllamaError):
            ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text=outcome.message))


def typed_entries(config: OllamaConfiguration) -> list[str]:
    """The entries of the keyring that were made for what was typed for this host."""
    auth = config.authentication
    sources = auth.sources if auth is not None else ()
    return [one.name for one in sources if one.place is SecretPlace.KEYRING and _OURS.fullmatch(one.name)]
