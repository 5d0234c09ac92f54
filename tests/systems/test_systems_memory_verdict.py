"""Whether a model fits, by what it needs and what is free."""

from __future__ import annotations

import pytest

from ecs_localai.components.preflight import Fit, MemoryNeed
from ecs_localai.systems.machine_memory import FreeMemory, FreeMemorySampler, measure_free_memory
from ecs_localai.systems.memory_verdict import need_text, verdict_of

GB = 1_000_000_000
NEED = MemoryNeed(weights=4 * GB, cache=GB, context_length=8192)


@pytest.mark.parametrize(
    ("memory", "unloadable", "fit"),
    [
        (FreeMemory(ram=10 * GB), 0, Fit.FITS),
        (FreeMemory(ram=5 * GB + 400_000_000), 0, Fit.TIGHT),
        (FreeMemory(ram=4 * GB), 0, Fit.WONT_RUN),
        (FreeMemory(ram=4 * GB), 2 * GB, Fit.TIGHT),
        (FreeMemory(ram=10 * GB, vram=8 * GB), 0, Fit.FITS),
        (FreeMemory(ram=10 * GB, vram=5 * GB + 1), 0, Fit.TIGHT),
        (FreeMemory(ram=10 * GB, vram=2 * GB), 0, Fit.TIGHT),
        (FreeMemory(ram=2 * GB, vram=2 * GB), 0, Fit.WONT_RUN),
        (FreeMemory(reason="It does not tell."), 0, Fit.UNKNOWN),
        (None, 0, Fit.UNKNOWN),
    ],
)
def test_the_word(memory: FreeMemory | None, unloadable: int, fit: Fit) -> None:
    verdict = verdict_of(NEED, memory, unloadable)
    assert verdict.fit is fit
    assert verdict.text.startswith("4 GB weights + 1 GB cache for 8,192 tokens")
    assert (verdict.ram_free, verdict.vram_free) == ((memory.ram, memory.vram) if memory else (None, None))


def test_a_sum_that_may_be_less_does_not_condemn() -> None:
    bound = MemoryNeed(weights=4 * GB, cache=8 * GB, context_length=131_072, is_bound=True)
    verdict = verdict_of(bound, FreeMemory(ram=10 * GB))
    assert verdict.fit is Fit.TIGHT
    assert "at most 8 GB cache" in verdict.text


def test_a_part_that_is_not_known() -> None:
    half = MemoryNeed(weights=4 * GB, reason="How much cache it takes is not known.")
    assert verdict_of(half, FreeMemory(ram=10 * GB)).fit is Fit.UNKNOWN
    assert verdict_of(half, FreeMemory(ram=3 * GB)).fit is Fit.WONT_RUN
    assert need_text(half) == "4 GB weights + a cache of unknown size"
    nothing = MemoryNeed(reason="What it consists of could not be found out.")
    assert verdict_of(nothing, FreeMemory(ram=10 * GB)).text == nothing.reason
    assert "another computer" in verdict_of(nothing, None).text


def test_what_is_free_is_measured_here() -> None:
    measured = measure_free_memory()
    assert measured.ram is not None
    assert measured.ram > 10_000_000
    sampler = FreeMemorySampler()
    again = sampler.sample()
    sampler.close()
    assert (again.vram is None) is (measured.vram is None)
