"""GPUs as NVIDIA's library tells of them (the module ``pynvml`` of nvidia-ml-py), or the reason why not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import msgspec

P = ParamSpec("P")
T = TypeVar("T")


class GpuSample(msgspec.Struct, frozen=True):
    """One GPU. Sizes in bytes; None where the driver does not tell."""

    name: str
    utilization_percent: float | None
    memory_used: int | None
    memory_total: int | None
    temperature_celsius: float | None
    power_watts: float | None


class GpuSampler:
    """Reads all NVIDIA GPUs. Without a driver it finds that out once and does not try again."""

    def __init__(self) -> None:
        self._handles: list[tuple[str, object]] | None = None
        self._reason: str | None = None

    def sample(self) -> tuple[tuple[GpuSample, ...], str | None]:
        """All GPUs, or none and the reason."""
        if self._handles is None and self._reason is None:
            self._open()
        if self._handles is None:
            return (), self._reason
        return tuple(self._read(name, handle) for name, handle in self._handles), None

    @staticmethod
    def _read(name: str, handle: object) -> GpuSample:
        import pynvml

        memory = _told(pynvml.nvmlDeviceGetMemoryInfo, handle)
        rates = _told(pynvml.nvmlDeviceGetUtilizationRates, handle)
        power = _told(pynvml.nvmlDeviceGetPowerUsage, handle)
        temperature = _told(pynvml.nvmlDeviceGetTemperature, handle, pynvml.NVML_TEMPERATURE_GPU)
        return GpuSample(
            name=name,
            utilization_percent=float(rates.gpu) if rates is not None else None,
            memory_used=int(memory.used) if memory is not None else None,
            memory_total=int(memory.total) if memory is not None else None,
            temperature_celsius=float(temperature) if temperature is not None else None,
            power_watts=power / 1000.0 if power is not None else None,
        )

    def close(self) -> None:
        """Let go of the library."""
        if self._handles is not None:
            import pynvml

            self._handles = None
            self._reason = "The GPU sampler has been closed."
            _told(pynvml.nvmlShutdown)

    def _open(self) -> None:
        # Importing pynvml and asking it takes 25-40 ms, looking for the device node 4 µs.
        if sys.platform == "linux" and not Path("/dev/nvidiactl").exists() and not Path("/dev/dxg").exists():
            self._reason = "No NVIDIA GPU: there is no NVIDIA driver on this computer."
            return
        import pynvml

        try:
            pynvml.nvmlInit()
            handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
            self._handles = [(str(pynvml.nvmlDeviceGetName(handle)), handle) for handle in handles]
        except pynvml.NVMLError as error:
            self._reason = f"The NVIDIA driver does not answer: {error}."
            return
        if not self._handles:
            self._handles = None
            self._reason = "The NVIDIA driver knows of no GPU."


def _told(ask: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """What the driver answers, or None where this GPU or driver does not support the question."""
    import pynvml

    try:
        return ask(*args, **kwargs)
    except pynvml.NVMLError:
        return None
