"""UI_UPDATE: the list of models, and what is known of newer versions; a long list is made in the background."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from ecs_localai.components.deleting import HostStorage
from ecs_localai.components.events import UIUpdateEvent, UIUpdateKind
from ecs_localai.components.panel import ModelSort, PanelSettings
from ecs_localai.components.time_values import utc_now
from ecs_localai.components.updates import HostUpdates, ModelUpdate, UpdateState
from ecs_localai.components.wording import format_duration
from ecs_localai.runtime import App, EventReader, Query, Res
from ecs_localai.systems.host_entries import ListedHost
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.model_difference import group_models_in_steps
from ecs_localai.systems.preferences import Preferences
from ecs_localai.systems.seen_hosts import SeenHost, look_at_hosts
from ecs_localai.systems.spread_work import SpreadWork
from ecs_localai.systems.stepwise import Steps
from ecs_localai.systems.view_model_details import inert_reason
from ecs_localai.systems.view_model_places import ModelPlaces, known_models
from ecs_localai.systems.view_models import Kept, model_rows_in_steps, models_empty_text, same_rows_in_steps

Sections = dict[str, object]


@dataclass(slots=True)
class _Seen:
    """What the list was made from last."""

    hosts: tuple[object, ...] = ()
    order: tuple[ModelSort, bool] | None = None


class ModelList:
    """The list of models that is being made for the panel. A resource."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.work = SpreadWork[Sections](app.tasks, "list of models")
        """A list of some twenty models is made in the frame in which something changed."""
        self.is_stale = True
        """Whether something changed that the list under way may not have."""
        self.seen = _Seen()
        self.kept: Kept = {}
        """Belongs to the work while there is some under way."""
        self.made: Sections = {}
        """Sections of the panel's view that have not been put into it."""

    def take(self) -> Sections:
        """What has been made, once."""
        made, self.made = self.made, {}
        return made

    @property
    def is_unfinished(self) -> bool:
        """Whether there is more to be made."""
        return self.is_stale or self.work.is_under_way


def list_models(
    updates: EventReader[UIUpdateEvent],
    listed: Res[OllamaHosts],
    preferences: Res[Preferences],
    known_updates: Query[HostUpdates],
    storages: Query[HostStorage],
    making: Res[ModelList],
) -> None:
    """Make the list anew where something changed that it shows; a long one in the background.

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
    if not making.work.is_under_way:
        if not making.is_stale:
            return
        making.seen.order = order
        making.is_stale = False
        making.work.begin(_look(listed.all(), dict(iter(known_updates)), dict(iter(storages)), settings, making.kept))
    made = making.work.go_on()
    if made is not None:
        making.made |= made
    if making.is_unfinished and not making.work.is_in_background:
        making.app.wakeups.request_frame()


def what_models_depend_on(hosts: list[ListedHost]) -> tuple[object, ...]:
    """What of the hosts shows in the sections of models and installations; a probe's new response time does not."""
    return tuple(
        (one.host.name, one.base_url, one.is_default, one.health.is_healthy, one.models.synced, one.models.error)
        for one in hosts
    )


def _look(
    hosts: list[ListedHost],
    updates: dict[int, HostUpdates],
    storages: dict[int, HostStorage],
    settings: PanelSettings,
    kept: Kept,
) -> Steps[Steps[Sections]]:
    default = next((one for one in hosts if one.is_default), hosts[0] if hosts else None)
    empty_text = "" if default is None else models_empty_text(default.health, default.models)
    seeing = yield from look_at_hosts(hosts, updates, storages)
    return _sections(seeing, empty_text, settings, kept)


def _sections(seeing: Steps[list[SeenHost]], empty_text: str, settings: PanelSettings, kept: Kept) -> Steps[Sections]:
    hosts = yield from seeing
    if not hosts:
        return {}
    sections: Sections = {"models_empty_text": empty_text}
    if len(hosts) == 1:
        one = hosts[0]
        inert = inert_reason(one.protocol, is_healthy=one.is_healthy)
        sections["models"] = yield from model_rows_in_steps(
            one.installed, one.loaded, one.busy, settings, inert, one.knowledge, kept
        )
        sections["difference"] = None
    else:
        groups = yield from group_models_in_steps(known_models(hosts))
        places = ModelPlaces(hosts, groups)
        rows = yield from places.rows_in_steps(settings)
        sections["models"] = yield from same_rows_in_steps(rows, kept)
        sections["difference"] = places.difference()
    return sections | updates_sections(hosts)


def updates_sections(hosts: list[SeenHost]) -> Sections:
    """What is known of newer versions, of all hosts together."""
    looked = [(one, updates) for one in hosts if (updates := one.knowledge.updates) is not None]
    is_running = any(updates.is_checking for _, updates in looked)
    compared = [(one, updates) for one, updates in looked if updates.checked_at is not None]
    about = [
        update
        for one, updates in compared
        for name, update in updates.by_name.items()
        if (model := one.installed.get(name)) is not None and model.digest == update.digest
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
