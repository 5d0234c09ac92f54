"""UI_UPDATE: who waits for which model, and why, as the panel shows it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple

from ecs_localai.components.events import UIUpdateEvent, UIUpdateKind
from ecs_localai.components.installing_view import RequirementRow
from ecs_localai.components.panel_view import PanelView
from ecs_localai.components.requirements import RequiredModel, RequirementPhase, RequiresModel
from ecs_localai.components.tone import Tone
from ecs_localai.ollama.errors import InvalidModelName
from ecs_localai.ollama.names import name_key, parse_model_name
from ecs_localai.runtime import EventReader, Query, Res
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.view_change import take_over

MOST_NAMED = 3
"""So many of those who need the same are named."""
_TONES = {
    RequirementPhase.LOOKING: Tone.NEUTRAL,
    RequirementPhase.WAITING: Tone.WARN,
    RequirementPhase.INSTALLING: Tone.ACCENT,
    RequirementPhase.READY: Tone.OK,
    RequirementPhase.FAILED: Tone.DANGER,
}
Required = tuple[int, RequiresModel, RequiredModel]
"""An entity, what it requires and how that stands."""


def show_requirements(
    updates: EventReader[UIUpdateEvent],
    required: Query[RequiresModel, RequiredModel],
    hosts: Res[OllamaHosts],
    view: Res[PanelView],
) -> None:
    """Build `PanelView.requirements` anew where that changed, or where hosts that it names may be called otherwise."""
    stale = {update.kind for update in updates.read()}
    renamed = bool(view.requirements) and UIUpdateKind.HOST_CHANGED in stale
    if UIUpdateKind.REQUIREMENTS_CHANGED not in stale and not renamed:
        return
    listed = hosts.all()
    names = {one.base_url: one.host.name for one in listed} if len(listed) > 1 else {}
    rows = requirement_rows([(entity, *both) for entity, both in required], names)
    if take_over(view, {"requirements": rows}):
        view.revision += 1


def requirement_rows(required: Iterable[Required], host_names: dict[str, str]) -> list[RequirementRow]:
    """What is required and not there: a row for each model and each way in which it stands, in no order but theirs.

    Args:
        host_names: by base URL, where there are several hosts; empty with one.
    """
    groups: dict[tuple[object, ...], list[Required]] = {}
    for one in required:
        _, requires, stands = one
        if not stands.is_ready:
            groups.setdefault((name_key(requires.model_name), *astuple(stands)), []).append(one)
    return [_row(group, host_names) for group in groups.values()]


def _row(group: Sequence[Required], host_names: dict[str, str]) -> RequirementRow:
    _, requires, stands = group[0]
    who = list(dict.fromkeys(requires.who or f"Entity {entity}" for entity, requires, _ in group))
    where = f" on {host_names[stands.host]}" if stands.host in host_names else ""
    can_install = bool(stands.model_name) and stands.phase in (RequirementPhase.WAITING, RequirementPhase.FAILED)
    return RequirementRow(
        entities=[entity for entity, _, _ in group],
        title=f"{_together(who)} {'needs' if len(who) == 1 else 'need'} {_usual_name(requires.model_name)}{where}",
        detail=stands.reason,
        tone=_TONES[stands.phase],
        fraction=stands.fraction,
        can_install=can_install,
        install_label=f"Install {stands.model_name}" if can_install else "",
    )


def _together(who: Sequence[str]) -> str:
    """For example ``The cook and the guard`` or ``The cook, the guard and 5 others``."""
    if len(who) == 1:
        return who[0]
    if len(who) <= MOST_NAMED:
        return f"{', '.join(who[:-1])} and {who[-1]}"
    return f"{', '.join(who[: MOST_NAMED - 1])} and {len(who) - MOST_NAMED + 1} others"


def _usual_name(text: str) -> str:
    """A model's name as Ollama shows it; what is no name as it was written."""
    try:
        return parse_model_name(text).short
    except InvalidModelName:
        return text
