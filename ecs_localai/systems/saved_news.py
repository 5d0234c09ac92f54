"""HOST_CONNECTION: what another process has saved, the command for one, is taken into this world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_localai.components.codec import DecodeError, decode
from ecs_localai.components.events import FeatureFlagToggled, UIUpdateEvent, UIUpdateKind
from ecs_localai.components.features import ExperimentalFeaturesManager, default_feature_flags
from ecs_localai.components.installation import InstallationRecord, ModelInstallationManager
from ecs_localai.runtime import EventWriter, IoTaskPool, Res, World
from ecs_localai.store.state import HISTORY_READ
from ecs_localai.systems.features import in_order_of_need
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.installation_desk import InstallationDesk
from ecs_localai.systems.paired_browsers import PairedBrowsers
from ecs_localai.systems.persistence import SavedState
from ecs_localai.systems.preferences import Preferences
from ecs_localai.systems.saved_host_news import follow_saved_hosts

if TYPE_CHECKING:
    from ecs_localai.store.state import StoredState


def follow_saved_changes(
    world: World,
    tasks: Res[IoTaskPool],
    saved: Res[SavedState],
    hosts: Res[OllamaHosts],
    features: Res[ExperimentalFeaturesManager],
    preferences: Res[Preferences],
    browsers: Res[PairedBrowsers],
    installations: Res[ModelInstallationManager],
    desk: Res[InstallationDesk],
    toggled: EventWriter[FeatureFlagToggled],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Add, change and remove the hosts that were so elsewhere, switch flags, follow changes of the queue, list the
    installations that ended."""
    if not tasks.arrived:
        return
    news = saved.take_news()
    if news is None:
        return
    before, now = news
    if before.hosts != now.hosts or list(before.hosts) != list(now.hosts):
        follow_saved_hosts(before, now, world, hosts)
    queue_news = saved.queue.follow(now)
    desk.follow(queue_news)
    if queue_news.of_others:
        desk.adoption.begin(now)
    if before.flags != now.flags:
        _follow_flags(before, now, features, toggled)
    if before.settings != now.settings:
        preferences.follow(before.settings, now.settings)
    if before.browsers != now.browsers:
        browsers.follow(before.browsers, now.browsers)
    if _follow_records(before, now, installations):
        ui.write(UIUpdateEvent(UIUpdateKind.INSTALLATIONS_CHANGED))


def _follow_flags(
    before: StoredState,
    now: StoredState,
    features: ExperimentalFeaturesManager,
    toggled: EventWriter[FeatureFlagToggled],
) -> None:
    """Switch what was switched, in an order in which each is on before those that need it."""
    usual = default_feature_flags()
    wanted = now.flags | {
        feature_id: usual[feature_id].enabled  # somebody has had it forgotten
        for feature_id in before.flags.keys() - now.flags.keys()
        if feature_id in usual
    }
    different = {
        feature_id: flag
        for feature_id, enabled in wanted.items()
        if (flag := features.feature_flags.get(feature_id)) is not None
        and before.flags.get(feature_id) is not now.flags.get(feature_id)
        and flag.enabled is not enabled
    }
    for flag in in_order_of_need(different.values()):
        toggled.write(FeatureFlagToggled(flag.feature_id, flag.enabled, not flag.enabled, user_initiated=False))


def _follow_records(before: StoredState, now: StoredState, installations: ModelInstallationManager) -> bool:
    """The installations that ended in the other process, and those that it has forgotten; whether there are any."""
    history = installations.installation_history
    known = {record.installation_id for record in history}
    there = {row.installation_id for row in now.history}
    new = [row for row in now.history if row.installation_id not in known]
    gone: set[str] = set()
    if len(there) < HISTORY_READ and not now.unreadable:  # else the file may have more than is read
        gone = {row.installation_id for row in before.history} & known - there
    if gone:
        kept = [record for record in history if record.installation_id not in gone]
        history.clear()
        history.extend(kept)
    for row in reversed(new):
        try:
            history.append(decode(row.data, InstallationRecord))
        except DecodeError:
            continue
    return bool(new or gone)
