"""What the panel says of the installed models."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields
from operator import attrgetter

from ecs_localai.components.hosts import HostHealthMonitor
from ecs_localai.components.models import HostModels, InstalledModel, LoadedModel, LocalModelManager
from ecs_localai.components.panel import ModelSort, PanelSettings
from ecs_localai.components.panel_view import ModelRow, Tone
from ecs_localai.components.time_values import utc_now
from ecs_localai.components.wording import format_bytes, format_count, format_day, format_time_left
from ecs_localai.systems.loaded_models import by_every_name
from ecs_localai.systems.model_order import in_order_in_steps, last_use, newest
from ecs_localai.systems.stepwise import LIGHT, Steps, every, finish
from ecs_localai.systems.view_knowledge import NOTHING_KNOWN, HostKnowledge, put_knowledge
from ecs_localai.systems.view_model_details import add_details

_CAPABILITY_NAMES = {
    "tools": "Tools",
    "vision": "Vision",
    "thinking": "Thinking",
    "embedding": "Embedding",
    "insert": "Insert",
    "audio": "Audio",
    "image": "Images",
}


_all_fields = attrgetter(*(one.name for one in fields(ModelRow)))
Kept = dict[str, tuple[tuple[object, ...], tuple[object, ...], ModelRow]]
"""Rows by the models' names, each with what it was made from and what was known besides."""


def model_rows(
    models: LocalModelManager, busy: Mapping[str, str], settings: PanelSettings, inert: str = ""
) -> list[ModelRow]:
    """The installed models in the order that the person chose.

    ``busy`` is what is being done to which of them, ``inert`` as in `ModelRow.inert_reason`.
    """
    loaded = by_every_name(models.loaded_models.values())
    return finish(model_rows_in_steps(models.installed_models, loaded, busy, settings, inert, NOTHING_KNOWN, {}))


def model_rows_in_steps(
    installed: Mapping[str, InstalledModel],
    loaded: Mapping[str, LoadedModel],
    busy: Mapping[str, str],
    settings: PanelSettings,
    inert: str,
    knowledge: HostKnowledge,
    kept: Kept,
) -> Steps[list[ModelRow]]:
    """Like `model_rows`, in steps, with what is known besides.

    Rows in ``kept`` that were made from what is still the case are taken as they are; it is then made to hold what
    there is now. A loaded model's row says how long it stays, so it is always made anew.
    """
    ordered = yield from in_order_in_steps(
        installed.values(), settings, lambda model: (model,), lambda model: model.name in loaded
    )
    rows = []
    light = 0
    by = settings.model_sort
    for model in ordered:
        name = model.name
        made_from = (
            model.digest, model.size, model.install_date, model.capabilities, model.usage_count, model.last_used,
            model.family, model.parameter_size, model.quantization, model.host, busy.get(name), inert, by,
        )  # fmt: skip
        known = knowledge.state(model), knowledge.freed(model)
        there = kept.get(name)
        if there is None or there[0] != made_from or name in loaded or there[2].loaded:
            row = _whole_row(model, loaded.get(name), busy.get(name, ""), settings, inert)
            put_knowledge(row, model.host, *known)
            light += LIGHT
        elif there[1] != known:
            row = ModelRow(*_all_fields(there[2]))  # the one there is on the panel
            put_knowledge(row, model.host, *known)
            light += LIGHT // 4
        else:
            row = there[2]
            light += 1
        kept[name] = made_from, known, row
        rows.append(row)
        if light >= LIGHT:
            light = 0
            yield
    if len(kept) > len(rows):
        for name in kept.keys() - {row.name for row in rows}:
            del kept[name]
    return rows


def same_rows_in_steps(rows: list[ModelRow], kept: Kept) -> Steps[list[ModelRow]]:
    """These rows, but where one is as before, the one that is kept: a frame then sees at once that it is the same."""
    before = dict(kept)
    kept.clear()
    same = []
    for ends, row in every(rows):
        there = before.get(row.name)
        shown = there[2] if there is not None and there[2] == row else row
        kept[row.name] = (), (), shown
        same.append(shown)
        if ends:
            yield
    return same


def _whole_row(
    model: InstalledModel,
    loaded: LoadedModel | None,
    busy: str,
    settings: PanelSettings,
    inert: str,
) -> ModelRow:
    row = model_row(model, loaded, busy)
    add_moment(row, (model,), settings.model_sort)
    add_details(row, model, loaded, (model,), inert)
    return row


def add_moment(row: ModelRow, copies: Collection[InstalledModel], by: ModelSort) -> None:
    """Say the day that the models are in order of, where it is not seen otherwise: what is loaded is in use now."""
    if by is ModelSort.MODIFIED:
        moment, verb = newest(copies), "changed"
    elif by is ModelSort.LAST_USED and not row.status:
        moment, verb = last_use(copies), "used"
    else:
        return
    if moment is not None:
        row.subtitle = " · ".join(part for part in (row.subtitle, f"{verb} {format_day(moment)}") if part)


def model_row(model: InstalledModel, loaded: LoadedModel | None, busy: str) -> ModelRow:
    """A model as one host has it."""
    capabilities = model.capabilities
    parts = [capabilities.model_architecture or model.family]
    count = capabilities.parameter_count
    parameters = model.parameter_size or (format_count(count) if count else "")
    parts.append(f"{parameters} parameters" if parameters else "")
    length = capabilities.max_context_length
    parts.append(f"{length:,} context" if length else "")
    return ModelRow(
        name=model.name,
        subtitle=" · ".join(part for part in parts if part),
        quantization=model.quantization,
        capabilities=[_CAPABILITY_NAMES[name] for name in capabilities.capabilities if name in _CAPABILITY_NAMES],
        size_text="Cloud" if model.is_cloud else "" if model.size is None else format_bytes(model.size),
        status=loaded_text(loaded) if loaded else "",
        tone=Tone.OK if loaded else Tone.NEUTRAL,
        busy=busy,
        digest=model.digest,
    )


def loaded_text(loaded: LoadedModel) -> str:
    """``Loaded · 100 % GPU · 4 min left``."""
    parts = ["Loaded"]
    if loaded.size > 0:
        share = round(100 * loaded.size_vram / loaded.size)
        parts.append("CPU" if share == 0 else f"{share} % GPU")
    if loaded.pinned:
        parts.append("stays loaded")
    elif loaded.expires_at is not None:
        # While it answers, the time may lie in the past (Ollama 0.9.3).
        left = (loaded.expires_at - utc_now()).total_seconds()
        parts.append(format_time_left(left) if left > 0 else "in use")
    return " · ".join(parts)


def models_empty_text(health: HostHealthMonitor, there: HostModels) -> str:
    """What stands where the list would be while it is empty."""
    if not health.is_healthy:
        return "The models appear here once Ollama is connected."
    if there.error is not None:
        return f"The models cannot be listed. {there.error}"
    if not there.synced:
        return "Looking for models…"
    return (
        "No models yet. Type a name above to install the first, for example llama3.2:1b, or drop a GGUF file on this "
        "window."
    )
