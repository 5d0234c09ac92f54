"""PERFORMANCE_MONITORING: samples taken in the background, kept in ring buffers on the frame."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ecs_localai.components.events import UIUpdateEvent, UIUpdateKind
from ecs_localai.components.models import LocalModelManager
from ecs_localai.components.monitoring import CpuUsage, GpuUsage, MemoryUsage, ModelResourceMonitor
from ecs_localai.components.time_values import utc_now
from ecs_localai.runtime import EventWriter, IoTaskPool, Latest, Res, Task, Time, World
from ecs_localai.runtime.diagnostics import HISTORY_LENGTH, Diagnostic, DiagnosticPath, SampleRing
from ecs_localai.systems.background_imports import import_in_background
from ecs_localai.systems.machine_sampling import MachineSample, MachineSampler
from ecs_localai.systems.past_measurements import Values, read_past
from ecs_localai.systems.persistence import SavedState

if TYPE_CHECKING:
    from pathlib import Path

    from ecs_localai.systems.gpu_sampling import GpuSample
    from ecs_localai.systems.traffic_sampling import TrafficSample

SAMPLE_INTERVAL = 3.0
"""Seconds between two samples. Measuring and drawing it is nearly all that an idle panel does."""
MACHINE = "machine"
"""The key of the machine as a whole in `ModelResourceMonitor`."""
CPU_USAGE: Final = DiagnosticPath("system/cpu_usage")
"""Percent of all processors (Bevy: ``SystemInformationDiagnosticsPlugin``)."""
MEMORY_USED: Final = DiagnosticPath("system/memory_used")
"""Bytes. Bevy's ``system/mem_usage`` is in percent."""
GPU_USAGE: Final = DiagnosticPath("gpu/usage")
"""Percent of the busiest one."""
GPU_MEMORY_USED: Final = DiagnosticPath("gpu/memory_used")
"""Bytes of all of them together."""


KEPT_AS: Final = ("cpu_percent", "memory_bytes", "gpu_percent", "vram_bytes")
"""The names under which the data folder keeps them, in the order of `MeasurementHistory.diagnostics`."""


class MeasurementHistory:
    """The rings behind the sparklines, in percent (cpu, gpu) and bytes (memory, vram). A resource."""

    __slots__ = ("cpu", "diagnostics", "gpu", "memory", "vram")

    def __init__(self) -> None:
        self.cpu = SampleRing()
        self.gpu = SampleRing()
        self.memory = SampleRing()
        self.vram = SampleRing()
        self.diagnostics = (
            Diagnostic(CPU_USAGE, "%", self.cpu),
            Diagnostic(MEMORY_USED, "B", self.memory),
            Diagnostic(GPU_USAGE, "%", self.gpu),
            Diagnostic(GPU_MEMORY_USED, "B", self.vram),
        )
        """The same by path, for the app's `DiagnosticsStore`."""

    def add(self, sample: MachineSample, at: float) -> None:
        """Take in a sample, at this time in `Time.real_elapsed_seconds`."""
        cpu, memory, gpu, vram = self.diagnostics
        cpu.add_measurement(sample.cpu_percent, at)
        memory.add_measurement(sample.memory_used, at)
        gpu.add_measurement(busiest(sample.gpus), at, sample.gpu_reason)
        vram.add_measurement(vram_used(sample.gpus), at, sample.gpu_reason)

    def newest(self) -> dict[str, float]:
        """The last sample by the names under which it is kept, without what could not be measured."""
        named = zip(KEPT_AS, self.diagnostics, strict=True)
        return {name: value for name, diagnostic in named if (value := diagnostic.value) is not None}

    def go_on_from(self, past: list[Values | None], until: float) -> None:
        """Take in what was measured before the program began, the last of it one interval before `until`."""
        for number, values in enumerate(past):
            at = until - (len(past) - number) * SAMPLE_INTERVAL
            for name, diagnostic in zip(KEPT_AS, self.diagnostics, strict=True):
                diagnostic.add_measurement(None if values is None else values.get(name), at)


class Sampling:
    """The sampler at work in the background. A resource; dropping it ends it."""

    __slots__ = ("channel", "past", "task")

    def __init__(self, tasks: IoTaskPool, file: Path | None = None) -> None:
        self.channel: Latest[MachineSample] = tasks.channel()
        self.past: list[Values | None] = []
        """What the last program measured. The background puts it in before it sends the first sample."""
        self.task: Task[None] = tasks.spawn(sample_forever(self.channel, self.past, file), "sample this machine")


def start_sampling(world: World, tasks: Res[IoTaskPool], saved: Res[SavedState]) -> None:
    """Begin to measure this machine."""
    world.insert_resource(Sampling(tasks, saved.file))


async def sample_forever(channel: Latest[MachineSample], past: list[Values | None], file: Path | None = None) -> None:
    """Send a sample every `SAMPLE_INTERVAL` seconds until cancelled.

    Before the first, what the file has of the time before goes into `past`.

    The measuring has a thread of its own, which sleeps by itself: being sent to work by the loop each time costs as
    much as the measuring. The thread is none that a program which just ends would wait for.
    """
    import asyncio  # in the background: a first frame need not wait for it

    loop = asyncio.get_running_loop()
    stop = threading.Event()
    ended: asyncio.Future[None] = loop.create_future()

    def fail(error: Exception) -> None:
        if not ended.done():
            ended.set_exception(error)

    def sample() -> None:
        try:
            if file is not None:
                past.extend(read_past(file, SAMPLE_INTERVAL, HISTORY_LENGTH - 1))
            _sample_until(stop, lambda found: loop.call_soon_threadsafe(channel.send, found))
        except Exception as error:  # noqa: BLE001 - raised again by the task
            loop.call_soon_threadsafe(fail, error)

    thread = threading.Thread(target=sample, name="ecs-localai-sampling", daemon=True)
    thread.start()
    try:
        await ended
    finally:
        stop.set()
        thread.join()  # at most as long as one sample takes


def _sample_until(stop: threading.Event, hand_over: Callable[[MachineSample], object]) -> None:
    import_in_background("psutil")
    sampler = MachineSampler()
    try:
        while not stop.is_set():
            hand_over(sampler.sample())
            stop.wait(SAMPLE_INTERVAL)
    finally:
        sampler.close()


def monitor_model_performance(
    time: Time,
    tasks: Res[IoTaskPool],
    sampling: Res[Sampling],
    models: Res[LocalModelManager],
    history: Res[MeasurementHistory],
    saved: Res[SavedState],
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Take in the newest sample, if one has arrived, and hand it over to be kept."""
    if not tasks.arrived:
        return
    sample = sampling.channel.take()
    if sample is None:
        return
    _record(sample, models.resource_monitor)
    if sampling.past:
        history.go_on_from(sampling.past, time.real_elapsed_seconds)
        sampling.past = []
    history.add(sample, time.real_elapsed_seconds)
    saved.add_measurements(utc_now(), history.newest())
    ui.write(UIUpdateEvent(UIUpdateKind.MEASUREMENTS_CHANGED))


def busiest(gpus: tuple[GpuSample, ...]) -> float | None:
    """The utilisation of the busiest GPU in percent; None where none tells."""
    told = [gpu.utilization_percent for gpu in gpus if gpu.utilization_percent is not None]
    return max(told, default=None)


def vram_used(gpus: tuple[GpuSample, ...]) -> float | None:
    """Bytes of video memory in use on all GPUs together; None where none tells."""
    told = [gpu.memory_used for gpu in gpus if gpu.memory_used is not None]
    return float(sum(told)) if told else None


def _record(sample: MachineSample, monitor: ModelResourceMonitor) -> None:
    """Write the sample into the brief's data, reusing its objects."""
    cpu = monitor.cpu_usage.setdefault(MACHINE, CpuUsage())
    cpu.percent, cpu.core_count = sample.cpu_percent, sample.core_count
    memory = monitor.memory_usage.setdefault(MACHINE, MemoryUsage())
    memory.used_bytes, memory.total_bytes = sample.memory_used, sample.memory_total
    memory.percent = 100.0 * sample.memory_used / sample.memory_total
    memory.peak_bytes = max(memory.peak_bytes or 0, sample.memory_used)
    _record_processes(sample, monitor)
    monitor.gpu_unavailable_reason = sample.gpu_reason
    gone = monitor.gpu_usage.keys() - {f"{index}: {gpu.name}" for index, gpu in enumerate(sample.gpus)}
    for key in gone:
        del monitor.gpu_usage[key]
    for index, gpu in enumerate(sample.gpus):
        usage = monitor.gpu_usage.setdefault(f"{index}: {gpu.name}", GpuUsage(name=gpu.name))
        usage.utilization_percent = gpu.utilization_percent
        usage.memory_used_bytes, usage.memory_total_bytes = gpu.memory_used, gpu.memory_total
        usage.temperature_celsius, usage.power_watts = gpu.temperature_celsius, gpu.power_watts
    _record_traffic(sample.traffic, monitor)


def _record_traffic(traffic: TrafficSample, monitor: ModelResourceMonitor) -> None:
    disk, network = monitor.disk_usage, monitor.network_usage
    disk.path, disk.total_bytes, disk.free_bytes = traffic.disk_path, traffic.disk_total, traffic.disk_free
    disk.unavailable_reason = traffic.disk_reason
    if traffic.disk_total and traffic.disk_free is not None:
        disk.used_bytes = traffic.disk_total - traffic.disk_free
        disk.percent = 100.0 * disk.used_bytes / traffic.disk_total
    disk.read_bytes_per_second, disk.write_bytes_per_second = traffic.read_per_second, traffic.write_per_second
    network.received_bytes, network.sent_bytes = traffic.received, traffic.sent
    network.received_bytes_per_second = traffic.received_per_second
    network.sent_bytes_per_second = traffic.sent_per_second


def _record_processes(sample: MachineSample, monitor: ModelResourceMonitor) -> None:
    keys = {f"{process.label} ({process.pid})": process for process in sample.processes}
    for gone in (monitor.memory_usage.keys() - keys.keys()) - {MACHINE}:
        del monitor.memory_usage[gone]
    for gone in (monitor.cpu_usage.keys() - keys.keys()) - {MACHINE}:
        del monitor.cpu_usage[gone]
    for key, process in keys.items():
        memory = monitor.memory_usage.setdefault(key, MemoryUsage())
        memory.used_bytes, memory.total_bytes = process.rss_bytes, sample.memory_total
        memory.peak_bytes = max(memory.peak_bytes or 0, process.rss_bytes)
        memory.percent = 100.0 * process.rss_bytes / sample.memory_total
        cpu = monitor.cpu_usage.setdefault(key, CpuUsage())
        cpu.percent, cpu.core_count = process.cpu_percent, sample.core_count
