"""Wires the Local AI models systems into an app: what `LocalModelsPlugin` builds."""

from __future__ import annotations

from ecs_localai.components.browser import BrowserExtensionManager
from ecs_localai.components.deleting import HostStorage
from ecs_localai.components.features import ExperimentalFeaturesManager, FeatureToggle, FeatureToggleGroup
from ecs_localai.components.found_hosts import HostSearch, LocalServer
from ecs_localai.components.hosts import DefaultHost, OllamaConfiguration
from ecs_localai.components.installation import (
    ModelInstallation,
    ModelInstallationManager,
    ModelInstallationTask,
)
from ecs_localai.components.models import LocalModelManager
from ecs_localai.components.panel import LocalModelsPanel
from ecs_localai.components.panel_view import PanelView
from ecs_localai.components.preflight import Preflights
from ecs_localai.components.requirements import RequiredModel
from ecs_localai.components.updates import HostUpdates
from ecs_localai.ollama.address import HostAddress
from ecs_localai.runtime import App, Startup, Update, activity, chain, in_set
from ecs_localai.runtime.sets import Configs
from ecs_localai.runtime.signatures import read_ahead
from ecs_localai.systems.dropped_files import DroppedFiles, hand_on_dropped_files
from ecs_localai.systems.failure_notices import tell_of_failures
from ecs_localai.systems.features import (
    handle_experimental_feature_toggles,
    request_feature_toggles,
    spawn_feature_toggles,
)
from ecs_localai.systems.forgetting import Forgetting, forget_data
from ecs_localai.systems.host_clients import HostClients
from ecs_localai.systems.host_connection import monitor_ollama_connection
from ecs_localai.systems.host_editing import edit_hosts, follow_host_field, order_hosts
from ecs_localai.systems.host_finding import HostFinding, find_hosts
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.host_upkeep import HOST_COMPONENTS, KnownHosts, keep_hosts
from ecs_localai.systems.importing import Imports, import_models
from ecs_localai.systems.installation_desk import InstallationDesk, drop_if_empty
from ecs_localai.systems.installation_progress import InstallationRun
from ecs_localai.systems.installation_requests import change_queue, request_installations
from ecs_localai.systems.installation_tracking import (
    clean_up_installations,
    poll_installation_tasks,
    spawn_model_installation,
    stop_installations,
    track_installation_progress,
)
from ecs_localai.systems.known_models import KnownModels, ask_for_recommendations, list_known_models
from ecs_localai.systems.links import HostLink, HostLinks
from ecs_localai.systems.local_server import LocalServerDesk, look_for_local_server, run_local_server
from ecs_localai.systems.messages import EVENTS, INTENTS
from ecs_localai.systems.model_deletion import StorageLooks, delete_models, find_out_what_deleting_frees
from ecs_localai.systems.model_life import begin_model_work, finish_model_work
from ecs_localai.systems.model_management import manage_model_lifecycle
from ecs_localai.systems.model_texts import ModelTexts, read_model_texts
from ecs_localai.systems.model_updates import (
    UpdateDesk,
    check_model_updates,
    forget_stale_updates,
    recall_updates,
    update_models,
)
from ecs_localai.systems.paired_browsers import PairedBrowsers
from ecs_localai.systems.panel_settings import keep_panel_settings
from ecs_localai.systems.performance_monitoring import (
    MeasurementHistory,
    monitor_model_performance,
    start_sampling,
)
from ecs_localai.systems.persistence import SavedState
from ecs_localai.systems.preferences import Preferences
from ecs_localai.systems.preflight_desk import PreflightDesk
from ecs_localai.systems.preflight_requests import look_before_installing
from ecs_localai.systems.put_back import put_back
from ecs_localai.systems.required_models import RequirementBook, keep_required_models
from ecs_localai.systems.saved_hosts import SavedHost, configuration_of, name_for
from ecs_localai.systems.saved_news import follow_saved_changes
from ecs_localai.systems.saved_types import register_types
from ecs_localai.systems.sets import (
    HostConnection,
    InstallationTracking,
    LocalModelsSystemSet,
    ModelManagement,
    PerformanceMonitoring,
    UIUpdate,
)
from ecs_localai.systems.settings_transfer import SettingsTransfer, transfer_settings
from ecs_localai.systems.typed_secrets import TypedSecrets, keep_typed_secrets
from ecs_localai.systems.ui_update import update_local_models_ui
from ecs_localai.systems.unused_secrets import KeyringEntries, forget_unused_secrets
from ecs_localai.systems.view_host import host_view
from ecs_localai.systems.view_model_list import ModelList, list_models
from ecs_localai.systems.view_model_texts import show_model_texts
from ecs_localai.systems.view_preflight import show_preflight
from ecs_localai.systems.view_requirements import show_requirements

_OURS: dict[type, tuple[type, ...]] = {
    HostLink: (*HOST_COMPONENTS, DefaultHost, HostUpdates, HostStorage),
    ModelInstallation: (ModelInstallation, ModelInstallationTask, InstallationRun),
    RequiredModel: (RequiredModel,),
    FeatureToggle: (FeatureToggle,),
    FeatureToggleGroup: (FeatureToggleGroup,),
    LocalModelsPanel: (LocalModelsPanel,),
}
"""What the systems put into the world: the components that go with each when the app ends."""


class Wiring:
    """What one `LocalModelsPlugin` has put into its app."""

    def __init__(
        self, app: App, given: OllamaConfiguration | HostAddress | None, saved: SavedState, *, resumes: bool
    ) -> None:
        """Add the sets, the resources, the events, the hosts' entities and the systems; see `LocalModelsPlugin`."""
        if isinstance(given, HostAddress):
            given = configuration_of(given)
        for kind in (*EVENTS, *INTENTS):
            app.add_event(kind)
        register_types(app)
        self._saved = saved
        self._add_resources(app, given, saved, resumes=resumes)
        app.world.spawn(LocalModelsPanel())
        app.add_set_processors(
            HostConnection(), ModelManagement(), InstallationTracking(), PerformanceMonitoring(), UIUpdate()
        )
        # The sets only react: a frame in which nothing happened passes them over.
        app.configure_sets(Update, chain(*LocalModelsSystemSet).run_if(activity))
        app.add_systems(Startup, *_AT_START).add_systems(Update, *_systems())

    def shutdown(self, app: App) -> None:
        """Write what waits to the disk, and take out of a host's world what is ours."""
        self._saved.close()
        for owner, kinds in _OURS.items():
            for entity in [entity for entity, _ in app.world.query(owner)]:
                link = app.world.get(entity, HostLink)
                stays = OllamaConfiguration if link is not None and link.is_guests else None
                app.world.remove(entity, *(kind for kind in kinds if kind is not stays))
                drop_if_empty(app.world, entity)

    def _add_resources(self, app: App, given: OllamaConfiguration | None, saved: SavedState, *, resumes: bool) -> None:
        saved.follow(app.tasks.channel())
        clients = HostClients()
        server = LocalServerDesk(app.tasks)
        app.tasks.on_close(server.close)  # before the connections: what we started goes last of all
        app.tasks.on_close(clients.close)
        history = MeasurementHistory()
        app.diagnostics.add(*history.diagnostics)
        models, features, browser = LocalModelManager(), ExperimentalFeaturesManager(), BrowserExtensionManager()
        cache = models.model_registry.cache
        cache.entries = saved.registry_entries()
        cache.facts = {entry.digest: entry.facts for entry in cache.entries.values() if entry.facts is not None}
        models.model_registry.capabilities_by_digest = saved.capabilities()
        models.model_registry.manifests_by_digest = saved.installed_manifests()
        for resource in (
            saved,
            clients,
            HostLinks(app.wakeups),
            KnownHosts(),
            TypedSecrets(app.tasks),
            KeyringEntries(),
            HostSearch(),
            HostFinding(app.tasks),
            LocalServer(),
            server,
            models,
            ModelInstallationManager(),
            features,
            browser,
            Preferences(saved, features, browser),
            PairedBrowsers(saved),
            history,
            Preflights(),
            PreflightDesk(app.tasks, clients, saved),
            ModelTexts(),
            DroppedFiles(),
            Imports(),
        ):
            app.insert_resource(resource)
        hosts = OllamaHosts(app, saved)
        app.insert_resource(hosts)
        self._begin_hosts(app, hosts, saved, given)
        app.insert_resource(InstallationDesk(app, saved, resumes=resumes))
        app.insert_resource(RequirementBook(app, saved))
        app.insert_resource(UpdateDesk(app, saved))
        app.insert_resource(StorageLooks(app))
        app.insert_resource(KnownModels(app))
        app.insert_resource(ModelList(app))
        app.insert_resource(Forgetting(app, saved))
        app.insert_resource(SettingsTransfer(app))
        if resumes:
            for request in saved.queue.left_behind():
                app.world.spawn(request)

    @staticmethod
    def _begin_hosts(app: App, hosts: OllamaHosts, saved: SavedState, given: OllamaConfiguration | None) -> None:
        """The hosts of the start: those that were saved, and the one for this run."""
        listed = saved.hosts()
        if not listed and given is None:
            config = OllamaConfiguration()
            listed = [SavedHost(name_for(config), config, is_default=True)]
        hosts.leave_out(hosts.begin_with(listed, given))
        default = hosts.default
        if default is not None:
            app.world.resource(LocalModelManager).ollama_config = default.config
            app.insert_resource(PanelView(host=host_view(default.manager)))


_AT_START = (spawn_feature_toggles, start_sampling, look_for_local_server)


def _systems() -> tuple[Configs, ...]:
    """The systems of a frame, in their sets."""
    sets = LocalModelsSystemSet
    return (
        in_set(
            sets.HOST_CONNECTION,
            chain(
                put_back,
                follow_saved_changes,
                forget_data,
                transfer_settings,
                edit_hosts,
                order_hosts,
                follow_host_field,
                keep_hosts,
                keep_typed_secrets,
                forget_unused_secrets,
                monitor_ollama_connection,
                find_hosts,
                run_local_server,
            ),
        ),
        in_set(
            sets.MODEL_MANAGEMENT,
            chain(delete_models, finish_model_work, begin_model_work, manage_model_lifecycle),
            chain(
                find_out_what_deleting_frees,
                recall_updates,
                check_model_updates,
                update_models,
            ),
            ask_for_recommendations,
            chain(request_feature_toggles, handle_experimental_feature_toggles),
            hand_on_dropped_files,
            import_models,
            read_model_texts,
        ),
        in_set(
            sets.INSTALLATION_TRACKING,
            chain(
                look_before_installing,
                request_installations,
                change_queue,
                stop_installations,
                track_installation_progress,
                poll_installation_tasks,
                forget_stale_updates,
                keep_required_models,
                spawn_model_installation,
                clean_up_installations,
            ),
        ),
        in_set(sets.PERFORMANCE_MONITORING, monitor_model_performance),
        in_set(
            sets.UI_UPDATE,
            chain(
                tell_of_failures,
                keep_panel_settings,
                list_models,
                list_known_models,
                update_local_models_ui,
                show_preflight,
                show_requirements,
                show_model_texts,
            ),
        ),
    )


def read_systems() -> None:
    """Read what the systems ask for, which takes most of the time of adding them. In any thread."""
    read_ahead(*_AT_START, *_systems())
