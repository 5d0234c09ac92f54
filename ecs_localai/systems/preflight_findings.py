"""What follows from what a registry and a host have said of installing a model. Pure functions."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec

from ecs_localai.components.model_facts import ModelFacts
from ecs_localai.components.preflight import DEFAULT_CONTEXT, DISK_RESERVE, Fit, MemoryNeed, MemoryVerdict, Preflight
from ecs_localai.components.registry import RegistryEntry
from ecs_localai.components.time_values import utc_now
from ecs_localai.components.wording import format_ago, format_bytes, format_day
from ecs_localai.ollama.cloud_names import is_cloud_name
from ecs_localai.ollama.errors import OllamaError, PullFailed, PullFailure
from ecs_localai.ollama.features import parse_version
from ecs_localai.ollama.model_memory import weights_size
from ecs_localai.ollama.names import ModelName
from ecs_localai.ollama.registry_files import files_missing
from ecs_localai.ollama.wire import TagEntry, parse_timestamp
from ecs_localai.systems.models_room import Room
from ecs_localai.systems.registry_answer import RegistryAnswer, manifest_of

CLOUD_VERDICT = MemoryVerdict(Fit.FITS, "It runs in Ollama's cloud, so it takes no memory here.")
_LEAVES_HOPE = {
    PullFailure.REGISTRY_UNREACHABLE: "The host may reach it.",
    PullFailure.REGISTRY_ERROR: "The host may reach it.",
    PullFailure.UNAUTHORIZED: "The host may be logged in already.",
}
"""After these the host may still get from the registry what we cannot: we ask without a log-in."""


class HostAnswer(msgspec.Struct, frozen=True):
    """What a host says before a model is installed on it."""

    present: TagEntry | None = None
    """What it has under the name already."""
    version: str = ""
    error: OllamaError | None = None
    """Why it says nothing."""


def runs_elsewhere(name: ModelName, entry: RegistryEntry | None) -> bool:
    """Whether what is installed is a reference to a model in Ollama's cloud."""
    facts = entry.facts if entry is not None else None
    return is_cloud_name(name) or bool(facts and facts.remote_host)


def described(
    name: ModelName, base_url: str, told: RegistryAnswer, context_length: int | None, *, refused: bool = False
) -> Preflight:
    """What the registry's answer alone says; `refused`: but not what could not be read, where that is the problem."""
    entry = told.entry
    notes: list[str] = []
    if runs_elsewhere(name, entry):
        notes.append(f"{name.short} runs in Ollama's cloud, not on this host: what is installed is a reference to it.")
    if told.failure is not None and told.failure.kind in _LEAVES_HOPE and not refused:
        hope = "" if told.is_old else f" {_LEAVES_HOPE[told.failure.kind]}"
        notes.append(f"{told.failure.message}{hope}")
    if entry is None:
        need = MemoryNeed(
            context_length=context_length or DEFAULT_CONTEXT, reason="What it consists of could not be found out."
        )
        return Preflight(name.short, base_url, need=need, notes=notes)
    facts = entry.facts or ModelFacts(cache_reason="How much cache it takes could not be read from its registry.")
    if facts.missing and not refused:
        notes.append(facts.missing)
    if context_length is not None and facts.max_context_length and context_length > facts.max_context_length:
        notes.append(
            f"It was made for at most {facts.max_context_length:,} tokens, and {context_length:,} are asked for; "
            "the sum is for what it was made for."
        )
    return Preflight(
        name.short,
        base_url,
        layers=entry.layers,
        total_bytes=entry.total_bytes,
        license=facts.license,
        family=facts.family,
        parameter_size=facts.parameter_size,
        quantization=facts.quantization,
        max_context_length=facts.max_context_length,
        parameters=facts.parameters,
        need=memory_need(entry, facts, context_length),
        fetched_at=told.fetched_at,
        is_old=told.is_old,
        notes=notes,
    )


def memory_need(entry: RegistryEntry, facts: ModelFacts, context_length: int | None) -> MemoryNeed:
    """The sum for a context: the chosen one, else the model's own, else Ollama's; never more than it was made for.

    Ollama, too, gives a model no more than that (0.9.3, ``llm/server.go``).
    """
    own = facts.parameters.get("num_ctx", "")
    chosen = context_length or (int(own) if own.isascii() and own.isdigit() else 0) or DEFAULT_CONTEXT
    tokens = min(chosen, facts.max_context_length or chosen)
    weights = 0 if facts.remote_host else weights_size(manifest_of(entry).layers)
    if facts.cache is None:
        return MemoryNeed(weights, 0 if facts.remote_host else None, tokens, facts.cache_reason)
    return MemoryNeed(weights, facts.cache.total(tokens), tokens, is_bound=facts.cache.is_bound)


def replaced_text(
    present: TagEntry | None, told: RegistryAnswer, *, is_same: bool | None, now: datetime | None = None
) -> str:
    """What is there under the name already, one sentence; empty where nothing is.

    Args:
        present: as the host lists it.
        told: what the registry says, or said when it was asked last.
        is_same: whether the two are the same; None where that cannot be told.
        now: the present moment, which the age of what the registry said is counted to.
    """
    if present is None:
        return ""
    moment = parse_timestamp(present.modified_at)
    installed = f"installed on {format_day(moment)}" if moment is not None else "installed"
    version = f"version of {format_bytes(present.size)}"
    if told.entry is None:
        return f"A {version} was {installed}; whether the registry has another one is not known."
    had = "has" if told.fetched_at is None else "had"
    then = "now" if told.fetched_at is None else format_ago(told.fetched_at, now or utc_now())
    if is_same:
        return f"It was {installed} and is exactly what the registry {had} {then}."
    if is_same is None:
        return f"A {version} was {installed}; it may be what the registry {had} {then}, whose files are all there."
    if told.fetched_at is None:
        return f"It replaces the {version} that was {installed}."
    return f"A {version} was {installed}; the registry had another one {then}."


def missing_in_registry(name: ModelName, told: RegistryAnswer, missing: Collection[str] | None) -> str | None:
    """That the registry lacks files which the host would have to fetch from it, one sentence; None where it does not.

    `missing` are the digests of the files that the host lacks; None where that is not known.
    """
    lacking = [layer for layer in told.lacking if missing is None or layer.digest in missing]
    return files_missing(name, lacking).message if lacking else None


def problem_of(name: ModelName, told: RegistryAnswer, host: HostAnswer) -> str | None:
    """Why the model cannot be installed, but for the room on the disk; one sentence that says what to do, or None."""
    if host.error is not None:
        return host.error.message
    if told.failure is not None and told.entry is None and told.failure.kind not in _LEAVES_HOPE:
        return told.failure.message
    facts = told.entry.facts if told.entry is not None else None
    if facts is not None and (newer := _needs_newer(name, facts.requires, host.version)):
        return newer
    return None


def unread_problem(name: ModelName, told: RegistryAnswer, host: HostAnswer) -> str | None:
    """That there is a model, and its registry does not show now what would replace it; None where that is not so."""
    if host.present is None or told.failure is None:
        return None
    return left_as_it_is(name, told.failure)


def left_as_it_is(name: ModelName, failure: PullFailed) -> str:
    """Why a model that is there is not replaced by what its registry does not show, with what to do."""
    if failure.kind not in _LEAVES_HOPE:
        return failure.message
    return (
        f"{name.short} is there already and is left as it is, as long as its registry does not show what would "
        f"replace it. {failure.message}"
    )


def room_problem(to_write: int | None, room: Room) -> str | None:
    """That the disk is too small for what is still to come onto it, with what to do; None where it is not.

    `to_write` is in bytes; None where that is not known.
    """
    if to_write and room.free is not None and to_write + DISK_RESERVE > room.free:
        missing = to_write + DISK_RESERVE - room.free
        return (
            f"The models' disk has {format_bytes(room.free)} free, less than the {format_bytes(to_write)} still to "
            f"come and {format_bytes(DISK_RESERVE)} in reserve; "
            f"free {format_bytes(_rounded_up(missing))} more there first."
        )
    return None


def _rounded_up(count: int) -> int:
    """To two digits, as sizes are cut when they are shown."""
    unit = int("1" + "0" * max(0, len(str(count)) - 2))
    return -(-count // unit) * unit


def _needs_newer(name: ModelName, requires: str, version: str) -> str | None:
    wanted, there = parse_version(requires), parse_version(version)
    if wanted is None or there is None or there >= wanted or not any(there):  # 0.0.0 is a build of one's own
        return None
    return f"{name.short} needs Ollama {requires} or newer, and the host has {version}; update Ollama there first."
