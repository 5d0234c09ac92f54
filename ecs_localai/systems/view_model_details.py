"""What the panel says of a model when its row is unfolded, and whether something can be done with it."""

from __future__ import annotations

from collections.abc import Collection

from ecs_localai.components.hosts import HostProtocol
from ecs_localai.components.models import InstalledModel, LoadedModel
from ecs_localai.components.panel_view import ModelDetail, ModelRow
from ecs_localai.components.wording import format_bytes, format_count, format_day
from ecs_localai.ollama.errors import InvalidModelName
from ecs_localai.ollama.names import parse_model_name
from ecs_localai.systems.model_order import last_use

_DIGEST = 12
"""So many characters of a digest tell models apart; ``ollama list`` shows as many."""
_AWAY = "It can be loaded, copied and renamed once its host is connected."
_NO_OLLAMA = "Its host is no Ollama: it cannot be loaded, copied or renamed from here."


def add_details(
    row: ModelRow, model: InstalledModel, loaded: LoadedModel | None, copies: Collection[InstalledModel], inert: str
) -> None:
    """Put into a row what shows when it is unfolded. ``inert`` is as in `ModelRow.inert_reason`."""
    row.details = model_details(model, loaded, copies)
    row.inert_reason = inert
    row.can_load = not model.is_cloud
    row.loaded = loaded is not None
    row.pinned = loaded is not None and loaded.pinned


def model_details(
    model: InstalledModel, loaded: LoadedModel | None, copies: Collection[InstalledModel]
) -> list[ModelDetail]:
    """What is known of a model, with what is not known left out. ``copies`` are those on all hosts."""
    capabilities = model.capabilities
    count = capabilities.parameter_count
    details = [
        ("Full name", _full_name(model.name)),
        ("Family", model.family or capabilities.model_architecture),
        ("Parameters", model.parameter_size or (format_count(count) if count else "")),
        ("Quantisation", model.quantization),
        ("Context", _context(model, loaded)),
        ("Capabilities", ", ".join(capabilities.capabilities)),
        ("Size", _size(model)),
        ("In memory", format_bytes(loaded.size) if loaded is not None and loaded.size > 0 else ""),
        ("Digest", model.digest[:_DIGEST]),
        ("Changed", format_day(model.install_date)),
        ("Used", _used(copies)),
    ]
    return [ModelDetail(label, text) for label, text in details if text]


def inert_reason(protocol: HostProtocol, *, is_healthy: bool) -> str:
    """Why a host's models can be neither loaded nor copied nor renamed now; empty where they can."""
    if protocol is not HostProtocol.OLLAMA:
        return _NO_OLLAMA
    return "" if is_healthy else _AWAY


def _full_name(name: str) -> str:
    try:
        return parse_model_name(name).full
    except InvalidModelName:
        return name  # of a host that is no Ollama


def _context(model: InstalledModel, loaded: LoadedModel | None) -> str:
    most = model.capabilities.max_context_length
    if not most:
        return ""
    now = loaded.context_length if loaded is not None else None
    return f"{most:,} tokens" + (f", now {now:,}" if now and now != most else "")


def _size(model: InstalledModel) -> str:
    if model.is_cloud:
        return "Runs in the cloud"
    return "" if model.size is None else f"{format_bytes(model.size)} on disk"


def _used(copies: Collection[InstalledModel]) -> str:
    times = sum(model.usage_count for model in copies)
    moment = last_use(copies)
    if moment is None:
        return "Never while this program looked"
    often = {0: "", 1: "Once, on "}.get(times, f"{times} times, last on ")
    return f"{often}{format_day(moment)}"
