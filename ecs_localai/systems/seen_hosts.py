"""The hosts and their models as they were at one moment: what is made of that may take longer than a frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ecs_localai.components.deleting import HostStorage
from ecs_localai.components.hosts import HostProtocol
from ecs_localai.components.models import InstalledModel, LoadedModel
from ecs_localai.components.updates import HostUpdates
from ecs_localai.systems.loaded_models import by_every_name
from ecs_localai.systems.stepwise import Steps, every, finish
from ecs_localai.systems.view_knowledge import HostKnowledge

if TYPE_CHECKING:
    from ecs_localai.systems.host_entries import ListedHost

_TAKEN_IN_A_STEP = 24
_values_of = attrgetter(*(one.name for one in fields(InstalledModel)))


@dataclass(frozen=True, slots=True)
class SeenHost:
    """A host of the list. Nothing of it changes with the world; only what models' measurements say may."""

    name: str
    base_url: str
    protocol: HostProtocol
    is_default: bool
    is_healthy: bool
    is_known: bool
    """Whether its models are known, be it from an earlier time."""
    installed: dict[str, InstalledModel]
    loaded: Mapping[str, LoadedModel]
    """By every name of what is in memory."""
    busy: Mapping[str, str]
    """What is being done to which models, for example ``Deleting``."""
    knowledge: HostKnowledge

    @property
    def is_able(self) -> bool:
        """Whether something can be installed there now."""
        return self.is_healthy and self.protocol is HostProtocol.OLLAMA


def see_hosts(hosts: Sequence[ListedHost]) -> list[SeenHost]:
    """The hosts as they are now, with nothing known of newer versions and of files."""
    return finish(finish(look_at_hosts(hosts, {}, {})))


def look_at_hosts(
    hosts: Sequence[ListedHost], updates: Mapping[int, HostUpdates], storages: Mapping[int, HostStorage]
) -> Steps[Steps[list[SeenHost]]]:
    """Take down in steps, as cheaply as can be, how the hosts are; other steps then make of it what is seen.

    `updates` and `storages` are what is known of the hosts' entities besides.
    """
    seen: list[SeenHost] = []
    taken: list[list[tuple[Any, ...]]] = []
    for one in hosts:
        if seen:
            yield
        models = list(one.models.installed.values())
        values: list[tuple[Any, ...]] = []
        for start in range(0, len(models), _TAKEN_IN_A_STEP):
            if start:
                yield
            values += map(_values_of, models[start : start + _TAKEN_IN_A_STEP])
        taken.append(values)
        seen.append(
            SeenHost(
                name=one.host.name,
                base_url=one.base_url,
                protocol=one.host.protocol,
                is_default=one.is_default,
                is_healthy=one.health.is_healthy,
                is_known=one.models.synced or bool(models),
                installed={},
                loaded=by_every_name(one.models.loaded.values()),
                busy=one.link.busy(),
                knowledge=_knowledge(updates.get(one.entity), storages.get(one.entity)),
            )
        )
    return _with_models(seen, taken)


def _with_models(seen: list[SeenHost], taken: list[list[tuple[Any, ...]]]) -> Steps[list[SeenHost]]:
    for host, models in zip(seen, taken, strict=True):
        for ends, values in every(models):
            model = InstalledModel(*values)
            host.installed[model.name] = model
            if ends:
                yield
    return seen


def _knowledge(updates: HostUpdates | None, storage: HostStorage | None) -> HostKnowledge:
    return HostKnowledge(
        None if updates is None else replace(updates, by_name=dict(updates.by_name)),
        None if storage is None else replace(storage, freed_by_name=dict(storage.freed_by_name)),
    )
