"""The data types that the project was asked for are here, by their names, with all their fields."""

from __future__ import annotations

import subprocess
import sys
from collections import deque
from datetime import timedelta

import pytest

from ecs_localai.components.browser import BrowserExtensionManager, BrowserType, ContextRetentionPolicy
from ecs_localai.components.features import (
    ExperimentalFeaturesManager,
    SpecificFeatureFlags,
    ToggleStyle,
    default_feature_flags,
)
from ecs_localai.components.hosts import HostHealthMonitor, OllamaConfiguration, OllamaHostManager
from ecs_localai.components.installation import (
    DownloadConfig,
    InstallationProgress,
    InstallationStatus,
    ModelInstallation,
    ModelInstallationManager,
    ModelInstallationTask,
    ModelInstallRequest,
)
from ecs_localai.components.models import LocalModelManager, ModelPerformanceMetrics
from ecs_localai.components.monitoring import GpuUsage, ModelResourceMonitor
from ecs_localai.components.panel import InstallationView, LocalModelsPanel
from tests.components.component_strategies import everything_public, field_names

# As the brief writes them; "" stands for a type whose fields it leaves open.
ASKED_FOR = {
    "LocalModelManager": "ollama_config installed_models model_registry installation_queue resource_monitor",
    "BrowserExtensionManager": (
        "connection_status active_connections context_extraction privacy_settings communication_protocol"
    ),
    "ExperimentalFeaturesManager": "feature_flags user_preferences rollout_config telemetry_collector",
    "OllamaConfiguration": "host port connection_timeout api_version authentication tls_enabled",
    "OllamaHostManager": "host_config connection_pool health_monitor api_client",
    "HostHealthMonitor": ("is_healthy last_health_check response_time_ms uptime error_count consecutive_failures"),
    "OllamaAPIClient": "base_url timeout retry_policy authentication",
    "OllamaAuth": "",
    "RetryPolicy": "",
    "ConnectionPool": "",
    "InstalledModel": (
        "model_id name version size install_date last_used usage_count performance_metrics capabilities"
    ),
    "ModelCapabilities": (
        "max_context_length supports_streaming supports_function_calling supports_vision "
        "supported_languages model_architecture parameter_count"
    ),
    "ModelPerformanceMetrics": (
        "inference_time_ms tokens_per_second memory_peak_mb cpu_utilization_percent "
        "gpu_utilization_percent total_requests successful_requests failed_requests"
    ),
    "ModelRegistry": "",
    "ModelRegistryCache": "",
    "ModelInstallationManager": "active_installations installation_history download_queue registry_cache",
    "ModelInstallation": ("model_name installation_id status progress started_at estimated_completion error_message"),
    "InstallationStatus": "kind reason",
    "InstallationPhase": ("Queued Downloading Extracting Verifying Installing Completed Failed Cancelled Paused"),
    "InstallationProgress": "bytes_downloaded total_bytes download_speed eta",
    "InstallationRecord": "",
    "DownloadRequest": "",
    "ModelInstallRequest": "model_name download_config",
    "DownloadConfig": "insecure",
    "ModelInstallationTask": "model_name task progress_tracker",
    "InstallationError": "",
    "ModelResourceMonitor": "memory_usage cpu_usage gpu_usage disk_usage network_usage",
    "MemoryUsage": "",
    "CpuUsage": "",
    "GpuUsage": "",
    "DiskUsage": "",
    "NetworkUsage": "",
    "ExtensionConnectionStatus": ("is_connected last_connection connection_count supported_browsers protocol_version"),
    "SupportedBrowser": "",
    "BrowserConnection": ("browser_id browser_type tab_count active_tab_context connection_established last_activity"),
    "BrowserType": "kind name",
    "BrowserKind": "Chrome Firefox Safari Edge Arc Other",
    "TabContext": "url title content_type extracted_text metadata extraction_timestamp",
    "ExtensionPrivacySettings": (
        "auto_extract_context sensitive_content_filtering content_type_whitelist domain_whitelist "
        "max_context_size retention_policy"
    ),
    "ContextRetentionPolicy": "kind amount",
    "RetentionKind": "SessionOnly Hours Days Manual",
    "ContextExtractionConfig": "",
    "ExtensionProtocol": "",
    "ContentType": "",
    "FeatureFlag": (
        "feature_id name description enabled rollout_percentage prerequisites risk_level experimental_phase"
    ),
    "ExperimentalPhase": "Development Alpha Beta ReleaseCandidate Deprecated",
    "FeatureRiskLevel": "",
    "ExperimentalPreferences": "",
    "RolloutConfiguration": "",
    "FeatureTelemetry": "",
    "SpecificFeatureFlags": ("auto_models chat_branching custom_providers mcp_http_servers ai_extensions_ollama"),
    "LocalModelsPanel": "selected_model installation_view show_experimental_features",
    "InstallationView": "",
    "FeatureToggleGroup": "toggles group_title group_description layout",
    "FeatureToggle": "feature_id display_name current_state toggle_style info_button interaction_state",
    "ToggleStyle": "active_color inactive_color toggle_size animation_duration",
    "ToggleLayout": "",
    "InteractionState": "",
    "Color": "",
    "Vec2": "x y",
    "ModelInstallationStarted": "model_name installation_id estimated_size",
    "ModelInstallationProgress": "installation_id progress",
    "ModelInstallationCompleted": "installation_id model installation_time",
    "ModelInstallationFailed": "installation_id model_name error_message kind retryable",
    "OllamaConnectionStatusChanged": "old_status new_status error_message",
    "FeatureFlagToggled": "feature_id old_state new_state user_initiated",
    "UIUpdateEvent": "kind",
}


@pytest.mark.parametrize("name", ASKED_FOR)
def test_the_type_exists_with_every_field(name: str) -> None:
    type_ = everything_public()[name]
    missing = set(ASKED_FOR[name].split()) - field_names(type_)
    assert not missing
    assert type_.__doc__
    assert not type_.__doc__.startswith(f"{name}("), "a docstring of its own, not the generated signature"


def test_enumerations_with_a_payload_have_the_names_of_the_brief() -> None:
    for name in [
        "QUEUED",
        "DOWNLOADING",
        "EXTRACTING",
        "VERIFYING",
        "INSTALLING",
        "PAUSED",
        "COMPLETED",
        "CANCELLED",
    ]:
        assert getattr(InstallationStatus, name).kind.name == name
    for name in ["CHROME", "FIREFOX", "SAFARI", "EDGE", "ARC"]:
        assert getattr(BrowserType, name).kind.name == name
    assert ContextRetentionPolicy.SESSION_ONLY.lifetime is None
    assert ContextRetentionPolicy.MANUAL.lifetime is None


def test_a_host_is_where_ollama_listens_by_default() -> None:
    config = OllamaConfiguration()
    assert config == OllamaConfiguration(host="127.0.0.1", port=11434)
    assert config.base_url == "http://127.0.0.1:11434"
    assert config.connection_timeout == timedelta(seconds=5)
    assert (config.api_version, config.authentication, config.tls_enabled) == ("", None, False)


def test_a_host_manager_is_made_from_its_configuration() -> None:
    config = OllamaConfiguration(host="gpu-1", port=80, connection_timeout=timedelta(seconds=2))
    manager = OllamaHostManager(host_config=config)
    assert manager.api_client.base_url == "http://gpu-1:80"
    assert manager.api_client.timeout == timedelta(seconds=2)
    assert manager.health_monitor == HostHealthMonitor()


def test_nothing_is_claimed_before_it_is_measured() -> None:
    health = HostHealthMonitor()
    assert not health.is_healthy
    assert health.last_health_check is None
    assert health.response_time_ms is None
    assert health.uptime == timedelta(0)
    metrics = ModelPerformanceMetrics()
    assert metrics.inference_time_ms is None
    assert metrics.tokens_per_second is None
    assert metrics.gpu_utilization_percent is None
    assert GpuUsage().utilization_percent is None
    assert ModelResourceMonitor().disk_usage.free_bytes is None


def test_requests_and_progress_have_the_defaults_of_the_brief() -> None:
    request = ModelInstallRequest("llama3.2:1b")
    assert request.model_name == "llama3.2:1b"
    assert request.download_config == DownloadConfig(insecure=False)
    progress = InstallationProgress()
    assert (progress.bytes_downloaded, progress.total_bytes, progress.download_speed) == (0, 0, 0.0)
    assert progress.eta is None
    assert ModelInstallationTask("m").progress_tracker == progress
    installation = ModelInstallation("m", "1")
    assert installation.status == InstallationStatus.QUEUED
    assert installation.started_at.utcoffset() == timedelta(0)


def test_resources_are_made_without_arguments_and_share_nothing() -> None:
    for type_ in (
        LocalModelManager,
        BrowserExtensionManager,
        ExperimentalFeaturesManager,
        ModelInstallationManager,
        LocalModelsPanel,
    ):
        assert type_() == type_()
    one, other = LocalModelManager(), LocalModelManager()
    one.installation_queue.append(ModelInstallation("m", "1"))
    one.model_registry.capabilities_by_digest.clear()
    assert other.installation_queue == deque()
    first, second = ExperimentalFeaturesManager(), ExperimentalFeaturesManager()
    first.feature_flags["auto_models"].enabled = False
    assert second.feature_flags["auto_models"].enabled
    assert LocalModelsPanel().installation_view is InstallationView.ACTIVE


def test_the_five_features_are_on_and_off_as_specified() -> None:
    expected = {
        "auto_models": True,
        "chat_branching": True,
        "custom_providers": False,
        "mcp_http_servers": True,
        "ai_extensions_ollama": True,
    }
    assert {name: getattr(SpecificFeatureFlags(), name) for name in expected} == expected
    flags = default_feature_flags()
    assert {name: flag.enabled for name, flag in flags.items()} == expected
    assert list(flags) == list(expected)
    for name, flag in flags.items():
        assert flag.feature_id == name
        assert flag.rollout_percentage == 100.0
        assert flag.description.endswith(".")
        assert set(flag.prerequisites) <= set(flags)
    assert flags["ai_extensions_ollama"].prerequisites == ["auto_models"]


def test_every_feature_that_is_on_by_default_has_its_prerequisites_on() -> None:
    flags = default_feature_flags()
    for flag in flags.values():
        assert not flag.enabled or all(flags[needed].enabled for needed in flag.prerequisites)


def test_flags_can_be_made_from_other_settings() -> None:
    flags = default_feature_flags(SpecificFeatureFlags(auto_models=False, custom_providers=True))
    assert not flags["auto_models"].enabled
    assert flags["custom_providers"].enabled


def test_toggles_have_the_colours_of_the_brief() -> None:
    style = ToggleStyle()
    assert style.active_color.hex == "#007AFF"
    assert style.active_color.rgb == (0, 122, 255)
    assert style.inactive_color.hex == "#8E8E93"
    assert style.inactive_color.rgb == (142, 142, 147)
    assert (style.toggle_size.x, style.toggle_size.y) == (44, 26)
    assert style.animation_duration == timedelta(milliseconds=160)


def test_components_load_nothing_heavy() -> None:
    code = (
        "import sys, ecs_localai.components.codec, ecs_localai.components.events, "
        "ecs_localai.components.browser, ecs_localai.components.features, ecs_localai.components.panel\n"
        "print(sorted(set(sys.modules) & {'aiohttp', 'pygame', 'psutil', 'pynvml', 'numpy', 'esper'}))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout.strip() == "[]"
