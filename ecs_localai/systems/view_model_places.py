"""What the panel says of models with several hosts: what each of them has, and how they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ecs_localai.components.models import InstalledModel, LoadedModel
from ecs_localai.components.panel import PanelSettings
from ecs_localai.components.panel_view import DifferenceView, ModelRow, PlaceBadge, Tone
from ecs_localai.components.wording import format_bytes
from ecs_localai.systems.model_difference import ModelGroup, difference_text, group_models, missing_installs
from ecs_localai.systems.model_order import in_order_in_steps
from ecs_localai.systems.seen_hosts import SeenHost
from ecs_localai.systems.stepwise import Steps, finish
from ecs_localai.systems.view_knowledge import add_knowledge
from ecs_localai.systems.view_model_details import add_details, inert_reason
from ecs_localai.systems.view_models import add_moment, loaded_text, model_row

_USUAL = PanelSettings()
_MOST_NAMED = 3
"""So many hosts are named in a sentence before the others are counted."""


def known_models(hosts: Sequence[SeenHost]) -> list[tuple[str, Mapping[str, InstalledModel]]]:
    """The models of the hosts where they are known, as `group_models` takes them.

    Of a host that was never seen nothing is known, so nothing is missing there.
    """
    return [(one.base_url, one.installed) for one in hosts if one.is_known]


class ModelPlaces:
    """The models of several hosts by name.

    Args:
        hosts: all of them, in their order.
        groups: their `known_models` as groups, where they have been made already.
    """

    def __init__(self, hosts: Sequence[SeenHost], groups: list[ModelGroup] | None = None) -> None:
        self._hosts = {one.base_url: one for one in hosts}
        self._knowledge = {one.base_url: one.knowledge for one in hosts}
        self._groups = group_models(known_models(hosts)) if groups is None else groups

    def rows(self, settings: PanelSettings = _USUAL) -> list[ModelRow]:
        """A row for each model, in the order that the person chose."""
        return finish(self.rows_in_steps(settings))

    def rows_in_steps(self, settings: PanelSettings) -> Steps[list[ModelRow]]:
        """Like `rows`, in steps."""
        rows: dict[int, ModelRow] = {}
        for group in self._groups:
            rows[id(group)] = row = self._row(group)
            add_moment(row, group.on.values(), settings.model_sort)
            yield
        ordered = yield from in_order_in_steps(
            self._groups, settings, lambda group: group.on.values(), lambda group: bool(rows[id(group)].status)
        )
        return [rows[id(group)] for group in ordered]

    def difference(self) -> DifferenceView | None:
        """How the hosts differ; None while they do not."""
        text = self._difference_text()
        if not text:
            return None
        wanted: dict[str, list[str]] = {}
        size = 0
        sizes = {group.name: max(model.size or 0 for model in group.on.values()) for group in self._groups}
        for name, base_url in missing_installs(self._groups, self._able(list(self._hosts))):
            wanted.setdefault(name, []).append(self._hosts[base_url].name)
            size += sizes[name]
        models = "1 model" if len(wanted) == 1 else f"{len(wanted)} models"
        question = f"Install {models}{f', {format_bytes(size)} in all' if size else ''}?"
        return DifferenceView(text, question, [(name, tuple(names)) for name, names in wanted.items()])

    def _difference_text(self) -> str:
        """Of many hosts the first ones are named, and the others counted."""
        differing = {base_url for group in self._groups for base_url in (*group.missing_on, *group.outdated_on)}
        names = {base_url: one.name for base_url, one in self._hosts.items() if base_url in differing}
        rest = len(names) - _MOST_NAMED
        if rest < 2:
            return difference_text(self._groups, names)
        first = dict(list(names.items())[:_MOST_NAMED])
        return f"{difference_text(self._groups, first)}, and {rest} more hosts differ"

    def _able(self, base_urls: list[str]) -> list[str]:
        """Those of these hosts that can install something now."""
        return [base_url for base_url in base_urls if self._hosts[base_url].is_able]

    def _names(self, base_urls: Sequence[str]) -> list[str]:
        return [self._hosts[base_url].name for base_url in base_urls]

    def _row(self, group: ModelGroup) -> ModelRow:
        holders = [self._hosts[base_url] for base_url in group.on]
        shown = next((one for one in holders if one.is_default), None)
        model = group.on[shown.base_url] if shown else max(group.on.values(), key=lambda one: one.install_date)
        row = model_row(model, None, self._busy_text(group))
        loaded = [(one, one.loaded.get(group.on[one.base_url].name)) for one in holders]
        there = [(one, model) for one, model in loaded if model is not None]
        if there:
            first, its = there[0]
            places = first.name if len(there) == 1 else f"{len(there)} hosts"
            row.status = loaded_text(its).replace("Loaded", f"Loaded on {places}", 1)
            row.tone = Tone.OK
        row.hosts = self._names(list(group.on))
        self._add_details(row, group, model, loaded)
        row.installable_on = self._names(self._able([*group.missing_on, *group.outdated_on]))
        row.install_label = _install_label(row.installable_on, updates=not group.missing_on)
        same = group.is_everywhere and len(group.on) == len(self._hosts)
        both = "On both hosts" if len(self._hosts) == 2 else f"On all {len(self._hosts)} hosts"
        row.where_text = both if same else "On"
        row.places = [] if same else self._badges(group)
        row.absent_text = f"not on {named(self._names(group.missing_on))}" if group.missing_on else ""
        add_knowledge(row, group.on, self._knowledge)
        return row

    def _add_details(
        self,
        row: ModelRow,
        group: ModelGroup,
        model: InstalledModel,
        loaded: Sequence[tuple[SeenHost, LoadedModel | None]],
    ) -> None:
        """What shows when the row is unfolded, and on which hosts it can be loaded, copied and renamed."""
        reasons = {one.name: inert_reason(one.protocol, is_healthy=one.is_healthy) for one, _ in loaded}
        row.able_on = [name for name, reason in reasons.items() if not reason]
        its = next((its for one, its in loaded if its is not None and not reasons[one.name]), None)
        # With an able host there is no reason; else the first one's stands for all.
        inert = "" if row.able_on else next(iter(reasons.values()), "")
        add_details(row, model, its, group.on.values(), inert)
        there = {one.name: its for one, its in loaded if its is not None}
        row.loaded_on = [name for name in row.able_on if name in there]
        row.pinned_on = [name for name in row.loaded_on if there[name].pinned]
        row.pinned = bool(row.pinned_on)

    def _busy_text(self, group: ModelGroup) -> str:
        """For example ``Deleting on A and B, loading on C``."""
        doing: dict[str, list[str]] = {}
        for base_url, model in group.on.items():
            one = self._hosts[base_url]
            if word := one.busy.get(model.name):
                doing.setdefault(word, []).append(one.name)
        parts = [f"{word} on {named(names)}" for word, names in doing.items()]
        return ", ".join([*parts[:1], *(part[0].lower() + part[1:] for part in parts[1:])])

    def _badges(self, group: ModelGroup) -> list[PlaceBadge]:
        older = [PlaceBadge(f"older on {name}", Tone.WARN) for name in self._names(group.outdated_on)]
        current = [base_url for base_url in group.on if base_url not in group.outdated_on]
        return [*(PlaceBadge(name) for name in self._names(current)), *older]


def _install_label(names: Sequence[str], *, updates: bool) -> str:
    if not names:
        return ""
    verb = "Update" if updates else "Install"
    return f"{verb} on {names[0]}" if len(names) == 1 else f"{verb} on {len(names)} hosts…"


def named(names: Sequence[str]) -> str:
    """``A``, ``A and B``, ``A, B and C``, ``A, B, C and 9 more``."""
    first = list(names[:_MOST_NAMED])
    rest = len(names) - len(first)
    if rest == 0 and len(first) > 1:
        return f"{', '.join(first[:-1])} and {first[-1]}"
    return f"{', '.join(first)} and {rest} more" if rest else "".join(first)
