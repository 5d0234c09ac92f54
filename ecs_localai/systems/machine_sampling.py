"""Measuring this machine: processors, memory, disk, network, GPUs, and the processes that run models.

Runs in a background thread, never on the frame. What cannot be measured is None, with the reason.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ecs_localai.systems.gpu_sampling import GpuSample, GpuSampler
from ecs_localai.systems.traffic_sampling import TrafficSample, TrafficSampler

if TYPE_CHECKING:
    import psutil


class ProcessSample(msgspec.Struct, frozen=True):
    """One process that serves or runs models."""

    pid: int
    label: str
    """``ollama serve``, or ``runner`` with the start of the model file's digest."""
    rss_bytes: int
    cpu_percent: float
    """Of the whole machine, 0 to 100."""


class MachineSample(msgspec.Struct, frozen=True):
    """One round of measurements."""

    cpu_percent: float | None
    """None in the first round: a share is of the time between two looks."""
    core_count: int
    memory_used: int
    memory_total: int
    gpus: tuple[GpuSample, ...]
    gpu_reason: str | None
    traffic: TrafficSample
    """The newest look at disk and network; they are looked at less often."""
    processes: tuple[ProcessSample, ...]


class MachineSampler:
    """Takes samples. Keeps what rates need from one to the next; to be used by one thread at a time."""

    def __init__(self, models_path: Path | None = None) -> None:
        self._gpus = GpuSampler()
        self._traffic = TrafficSampler(models_path)
        self._newest_traffic: TrafficSample | None = None
        self._looked_at_traffic = float("-inf")
        self._cores = 0
        self._processes: dict[int, psutil.Process] = {}
        self._known_pids: set[int] = set()
        self._seen_pids: set[int] = set()
        self._looked_for_processes = float("-inf")
        self._looked_at_cpu = False

    def sample(self) -> MachineSample:
        """Measure everything once. Takes milliseconds."""
        import psutil

        now = time.monotonic()
        memory = psutil.virtual_memory()
        self._cores = self._cores or psutil.cpu_count() or 1
        gpus, gpu_reason = self._gpus.sample()
        return MachineSample(
            cpu_percent=self._cpu_percent(),
            core_count=self._cores,
            memory_used=memory.total - memory.available,
            memory_total=memory.total,
            gpus=gpus,
            gpu_reason=gpu_reason,
            traffic=self._sample_traffic(now),
            processes=self._sample_processes(now, self._cores),
        )

    def close(self) -> None:
        """Let go of the GPU library."""
        self._gpus.close()

    def _cpu_percent(self) -> float | None:
        import psutil

        share = psutil.cpu_percent()
        before, self._looked_at_cpu = self._looked_at_cpu, True
        return share if before else None

    def _sample_traffic(self, now: float) -> TrafficSample:
        if self._newest_traffic is None or now - self._looked_at_traffic >= TRAFFIC_SECONDS:
            self._looked_at_traffic = now
            self._newest_traffic = self._traffic.sample(now)
        return self._newest_traffic

    def _sample_processes(self, now: float, cores: int) -> tuple[ProcessSample, ...]:
        import psutil

        if now - self._looked_for_processes >= PROCESS_SEARCH_SECONDS:
            self._looked_for_processes = now
            self._find_processes()
        samples = []
        for pid, process in list(self._processes.items()):
            try:
                if not process.is_running():  # also when the pid belongs to another process by now
                    del self._processes[pid]
                    continue
                with process.oneshot():
                    samples.append(
                        ProcessSample(
                            pid,
                            _label(process.cmdline()),
                            process.memory_info().rss,
                            process.cpu_percent() / cores,
                        )
                    )
            except psutil.Error:
                del self._processes[pid]  # it has ended, or is not ours to look at
        return tuple(samples)

    def _find_processes(self) -> None:
        """Look for Ollama's server and runners among the processes that are new since the last look.

        Asking a process for its command line costs 0.1 ms, and there are hundreds that stay what they are. Each is
        asked at two looks, because a program starts as a copy of the shell that started it.
        """
        import psutil

        pids = set(psutil.pids())
        for pid in pids - self._known_pids - self._processes.keys():
            try:
                process = psutil.Process(pid)
                with process.oneshot():
                    if is_ollama_process(process.name(), process.cmdline()):
                        # Kept, because the processor share is of the time since it was last asked.
                        self._processes[pid] = process
            except psutil.Error:
                continue  # it has ended, or is not ours to look at
        self._known_pids, self._seen_pids = pids & self._seen_pids, pids


PROCESS_SEARCH_SECONDS = 4.0
TRAFFIC_SECONDS = 5.0
"""Between two looks at disk and network. They cost as much as all the rest of a sample."""


def is_ollama_process(name: str, cmdline: list[str]) -> bool:
    """Whether a process is Ollama's server or one of its runners.

    The program may have been renamed, so the arguments count: ``serve``, ``runner --model`` (0.5 and later) and
    ``llama-server --model …/blobs/sha256-…`` (0.30 and later).
    """
    program = Path(cmdline[0]).name.lower() if cmdline else name.lower()
    second = cmdline[1] if len(cmdline) > 1 else ""
    if "ollama" in program or "ollama" in name.lower():
        return second in ("serve", "runner", "") or "llama_server" in program
    return program.startswith("llama-server") and any("sha256-" in part for part in cmdline)


def _label(cmdline: list[str]) -> str:
    for part in cmdline:
        _, found, digest = part.partition("sha256-")
        if found:
            return f"runner {digest[:12]}"
    return "ollama serve"
