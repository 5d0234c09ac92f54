"""Measurements of this machine: they arrive, are kept in rings that are used again, and are never invented."""

from __future__ import annotations

import math

import psutil

from ecs_localai import UIUpdateKind
from ecs_localai.runtime.diagnostics import HISTORY_LENGTH
from ecs_localai.systems.performance_monitoring import MACHINE, MeasurementHistory
from tests.rig.ollama_server import OllamaServer
from tests.systems.systems_parts import Driven


def test_samples_arrive_and_fill_the_rings(ollama_server: OllamaServer) -> None:
    """Three samples, two seconds apart: everything that they are to be is looked at here, as waiting is dear."""
    with Driven(ollama_server.port) as driven:
        driven.update()
        history = driven.app.world.resource(MeasurementHistory)
        rings = {"cpu": history.cpu, "gpu": history.gpu, "memory": history.memory, "vram": history.vram}
        buffers = {name: ring.window.base for name, ring in rings.items()}
        assert all(buffer is not None for buffer in buffers.values())
        assert [gauge.reason for gauge in driven.view.gauges] == ["Not measured yet."] * 4
        driven.until(lambda: history.memory.count >= 3)
        assert UIUpdateKind.MEASUREMENTS_CHANGED in driven.ui_kinds()

        # The machine.
        monitor = driven.models.resource_monitor
        machine = monitor.memory_usage[MACHINE]
        assert machine.total_bytes == psutil.virtual_memory().total
        assert machine.used_bytes is not None
        assert 0 < machine.used_bytes < psutil.virtual_memory().total
        assert machine.peak_bytes is not None
        assert machine.peak_bytes >= machine.used_bytes
        assert machine.percent is not None
        assert math.isclose(machine.percent, 100 * machine.used_bytes / psutil.virtual_memory().total)
        cpu = monitor.cpu_usage[MACHINE]
        assert cpu.core_count == psutil.cpu_count()
        assert cpu.percent is not None
        assert 0.0 <= cpu.percent <= 100.0

        # The server's process, found by what it is and not by a name that somebody told.
        key = f"ollama serve ({ollama_server.pid})"
        assert key in monitor.memory_usage
        served = monitor.memory_usage[key].used_bytes
        assert served is not None
        assert served > 1_000_000
        share = monitor.cpu_usage[key].percent
        assert share is not None
        assert 0.0 <= share <= 100.0

        # A value or a reason, never both, never neither.
        assert bool(monitor.gpu_usage) != bool(monitor.gpu_unavailable_reason)
        assert (monitor.disk_usage.free_bytes is None) == (monitor.disk_usage.unavailable_reason is not None)
        gauges = {gauge.key: gauge for gauge in driven.view.gauges}
        assert list(gauges) == ["cpu", "gpu", "memory", "vram"]
        for gauge in gauges.values():
            assert (gauge.value is None) == (gauge.reason is not None), gauge
            assert (gauge.history is None) == (gauge.value is None), gauge
        assert gauges["memory"].maximum == psutil.virtual_memory().total

        # The rings: as many values as samples (the first share of the processors is unknown), in the same memory.
        for name, ring in rings.items():
            assert ring.window.base is buffers[name]
            assert ring.window.shape == (HISTORY_LENGTH,)
            assert ring.count == history.memory.count
        assert [math.isnan(value) for value in history.cpu.window[-3:]] == [True, False, False]
        assert not any(math.isnan(value) for value in history.memory.window[-3:])
        assert history.memory.newest == machine.used_bytes
        shown = gauges["memory"].history
        assert isinstance(shown, memoryview)  # of the ring itself
        assert shown.obj is history.memory.samples.obj


def test_a_process_that_ends_is_taken_out(fresh_ollama: OllamaServer) -> None:
    with Driven(fresh_ollama.port) as driven:
        monitor = driven.models.resource_monitor
        key = f"ollama serve ({fresh_ollama.pid})"
        driven.until(lambda: key in monitor.memory_usage)
        fresh_ollama.terminate()
        driven.until(lambda: key not in monitor.memory_usage)
        assert key not in monitor.cpu_usage
        assert MACHINE in monitor.memory_usage
