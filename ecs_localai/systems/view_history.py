"""What the panel says of the installations that ended: the newest of those that are remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import PurePath

from ecs_localai.components.installation import InstallationPhase, InstallationRecord
from ecs_localai.components.panel_view import HistoryRow, Tone
from ecs_localai.components.wording import format_bytes, format_day, format_duration, format_share
from ecs_localai.ollama.errors import InvalidModelName
from ecs_localai.ollama.names import parse_model_name

MOST_REMEMBERED = 20
"""So many are on the panel; the command ``history`` has them all."""
_OUTCOMES = {
    InstallationPhase.COMPLETED: ("Installed", Tone.OK),
    InstallationPhase.FAILED: ("Failed", Tone.DANGER),
    InstallationPhase.CANCELLED: ("Cancelled", Tone.NEUTRAL),
}


def history_key(history: Sequence[InstallationRecord], host_names: Mapping[str, str]) -> tuple[object, ...]:
    """Something that is another where `history_rows` would be; cheaper than that."""
    newest = tuple(record.installation_id for record in islice(reversed(history), MOST_REMEMBERED))
    return len(history), newest, tuple(host_names.items())


def history_rows(history: Sequence[InstallationRecord], host_names: Mapping[str, str]) -> list[HistoryRow]:
    """The newest first.

    Args:
        history: the newest last.
        host_names: the names of all hosts by base URL.
    """
    rows: list[HistoryRow] = []
    tried: set[tuple[str, str]] = set()
    for record in islice(reversed(history), MOST_REMEMBERED):
        what = (record.host, record.model_name.casefold())
        rows.append(_row(record, host_names, is_last=what not in tried))
        tried.add(what)
    return rows


def _row(record: InstallationRecord, host_names: Mapping[str, str], *, is_last: bool) -> HistoryRow:
    kind = record.status.kind
    outcome, tone = _OUTCOMES[kind]
    only = record.host in host_names and len(host_names) == 1
    return HistoryRow(
        installation_id=record.installation_id,
        name=record.model_name,
        detail=" · ".join(part for part in _details(record) if part),
        outcome=outcome,
        tone=tone,
        reason=record.status.reason or "",
        host="" if only else host_names.get(record.host, record.host),
        can_repeat=(
            is_last
            and kind is not InstallationPhase.COMPLETED
            and record.host in host_names
            and not record.was_made  # a registry has another model of that name, or none
            and _is_name(record.model_name)
        ),
        repeat_on=[] if only else [record.host],
    )


def made_of_text(source: str, files: Sequence[str]) -> str:
    """What a model was made of: ``model.gguf``, and how many more there are, or the other model's name; empty for one
    that was downloaded."""
    if source or not files:
        return source
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    return f"{PurePath(files[0]).name}{more}"


def _details(record: InstallationRecord) -> tuple[str, ...]:
    made_of = made_of_text(record.source, record.files)
    return (
        _moment(record.finished_at), _duration(record), _amount(record), f"made of {made_of}" if made_of else "",
    )  # fmt: skip


def _is_name(text: str) -> bool:
    """Whether it can be a model's name: one that cannot fails again each time."""
    try:
        parse_model_name(text)
    except InvalidModelName:
        return False
    return True


def _moment(moment: datetime) -> str:
    here = moment.astimezone()
    return f"{format_day(moment)}, {here.hour:02}:{here.minute:02}"


def _duration(record: InstallationRecord) -> str:
    seconds = record.duration.total_seconds()
    return format_duration(seconds) if seconds > 0 else ""


def _amount(record: InstallationRecord) -> str:
    done, total = record.bytes_downloaded, record.total_bytes
    if record.status.kind is InstallationPhase.COMPLETED:
        return format_bytes(total or done) if total or done else ""
    if not done:
        return ""
    return format_share(done, total)
