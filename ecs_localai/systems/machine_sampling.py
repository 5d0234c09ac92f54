"""Measuring this machine: processors, memory, disk, network, GPUs, and the processes that run models.

Runs in a background thread, never on the frame. What cannot be measured is None, with the reason.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ecs_localai.systems.gpu_sampling import GpuSample, GpuSampler

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
    disk_path: str
    disk_total: int | None
    disk_free: int | None
    disk_reason: str | None
    read_per_second: float | None
    write_per_second: float | None
    received: int | None
    sent: int | None
    received_per_second: float | None
    sent_per_second: float | None
    processes: tuple[ProcessSample, ...]


class _Counter:
    """Turns a growing counter into a rate."""

    __slots__ = ("_last", "_time")

    def __init__(self) -> None:
        self._last: int | None = None
        self._time = 0.0

    def rate(self, value: int, now: float) -> float | None:
        """Units per second since the last call; None at the first, and after the counter began anew."""
        last, before = self._last, self._time
        self._last, self._time = value, now
        if last is None or value < last or now <= before:
            return None
        return (value - last) / (now - before)


class MachineSampler:
    """Takes samples. Keeps what rates need from one to the next; to be used by one thread at a time."""

    def __init__(self, models_path: Path | None = None) -> None:
        self._path = models_path or _default_models_path()
        self._gpus = GpuSampler()
        self._read, self._written, self._received, self._sent = _Counter(), _Counter(), _Counter(), _Counter()
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
        cores = psutil.cpu_count() or 1
        gpus, gpu_reason = self._gpus.sample()
        disk_total, disk_free, disk_reason = self._disk()
        io = psutil.disk_io_counters()
        net = psutil.net_io_counters()
        return MachineSample(
            cpu_percent=self._cpu_percent(),
            core_count=cores,
            memory_used=memory.total - memory.available,
            memory_total=memory.total,
            gpus=gpus,
            gpu_reason=gpu_reason,
            disk_path=str(self._path),
            disk_total=disk_total,
            disk_free=disk_free,
            disk_reason=disk_reason,
            read_per_second=self._read.rate(io.read_bytes, now) if io else None,
            write_per_second=self._written.rate(io.write_bytes, now) if io else None,
            received=net.bytes_recv if net else None,
            sent=net.bytes_sent if net else None,
            received_per_second=self._received.rate(net.bytes_recv, now) if net else None,
            sent_per_second=self._sent.rate(net.bytes_sent, now) if net else None,
            processes=self._sample_processes(now, cores),
        )

    def close(self) -> None:
        """Let go of the GPU library."""
        self._gpus.close()

    def _cpu_percent(self) -> float | None:
        import psutil

        share = psutil.cpu_percent()
        before, self._looked_at_cpu = self._looked_at_cpu, True
        return share if before else None

    def _disk(self) -> tuple[int | None, int | None, str | None]:
        import psutil

        try:
            usage = psutil.disk_usage(str(self._path))
        except OSError as error:
            return None, None, f"The disk of {self._path} cannot be looked at: {error.strerror}."
        return usage.total, usage.free, None

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


def _default_models_path() -> Path:
    """The nearest existing folder to where Ollama keeps models (its ``OLLAMA_MODELS``, else ``~/.ollama/models``)."""
    import os

    chosen = os.environ.get("OLLAMA_MODELS")
    path = Path(chosen) if chosen else Path.home() / ".ollama" / "models"
    while not path.exists() and path != path.parent:
        path = path.parent
    return path
