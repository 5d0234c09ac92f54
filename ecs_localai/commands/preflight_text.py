"""What installing a model would mean, in lines for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence

from ecs_localai.commands.host_labels import named
from ecs_localai.commands.installation_job import with_option
from ecs_localai.commands.preflight_look import Looked
from ecs_localai.components.codec import to_builtins
from ecs_localai.components.preflight import DISK_RESERVE, Fit, Preflight
from ecs_localai.components.time_values import utc_now
from ecs_localai.components.wording import format_ago, format_bytes

_FITS = {
    Fit.FITS: "fits",
    Fit.TIGHT: "tight",
    Fit.WONT_RUN: "won't run",
    Fit.UNKNOWN: "not known",
}


def preflight_lines(looked: Looked, label: str, *, insecure: bool, anyway: bool) -> list[str]:
    """The lines about one model on one host: its name first, the others indented.

    `insecure` and `anyway` are whether these options were given.
    """
    found = looked.preflight
    name = named(looked.wanted.name, label)
    notes = [with_option(note, insecure) for note in found.notes]
    if found.is_current or found.was_current:
        return [f"{name}: {found.replaces}", *_indented(notes)]
    problem = "Cannot be installed"
    if anyway and found.can_go_anyway:
        problem = "Too little room" if found.lacks_only_room else "Not looked at"
    facts = (found.family, _parameters(found), found.quantization, found.license)
    return [
        " · ".join((name, *filter(None, facts))),
        *_indented(
            [
                *(_needs(found) if found.layers or found.problem is None else []),
                *([found.replaces] if found.replaces else []),
                *([_age(found)] if found.is_old else []),
                *notes,
                *([f"{problem}: {found.problem}"] if found.problem else []),
            ]
        ),
    ]


def preflight_object(looked: Looked) -> dict[str, object]:
    """All of it, with ``"event": "Preflight"``: the other lines of ``install --json`` have an event, too."""
    fields = to_builtins(looked.preflight)
    return {
        "event": "Preflight",
        "kind": "preflight",
        "host_name": looked.wanted.host.name,
        **(fields if isinstance(fields, dict) else {}),
    }


def too_much_together(looked: Sequence[Looked]) -> str | None:
    """That a host's disk has room for each of these, but not for all; None where it has, or nobody knows."""
    files = {layer.digest: layer.size for one in looked for layer in one.preflight.layers}
    most = min(sum(files.values()), sum(one.preflight.download_bytes or 0 for one in looked))
    free = min((one.preflight.disk_free for one in looked if one.preflight.disk_free is not None), default=None)
    if len(looked) < 2 or free is None or most + DISK_RESERVE <= free:
        return None
    return (
        f"All of it is up to {format_bytes(most)} to download, and the models' disk has {format_bytes(free)} free, of "
        f"which {format_bytes(DISK_RESERVE)} are to stay so: there may not be room for all."
    )


def _needs(found: Preflight) -> list[str]:
    """What it takes. Nothing of that is known of a model that its registry does not have."""
    return [
        f"To download: {_download(found)}",
        f"Disk: {_disk(found)}",
        f"Memory: {_FITS[found.verdict.fit]}{_because(found.verdict.text)}",
    ]


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _parameters(found: Preflight) -> str:
    return f"{found.parameter_size} parameters" if found.parameter_size else ""


def _download(found: Preflight) -> str:
    if found.total_bytes is None:
        return "not known, as its registry does not tell"
    total = format_bytes(found.total_bytes)
    if found.download_bytes is None:
        return f"up to {total}"
    return f"{format_bytes(found.download_bytes)} of {total}" if found.download_bytes else f"nothing of {total}"


def _disk(found: Preflight) -> str:
    return (
        f"not known{_because(found.disk_reason)}"
        if found.disk_free is None
        else f"{format_bytes(found.disk_free)} free"
    )


def _because(text: str) -> str:
    return f": {text}" if text else ""


def _age(found: Preflight) -> str:
    if found.fetched_at is None:
        return "The registry said this some time ago."
    return f"The registry said this {format_ago(found.fetched_at, utc_now())}."
