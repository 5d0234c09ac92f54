"""Measuring what moves slowly or is of use only as a rate over seconds: the models' disk, disk and network traffic."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec


class TrafficSample(msgspec.Struct, frozen=True):
    """One look at disk and network. Sizes in bytes; None where this system does not tell, or not yet."""

    disk_path: str
    disk_total: int | None
    disk_free: int | None
    disk_reason: str | None
    """Why the disk could not be looked at."""
    read_per_second: float | None
    write_per_second: float | None
    received: int | None
    sent: int | None
    received_per_second: float | None
    sent_per_second: float | None


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


class TrafficSampler:
    """Looks at disk and network. Keeps what rates need from one look to the next."""

    def __init__(self, models_path: Path | None = None) -> None:
        self._path = models_path or _default_models_path()
        self._read, self._written, self._received, self._sent = _Counter(), _Counter(), _Counter(), _Counter()

    def sample(self, now: float) -> TrafficSample:
        """Look once; `now` is in seconds on a steady clock."""
        import psutil

        # A counter that begins anew is seen by `_Counter`: what psutil does against that costs a fifth more.
        io = psutil.disk_io_counters(nowrap=False)
        net = psutil.net_io_counters(nowrap=False)
        total, free, reason = self._disk()
        return TrafficSample(
            disk_path=str(self._path),
            disk_total=total,
            disk_free=free,
            disk_reason=reason,
            read_per_second=self._read.rate(io.read_bytes, now) if io else None,
            write_per_second=self._written.rate(io.write_bytes, now) if io else None,
            received=net.bytes_recv if net else None,
            sent=net.bytes_sent if net else None,
            received_per_second=self._received.rate(net.bytes_recv, now) if net else None,
            sent_per_second=self._sent.rate(net.bytes_sent, now) if net else None,
        )

    def _disk(self) -> tuple[int | None, int | None, str | None]:
        import psutil

        try:
            usage = psutil.disk_usage(str(self._path))
        except OSError as error:
            return None, None, f"The disk of {self._path} cannot be looked at: {error.strerror}."
        return usage.total, usage.free, None


def _default_models_path() -> Path:
    """The nearest existing folder to where Ollama keeps models (its ``OLLAMA_MODELS``, else ``~/.ollama/models``)."""
    chosen = os.environ.get("OLLAMA_MODELS")
    path = Path(chosen) if chosen else Path.home() / ".ollama" / "models"
    while not path.exists() and path != path.parent:
        path = path.parent
    return path
