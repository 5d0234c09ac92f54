"""What the panel says of installations."""

from __future__ import annotations

from collections.abc import Mapping

from ecs_localai.components.installation import InstallationPhase, InstallationProgress, ModelInstallation
from ecs_localai.components.panel_view import InstallationRow, Tone
from ecs_localai.components.wording import format_bytes, format_rate, format_time_left

_ORDER = {
    InstallationPhase.QUEUED: 1,
    InstallationPhase.PAUSED: 1,
    InstallationPhase.FAILED: 2,
    InstallationPhase.CANCELLED: 2,
    InstallationPhase.COMPLETED: 3,
}

_ICONS = {InstallationPhase.VERIFYING: "shield-check", InstallationPhase.CANCELLED: "circle-x"}


def installation_rows(
    installations: list[ModelInstallation], fractions: Mapping[str, float | None], host_names: Mapping[str, str]
) -> list[InstallationRow]:
    """Running ones first, then those that wait, then what has ended.

    ``host_names`` are the hosts' names by base URL where there are several; else it is empty.
    """
    ordered = sorted(installations, key=lambda one: (_ORDER.get(one.status.kind, 0), one.started_at))
    return [_row(one, fractions.get(one.installation_id), host_names.get(one.host, "")) for one in ordered]


def _row(one: ModelInstallation, fraction: float | None, host: str) -> InstallationRow:
    kind = one.status.kind
    ended_badly = kind in (InstallationPhase.FAILED, InstallationPhase.CANCELLED)
    if kind is InstallationPhase.COMPLETED:
        fraction = 1.0
    elif fraction is None:
        fraction = one.progress.fraction if one.progress.bytes_downloaded else None
    return InstallationRow(
        installation_id=one.installation_id,
        name=one.model_name,
        detail=installation_detail(one),
        fraction=fraction,
        tone={
            InstallationPhase.FAILED: Tone.DANGER,
            InstallationPhase.CANCELLED: Tone.NEUTRAL,
            InstallationPhase.QUEUED: Tone.NEUTRAL,
            InstallationPhase.COMPLETED: Tone.OK,
        }.get(kind, Tone.ACCENT),
        can_cancel=not one.status.is_finished,
        can_retry=ended_badly,
        can_dismiss=ended_badly,
        icon=_ICONS.get(kind, ""),
        host=host,
    )


def installation_detail(one: ModelInstallation) -> str:
    """Where it stands, in a few words; for a failed one, the whole sentence."""
    kind = one.status.kind
    if kind is InstallationPhase.FAILED:
        return one.error_message or "It failed."
    if kind is InstallationPhase.DOWNLOADING:
        return download_detail(one.progress)
    if kind is InstallationPhase.CANCELLED:
        done = one.progress.bytes_downloaded
        return f"Stopped at {_of(done, one.progress.total_bytes)}; it can be continued" if done else "Stopped"
    return {
        InstallationPhase.QUEUED: "Waiting for its turn",
        InstallationPhase.EXTRACTING: "Unpacking",
        InstallationPhase.VERIFYING: "Checking the files",
        InstallationPhase.INSTALLING: "Finishing",
        InstallationPhase.PAUSED: f"Paused at {_of(one.progress.bytes_downloaded, one.progress.total_bytes)}",
        InstallationPhase.COMPLETED: "Installed",
    }[kind]


def download_detail(progress: InstallationProgress) -> str:
    """``2.9 of 5.2 GB · 26 MB/s · 2 min left``."""
    if not progress.bytes_downloaded:
        size = format_bytes(progress.total_bytes) if progress.total_bytes else ""
        return f"Starting · {size}" if size else "Starting"
    parts = [_of(progress.bytes_downloaded, progress.total_bytes)]
    if progress.download_speed >= 1:
        parts.append(format_rate(progress.download_speed))
    if progress.eta is not None:
        parts.append(format_time_left(progress.eta.total_seconds()))
    return " · ".join(part for part in parts if part)


def _of(done: int, total: int) -> str:
    """``2.9 of 5.2 GB``, or ``950 MB of 5.2 GB``."""
    if total <= 0:
        return format_bytes(done)
    done_text, total_text = format_bytes(done), format_bytes(total)
    number, _, unit = done_text.rpartition(" ")
    return f"{number if total_text.endswith(' ' + unit) else done_text} of {total_text}"
