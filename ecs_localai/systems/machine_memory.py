"""The memory of this machine that is free now."""

from __future__ import annotations

import threading

import msgspec

from ecs_localai.systems.gpu_sampling import GpuSampler


class FreeMemory(msgspec.Struct, frozen=True):
    """Bytes that a model could be put into now."""

    ram: int | None = None
    """What the system would give to a program without swapping; None where it does not tell."""
    vram: int | None = None
    """Of all GPUs together; None where there is none, or it cannot be measured."""
    reason: str = ""
    """Why `ram` is None, one sentence."""


class FreeMemorySampler:
    """Looks at the free memory again and again, from any thread."""

    def __init__(self) -> None:
        self._gpus = GpuSampler()
        self._turn = threading.Lock()

    def sample(self) -> FreeMemory:
        """Look once. Takes up to 40 ms the first time, where there is an NVIDIA driver; not for a frame."""
        import psutil

        with self._turn:
            gpus, _ = self._gpus.sample()
        free = [gpu.memory_total - gpu.memory_used for gpu in gpus if gpu.memory_total and gpu.memory_used is not None]
        vram = sum(free) if free else None
        try:
            return FreeMemory(int(psutil.virtual_memory().available), vram)
        except (OSError, psutil.Error) as error:
            return FreeMemory(None, vram, f"This computer does not tell its free memory: {error}.")

    def close(self) -> None:
        """Let go of the GPU library."""
        with self._turn:
            self._gpus.close()


def measure_free_memory() -> FreeMemory:
    """Look a single time, as `FreeMemorySampler.sample`."""
    sampler = FreeMemorySampler()
    try:
        return sampler.sample()
    finally:
        sampler.close()
