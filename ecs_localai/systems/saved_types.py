"""What of the systems is saved with a world, and what is not because it is made anew."""

from __future__ import annotations

from ecs_localai.components.browser import BrowserExtensionManager
from ecs_localai.components.deleting import HostStorage
from ecs_localai.components.features import ExperimentalFeaturesManager, FeatureToggle, FeatureToggleGroup
from ecs_localai.components.found_hosts import HostSearch, LocalServer
from ecs_localai.components.hosts import DefaultHost, OllamaHostManager
from ecs_localai.components.installation import (
    ModelInstallation,
    ModelInstallationManager,
    ModelInstallationTask,
    ModelInstallRequest,
)
from ecs_localai.components.models import LocalModelManager
from ecs_localai.components.panel import LocalModelsPanel
from ecs_localai.components.panel_view import PanelView
from ecs_localai.components.preflight import Preflights
from ecs_localai.components.requirements import RequiredModel, RequiresModel
from ecs_localai.components.updates import HostUpdates
from ecs_localai.runtime import App
from ecs_localai.runtime.type_registry import TypeRegistry
from ecs_localai.systems.dropped_files import DroppedFiles
from ecs_localai.systems.forgetting import Forgetting
from ecs_localai.systems.host_clients import HostClients
from ecs_localai.systems.host_finding import HostFinding
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.host_upkeep import HOST_COMPONENTS, KnownHosts
from ecs_localai.systems.importing import Imports
from ecs_localai.systems.installation_desk import InstallationDesk
from ecs_localai.systems.installation_progress import InstallationRun
from ecs_localai.systems.known_models import KnownModels
from ecs_localai.systems.links import HostLink, HostLinks
from ecs_localai.systems.local_server import LocalServerDesk
from ecs_localai.systems.messages import EVENTS
from ecs_localai.systems.model_deletion import StorageLooks
from ecs_localai.systems.model_texts import ModelTexts
from ecs_localai.systems.model_updates import UpdateDesk
from ecs_localai.systems.paired_browsers import PairedBrowsers
from ecs_localai.systems.performance_monitoring import MeasurementHistory, Sampling
from ecs_localai.systems.persistence import SavedState
from ecs_localai.systems.preferences import Preferences
from ecs_localai.systems.preflight_desk import PreflightDesk
from ecs_localai.systems.required_models import RequirementBook
from ecs_localai.systems.settings_transfer import SettingsTransfer
from ecs_localai.systems.typed_secrets import TypedSecrets
from ecs_localai.systems.unused_secrets import KeyringEntries
from ecs_localai.systems.view_model_list import ModelList

_AT_WORK = "It belongs to an installation at work. The request for it is saved, and begins it again."
_MADE_AT_START = "It is made anew from ExperimentalFeaturesManager when the app starts."
_NOT_SAVED: dict[type, str] = {
    HostLink: "It is work under way with a host, and begins anew.",
    HostLinks: "It is work under way with hosts, and begins anew.",
    OllamaHosts: "The hosts are entities, and saved as such.",
    KnownHosts: "It is how the hosts were in the frame before.",
    TypedSecrets: "Secrets are not saved.",
    KeyringEntries: "It is looked at anew.",
    HostSearch: "It is looked for anew.",
    HostFinding: "It is at work.",
    LocalServer: "It is a program at work.",
    LocalServerDesk: "It is a program at work.",
    ModelInstallation: _AT_WORK,
    ModelInstallationTask: _AT_WORK,
    InstallationRun: _AT_WORK,
    FeatureToggle: _MADE_AT_START,
    FeatureToggleGroup: _MADE_AT_START,
    ModelInstallationManager: "It keeps the books of what is at work; what has ended is kept in the data folder.",
    InstallationDesk: "It is at work.",
    RequiredModel: "It is looked at anew. What is required is saved.",
    RequirementBook: "It is at work.",
    Sampling: "It is at work.",
    HostClients: "They are open connections.",
    SavedState: "It is the data folder.",
    HostUpdates: "It is looked at anew when somebody asks for it.",
    HostStorage: "It is looked at anew.",
    UpdateDesk: "It is at work.",
    StorageLooks: "It is at work.",
    ModelList: "It is made anew from the rest.",
    KnownModels: "They are gathered anew from the rest.",
    Preferences: "They are kept in the data folder.",
    PairedBrowsers: "They are kept in the data folder, and their keys elsewhere.",
    MeasurementHistory: "It is measured anew.",
    Forgetting: "It is at work.",
    SettingsTransfer: "It is at work.",
    Preflights: "It is looked at anew.",
    PreflightDesk: "It is at work.",
    PanelView: "It is made anew from the rest.",
    ModelTexts: "They are asked for anew.",
    DroppedFiles: "They are being looked at.",
    Imports: "They are being looked at.",
}
"""What stays out of a saved world, and why."""


def register_types(app: App) -> None:
    """Say what of ours is saved with a world, and what is not because it is made anew."""
    registry = app.init_resource(TypeRegistry)
    registry.register(LocalModelsPanel, ModelInstallRequest, RequiresModel)
    registry.register(LocalModelManager, ExperimentalFeaturesManager, BrowserExtensionManager)
    registry.register(*(kind for kind in HOST_COMPONENTS if kind is not HostLink), DefaultHost)
    # Not saved, but to be seen from outside. Not the intents: they may hold a password that was typed.
    registry.register(RequiredModel)
    registry.register(*EVENTS, ModelInstallation, FeatureToggle, FeatureToggleGroup, ModelInstallationManager)
    registry.register_required(OllamaHostManager, HostLink, lambda: app.world.resource(HostLinks).make())
    for kind, reason in _NOT_SAVED.items():
        registry.leave_out(kind, reason)
