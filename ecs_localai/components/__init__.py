"""Data only: the components, resources and events of the Local AI models panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecs_localai.components.authentication import AuthKind as AuthKind
    from ecs_localai.components.authentication import OllamaAuth as OllamaAuth
    from ecs_localai.components.browser import BrowserConnection as BrowserConnection
    from ecs_localai.components.browser import BrowserExtensionManager as BrowserExtensionManager
    from ecs_localai.components.browser import BrowserKind as BrowserKind
    from ecs_localai.components.browser import BrowserType as BrowserType
    from ecs_localai.components.browser import ContentType as ContentType
    from ecs_localai.components.browser import ContextExtractionConfig as ContextExtractionConfig
    from ecs_localai.components.browser import ContextRetentionPolicy as ContextRetentionPolicy
    from ecs_localai.components.browser import ExtensionConnectionStatus as ExtensionConnectionStatus
    from ecs_localai.components.browser import ExtensionPrivacySettings as ExtensionPrivacySettings
    from ecs_localai.components.browser import ExtensionProtocol as ExtensionProtocol
    from ecs_localai.components.browser import PairedBrowser as PairedBrowser
    from ecs_localai.components.browser import RetentionKind as RetentionKind
    from ecs_localai.components.browser import SupportedBrowser as SupportedBrowser
    from ecs_localai.components.browser import TabContext as TabContext
    from ecs_localai.components.codec import CodecError as CodecError
    from ecs_localai.components.codec import DecodeError as DecodeError
    from ecs_localai.components.codec import EncodeError as EncodeError
    from ecs_localai.components.codec import decode as decode
    from ecs_localai.components.codec import encode as encode
    from ecs_localai.components.codec import to_builtins as to_builtins
    from ecs_localai.components.drawing import Color as Color
    from ecs_localai.components.drawing import Vec2 as Vec2
    from ecs_localai.components.events import ModelInstallationPaused as ModelInstallationPaused
    from ecs_localai.components.events import ModelInstallationResumed as ModelInstallationResumed
    from ecs_localai.components.events import PreflightDone as PreflightDone
    from ecs_localai.components.events import UpdatesChecked as UpdatesChecked
    from ecs_localai.components.events import RequiredModelReady as RequiredModelReady
    from ecs_localai.components.events import RequiredModelLost as RequiredModelLost
    from ecs_localai.components.panel_intents import PreflightRequested as PreflightRequested
    from ecs_localai.components.panel_intents import PreflightDismissed as PreflightDismissed
    from ecs_localai.components.panel_intents import PauseRequested as PauseRequested
    from ecs_localai.components.panel_intents import ResumeRequested as ResumeRequested
    from ecs_localai.components.panel_intents import MoveInstallationRequested as MoveInstallationRequested
    from ecs_localai.components.panel_intents import ScheduleRequested as ScheduleRequested
    from ecs_localai.components.panel_intents import DownloadLimitChanged as DownloadLimitChanged
    from ecs_localai.components.panel_intents import ImportModelRequested as ImportModelRequested
    from ecs_localai.components.panel_intents import CreateModelRequested as CreateModelRequested
    from ecs_localai.components.panel_intents import FilesDropped as FilesDropped
    from ecs_localai.components.panel_intents import ModelDetailsRequested as ModelDetailsRequested
    from ecs_localai.components.model_text import ModelText as ModelText
    from ecs_localai.components.panel_intents import CheckUpdatesRequested as CheckUpdatesRequested
    from ecs_localai.components.panel_intents import UpdateModelsRequested as UpdateModelsRequested
    from ecs_localai.components.panel_intents import InstallRequiredRequested as InstallRequiredRequested
    from ecs_localai.components.installation import LayerProgress as LayerProgress
    from ecs_localai.components.installation import WaitReason as WaitReason
    from ecs_localai.components.model_facts import CacheNeed as CacheNeed
    from ecs_localai.components.model_facts import ModelFacts as ModelFacts
    from ecs_localai.components.preflight import Fit as Fit
    from ecs_localai.components.preflight import MemoryNeed as MemoryNeed
    from ecs_localai.components.preflight import MemoryVerdict as MemoryVerdict
    from ecs_localai.components.preflight import Preflight as Preflight
    from ecs_localai.components.preflight import Preflights as Preflights
    from ecs_localai.components.deleting import HostStorage as HostStorage
    from ecs_localai.components.updates import HostUpdates as HostUpdates
    from ecs_localai.components.updates import ModelUpdate as ModelUpdate
    from ecs_localai.components.updates import UpdateState as UpdateState
    from ecs_localai.components.requirements import RequiredModel as RequiredModel
    from ecs_localai.components.requirements import RequirementPhase as RequirementPhase
    from ecs_localai.components.requirements import RequiresModel as RequiresModel
    from ecs_localai.components.recipe import ModelRecipe as ModelRecipe
    from ecs_localai.components.recipe import RecipeMessage as RecipeMessage
    from ecs_localai.components.downloads import DownloadSettings as DownloadSettings
    from ecs_localai.components.events import DataForgotten as DataForgotten
    from ecs_localai.components.events import FeatureFlagToggled as FeatureFlagToggled
    from ecs_localai.components.events import HostAdded as HostAdded
    from ecs_localai.components.events import HostChanged as HostChanged
    from ecs_localai.components.events import HostRemoved as HostRemoved
    from ecs_localai.components.events import HostsFound as HostsFound
    from ecs_localai.components.events import InstalledModelsChanged as InstalledModelsChanged
    from ecs_localai.components.events import LoadedModelsChanged as LoadedModelsChanged
    from ecs_localai.components.events import LocalServerChanged as LocalServerChanged
    from ecs_localai.components.events import ModelAction as ModelAction
    from ecs_localai.components.events import ModelActionFailed as ModelActionFailed
    from ecs_localai.components.events import ModelCopied as ModelCopied
    from ecs_localai.components.events import ModelDeleted as ModelDeleted
    from ecs_localai.components.events import ModelDeleteFailed as ModelDeleteFailed
    from ecs_localai.components.events import ModelInstallationCancelled as ModelInstallationCancelled
    from ecs_localai.components.events import ModelInstallationCompleted as ModelInstallationCompleted
    from ecs_localai.components.events import ModelInstallationFailed as ModelInstallationFailed
    from ecs_localai.components.events import ModelInstallationProgress as ModelInstallationProgress
    from ecs_localai.components.events import ModelInstallationStarted as ModelInstallationStarted
    from ecs_localai.components.events import ModelLoaded as ModelLoaded
    from ecs_localai.components.events import ModelUnloaded as ModelUnloaded
    from ecs_localai.components.events import OllamaConnectionStatusChanged as OllamaConnectionStatusChanged
    from ecs_localai.components.events import SettingsExported as SettingsExported
    from ecs_localai.components.events import SettingsImported as SettingsImported
    from ecs_localai.components.events import UIUpdateEvent as UIUpdateEvent
    from ecs_localai.components.events import UIUpdateKind as UIUpdateKind
    from ecs_localai.components.features import ExperimentalFeaturesManager as ExperimentalFeaturesManager
    from ecs_localai.components.features import ExperimentalPhase as ExperimentalPhase
    from ecs_localai.components.features import ExperimentalPreferences as ExperimentalPreferences
    from ecs_localai.components.features import FeatureFlag as FeatureFlag
    from ecs_localai.components.features import FeatureRiskLevel as FeatureRiskLevel
    from ecs_localai.components.features import FeatureTelemetry as FeatureTelemetry
    from ecs_localai.components.features import RolloutConfiguration as RolloutConfiguration
    from ecs_localai.components.features import SpecificFeatureFlags as SpecificFeatureFlags
    from ecs_localai.components.features import default_feature_flags as default_feature_flags
    from ecs_localai.components.forgetting import Forgettable as Forgettable
    from ecs_localai.components.found_hosts import FoundBy as FoundBy
    from ecs_localai.components.found_hosts import FoundHost as FoundHost
    from ecs_localai.components.found_hosts import HostSearch as HostSearch
    from ecs_localai.components.found_hosts import LocalServer as LocalServer
    from ecs_localai.components.found_hosts import LocalServerState as LocalServerState
    from ecs_localai.components.hosts import ConnectionPool as ConnectionPool
    from ecs_localai.components.hosts import DefaultHost as DefaultHost
    from ecs_localai.components.hosts import HostHealthMonitor as HostHealthMonitor
    from ecs_localai.components.hosts import HostOrigin as HostOrigin
    from ecs_localai.components.hosts import HostProtocol as HostProtocol
    from ecs_localai.components.hosts import OllamaAPIClient as OllamaAPIClient
    from ecs_localai.components.hosts import OllamaConfiguration as OllamaConfiguration
    from ecs_localai.components.hosts import OllamaHost as OllamaHost
    from ecs_localai.components.hosts import OllamaHostManager as OllamaHostManager
    from ecs_localai.components.hosts import RetryPolicy as RetryPolicy
    from ecs_localai.components.installation import DownloadConfig as DownloadConfig
    from ecs_localai.components.installation import DownloadRequest as DownloadRequest
    from ecs_localai.components.installation import InstallationPhase as InstallationPhase
    from ecs_localai.components.installation import InstallationProgress as InstallationProgress
    from ecs_localai.components.installation import InstallationRecord as InstallationRecord
    from ecs_localai.components.installation import InstallationStatus as InstallationStatus
    from ecs_localai.components.installation import ModelInstallation as ModelInstallation
    from ecs_localai.components.installation import ModelInstallationManager as ModelInstallationManager
    from ecs_localai.components.installation import ModelInstallationTask as ModelInstallationTask
    from ecs_localai.components.installation import ModelInstallRequest as ModelInstallRequest
    from ecs_localai.components.installation_errors import InstallationError as InstallationError
    from ecs_localai.components.installation_errors import InstallationErrorKind as InstallationErrorKind
    from ecs_localai.components.models import HostModels as HostModels
    from ecs_localai.components.models import InstalledModel as InstalledModel
    from ecs_localai.components.models import LoadedModel as LoadedModel
    from ecs_localai.components.models import LocalModelManager as LocalModelManager
    from ecs_localai.components.models import ModelCapabilities as ModelCapabilities
    from ecs_localai.components.models import ModelPerformanceMetrics as ModelPerformanceMetrics
    from ecs_localai.components.models import ModelRegistry as ModelRegistry
    from ecs_localai.components.monitoring import CpuUsage as CpuUsage
    from ecs_localai.components.monitoring import DiskUsage as DiskUsage
    from ecs_localai.components.monitoring import GpuUsage as GpuUsage
    from ecs_localai.components.monitoring import MemoryUsage as MemoryUsage
    from ecs_localai.components.monitoring import ModelResourceMonitor as ModelResourceMonitor
    from ecs_localai.components.monitoring import NetworkUsage as NetworkUsage
    from ecs_localai.components.panel import InstallationView as InstallationView
    from ecs_localai.components.panel import LocalModelsPanel as LocalModelsPanel
    from ecs_localai.components.panel import ModelSort as ModelSort
    from ecs_localai.components.panel import PanelSettings as PanelSettings
    from ecs_localai.components.panel import ThemeChoice as ThemeChoice
    from ecs_localai.components.panel import WindowPlace as WindowPlace
    from ecs_localai.components.panel_intents import AddHostRequested as AddHostRequested
    from ecs_localai.components.panel_intents import CancelRequested as CancelRequested
    from ecs_localai.components.panel_intents import CopyModelRequested as CopyModelRequested
    from ecs_localai.components.panel_intents import DefaultHostRequested as DefaultHostRequested
    from ecs_localai.components.panel_intents import DeleteModelRequested as DeleteModelRequested
    from ecs_localai.components.panel_intents import DismissRequested as DismissRequested
    from ecs_localai.components.panel_intents import EditHostRequested as EditHostRequested
    from ecs_localai.components.panel_intents import ExportSettingsRequested as ExportSettingsRequested
    from ecs_localai.components.panel_intents import FindHostsRequested as FindHostsRequested
    from ecs_localai.components.panel_intents import ForgetRequested as ForgetRequested
    from ecs_localai.components.panel_intents import HostEdited as HostEdited
    from ecs_localai.components.panel_intents import HostSecret as HostSecret
    from ecs_localai.components.panel_intents import ImportSettingsAnswered as ImportSettingsAnswered
    from ecs_localai.components.panel_intents import ImportSettingsRequested as ImportSettingsRequested
    from ecs_localai.components.panel_intents import InstallRequested as InstallRequested
    from ecs_localai.components.panel_intents import LoadModelRequested as LoadModelRequested
    from ecs_localai.components.panel_intents import MoveHostRequested as MoveHostRequested
    from ecs_localai.components.panel_intents import NoticeDismissed as NoticeDismissed
    from ecs_localai.components.panel_intents import PanelSettingsChanged as PanelSettingsChanged
    from ecs_localai.components.panel_intents import RefreshRequested as RefreshRequested
    from ecs_localai.components.panel_intents import RemoveHostRequested as RemoveHostRequested
    from ecs_localai.components.panel_intents import RetryRequested as RetryRequested
    from ecs_localai.components.panel_intents import StartLocalServerRequested as StartLocalServerRequested
    from ecs_localai.components.panel_intents import StopLocalServerRequested as StopLocalServerRequested
    from ecs_localai.components.panel_intents import ToggleRequested as ToggleRequested
    from ecs_localai.components.panel_intents import UnloadModelRequested as UnloadModelRequested
    from ecs_localai.components.panel_view import DataView as DataView
    from ecs_localai.components.panel_view import DifferenceView as DifferenceView
    from ecs_localai.components.panel_view import FoundRow as FoundRow
    from ecs_localai.components.panel_view import GaugeView as GaugeView
    from ecs_localai.components.panel_view import HistoryRow as HistoryRow
    from ecs_localai.components.panel_view import HostRow as HostRow
    from ecs_localai.components.panel_view import HostView as HostView
    from ecs_localai.components.panel_view import ImportView as ImportView
    from ecs_localai.components.panel_view import InstallationRow as InstallationRow
    from ecs_localai.components.panel_view import ModelDetail as ModelDetail
    from ecs_localai.components.panel_view import ModelRow as ModelRow
    from ecs_localai.components.panel_view import NoticeView as NoticeView
    from ecs_localai.components.panel_view import PanelView as PanelView
    from ecs_localai.components.panel_view import PlaceBadge as PlaceBadge
    from ecs_localai.components.panel_view import SearchView as SearchView
    from ecs_localai.components.panel_view import ToggleGroupView as ToggleGroupView
    from ecs_localai.components.panel_view import ToggleRow as ToggleRow
    from ecs_localai.components.panel_view import Tone as Tone
    from ecs_localai.components.registry import ModelRegistryCache as ModelRegistryCache
    from ecs_localai.components.registry import RegistryEntry as RegistryEntry
    from ecs_localai.components.registry import RegistryLayer as RegistryLayer
    from ecs_localai.components.secret_source import SecretPlace as SecretPlace
    from ecs_localai.components.secret_source import SecretSource as SecretSource
    from ecs_localai.components.tls import TlsSettings as TlsSettings
    from ecs_localai.components.toggles import FeatureToggle as FeatureToggle
    from ecs_localai.components.toggles import FeatureToggleGroup as FeatureToggleGroup
    from ecs_localai.components.toggles import InteractionState as InteractionState
    from ecs_localai.components.toggles import ToggleLayout as ToggleLayout
    from ecs_localai.components.toggles import ToggleStyle as ToggleStyle
else:
    from ecs_localai._lazy import lazy_names

    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "authentication": (
                "AuthKind",
                "OllamaAuth",
            ),
            "browser": (
                "BrowserConnection",
                "BrowserExtensionManager",
                "BrowserKind",
                "BrowserType",
                "ContentType",
                "ContextExtractionConfig",
                "ContextRetentionPolicy",
                "ExtensionConnectionStatus",
                "ExtensionPrivacySettings",
                "ExtensionProtocol",
                "RetentionKind",
                "SupportedBrowser",
                "PairedBrowser",
                "TabContext",
            ),
            "codec": (
                "CodecError",
                "DecodeError",
                "EncodeError",
                "decode",
                "encode",
                "to_builtins",
            ),
            "downloads": ("DownloadSettings",),
            "drawing": (
                "Color",
                "Vec2",
            ),
            "events": (
                "ModelInstallationPaused",
                "ModelInstallationResumed",
                "PreflightDone",
                "UpdatesChecked",
                "RequiredModelReady",
                "RequiredModelLost",
                "DataForgotten",
                "FeatureFlagToggled",
                "HostAdded",
                "HostChanged",
                "HostRemoved",
                "HostsFound",
                "InstalledModelsChanged",
                "LoadedModelsChanged",
                "LocalServerChanged",
                "ModelDeleteFailed",
                "ModelAction",
                "ModelActionFailed",
                "ModelCopied",
                "ModelLoaded",
                "ModelUnloaded",
                "ModelDeleted",
                "ModelInstallationCancelled",
                "ModelInstallationCompleted",
                "ModelInstallationFailed",
                "ModelInstallationProgress",
                "ModelInstallationStarted",
                "OllamaConnectionStatusChanged",
                "SettingsExported",
                "SettingsImported",
                "UIUpdateEvent",
                "UIUpdateKind",
            ),
            "features": (
                "ExperimentalFeaturesManager",
                "ExperimentalPhase",
                "ExperimentalPreferences",
                "FeatureFlag",
                "FeatureRiskLevel",
                "FeatureTelemetry",
                "RolloutConfiguration",
                "SpecificFeatureFlags",
                "default_feature_flags",
            ),
            "forgetting": ("Forgettable",),
            "found_hosts": (
                "FoundBy",
                "FoundHost",
                "HostSearch",
                "LocalServer",
                "LocalServerState",
            ),
            "hosts": (
                "ConnectionPool",
                "DefaultHost",
                "HostHealthMonitor",
                "HostOrigin",
                "HostProtocol",
                "OllamaAPIClient",
                "OllamaConfiguration",
                "OllamaHost",
                "OllamaHostManager",
                "RetryPolicy",
            ),
            "installation": (
                "LayerProgress",
                "WaitReason",
                "DownloadConfig",
                "DownloadRequest",
                "InstallationPhase",
                "InstallationProgress",
                "InstallationRecord",
                "InstallationStatus",
                "ModelInstallRequest",
                "ModelInstallation",
                "ModelInstallationManager",
                "ModelInstallationTask",
            ),
            "installation_errors": (
                "InstallationError",
                "InstallationErrorKind",
            ),
            "models": (
                "HostModels",
                "InstalledModel",
                "LoadedModel",
                "LocalModelManager",
                "ModelCapabilities",
                "ModelPerformanceMetrics",
                "ModelRegistry",
            ),
            "monitoring": (
                "CpuUsage",
                "DiskUsage",
                "GpuUsage",
                "MemoryUsage",
                "ModelResourceMonitor",
                "NetworkUsage",
            ),
            "panel": (
                "InstallationView",
                "LocalModelsPanel",
                "ModelSort",
                "PanelSettings",
                "ThemeChoice",
                "WindowPlace",
            ),
            "model_facts": (
                "CacheNeed",
                "ModelFacts",
            ),
            "preflight": (
                "Fit",
                "MemoryNeed",
                "MemoryVerdict",
                "Preflight",
                "Preflights",
            ),
            "deleting": ("HostStorage",),
            "updates": (
                "HostUpdates",
                "ModelUpdate",
                "UpdateState",
            ),
            "requirements": (
                "RequiredModel",
                "RequirementPhase",
                "RequiresModel",
            ),
            "model_text": ("ModelText",),
            "recipe": (
                "ModelRecipe",
                "RecipeMessage",
            ),
            "panel_intents": (
                "PreflightRequested",
                "PreflightDismissed",
                "PauseRequested",
                "ResumeRequested",
                "MoveInstallationRequested",
                "ScheduleRequested",
                "DownloadLimitChanged",
                "ImportModelRequested",
                "CreateModelRequested",
                "FilesDropped",
                "ModelDetailsRequested",
                "CheckUpdatesRequested",
                "UpdateModelsRequested",
                "InstallRequiredRequested",
                "AddHostRequested",
                "CancelRequested",
                "DefaultHostRequested",
                "DeleteModelRequested",
                "CopyModelRequested",
                "LoadModelRequested",
                "UnloadModelRequested",
                "DismissRequested",
                "EditHostRequested",
                "ExportSettingsRequested",
                "FindHostsRequested",
                "ForgetRequested",
                "HostEdited",
                "HostSecret",
                "ImportSettingsAnswered",
                "ImportSettingsRequested",
                "InstallRequested",
                "MoveHostRequested",
                "NoticeDismissed",
                "PanelSettingsChanged",
                "RefreshRequested",
                "RemoveHostRequested",
                "RetryRequested",
                "StartLocalServerRequested",
                "StopLocalServerRequested",
                "ToggleRequested",
            ),
            "panel_view": (
                "DataView",
                "DifferenceView",
                "FoundRow",
                "GaugeView",
                "HistoryRow",
                "HostRow",
                "HostView",
                "ImportView",
                "InstallationRow",
                "ModelDetail",
                "ModelRow",
                "NoticeView",
                "PanelView",
                "PlaceBadge",
                "SearchView",
                "ToggleGroupView",
                "ToggleRow",
                "Tone",
            ),
            "registry": (
                "ModelRegistryCache",
                "RegistryEntry",
                "RegistryLayer",
            ),
            "secret_source": (
                "SecretPlace",
                "SecretSource",
            ),
            "tls": ("TlsSettings",),
            "toggles": (
                "FeatureToggle",
                "FeatureToggleGroup",
                "InteractionState",
                "ToggleLayout",
                "ToggleStyle",
            ),
        },
    )

__all__ = [
    "AddHostRequested",
    "AuthKind",
    "BrowserConnection",
    "BrowserExtensionManager",
    "BrowserKind",
    "BrowserType",
    "CacheNeed",
    "CancelRequested",
    "CheckUpdatesRequested",
    "CodecError",
    "Color",
    "ConnectionPool",
    "ContentType",
    "ContextExtractionConfig",
    "ContextRetentionPolicy",
    "CopyModelRequested",
    "CpuUsage",
    "CreateModelRequested",
    "DataForgotten",
    "DataView",
    "DecodeError",
    "DefaultHost",
    "DefaultHostRequested",
    "DeleteModelRequested",
    "DifferenceView",
    "DiskUsage",
    "DismissRequested",
    "DownloadConfig",
    "DownloadLimitChanged",
    "DownloadRequest",
    "DownloadSettings",
    "EditHostRequested",
    "EncodeError",
    "ExperimentalFeaturesManager",
    "ExperimentalPhase",
    "ExperimentalPreferences",
    "ExportSettingsRequested",
    "ExtensionConnectionStatus",
    "ExtensionPrivacySettings",
    "ExtensionProtocol",
    "FeatureFlag",
    "FeatureFlagToggled",
    "FeatureRiskLevel",
    "FeatureTelemetry",
    "FeatureToggle",
    "FeatureToggleGroup",
    "FilesDropped",
    "FindHostsRequested",
    "Fit",
    "ForgetRequested",
    "Forgettable",
    "FoundBy",
    "FoundHost",
    "FoundRow",
    "GaugeView",
    "GpuUsage",
    "HistoryRow",
    "HostAdded",
    "HostChanged",
    "HostEdited",
    "HostHealthMonitor",
    "HostModels",
    "HostOrigin",
    "HostProtocol",
    "HostRemoved",
    "HostRow",
    "HostSearch",
    "HostSecret",
    "HostStorage",
    "HostUpdates",
    "HostView",
    "HostsFound",
    "ImportModelRequested",
    "ImportSettingsAnswered",
    "ImportSettingsRequested",
    "ImportView",
    "InstallRequested",
    "InstallRequiredRequested",
    "InstallationError",
    "InstallationErrorKind",
    "InstallationPhase",
    "InstallationProgress",
    "InstallationRecord",
    "InstallationRow",
    "InstallationStatus",
    "InstallationView",
    "InstalledModel",
    "InstalledModelsChanged",
    "InteractionState",
    "LayerProgress",
    "LoadModelRequested",
    "LoadedModel",
    "LoadedModelsChanged",
    "LocalModelManager",
    "LocalModelsPanel",
    "LocalServer",
    "LocalServerChanged",
    "LocalServerState",
    "MemoryNeed",
    "MemoryUsage",
    "MemoryVerdict",
    "ModelAction",
    "ModelActionFailed",
    "ModelCapabilities",
    "ModelCopied",
    "ModelDeleteFailed",
    "ModelDeleted",
    "ModelDetail",
    "ModelDetailsRequested",
    "ModelFacts",
    "ModelInstallRequest",
    "ModelInstallation",
    "ModelInstallationCancelled",
    "ModelInstallationCompleted",
    "ModelInstallationFailed",
    "ModelInstallationManager",
    "ModelInstallationPaused",
    "ModelInstallationProgress",
    "ModelInstallationResumed",
    "ModelInstallationStarted",
    "ModelInstallationTask",
    "ModelLoaded",
    "ModelPerformanceMetrics",
    "ModelRecipe",
    "ModelRegistry",
    "ModelRegistryCache",
    "ModelResourceMonitor",
    "ModelRow",
    "ModelSort",
    "ModelText",
    "ModelUnloaded",
    "ModelUpdate",
    "MoveHostRequested",
    "MoveInstallationRequested",
    "NetworkUsage",
    "NoticeDismissed",
    "NoticeView",
    "OllamaAPIClient",
    "OllamaAuth",
    "OllamaConfiguration",
    "OllamaConnectionStatusChanged",
    "OllamaHost",
    "OllamaHostManager",
    "PairedBrowser",
    "PanelSettings",
    "PanelSettingsChanged",
    "PanelView",
    "PauseRequested",
    "PlaceBadge",
    "Preflight",
    "PreflightDismissed",
    "PreflightDone",
    "PreflightRequested",
    "Preflights",
    "RecipeMessage",
    "RefreshRequested",
    "RegistryEntry",
    "RegistryLayer",
    "RemoveHostRequested",
    "RequiredModel",
    "RequiredModelLost",
    "RequiredModelReady",
    "RequirementPhase",
    "RequiresModel",
    "ResumeRequested",
    "RetentionKind",
    "RetryPolicy",
    "RetryRequested",
    "RolloutConfiguration",
    "ScheduleRequested",
    "SearchView",
    "SecretPlace",
    "SecretSource",
    "SettingsExported",
    "SettingsImported",
    "SpecificFeatureFlags",
    "StartLocalServerRequested",
    "StopLocalServerRequested",
    "SupportedBrowser",
    "TabContext",
    "ThemeChoice",
    "TlsSettings",
    "ToggleGroupView",
    "ToggleLayout",
    "ToggleRequested",
    "ToggleRow",
    "ToggleStyle",
    "Tone",
    "UIUpdateEvent",
    "UIUpdateKind",
    "UnloadModelRequested",
    "UpdateModelsRequested",
    "UpdateState",
    "UpdatesChecked",
    "Vec2",
    "WaitReason",
    "WindowPlace",
    "decode",
    "default_feature_flags",
    "encode",
    "to_builtins",
]
