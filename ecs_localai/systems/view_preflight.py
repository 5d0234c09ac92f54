"""UI_UPDATE: the card that says what installing would mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta

import msgspec

from ecs_localai.components.events import UIUpdateEvent, UIUpdateKind
from ecs_localai.components.installing_view import PreflightRow, PreflightView
from ecs_localai.components.panel_intents import InstallRequested
from ecs_localai.components.panel_view import PanelView
from ecs_localai.components.preflight import DEFAULT_CONTEXT, DISK_RESERVE, Fit, Preflight, Preflights
from ecs_localai.components.time_values import utc_now
from ecs_localai.components.tone import Tone
from ecs_localai.components.wording import format_ago, format_bytes
from ecs_localai.runtime import EventReader, Res
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.preflight_desk import PreflightDesk
from ecs_localai.systems.view_change import take_over

NIGHT_HOUR = 1
"""When "tonight" is, by the clock of this computer."""
_CONTEXTS = (4_096, 8_192, 32_768, 131_072, 262_144, 1_048_576)
_FITS = {
    Fit.FITS: ("Fits", Tone.OK),
    Fit.TIGHT: ("Tight", Tone.WARN),
    Fit.WONT_RUN: ("Won't run", Tone.DANGER),
    Fit.UNKNOWN: ("Not known whether it fits", Tone.NEUTRAL),
}
_IGNORES_ROOM = "begins it all the same; if the disk fills up, it fails, and what has arrived stays there."
_REPLACES_UNREAD = "replaces it by whatever its registry gives the host; where that is nothing, it is gone."
_LISTED = frozenset({UIUpdateKind.PREFLIGHT_CHANGED, UIUpdateKind.HOST_CHANGED})


def show_preflight(
    updates: EventReader[UIUpdateEvent],
    preflights: Res[Preflights],
    desk: Res[PreflightDesk],
    hosts: Res[OllamaHosts],
    view: Res[PanelView],
) -> None:
    """Build the card anew when something of it changed, and when the night that it offers has come."""
    kinds = {update.kind for update in updates.read()}
    if not kinds:
        return
    tonight = view.preflight.tonight if view.preflight is not None else None
    is_past = tonight is not None and tonight.not_before is not None and tonight.not_before <= utc_now()
    if kinds.isdisjoint(_LISTED) and not is_past:
        return
    names = {one.base_url: one.host.name for one in hosts.all()}
    if take_over(view, {"preflight": preflight_view(preflights, desk.order, names, utc_now())}):
        view.revision += 1


def preflight_view(
    preflights: Preflights, order: Sequence[tuple[str, str]], host_names: Mapping[str, str], now: datetime
) -> PreflightView | None:
    """The card; None while nothing is looked at.

    Args:
        preflights: what is known by now.
        order: the model and the base URL of the host of each row.
        host_names: by base URL.
        now: the present moment.
    """
    if not preflights.asked:
        return None
    found = {(one.model_name, one.host): one for one in preflights.done}
    labelled = len(host_names) > 1
    rows = [
        _row(found.get((name, host)), name, host_names.get(host, host) if labelled else "", now) for name, host in order
    ]
    longest = max((one.max_context_length or 0 for one in preflights.done), default=0)
    view = PreflightView(
        title=f"Before installing {_what(preflights.asked)}",
        rows=rows,
        total_text=_total(preflights.done) if len(rows) > 1 else "",
        contexts=contexts_up_to(longest),
        context_length=max(
            (one.need.context_length for one in preflights.done), default=preflights.context_length or DEFAULT_CONTEXT
        ),
        is_running=preflights.is_running,
    )
    if preflights.is_running:
        return view
    names, hosts = installable(preflights.done)
    _offer_anyway(view, preflights.done, names, hosts)
    if not names:
        return view
    chosen = _chosen(preflights.done, names, hosts)
    moment = tonight_after(now)
    view.install = InstallRequested(" ".join(names), hosts, left_alone=_current_among(chosen))
    view.install_label = _label(chosen, len(names), len(preflights.asked))
    view.tonight = msgspec.structs.replace(view.install, not_before=moment)
    view.tonight_label = f"Tonight at {NIGHT_HOUR:02}:00"
    return view


def installable(done: Sequence[Preflight]) -> tuple[list[str], list[str]]:
    """The names of the models, and the base URLs of the hosts, so that each can be installed on each.

    A host on which nothing can be installed is left out, then each model that cannot be installed on all that are left.
    What is there already as its registry has it is left alone, unless there is nothing else.
    """
    done = _unsettled(done)
    hosts = [
        host
        for host in dict.fromkeys(one.host for one in done)
        if any(one.problem is None for one in done if one.host == host)
    ]
    names = [
        name
        for name in dict.fromkeys(one.model_name for one in done)
        if all(one.problem is None for one in done if one.model_name == name and one.host in hosts)
    ]
    return (names, hosts) if names and hosts else ([], [])


def _unsettled(done: Sequence[Preflight]) -> Sequence[Preflight]:
    """Without the models that all hosts have as their registries have them, and the hosts that have all the others so;
    all of it where nothing else can be installed."""
    open_ = [one for one in done if not (one.is_current or one.was_current)]
    if all(one.problem is not None for one in open_):
        return done
    names = {one.model_name for one in open_}
    hosts = {one.host for one in open_}
    return [one for one in done if one.model_name in names and one.host in hosts]


def _chosen(done: Sequence[Preflight], names: Sequence[str], hosts: Sequence[str]) -> list[Preflight]:
    return [one for one in done if one.model_name in names and one.host in hosts]


def _current_among(chosen: Sequence[Preflight]) -> dict[str, list[str]]:
    """The hosts by model that have it as its registry has it, so that it is left alone there; none where that is so of
    all: then a person wants them again."""
    current = [one for one in chosen if one.is_current or one.was_current]
    found: dict[str, list[str]] = {}
    for one in current if len(current) < len(chosen) else []:
        found.setdefault(one.model_name, []).append(one.host)
    return found


def _offer_anyway(view: PreflightView, done: Sequence[Preflight], names: Sequence[str], hosts: Sequence[str]) -> None:
    """Offer what a person may know better about, and say beside the first of each kind what that would mean.

    Args:
        view: the card.
        done: what is known.
        names: of the models that can be installed without that.
        hosts: on which they can.
    """
    without = [msgspec.structs.replace(one, problem=None) if one.can_go_anyway else one for one in done]
    more_names, more_hosts = installable(without)
    if (more_names, more_hosts) == (list(names), list(hosts)):
        return
    more = _chosen(done, more_names, more_hosts)
    view.anyway = InstallRequested(
        " ".join(more_names),
        more_hosts,
        ignores_room=any(one.lacks_only_room for one in more),
        replaces_unread=any(one.lacks_only_look for one in more),
        left_alone=_current_among(more),
    )
    if names and len(more_names) > len(names):
        view.anyway_label = f"Install {len(more_names)} anyway"
    elif names and len(more_hosts) > len(hosts):
        view.anyway_label = f"Install on {len(more_hosts)} hosts anyway"
    else:
        view.anyway_label = "Install anyway"
    _say_beside(view, [one.lacks_only_room for one in done], _IGNORES_ROOM)
    _say_beside(view, [one.lacks_only_look for one in done], _REPLACES_UNREAD)


def _say_beside(view: PreflightView, rows: Sequence[bool], what: str) -> None:
    """Say what doing it anyway does, beside the first row for which that is true."""
    if any(rows):
        row = view.rows[list(rows).index(True)]
        row.note = " ".join(filter(None, [row.note, f"“{view.anyway_label}” {what}"]))


def contexts_up_to(longest: int) -> list[int]:
    """The context lengths to choose from for a model made for so many tokens; empty where there is no choice."""
    lengths = [length for length in _CONTEXTS if length < longest]
    return [*lengths, longest] if lengths else []


def tonight_after(now: datetime) -> datetime:
    """The next moment at which it is `NIGHT_HOUR` o'clock where this computer is, in UTC."""
    today = now.astimezone().date()
    for day in range(3):  # the clock may be put forward over that hour
        moment = datetime.combine(today + timedelta(days=day), time(NIGHT_HOUR)).astimezone().astimezone(UTC)
        if moment > now:
            return moment
    return now + timedelta(days=1)


def _what(asked: Sequence[str]) -> str:
    return asked[0] if len(asked) == 1 else f"{len(asked)} models"


def _row(found: Preflight | None, name: str, host: str, now: datetime) -> PreflightRow:
    if found is None:
        return PreflightRow(name, host, is_looking=True)
    row = PreflightRow(
        name,
        host,
        replaces=_asked_again(found),
        problem=found.problem or "",
        note=" ".join([*found.notes, *_age(found, now)]),
    )
    if not found.layers:
        return row  # nothing is known of it but that
    word, tone = _FITS[found.verdict.fit]
    row.facts = facts_text(found)
    row.download_text = download_text(found)
    row.disk_text = (
        f"{format_bytes(found.disk_free)} free on the models' disk"
        if found.disk_free is not None
        else found.disk_reason
    )
    row.fit_text = f"{word}: {found.verdict.text}" if found.verdict.text else word
    row.fit_tone = tone
    return row


def _asked_again(found: Preflight) -> str:
    """What is replaced; where the registry is being asked whether that is still so, it says so."""
    if not found.replaces or not found.is_remembered:
        return found.replaces
    return f"{found.replaces.removesuffix('.')}; it is being asked again."


def facts_text(found: Preflight) -> str:
    """What the model is: ``Llama · 1.2B parameters · Q8_0 · Llama 3.2 Community License``."""
    size = f"{found.parameter_size} parameters" if found.parameter_size else ""
    family = found.family[:1].upper() + found.family[1:]
    return " · ".join(part for part in (family, size, found.quantization, found.license) if part)


def download_text(found: Preflight) -> str:
    """How much is to be fetched: ``1.3 GB to download``, or ``0.4 GB to download, of 5.2 GB``."""
    total = format_bytes(found.total_bytes or 0)
    if found.download_bytes is None:
        return f"{total}; how much of it the host has is not known"
    if not found.download_bytes:
        return f"Nothing to download: all {total} are there"
    wanted = format_bytes(found.download_bytes)
    return f"{wanted} to download" if wanted == total else f"{wanted} to download, of {total}"


def _age(found: Preflight, now: datetime) -> list[str]:
    """How old the registry's answer is, where it cannot be asked now."""
    if found.fetched_at is None or not found.is_old:
        return []
    return [f"What it said {format_ago(found.fetched_at, now)} is shown."]


def _total(done: Sequence[Preflight]) -> str:
    """The sum of what can be installed; files that several share are counted for each, so it is the most it can be."""
    possible = [one for one in done if one.problem is None and one.download_bytes is not None]
    if not possible:
        return ""
    texts = [f"{format_bytes(sum(one.download_bytes or 0 for one in possible))} to download in all"]
    for host in dict.fromkeys(one.host for one in possible):
        there = [one for one in possible if one.host == host]
        wanted = sum(one.download_bytes or 0 for one in there)
        free = next((one.disk_free for one in there if one.disk_free is not None), None)
        if free is not None and wanted and wanted + DISK_RESERVE > free:
            texts.append(f"more than the models' disk has room for, with {format_bytes(free)} free")
            break
    return ", ".join(texts)


def _label(chosen: Sequence[Preflight], count: int, asked: int) -> str:
    """What the button says."""
    left_alone = _current_among(chosen)
    wanted = [one for one in chosen if one.host not in left_alone.get(one.model_name, ())]
    if all(one.is_current or one.was_current for one in wanted):
        return "Install again"
    if any(one.verdict.fit is Fit.WONT_RUN for one in wanted):
        return "Install anyway"
    if all(one.replaces and one.layers for one in wanted):
        return "Replace"
    return "Install" if asked == 1 else f"Install {count} model{'' if count == 1 else 's'}"
