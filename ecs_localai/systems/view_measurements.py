"""What the sparkline cards say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_localai.components.monitoring import ModelResourceMonitor
from ecs_localai.components.panel_view import GaugeView
from ecs_localai.components.wording import format_bytes
from ecs_localai.systems.performance_monitoring import MACHINE, MeasurementHistory

if TYPE_CHECKING:
    from ecs_localai.runtime import SampleRing

_UNITS = {"B": 1.0, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}


def gauges(monitor: ModelResourceMonitor, history: MeasurementHistory) -> list[GaugeView]:
    """CPU, GPU, memory and video memory of this machine."""
    cpu = monitor.cpu_usage.get(MACHINE)
    memory = monitor.memory_usage.get(MACHINE)
    waiting = "Not measured yet."
    cpu_percent = cpu.percent if cpu else None
    memory_total = memory.total_bytes if memory else None
    gpu = history.gpu.newest
    vram = history.vram.newest
    vram_total = sum(one.memory_total_bytes or 0 for one in monitor.gpu_usage.values())
    gpu_reason = monitor.gpu_unavailable_reason or ("The GPU does not tell." if monitor.gpu_usage else waiting)
    return [
        _percent("cpu", "CPU", cpu_percent, waiting, history.cpu),
        _percent("gpu", "GPU", gpu, gpu_reason, history.gpu),
        _bytes("memory", "Memory", memory.used_bytes if memory else None, memory_total, waiting, history.memory),
        _bytes("vram", "VRAM", vram, vram_total, gpu_reason, history.vram),
    ]


def _percent(key: str, title: str, value: float | None, reason: str, ring: SampleRing) -> GaugeView:
    known = value is not None
    return GaugeView(
        key=key,
        title=title,
        value=f"{value:.0f}" if value is not None else None,
        unit="%" if known else "",
        maximum=100.0,
        reason=None if known else reason,
        history=ring.samples if known else None,
    )


def _bytes(key: str, title: str, used: float | None, total: int | None, reason: str, ring: SampleRing) -> GaugeView:
    known = used is not None and bool(total)
    whole = format_bytes(total or 0)
    _, _, unit = whole.rpartition(" ")
    return GaugeView(
        key=key,
        title=title,
        value=f"{(used or 0) / _UNITS[unit]:.1f}" if known else None,
        unit=f"of {whole}" if known else "",
        maximum=float(total or 1),
        reason=None if known else reason,
        history=ring.samples if known else None,
    )
