"""Current measurements of the machine and of the processes that run models.

Each value is the newest one; histories are ring buffers elsewhere. What could not be measured is None,
and `unavailable_reason` says why.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class MemoryUsage:
    """Main memory of the machine, a process or a model. Sizes in bytes, shares in percent."""

    used_bytes: int | None = None
    """Resident memory of a process; for the machine, what is not available."""
    total_bytes: int | None = None
    """What the machine has."""
    peak_bytes: int | None = None
    """The most that was seen used."""
    percent: float | None = None
    """`used_bytes` of `total_bytes`, 0 to 100."""
    unavailable_reason: str | None = None


@dataclass(slots=True)
class CpuUsage:
    """Processor time of the machine or a process."""

    percent: float | None = None
    """Of the whole machine, 0 to 100: all its cores busy is 100."""
    core_count: int | None = None
    """Logical cores of the machine."""
    unavailable_reason: str | None = None


@dataclass(slots=True)
class GpuUsage:
    """One GPU, or a process's share of one. Memory in bytes, shares in percent."""

    name: str = ""
    utilization_percent: float | None = None
    """0 to 100."""
    memory_used_bytes: int | None = None
    memory_total_bytes: int | None = None
    temperature_celsius: float | None = None
    power_watts: float | None = None
    unavailable_reason: str | None = None


@dataclass(slots=True)
class DiskUsage:
    """The disk that holds the models. Sizes in bytes, rates in bytes per second."""

    path: str = ""
    """Which disk: any folder on it. Empty until it is known."""
    total_bytes: int | None = None
    used_bytes: int | None = None
    free_bytes: int | None = None
    """What a user without special rights can still write."""
    percent: float | None = None
    """0 to 100."""
    read_bytes_per_second: float | None = None
    write_bytes_per_second: float | None = None
    unavailable_reason: str | None = None


@dataclass(slots=True)
class NetworkUsage:
    """The machine's network. Amounts in bytes, rates in bytes per second."""

    received_bytes_per_second: float | None = None
    sent_bytes_per_second: float | None = None
    received_bytes: int | None = None
    """Since the machine started."""
    sent_bytes: int | None = None
    """Since the machine started."""
    unavailable_reason: str | None = None


@dataclass(slots=True)
class ModelResourceMonitor:
    """What running models costs this machine. Keys name a process, a model or a GPU."""

    memory_usage: dict[str, MemoryUsage] = field(default_factory=dict)
    cpu_usage: dict[str, CpuUsage] = field(default_factory=dict)
    gpu_usage: dict[str, GpuUsage] = field(default_factory=dict)
    disk_usage: DiskUsage = field(default_factory=DiskUsage)
    network_usage: NetworkUsage = field(default_factory=NetworkUsage)
    gpu_unavailable_reason: str | None = None
    """Why `gpu_usage` is empty; None when it is not, or not looked at yet."""
