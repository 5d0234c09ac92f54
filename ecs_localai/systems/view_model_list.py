"""UI_UPDATE: the list of models, and what is known of newer versions; a long list is made over several frames."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from ecs_localai.components.deleting import HostStorage
from ecs_localai.components.events import UIUpdateEvent, UIUpdateKind
from ecs_localai.components.models import LocalModelManager
from ecs_localai.components.panel import ModelSort, PanelSettings
from ecs_localai.components.time_values import utc_now
from ecs_localai.components.updates import HostUpdates, ModelUpdate, UpdateState
from ecs_localai.components.wording import format_duration
from ecs_localai.runtime import App, EventReader, Query, Res
from ecs_localai.systems.host_entries import ListedHost
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.model_difference import group_models_in_steps
from ecs_localai.systems.preferences import Preferences
from ecs_localai.systems.stepwise import Steps
from ecs_localai.systems.view_knowledge import HostKnowledge
from ecs_localai.systems.view_model_details import inert_reason
from ecs_localai.systems.view_model_places import ModelPlaces, known_hosts, models_of
from ecs_localai.systems.view_models import Kept, model_rows_in_steps, models_empty_text

STEPS_A_FRAME: Final = 20
"""Half a millisecond; a list of some twenty models is made in the frame in which something changed."""
Sections = dict[str, object]


@dataclass(slots=True)
class _Seen:
    """What the list was made from last."""

    hosts: tuple[object, ...] = ()
    order: tuple[ModelSort, bool] | None = None


@dataclass(slots=True)
class ModelList:
    """The list of models that is being made for the panel. A resource."""

    app: App
    work: Steps[Sections] | None = None
    is_stale: bool = True
    """Whether something changed that the list under way may not have."""
    seen: _Seen = field(default_factory=_Seen)
    kept: Kept = field(default_factory=dict)
    made: Sections = field(default_factory=dict)
    """Sections of the panel's view that have not been put into it."""

    def take(self) -> Sections:
        """What has been made, once."""
        made, self.made = self.made, {}
        return made

    @property
    def is_unfinished(self) -> bool:
        """Whether another frame is wanted."""
        return self.is_stale or self.work is not None

    def go_on(self) -> Sections:
        """Do as much as a frame has room for; what has been made, empty before it is."""
        for _ in range(STEPS_A_FRAME):
            if self.work is None:
                return {}
            try:
                next(self.work)
            except StopIteration as end:
                self.work = None
                sections: Sections = end.value
                return sections
        return {}


def list_models(
    updates: EventReader[UIUpdateEvent],
    listed: Res[OllamaHosts],
    models: Res[LocalModelManager],
    preferences: Res[Preferences],
    known_updates: Query[HostUpdates],
    storages: Query[HostStorage],
    making: Res[ModelList],
) -> None:
    """Make the list anew where something changed that it shows, a frame's worth at a time.

    What has been made is put into the panel's view with all else that has changed (`update_local_models_ui`).
    """
    kinds = {update.kind for update in updates.read()}
    settings = preferences.panel
    order = settings.model_sort, settings.sort_reversed
    making.is_stale |= UIUpdateKind.MODELS_CHANGED in kinds or order != making.seen.order
    if UIUpdateKind.HOST_CHANGED in kinds:
        now = what_models_depend_on(listed.all())
        making.is_stale |= now != making.seen.hosts
        making.seen.hosts = now
    if making.work is None:
        if not making.is_stale:
            return
        making.seen.order = order
        making.is_stale = False
        knowledge = _knowledge(listed.all(), dict(iter(known_updates)), dict(iter(storages)))
        making.work = _sections(listed.all(), models, settings, knowledge, making.kept)
    making.made |= making.go_on()
    if making.is_unfinished:
        making.app.wakeups.request_frame()


def what_models_depend_on(hosts: list[ListedHost]) -> tuple[object, ...]:
    """What of the hosts shows in the sections of models and installations; a probe's new response time does not."""
    return tuple(
        (one.host.name, one.base_url, one.is_default, one.health.is_healthy, one.models.synced, one.models.error)
        for one in hosts
    )


def _knowledge(
    hosts: list[ListedHost], updates: dict[int, HostUpdates], storages: dict[int, HostStorage]
) -> dict[str, HostKnowledge]:
    return {one.base_url: HostKnowledge(updates.get(one.entity), storages.get(one.entity)) for one in hosts}


def _sections(
    hosts: list[ListedHost],
    models: LocalModelManager,
    settings: PanelSettings,
    knowledge: dict[str, HostKnowledge],
    kept: Kept,
) -> Steps[Sections]:
    default = next((one for one in hosts if one.is_default), hosts[0] if hosts else None)
    if default is None:
        return {}
    sections: Sections = {"models_empty_text": models_empty_text(default.health, default.models)}
    sections |= updates_sections(hosts, knowledge)
    yield
    if len(hosts) == 1:
        inert = inert_reason(default.health, default.host.protocol)
        rows = yield from model_rows_in_steps(
            models, default.link.busy(), settings, inert, knowledge[default.base_url], kept
        )
        return sections | {"models": rows, "difference": None}
    kept.clear()
    groups = yield from group_models_in_steps(models_of(known_hosts(hosts)))
    places = ModelPlaces(hosts, knowledge, groups)
    rows = yield from places.rows_in_steps(settings)
    return sections | {"models": rows, "difference": places.difference()}


def updates_sections(hosts: list[ListedHost], knowledge: dict[str, HostKnowledge]) -> Sections:
    """What is known of newer versions, of all hosts together."""
    looked = [(one, updates) for one in hosts if (updates := knowledge[one.base_url].updates) is not None]
    is_running = any(updates.is_checking for _, updates in looked)
    compared = [(one, updates) for one, updates in looked if updates.checked_at is not None]
    about = [
        update
        for one, updates in compared
        for name, update in updates.by_name.items()
        if (model := one.models.installed.get(name)) is not None and model.digest == update.digest
    ]
    times = [updates.checked_at for _, updates in compared if updates.checked_at is not None]
    ago = max(0.0, (utc_now() - min(times)).total_seconds()) if times else None
    return {
        "updates_text": "Looking for updates…" if is_running else _text(about, ago),
        "updates_running": is_running,
        "can_update_all": not is_running and any(update.state is UpdateState.OUTDATED for update in about),
    }


def _text(about: list[ModelUpdate], ago: float | None) -> str:
    """``2 updates, 1 possible · checked 5 min ago``; empty before the first look."""
    if ago is None:
        return ""
    count = Counter(update.state for update in about if not update.may_be_another)
    parts = []
    if outdated := count[UpdateState.OUTDATED]:
        parts.append("1 update" if outdated == 1 else f"{outdated} updates")
    if possibly := count[UpdateState.POSSIBLY]:
        parts.append(f"{possibly} possible")
    if unknown := count[UpdateState.UNKNOWN]:
        parts.append(f"{unknown} could not be checked")
    text = ", ".join(parts) or "all current"
    return f"{text[0].upper()}{text[1:]} · checked {f'{format_duration(ago)} ago' if ago >= 60 else 'just now'}"
