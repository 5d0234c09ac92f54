"""What the panel says of a model beyond what its host tells: whether a newer one exists, and what deleting frees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ecs_localai.components.deleting import HostStorage
from ecs_localai.components.models import InstalledModel
from ecs_localai.components.panel_view import ModelRow
from ecs_localai.components.updates import HostUpdates, UpdateState
from ecs_localai.components.wording import format_bytes


class HostKnowledge(NamedTuple):
    """What is known of one host's models; None where nothing was looked at."""

    updates: HostUpdates | None
    storage: HostStorage | None

    def state(self, model: InstalledModel) -> UpdateState | None:
        """How a model compares with its registry; None where that is not known of the one that is installed now.

        One that may be another model than its registry's counts as local: what would replace it is not offered.
        """
        update = None if self.updates is None else self.updates.by_name.get(model.name)
        if update is None or update.digest != model.digest:
            return None
        return UpdateState.LOCAL if update.may_be_another else update.state

    def freed(self, model: InstalledModel) -> int | None:
        """The bytes that deleting it frees; None where that is not known."""
        return None if self.storage is None else self.storage.freed_by_name.get(model.name)


NOTHING_KNOWN = HostKnowledge(None, None)


def add_knowledge(row: ModelRow, on: Mapping[str, InstalledModel], knowledge: Mapping[str, HostKnowledge]) -> None:
    """Put it into a row. `on` is the model on each host that has it, `knowledge` of each host, by their base URLs."""
    if not knowledge:
        return
    states = {base_url: knowledge.get(base_url, NOTHING_KNOWN).state(model) for base_url, model in on.items()}
    row.update_on = [
        base_url for base_url, state in states.items() if state in (UpdateState.OUTDATED, UpdateState.POSSIBLY)
    ]
    row.update_is_sure = UpdateState.OUTDATED in states.values()
    text = "Update available" if row.update_is_sure else "Possibly outdated"
    row.update_text = text if row.update_on else ""
    freed = [knowledge.get(base_url, NOTHING_KNOWN).freed(model) for base_url, model in on.items()]
    known = [size for size in freed if size is not None]
    row.freed_text = freed_text(sum(known), len(known)) if known and len(known) == len(freed) else ""


def put_knowledge(row: ModelRow, base_url: str, state: UpdateState | None, freed: int | None) -> None:
    """Like `add_knowledge`, for a model of the only host."""
    row.update_is_sure = state is UpdateState.OUTDATED
    may_be = row.update_is_sure or state is UpdateState.POSSIBLY
    row.update_on = [base_url] if may_be else []
    row.update_text = "" if not may_be else "Update available" if row.update_is_sure else "Possibly outdated"
    row.freed_text = "" if freed is None else freed_text(freed)


def freed_text(size: int, hosts: int = 1) -> str:
    """``Frees 1.3 GB``."""
    if size == 0:
        return "Frees nothing, because other models share its files"
    return f"Frees {format_bytes(size)}" if hosts == 1 else f"Frees {format_bytes(size)} on {hosts} hosts together"
