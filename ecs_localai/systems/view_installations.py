"""What the panel says of installations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from ecs_localai.components.installation import (
    InstallationPhase,
    InstallationProgress,
    LayerProgress,
    ModelInstallation,
    WaitReason,
)
from ecs_localai.components.installing_view import QueueView
from ecs_localai.components.models import RegistryEntry
from ecs_localai.components.panel_view import InstallationRow, ModelDetail, Tone
from ecs_localai.components.time_values import utc_now
from ecs_localai.components.wording import (
    format_bytes,
    format_day,
    format_duration,
    format_rate,
    format_share,
    format_time_left,
)

_ORDER = {
    InstallationPhase.QUEUED: 1,
    InstallationPhase.PAUSED: 1,
    InstallationPhase.FAILED: 2,
    InstallationPhase.CANCELLED: 2,
    InstallationPhase.COMPLETED: 3,
}

_ICONS = {
    InstallationPhase.VERIFYING: "shield-check",
    InstallationPhase.CANCELLED: "circle-x",
    InstallationPhase.PAUSED: "pause",
}
_TONES = {
    InstallationPhase.FAILED: Tone.DANGER,
    InstallationPhase.CANCELLED: Tone.NEUTRAL,
    InstallationPhase.QUEUED: Tone.NEUTRAL,
    InstallationPhase.PAUSED: Tone.NEUTRAL,
    InstallationPhase.COMPLETED: Tone.OK,
}
_FILES = {
    "model": "Weights",
    "projector": "Projector",
    "adapter": "Adapter",
    "template": "Template",
    "system": "System prompt",
    "params": "Parameters",
    "license": "Licence",
    "messages": "Messages",
    "draft": "Draft model",
    "tensor": "Tensor",
    "v1+json": "Configuration",
}
"""What people call a model's files, by the ends of their media types."""
NIGHT_ENDS = 6
"""Until this hour it is still tonight."""


def installation_rows(
    installations: Sequence[ModelInstallation],
    fractions: Mapping[str, float | None],
    host_names: Mapping[str, str],
    queue: Sequence[str] = (),
    registry: Mapping[str, RegistryEntry] | None = None,
) -> list[InstallationRow]:
    """Running ones first, then those that wait, in their order, then what has ended.

    Args:
        installations: all there are.
        fractions: how far the running ones are, by their ids.
        host_names: the hosts' names by base URL where there are several; else it is empty.
        queue: the ids of those that wait, the next one first.
        registry: what registries said of models, by their names.
    """
    places = {key: number for number, key in enumerate(queue)}
    names = {one.installation_id: one.model_name for one in installations}
    ordered = sorted(
        installations,
        key=lambda one: (_ORDER.get(one.status.kind, 0), places.get(one.installation_id, -1), one.started_at),
    )
    rows = []
    for one in ordered:
        host = host_names.get(one.host, "")
        row = _row(one, fractions.get(one.installation_id), host, names.get(one.waits_behind, ""))
        place = places.get(one.installation_id)
        if place is not None:
            row.can_move_up, row.can_move_down = place > 0, place < len(places) - 1
        row.layers = layer_details(one.layers, None if registry is None else registry.get(one.model_name))
        rows.append(row)
    return rows


def _row(one: ModelInstallation, fraction: float | None, host: str, before: str) -> InstallationRow:
    kind = one.status.kind
    ended_badly = kind in (InstallationPhase.FAILED, InstallationPhase.CANCELLED)
    if kind is InstallationPhase.COMPLETED:
        fraction = 1.0
    elif fraction is None:
        fraction = one.progress.fraction if one.progress.bytes_downloaded else None
    is_paused = kind is InstallationPhase.PAUSED
    return InstallationRow(
        installation_id=one.installation_id,
        name=one.model_name,
        detail=installation_detail(one, host=host, before=before),
        fraction=fraction,
        tone=_TONES.get(kind, Tone.ACCENT),
        can_cancel=not one.status.is_finished,
        can_retry=ended_badly,
        can_dismiss=ended_badly,
        icon=_icon(one),
        host=host,
        can_pause=not one.status.is_finished and not is_paused,
        can_resume=is_paused or one.waits_for is WaitReason.SCHEDULED,
        again_text=_again(one),
    )


def _icon(one: ModelInstallation) -> str:
    """Empty where the panel chooses it by the tone."""
    if one.status.kind is InstallationPhase.QUEUED and one.waits_for is WaitReason.SCHEDULED:
        return "moon"
    return _ICONS.get(one.status.kind, "")


def _again(one: ModelInstallation) -> str:
    """What is, or was, fetched again."""
    if one.status.is_running and one.progress.rolled_back_bytes:
        return f"fetching {format_bytes(one.progress.rolled_back_bytes)} again"
    if one.refetched_bytes:
        return f"{format_bytes(one.refetched_bytes)} had to be fetched again"
    return ""


def installation_detail(one: ModelInstallation, *, host: str = "", before: str = "") -> str:
    """Where it stands, in a few words; for a failed one, the whole sentence.

    `host` is the name of its host where there are several, `before` the model that it waits for.
    """
    kind = one.status.kind
    done = one.progress.bytes_downloaded
    if kind is InstallationPhase.FAILED:
        return one.error_message or "It failed."
    if kind is InstallationPhase.DOWNLOADING:
        return download_detail(one.progress)
    if kind is InstallationPhase.CANCELLED:
        return f"Stopped at {_share(done, one.progress.total_bytes)}; it can be continued" if done else "Stopped"
    if kind is InstallationPhase.PAUSED:
        return f"Paused at {_share(done, one.progress.total_bytes)}" if done else "Paused"
    if kind is InstallationPhase.QUEUED:
        waits = _wait_words(one, host, before)
        return f"{waits} · {_share(done, one.progress.total_bytes)}" if done else waits
    return {
        InstallationPhase.EXTRACTING: "Sending the files",
        InstallationPhase.VERIFYING: "Checking the files",
        InstallationPhase.INSTALLING: "Finishing",
        InstallationPhase.COMPLETED: "Installed",
    }[kind]


def _wait_words(one: ModelInstallation, host: str, before: str) -> str:
    match one.waits_for:
        case WaitReason.HOST:
            return f"Waiting for {host or 'Ollama'} to come back"
        case WaitReason.SHARED_LAYER:
            return f"Waiting for {before.rpartition('/')[2] or 'another one'}, same file"
        case WaitReason.SCHEDULED if one.not_before is not None:
            return moment_words(one.not_before, utc_now())
        case WaitReason.ROOM:
            return "Waiting for room on the disk"
        case WaitReason.ELSEWHERE:
            return "Another program is fetching the same"
        case _:
            return "Waiting for its turn"


def moment_words(moment: datetime, now: datetime) -> str:
    """When something begins, where this computer is: ``Tonight at 01:00``, ``Tomorrow at 08:30``."""
    here, today = moment.astimezone(), now.astimezone().date()
    night = here.hour < NIGHT_ENDS
    if night and here.date() - timedelta(days=1) == today:
        day = "Tonight"
    elif here.date() == today:
        day = "Tonight" if night else "Today"
    elif here.date() - timedelta(days=1) == today:
        day = "Tomorrow"
    else:
        day = format_day(moment)
    return f"{day} at {here:%H:%M}"


def download_detail(progress: InstallationProgress) -> str:
    """``2.9 of 5.2 GB · 26 MB/s · 2 min left``, ``2.9 of 5.2 GB · No data for 12 s``, or why it is tried again."""
    if progress.bytes_downloaded:
        parts = [_of(progress.bytes_downloaded, progress.total_bytes)]
    elif progress.retry is None:
        parts = ["Starting", format_bytes(progress.total_bytes) if progress.total_bytes else ""]
    else:
        parts = []
    if progress.retry is not None:
        parts.append(f"Trying again ({progress.retry.attempt} of {progress.retry.attempts}): {progress.retry.reason}")
    elif progress.still_for is not None:
        parts.append(f"No data for {_whole_seconds(progress.still_for)}")
    elif progress.bytes_downloaded:
        parts.append(format_rate(progress.download_speed) if progress.download_speed >= 1 else "")
        parts.append("" if progress.eta is None else format_time_left(progress.eta.total_seconds()))
    return " · ".join(part for part in parts if part)


def _whole_seconds(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    return f"{seconds} s" if seconds < 60 else format_duration(seconds)


def layer_details(layers: Iterable[LayerProgress], entry: RegistryEntry | None) -> list[ModelDetail]:
    """How far each file is, by what it is; by the beginning of its digest where the registry did not say."""
    kinds = {} if entry is None else {one.digest: one.media_type.rpartition(".")[2] for one in entry.layers}
    return [
        ModelDetail(
            _FILES.get(kinds.get(layer.digest, ""), layer.digest.removeprefix("sha256:")[:12]), _layer_words(layer)
        )
        for layer in layers
    ]


def _layer_words(layer: LayerProgress) -> str:
    if layer.is_done:
        return f"{format_bytes(layer.size)}, complete"
    return _share(layer.downloaded, layer.size) if layer.downloaded else f"{format_bytes(layer.size)}, not begun"


def queue_view(installations: Iterable[ModelInstallation], at_once: int) -> QueueView:
    """The queue as a whole: what runs and waits, and what is left to download."""
    there = [one for one in installations if not one.status.is_finished]
    paused = [one for one in there if one.status.kind is InstallationPhase.PAUSED]
    view = QueueView("", at_once, len(paused) < len(there), bool(paused))
    if len(there) < 2:
        return view
    counts = Counter(map(_kind, there))
    parts = [", ".join(f"{counts[kind]} {kind}" for kind in ("running", "waiting", "paused") if counts[kind])]
    left = sum(_left(one.progress) for one in there)
    if left:
        unknown = any(not one.progress.total_bytes for one in there)
        parts.append(f"{'at least ' if unknown else ''}{format_bytes(left)} left")
    view.summary = " · ".join(parts)
    return view


def _kind(one: ModelInstallation) -> str:
    if one.status.kind is InstallationPhase.PAUSED:
        return "paused"
    return "running" if one.status.is_running else "waiting"


def _left(progress: InstallationProgress) -> int:
    return max(0, progress.total_bytes - progress.bytes_downloaded + progress.rolled_back_bytes)


def _of(done: int, total: int) -> str:
    """``2.9 of 5.2 GB``, or ``950 MB of 5.2 GB``."""
    if total <= 0:
        return format_bytes(done)
    done_text, total_text = format_bytes(done), format_bytes(total)
    number, _, unit = done_text.rpartition(" ")
    return f"{number if total_text.endswith(' ' + unit) else done_text} of {total_text}"


def _share(done: int, total: int) -> str:
    """The same of what does not move; where both would read the same, ``97 % of 1.1 GB``, or all of it."""
    return format_share(done, total) if format_bytes(done) == format_bytes(total) else _of(done, total)
