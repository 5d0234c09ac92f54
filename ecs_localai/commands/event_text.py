"""The world's events in words and as JSON, one line each."""

from __future__ import annotations

from ecs_localai.commands.terminal import printable
from ecs_localai.components.codec import encode, to_builtins
from ecs_localai.components.events import (
    FeatureFlagToggled,
    InstalledModelsChanged,
    LoadedModelsChanged,
    ModelDeleted,
    ModelDeleteFailed,
    ModelInstallationCancelled,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    ModelInstallationProgress,
    ModelInstallationStarted,
    OllamaConnectionStatusChanged,
)
from ecs_localai.components.installation import InstallationPhase
from ecs_localai.components.wording import format_bytes, format_duration
from ecs_localai.runtime import SystemFailed, SystemRecovered

_PHASES = {
    InstallationPhase.VERIFYING: "checking the files",
    InstallationPhase.INSTALLING: "finishing",
    InstallationPhase.QUEUED: "waiting for its turn",
}


def event_json(event: object) -> bytes:
    """``{"event": "<type name>", …its fields…}`` in UTF-8, without a line end."""
    fields = to_builtins(event)
    return encode({"event": type(event).__name__, **(fields if isinstance(fields, dict) else {"value": fields})})


def event_text(event: object) -> str | None:
    """The event as a sentence on one line; None for one that says nothing to people."""
    told = _of_installations(event) or _of_the_host(event)
    return None if told is None else printable(told)


def percent_text(fraction: float | None) -> str:
    """``45 %``, cut, so that it says 100 only when all is there; empty while nothing is known."""
    return "" if fraction is None else f"{int(fraction * 100)} %"


def progress_detail(event: ModelInstallationProgress) -> str:
    """``44 of 98 MB · 48 MB/s · 2 s left``, or what is being done instead of downloading."""
    from ecs_localai.systems.view_installations import download_detail

    return _PHASES.get(event.status.kind) or download_detail(event.progress)


def _of_installations(event: object) -> str | None:
    match event:
        case ModelInstallationStarted():
            size = f" ({format_bytes(event.estimated_size)})" if event.estimated_size else ""
            return f"Installing {event.model_name}{size}."
        case ModelInstallationProgress():
            parts = (percent_text(event.fraction), progress_detail(event))
            return f"{event.model_name}: {' · '.join(part for part in parts if part)}"
        case ModelInstallationCompleted():
            size, took = format_bytes(event.model.size), format_duration(event.installation_time.total_seconds())
            return f"Installed {event.model.name} ({size}) in {took}."
        case ModelInstallationFailed():
            return f"{event.model_name} was not installed: {event.error_message}"
        case ModelInstallationCancelled():
            return f"The installation of {event.model_name} was stopped."
    return None


def _of_the_host(event: object) -> str | None:
    match event:
        case OllamaConnectionStatusChanged():
            if event.new_status:
                return f"Connected to Ollama at {event.host}."
            return f"No connection to {event.host}. {event.error_message or ''}".rstrip()
        case InstalledModelsChanged():
            return _changes("Installed now", event.added, "Gone", event.removed)
        case LoadedModelsChanged():
            return _changes("In memory now", event.added, "No longer in memory", event.removed)
        case ModelDeleted():
            freed = f" ({format_bytes(event.freed_bytes)})" if event.freed_bytes else ""
            return f"Removed {event.model_name}{freed}."
        case ModelDeleteFailed():
            return f"{event.model_name} was not removed: {event.error_message}"
        case FeatureFlagToggled():
            return f"The feature {event.feature_id} is {'on' if event.new_state else 'off'} now."
        case SystemFailed():
            return f"The system {event.system} failed: {event.error_type}: {event.message}{_rest(event)}"
        case SystemRecovered():
            return f"The system {event.system} works again, after {event.failures_in_a_row} failures in a row."
    return None


def _rest(failure: SystemFailed) -> str:
    """What follows from many failures in a row."""
    if not failure.rests:
        return ""
    until = "until it is resumed" if failure.rests_seconds is None else f"for {failure.rests_seconds:g} s"
    return f" (failure {failure.failures_in_a_row} in a row; it rests {until})"


def _changes(come: str, added: list[str], go: str, removed: list[str]) -> str:
    parts = []
    if added:
        parts.append(f"{come}: {', '.join(added)}.")
    if removed:
        parts.append(f"{go}: {', '.join(removed)}.")
    return " ".join(parts)
