"""Every rule that a data type has, and the sentence it gives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_localai.components.browser import (
    BrowserConnection,
    BrowserKind,
    BrowserType,
    ContextExtractionConfig,
    ContextRetentionPolicy,
    ExtensionPrivacySettings,
    ExtensionProtocol,
    RetentionKind,
)
from ecs_localai.components.codec import DecodeError, decode
from ecs_localai.components.drawing import Color, Vec2
from ecs_localai.components.events import UIUpdateEvent, UIUpdateKind
from ecs_localai.components.features import FeatureFlag
from ecs_localai.components.hosts import ConnectionPool, OllamaConfiguration, RetryPolicy
from ecs_localai.components.installation import (
    DownloadConfig,
    InstallationError,
    InstallationErrorKind,
    InstallationPhase,
    InstallationProgress,
    InstallationRecord,
    InstallationStatus,
)
from ecs_localai.components.models import ModelRegistryCache, RegistryEntry, RegistryLayer
from ecs_localai.components.toggles import ToggleStyle

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NONE = timedelta(0)
LESS = timedelta(microseconds=-1)


def _browser(browser_id: str = "b", tab_count: int = 1) -> BrowserConnection:
    return BrowserConnection(browser_id, BrowserType.ARC, tab_count, NOW, NOW)


def _flag(feature_id: str = "a", rollout: float = 100.0, needs: list[str] | None = None) -> FeatureFlag:
    return FeatureFlag(feature_id, "A", "Does.", rollout_percentage=rollout, prerequisites=needs or [])


REFUSED: dict[str, Callable[[], object]] = {
    "host empty": lambda: OllamaConfiguration(host=""),
    "host with scheme": lambda: OllamaConfiguration(host="http://127.0.0.1"),
    "host with port": lambda: OllamaConfiguration(host="127.0.0.1:11434"),
    "host with space": lambda: OllamaConfiguration(host="a b"),
    "host with line break": lambda: OllamaConfiguration(host="a\nb"),
    "host with path": lambda: OllamaConfiguration(host="a/b"),
    "host with query": lambda: OllamaConfiguration(host="a?b"),
    "host with user": lambda: OllamaConfiguration(host="me@a"),
    "host half bracketed": lambda: OllamaConfiguration(host="[a"),
    "host bracketed name": lambda: OllamaConfiguration(host="[a]"),
    "host with quotation mark": lambda: OllamaConfiguration(host='a"b'),
    "host too long": lambda: OllamaConfiguration(host="a" * 254),
    "host with NUL": lambda: OllamaConfiguration(host="a\0"),
    "port zero": lambda: OllamaConfiguration(port=0),
    "port negative": lambda: OllamaConfiguration(port=-1),
    "port as text": lambda: OllamaConfiguration(port="abc"),  # type: ignore[arg-type]  # a program without type checks
    "port too large": lambda: OllamaConfiguration(port=65536),
    "timeout zero": lambda: OllamaConfiguration(connection_timeout=NONE),
    "path without slash": lambda: OllamaConfiguration(base_path="a"),
    "path with slash at the end": lambda: OllamaConfiguration(base_path="/a/"),
    "path with query": lambda: OllamaConfiguration(base_path="/a?b"),
    "retries none": lambda: RetryPolicy(max_attempts=0),
    "retries delay negative": lambda: RetryPolicy(initial_delay=LESS),
    "retries delay above longest": lambda: RetryPolicy(initial_delay=timedelta(minutes=1)),
    "retries multiplier below one": lambda: RetryPolicy(multiplier=0.9),
    "retries multiplier NaN": lambda: RetryPolicy(multiplier=float("nan")),
    "retries multiplier infinite": lambda: RetryPolicy(multiplier=float("inf")),
    "retries jitter": lambda: RetryPolicy(jitter=1.1),
    "pool empty": lambda: ConnectionPool(max_connections=0),
    "pool keeps negative": lambda: ConnectionPool(keep_alive=LESS),
    "download retries negative": lambda: DownloadConfig(max_retries=-1),
    "download stall zero": lambda: DownloadConfig(stall_timeout=NONE),
    "status failed without reason": lambda: InstallationStatus(InstallationPhase.FAILED),
    "status failed with empty reason": lambda: InstallationStatus.failed(""),
    "status queued with reason": lambda: InstallationStatus(InstallationPhase.QUEUED, "why"),
    "record of a running one": lambda: InstallationRecord("1", "m", InstallationStatus.PAUSED, NOW, NOW, NONE),
    "browser other without name": lambda: BrowserType(BrowserKind.OTHER),
    "browser other with blank name": lambda: BrowserType.other(" "),
    "browser known with name": lambda: BrowserType(BrowserKind.ARC, "Arc"),
    "retention zero hours": lambda: ContextRetentionPolicy.hours(0),
    "retention negative days": lambda: ContextRetentionPolicy.days(-1),
    "retention too many hours": lambda: ContextRetentionPolicy.hours(876_001),
    "retention too many days": lambda: ContextRetentionPolicy.days(36_501),
    "retention hours without number": lambda: ContextRetentionPolicy(RetentionKind.HOURS),
    "retention manual with number": lambda: ContextRetentionPolicy(RetentionKind.MANUAL, 1),
    "browser without id": lambda: _browser(browser_id=""),
    "browser with negative tabs": lambda: _browser(tab_count=-1),
    "extraction timeout": lambda: ContextExtractionConfig(timeout=NONE),
    "extraction cache": lambda: ContextExtractionConfig(cache_lifetime=LESS),
    "privacy size": lambda: ExtensionPrivacySettings(max_context_size=-1),
    "privacy empty domain": lambda: ExtensionPrivacySettings(domain_whitelist=["a.b", " "]),
    "protocol version zero": lambda: ExtensionProtocol(min_version=0),
    "protocol versions turned": lambda: ExtensionProtocol(min_version=2, max_version=1),
    "protocol sizes turned": lambda: ExtensionProtocol(max_message_bytes=100),
    "protocol size zero": lambda: ExtensionProtocol(max_message_bytes_before_auth=0),
    "protocol auth time": lambda: ExtensionProtocol(auth_timeout=NONE),
    "protocol heartbeat": lambda: ExtensionProtocol(heartbeat=timedelta(seconds=60)),
    "feature id empty": lambda: _flag(""),
    "feature id capital": lambda: _flag("Auto"),
    "feature id digit first": lambda: _flag("1a"),
    "feature id long": lambda: _flag("a" * 65),
    "feature id line break": lambda: _flag("a\n"),
    "feature prerequisite": lambda: _flag(needs=["B"]),
    "feature needs itself": lambda: _flag(needs=["a"]),
    "feature rollout below": lambda: _flag(rollout=-0.1),
    "feature rollout above": lambda: _flag(rollout=100.1),
    "feature rollout NaN": lambda: _flag(rollout=float("nan")),
    "colour above": lambda: Color(0, 0, 256),
    "colour below": lambda: Color(-1, 0, 0),
    "colour alpha": lambda: Color(0, 0, 0, 300),
    "colour text": lambda: Color.from_hex("blue"),
    "colour short text": lambda: Color.from_hex("#FFF"),
    "colour text with line break": lambda: Color.from_hex("#007AFF\n"),
    "toggle width": lambda: ToggleStyle(toggle_size=Vec2(0, 1)),
    "toggle height NaN": lambda: ToggleStyle(toggle_size=Vec2(1, float("nan"))),
    "toggle animation": lambda: ToggleStyle(animation_duration=LESS),
    "update of a feature without id": lambda: UIUpdateEvent(UIUpdateKind.EXPERIMENTAL_FEATURE_CHANGED, enabled=True),
    "update of a feature without state": lambda: UIUpdateEvent(
        UIUpdateKind.EXPERIMENTAL_FEATURE_CHANGED, feature_id="a"
    ),
    "notice without text": lambda: UIUpdateEvent(UIUpdateKind.NOTICE),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_with_a_sentence(case: str) -> None:
    with pytest.raises(ValueError, match=r"(?s)^['A-Z].+\.$"):
        REFUSED[case]()


def test_the_smallest_and_the_largest_are_accepted() -> None:
    for port in (1, 65535):
        assert OllamaConfiguration(port=port).port == port
    for share in (0.0, 100.0):
        assert _flag(rollout=share).rollout_percentage == share
    assert ContextRetentionPolicy.hours(1).lifetime == timedelta(hours=1)
    assert ContextRetentionPolicy.days(36_500).lifetime == timedelta(days=36_500)
    assert Color(0, 255, 0, 0).rgba == (0, 255, 0, 0)
    assert _flag("a" * 64).feature_id == "a" * 64
    assert _browser(tab_count=0).tab_count == 0


def test_rules_hold_for_saved_data_too() -> None:
    for data, type_ in (
        (b'{"kind": "Failed"}', InstallationStatus),
        (b'{"kind": "Hours", "amount": 0}', ContextRetentionPolicy),
        (b'{"feature_id": "a", "name": "", "description": "", "rollout_percentage": 101}', FeatureFlag),
        (b'{"host": ""}', OllamaConfiguration),
        (b'{"r": 256, "g": 0, "b": 0}', Color),
    ):
        with pytest.raises(DecodeError, match=r"\.$"):
            decode(data, type_)


@pytest.mark.parametrize(
    ("config", "url"),
    [
        (OllamaConfiguration(host="::1"), "http://[::1]:11434"),
        (OllamaConfiguration(host="[::1]", port=80), "http://[::1]:80"),
        (OllamaConfiguration(host="fe80::1%eth0"), "http://[fe80::1%25eth0]:11434"),
        (OllamaConfiguration(host="ai.local", port=443, tls_enabled=True), "https://ai.local:443"),
        (OllamaConfiguration(host="ai", base_path="/ollama"), "http://ai:11434/ollama"),
    ],
)
def test_the_base_url_is_written_as_urls_are(config: OllamaConfiguration, url: str) -> None:
    assert config.base_url == url


def test_statuses_compare_and_say_where_they_stand() -> None:
    failed = InstallationStatus.failed("The disk is full.")
    assert failed.kind is InstallationPhase.FAILED
    assert failed.reason == "The disk is full."
    assert failed.is_failed
    assert failed != InstallationStatus.failed("Another reason.")
    assert InstallationStatus(InstallationPhase.COMPLETED) == InstallationStatus.COMPLETED
    finished = {phase.value for phase in InstallationPhase if _status(phase).is_finished}
    assert finished == {"Completed", "Failed", "Cancelled"}
    running = {phase.value for phase in InstallationPhase if _status(phase).is_running}
    assert running == {"Downloading", "Extracting", "Verifying", "Installing"}


def _status(phase: InstallationPhase) -> InstallationStatus:
    return InstallationStatus(phase, "Why." if phase is InstallationPhase.FAILED else None)


def test_frozen_values_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        InstallationStatus.QUEUED.reason = "no"  # type: ignore[misc]  # that it is refused is the point
    with pytest.raises(AttributeError):
        InstallationProgress().total_bytes = 1  # type: ignore[misc]  # that it is refused is the point


@given(st.integers(0, 2**63), st.integers(0, 2**63))
def test_a_fraction_stays_between_zero_and_one(done: int, total: int) -> None:
    fraction = InstallationProgress(done, total).fraction
    assert (fraction is None) == (total == 0)
    assert fraction is None or 0.0 <= fraction <= 1.0


def test_errors_say_their_message_and_whether_to_try_again() -> None:
    error = InstallationError("The disk is full.", InstallationErrorKind.DISK_FULL)
    assert str(error) == error.message == "The disk is full."
    assert not error.retryable
    assert error == InstallationError("The disk is full.", InstallationErrorKind.DISK_FULL)
    assert error != InstallationError("The disk is full.")
    assert hash(error) == hash(InstallationError("The disk is full.", InstallationErrorKind.DISK_FULL))
    retryable = {kind.value for kind in InstallationErrorKind if kind.retryable}
    assert retryable == {
        "HostUnreachable",
        "RegistryUnreachable",
        "DigestMismatch",
        "Stalled",
        "Cut",
        "ServerError",
    }


@given(st.tuples(*[st.integers(0, 255)] * 4))
def test_a_colour_survives_being_written(parts: tuple[int, int, int, int]) -> None:
    colour = Color(*parts)
    assert Color.from_hex(colour.hex) == colour
    assert Color.from_hex(colour.hex.lower()) == colour
    assert colour.rgb == parts[:3]


def test_registry_entries_are_believed_for_their_lifetime() -> None:
    entry = RegistryEntry("m", "sha256:a", [], fetched_at=NOW)
    cache = ModelRegistryCache({"m": entry}, lifetime=timedelta(minutes=10))
    almost, after = NOW + timedelta(minutes=9, seconds=59), NOW + timedelta(minutes=10)
    assert cache.fresh("m", almost) is entry
    assert cache.fresh("m", after) is None
    assert cache.fresh("other", NOW) is None
    cache.forget_old(almost)
    assert "m" in cache.entries
    cache.forget_old(after)
    assert not cache.entries


def test_a_file_that_a_model_lists_twice_is_downloaded_once() -> None:
    layers = [RegistryLayer("sha256:a", 10), RegistryLayer("sha256:b", 5), RegistryLayer("sha256:a", 10)]
    assert RegistryEntry("m", "sha256:c", layers, NOW).total_bytes == 15


def test_the_privacy_defaults_let_nothing_through_by_themselves() -> None:
    settings = ExtensionPrivacySettings()
    assert not settings.auto_extract_context
    assert settings.sensitive_content_filtering
    assert settings.domain_whitelist == []
    assert settings.retention_policy == ContextRetentionPolicy.SESSION_ONLY


def test_browsers_are_named_as_people_know_them() -> None:
    assert BrowserType.other("Vivaldi").display_name == "Vivaldi"
    assert BrowserType.EDGE.display_name == "Edge"
    assert BrowserType.other("Vivaldi").kind is BrowserKind.OTHER
