"""The world's events in words and as JSON, one line each."""

from __future__ import annotations

from ecs_localai.commands.terminal import printable
from ecs_localai.components.codec import encode, to_builtins
from ecs_localai.components.events import (
    FeatureFlagToggled,
    HostAdded,
    HostChanged,
    HostRemoved,
    HostsFound,
    InstalledModelsChanged,
    LoadedModelsChanged,
    LocalServerChanged,
    ModelAction,
    ModelActionFailed,
    ModelCopied,
    ModelDeleted,
    ModelDeleteFailed,
    ModelInstallationCancelled,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    ModelInstallationPaused,
    ModelInstallationProgress,
    ModelInstallationResumed,
    ModelInstallationStarted,
    ModelLoaded,
    ModelUnloaded,
    OllamaConnectionStatusChanged,
)
from ecs_localai.components.installation import InstallationPhase
from ecs_localai.components.wording import format_bytes, format_duration, format_list
from ecs_localai.runtime import SystemFailed, SystemRecovered

_PHASES = {
    InstallationPhase.VERIFYING: "checking the files",
    InstallationPhase.INSTALLING: "finishing",
    InstallationPhase.QUEUED: "waiting for its turn",
    InstallationPhase.PAUSED: "paused",
}
_DONE = {
    ModelAction.LOAD: "loaded",
    ModelAction.UNLOAD: "unloaded",
    ModelAction.COPY: "copied",
    ModelAction.RENAME: "renamed",
}


def event_json(event: object, host: str | None = None) -> bytes:
    """``{"event": "<type name>", …its fields…}`` in UTF-8, without a line end.

    With `host`, a base URL, an event that does not say where it happened does so.
    """
    told = event_fields(event)
    return encode(told if host is None else {**told, "host": host})


def event_fields(event: object) -> dict[str, object]:
    """What `event_json` tells, before it is JSON."""
    fields = to_builtins(event)
    return {"event": type(event).__name__, **(fields if isinstance(fields, dict) else {"value": fields})}


def event_text(event: object, on: str = "") -> str | None:
    """The event as a sentence on one line; None for one that says nothing to people.

    `on` is the name of the host where something happens to models, where that has to be said.
    """
    where = f" on {on}" if on else ""
    told = _of_models(event, where) or _of_their_life(event, where) or _of_hosts(event) or _of_the_world(event)
    return None if told is None else printable(told)


def percent_text(fraction: float | None) -> str:
    """``45 %``, cut, so that it says 100 only when all is there; empty while nothing is known."""
    return "" if fraction is None else f"{int(fraction * 100)} %"


def progress_detail(event: ModelInstallationProgress) -> str:
    """``44 of 98 MB · 48 MB/s · 2 s left``, or what is being done instead of downloading; and what is fetched again."""
    from ecs_localai.systems.view_installations import download_detail

    if event.status.kind is InstallationPhase.EXTRACTING and not event.progress.bytes_downloaded:
        return "copying the files"
    detail = _PHASES.get(event.status.kind) or download_detail(event.progress)
    if event.status.is_running and event.progress.rolled_back_bytes:
        return f"{detail} · fetching {format_bytes(event.progress.rolled_back_bytes)} again"
    return detail


def _of_models(event: object, on: str) -> str | None:
    match event:
        case ModelInstallationStarted():
            size = f" ({format_bytes(event.estimated_size)})" if event.estimated_size else ""
            return f"Installing {event.model_name}{on}{size}."
        case ModelInstallationProgress():
            parts = (percent_text(event.fraction), progress_detail(event))
            return f"{event.model_name}{on}: {' · '.join(part for part in parts if part)}"
        case ModelInstallationCompleted():
            size = f" ({format_bytes(event.model.size)})" if event.model.size is not None else ""
            took = format_duration(event.installation_time.total_seconds())
            again = f"; {format_bytes(event.refetched_bytes)} had to be fetched again" if event.refetched_bytes else ""
            return f"Installed {event.model.name}{on}{size} in {took}{again}."
        case ModelInstallationFailed():
            return f"{event.model_name} was not installed{on}: {event.error_message}"
        case ModelInstallationCancelled():
            return f"The installation of {event.model_name}{on} was stopped."
        case ModelInstallationPaused():
            return f"{event.model_name} is paused{on}. To go on: ecs-localai resume"
        case ModelInstallationResumed():
            return f"{event.model_name} goes on{on}."
        case ModelDeleted():
            return f"Removed {event.model_name}{on}{_freed(event)}."
        case ModelDeleteFailed():
            return f"{event.model_name} was not removed{on}: {event.error_message}"
        case InstalledModelsChanged():
            return _changes(f"Installed{on} now", event.added, f"Gone{on}", event.removed)
        case LoadedModelsChanged():
            return _changes(f"In memory{on} now", event.added, f"No longer in memory{on}", event.removed)
    return None


def _freed(event: ModelDeleted) -> str:
    if event.freed_bytes is None:
        return "; how much that freed is not known"
    if event.freed_bytes == 0:
        return ", which freed nothing: other models share its files"
    return f", which freed {format_bytes(event.freed_bytes)}"


def _of_their_life(event: object, on: str) -> str | None:
    match event:
        case ModelLoaded():
            return f"Loaded {event.model_name}{on} in {format_duration(event.load_time.total_seconds())}."
        case ModelUnloaded():
            return f"Unloaded {event.model_name}{on}."
        case ModelCopied():
            done = "Renamed" if event.moved else "Copied"
            return f"{done} {event.model_name} to {event.new_name}{on}."
        case ModelActionFailed():
            return f"{event.model_name} was not {_DONE[event.action]}{on}: {event.error_message}"
    return None


def _of_hosts(event: object) -> str | None:
    match event:
        case OllamaConnectionStatusChanged():
            if event.new_status:
                return f"Connected to Ollama at {event.host}."
            return f"No connection to {event.host}. {event.error_message or ''}".rstrip()
        case HostAdded():
            return f"{event.name} is in the list of hosts now, at {event.host}."
        case HostRemoved():
            return f"{event.name} is not in the list of hosts any more."
        case HostChanged():
            return (
                f"{event.name}, at {event.host}, was changed{' and is the default host' if event.is_default else ''}."
            )
        case HostsFound() if event.finished:
            return f"Looked for hosts: {event.count or 'no'} new {'one' if event.count == 1 else 'ones'}."
        case LocalServerChanged():
            return f"The Ollama of this machine: {event.message or event.state}"
    return None


def _of_the_world(event: object) -> str | None:
    match event:
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
        parts.append(f"{come}: {format_list(added)}.")
    if removed:
        parts.append(f"{go}: {format_list(removed)}.")
    return " ".join(parts)
