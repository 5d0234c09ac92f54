"""Whether a model fits into the memory that is free, in a word and in numbers."""

from __future__ import annotations

from ecs_localai.components.preflight import Fit, MemoryNeed, MemoryVerdict
from ecs_localai.components.wording import format_bytes
from ecs_localai.systems.machine_memory import FreeMemory

ELSEWHERE = "Its host is another computer: its memory is not ours to see."
_LITTLE = 500_000_000
_LITTLE_SHARE = 0.15
"""Less left than these, in bytes and as a share of what the model takes, is little: computing needs some, too."""


def verdict_of(need: MemoryNeed, memory: FreeMemory | None, unloadable: int = 0) -> MemoryVerdict:
    """Judge what a model needs by what is free.

    Args:
        need: what it needs.
        memory: what is free; None where its host is another computer.
        unloadable: the bytes of loaded models that the host would unload to make room.
    """
    sum_text = need_text(need)
    if memory is None:
        return MemoryVerdict(Fit.UNKNOWN, _joined(sum_text, ELSEWHERE))
    known = MemoryVerdict(ram_free=memory.ram, vram_free=memory.vram)
    if memory.ram is None:
        return MemoryVerdict(Fit.UNKNOWN, _joined(sum_text, memory.reason), vram_free=memory.vram)
    if need.weights is None:
        return MemoryVerdict(Fit.UNKNOWN, need.reason, known.ram_free, known.vram_free)
    fit, why = _fit(need, need.weights, memory.ram, memory.vram or 0, unloadable)
    text = f"{sum_text}, of {_free_text(memory)}"
    return MemoryVerdict(fit, _joined(text, why), known.ram_free, known.vram_free)


def need_text(need: MemoryNeed) -> str:
    """The sum in words: ``1.3 GB weights + 142 MB cache for 4,096 tokens``."""
    if need.weights is None:
        return ""
    weights = f"{format_bytes(need.weights)} weights"
    if need.cache is None:
        return f"{weights} + a cache of unknown size"
    if not need.cache:
        return weights
    most = "at most " if need.is_bound else ""
    return f"{weights} + {most}{format_bytes(need.cache)} cache for {need.context_length:,} tokens"


def _fit(need: MemoryNeed, weights: int, ram: int, vram: int, unloadable: int) -> tuple[Fit, str]:
    """The word, and what is to be said of it besides the numbers."""
    free = ram + vram
    if need.cache is None:
        if weights > free + unloadable:
            return Fit.WONT_RUN, "The weights alone are larger."
        return Fit.UNKNOWN, need.reason
    total = weights + need.cache
    little = max(_LITTLE, int(total * _LITTLE_SHARE))
    if total > free:
        if total <= free + unloadable:
            return Fit.TIGHT, f"It fits once loaded models make room: they hold {format_bytes(unloadable)}."
        if need.is_bound and weights <= free:
            return Fit.TIGHT, "The cache may be smaller than that."
        return Fit.WONT_RUN, ""
    if vram and total > vram:
        return Fit.TIGHT, "It is more than the GPU has free, so a part of it runs on the processor, slowly."
    left = (vram if vram else ram) - total
    return (Fit.TIGHT, "There is little left to work with.") if left < little else (Fit.FITS, "")


def _free_text(memory: FreeMemory) -> str:
    ram = format_bytes(memory.ram or 0)
    if memory.vram is None:
        return f"{ram} free"
    return f"{format_bytes(memory.vram)} free on the GPU and {ram} in main memory"


def _joined(text: str, sentence: str) -> str:
    return f"{text}. {sentence}" if text and sentence else text or sentence
