"""Which model meets a requirement, or would: what is there, what is on its way, what may be installed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec

from ecs_localai.components.hosts import HostProtocol
from ecs_localai.components.installation import InstallationPhase, ModelInstallation, WaitReason
from ecs_localai.components.requirements import RequiredModel, RequirementPhase, RequiresModel
from ecs_localai.components.wording import format_bytes
from ecs_localai.ollama.errors import InvalidModelName
from ecs_localai.ollama.names import ModelName, parse_model_name
from ecs_localai.systems.host_entries import ListedHost
from ecs_localai.systems.installation_desk import is_same_model
from ecs_localai.systems.model_life import listed_name
from ecs_localai.systems.model_sizes import ModelSize

GIGABYTE = 1_000_000_000
Place = tuple[str, str]
"""A host's base URL, and a model's usual name in lower case."""
_WAITS = {
    WaitReason.TURN: "{name} waits for its turn to be installed.",
    WaitReason.HOST: "{name} is installed when {host} is there again.",
    WaitReason.SHARED_LAYER: "{name} waits for another model that has a file in common with it.",
    WaitReason.SCHEDULED: "{name} is to be installed later.",
    WaitReason.PAUSED: "The installation of {name} is paused.",
    WaitReason.ELSEWHERE: "Another program installs {name}.",
    WaitReason.ROOM: "{name} waits for room on the models' disk of {host}, which is being filled.",
}


class Standing(msgspec.Struct, frozen=True):
    """Why an installation is not begun by itself: somebody has ended or undone the last one, or it failed."""

    phase: RequirementPhase
    reason: str


@dataclass(frozen=True, slots=True)
class Need:
    """What one or more entities require, with the names read."""

    requires: RequiresModel
    names: list[ModelName] = field(default_factory=list)
    """Those that are names, the best first."""
    refusals: list[str] = field(default_factory=list)
    """Why the others are none, a sentence each."""

    @classmethod
    def of(cls, requires: RequiresModel) -> Need:
        """Read the names."""
        need = cls(requires)
        for text in (requires.model_name, *requires.fallback):
            try:
                need.names.append(parse_model_name(text))
            except InvalidModelName as error:
                need.refusals.append(error.message)
        return need


@dataclass(slots=True)
class Circumstances:
    """What a requirement's standing depends on besides its host."""

    installations: list[ModelInstallation]
    on_their_way: set[Place]
    """Asked for, or installed and not yet seen on the host."""
    left_alone: dict[Place, Standing]
    """What is not installed by itself, and why."""
    sizes: Callable[[ModelName], ModelSize | None]
    """How large a model is; None while that is being found out."""


def place_of(one: ListedHost, name: ModelName) -> Place:
    """What tells a model on a host from all others."""
    return one.base_url, name.short.lower()


def host_is_known(one: ListedHost) -> RequiredModel | None:
    """None where it is known what the host has; else how a requirement stands that waits for that."""
    health, name = one.health, one.host.name
    if not health.is_healthy:
        if health.last_error is None:
            return RequiredModel(RequirementPhase.LOOKING, host=one.base_url, reason=f"Connecting to {name}.")
        return RequiredModel(RequirementPhase.WAITING, host=one.base_url, reason=health.last_error)
    if not one.models.synced:
        reason = one.models.error or f"Looking at the models of {name}."
        return RequiredModel(RequirementPhase.LOOKING, host=one.base_url, reason=reason)
    return None


def there_already(need: Need, one: ListedHost) -> RequiredModel | None:
    """The best of the models that is on the host; None where there is none."""
    for name in need.names:
        listed = listed_name(one.models, name)
        if listed in one.models.installed:
            return RequiredModel(RequirementPhase.READY, listed, one.base_url)
    return None


def being_installed(need: Need, one: ListedHost, now: Circumstances) -> RequiredModel | None:
    """The best of the models whose installation is under way or waits for its turn; None where none is."""
    for name in need.names:
        active = _active(now.installations, one.base_url, name)
        if active is not None:
            waits = _WAITS[active.waits_for] if active.waits_for is not None else "{name} is being installed."
            return RequiredModel(
                RequirementPhase.INSTALLING,
                active.model_name,
                one.base_url,
                active.progress.fraction,
                waits.format(name=active.model_name, host=one.host.name),
                active.installation_id,
            )
        if place_of(one, name) in now.on_their_way:
            reason = f"{name.short} is being installed."
            return RequiredModel(RequirementPhase.INSTALLING, name.short, one.base_url, reason=reason)
    return None


def _active(installations: Iterable[ModelInstallation], base_url: str, name: ModelName) -> ModelInstallation | None:
    return next(
        (
            one
            for one in installations
            if one.host == base_url and not one.status.is_finished and is_same_model(one.model_name, name.short)
        ),
        None,
    )


def ended(installation: ModelInstallation) -> Standing | None:
    """How an installation that ended without its model keeps the next one from being begun by itself."""
    match installation.status.kind:
        case InstallationPhase.FAILED:
            reason = installation.error_message or f"The installation of {installation.model_name} failed."
            return Standing(RequirementPhase.FAILED, reason)
        case InstallationPhase.CANCELLED:
            return Standing(RequirementPhase.WAITING, f"The installation of {installation.model_name} was stopped.")
    return None


def to_be_installed(
    need: Need, one: ListedHost, now: Circumstances, *, is_asked: bool
) -> tuple[RequiredModel, ModelName | None]:
    """How it stands where none of the models is there or on its way, and which is to be installed now.

    Args:
        is_asked: whether a person has asked for it.
    """
    if one.host.protocol is not HostProtocol.OLLAMA:
        names = " or ".join(name.short for name in need.names)
        reason = f"{one.host.name} has no {names}, and as it is no Ollama, its models are installed by its own means."
        return RequiredModel(RequirementPhase.WAITING, host=one.base_url, reason=reason), None
    chosen = _first_that_fits(need, one, now, is_asked=is_asked)
    if isinstance(chosen, RequiredModel):
        return chosen, None
    name = chosen.short
    standing = now.left_alone.get(place_of(one, chosen))
    if standing is not None and not is_asked:
        return RequiredModel(standing.phase, name, one.base_url, reason=standing.reason), None
    if not need.requires.install and not is_asked:
        reason = f"{name} is not installed on {one.host.name}."
        return RequiredModel(RequirementPhase.WAITING, name, one.base_url, reason=reason), None
    reason = f"{name} is being installed."
    return RequiredModel(RequirementPhase.INSTALLING, name, one.base_url, reason=reason), chosen


def _first_that_fits(need: Need, one: ListedHost, now: Circumstances, *, is_asked: bool) -> ModelName | RequiredModel:
    requires = need.requires
    limit = None if requires.max_gb is None else requires.max_gb * GIGABYTE
    if limit is None and not requires.install and not is_asked:
        return need.names[0]  # whether there is such a model is looked at when somebody wants it
    unfit: list[str] = []
    for name in need.names:
        known = now.sizes(name)
        if known is None:
            reason = f"Asking the registry how large {name.short} is."
            return RequiredModel(RequirementPhase.WAITING, host=one.base_url, reason=reason)
        if known.is_missing:
            unfit.append(f"the registry has no {name.short}")
        elif limit is None:
            return name
        elif known.size is None:
            if is_asked:
                return name
            reason = f"How large {name.short} is cannot be found out, so it is not installed by itself: {known.reason}"
            return RequiredModel(RequirementPhase.WAITING, name.short, one.base_url, reason=reason)
        elif known.size > limit:
            unfit.append(f"{name.short} takes {format_bytes(known.size)}, and {format_bytes(limit)} is the most")
        else:
            return name
    reason = f"It cannot be installed: {'; '.join(unfit)}."
    return RequiredModel(RequirementPhase.FAILED, host=one.base_url, reason=reason)
