"""The models of all hosts side by side: which host has what, and what each of them lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from ecs_localai.components.models import InstalledModel
from ecs_localai.systems.stepwise import LIGHT, Steps, every, finish

_install_date = attrgetter("install_date")


@dataclass(slots=True)
class ModelGroup:
    """One model, wherever it is installed. Hosts are told apart by their base URLs."""

    name: str
    on: dict[str, InstalledModel] = field(default_factory=dict)
    """The model on each host that has it, by base URL, in the order of the hosts."""
    missing_on: list[str] = field(default_factory=list)
    """The hosts whose models are known and that do not have it."""
    outdated_on: list[str] = field(default_factory=list)
    """The hosts that have another version than the one that was installed last on any host. Probably an older one:
    a host tells when it installed a model, not when that was made."""

    @property
    def is_everywhere(self) -> bool:
        """Whether every host whose models are known has it, and all the same."""
        return not self.missing_on and not self.outdated_on


def group_models(hosts: Sequence[tuple[str, Mapping[str, InstalledModel]]]) -> list[ModelGroup]:
    """The models of these hosts by name, in the order of the names. `hosts` are base URLs and models by name.

    A host whose models are not known, because it was never seen, does not belong in `hosts`: nothing is missing there.
    Models that run elsewhere (cloud stubs) are compared like others; they have no weights to install.
    """
    return finish(group_models_in_steps(hosts))


def group_models_in_steps(hosts: Sequence[tuple[str, Mapping[str, InstalledModel]]]) -> Steps[list[ModelGroup]]:
    """Like `group_models`, in steps."""
    groups: dict[str, ModelGroup] = {}
    for base_url, models in hosts:
        for ends, model in every(list(models.values())):
            key = model.name.casefold()
            group = groups.get(key)
            if group is None:
                group = groups[key] = ModelGroup(model.name)
            group.on[base_url] = model
            if ends:
                yield
    for ends, group in every(groups.values(), max(1, LIGHT // (2 * max(1, len(hosts))))):
        group.missing_on = [base_url for base_url, _ in hosts if base_url not in group.on]
        newest = max(group.on.values(), key=_install_date)
        group.outdated_on = [
            base_url
            for base_url, model in group.on.items()
            if model.digest and newest.digest and model.digest != newest.digest
        ]
        if ends:
            yield
    return [groups[key] for key in sorted(groups)]


def difference_text(groups: Iterable[ModelGroup], names: Mapping[str, str]) -> str:
    """``B lacks 2, A has 1 outdated``; empty where nothing differs. `names` are the hosts' names by base URL."""
    lacks = dict.fromkeys(names, 0)
    outdated = dict.fromkeys(names, 0)
    for group in groups:
        for base_url in group.missing_on:
            lacks[base_url] = lacks.get(base_url, 0) + 1
        for base_url in group.outdated_on:
            outdated[base_url] = outdated.get(base_url, 0) + 1
    parts = []
    for base_url, name in names.items():
        said = [f"lacks {lacks[base_url]}"] if lacks[base_url] else []
        said += [f"has {outdated[base_url]} outdated"] if outdated[base_url] else []
        if said:
            parts.append(f"{name} {' and '.join(said)}")
    return ", ".join(parts)


def missing_installs(groups: Iterable[ModelGroup], base_urls: Iterable[str] | None = None) -> list[tuple[str, str]]:
    """What to install so that nothing differs: pairs of a model's name and a host's base URL; `base_urls` limits it."""
    wanted = None if base_urls is None else set(base_urls)
    return [
        (group.name, base_url)
        for group in groups
        for base_url in (*group.missing_on, *group.outdated_on)
        if wanted is None or base_url in wanted
    ]
