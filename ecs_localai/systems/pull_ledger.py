"""What is known of a download over all its pulls: what has come, what is left, and why it is tried again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from ecs_localai.components.installation import DownloadRetry, InstallationPhase, LayerProgress
from ecs_localai.ollama.pull import PullPhase, PullProgress
from ecs_localai.systems.installation_report import InstallationReport

_PHASES = {
    PullPhase.MANIFEST: InstallationPhase.DOWNLOADING,
    PullPhase.DOWNLOADING: InstallationPhase.DOWNLOADING,
    PullPhase.VERIFYING: InstallationPhase.VERIFYING,
    PullPhase.WRITING: InstallationPhase.INSTALLING,
    PullPhase.DONE: InstallationPhase.INSTALLING,
}
_ALL_THERE = frozenset({PullPhase.VERIFYING, PullPhase.WRITING, PullPhase.DONE})


@dataclass(slots=True)
class PullLedger:
    """What is known of a download over all its pulls: they may be many, and their host may lose what they brought."""

    report: Callable[[InstallationReport], None]
    fetched: dict[str, int] = field(default_factory=dict)
    """Bytes by digest."""
    refetched: int = 0
    """Bytes that were fetched again in the pulls before this one."""
    furthest: int = 0
    """The most bytes that were there at a time."""
    transferred: int = 0
    """Bytes that came over the line in the pulls before this one."""
    has_begun: bool = False
    """Whether a pull has got so far that the host says something of a file."""
    missing: frozenset[str] = frozenset()
    """The files that the host lacked when it began."""
    left: int = 0
    """Bytes that are still to be written to the host's disk, as far as is known."""
    _last: PullProgress = field(default_factory=PullProgress)
    _layers: tuple[LayerProgress, ...] = ()
    _told: InstallationReport = field(default_factory=lambda: InstallationReport(InstallationPhase.DOWNLOADING))
    _retry: DownloadRetry | None = None

    @property
    def layer(self) -> str:
        """The digest of the file that the pull at hand is at; empty before the first."""
        return self._last.layer

    @property
    def has_brought(self) -> bool:
        """Whether the pull at hand has brought a byte."""
        return self._last.transferred_bytes > 0

    def take(self, progress: PullProgress) -> None:
        """A pull has come further."""
        self._last = progress
        self.has_begun |= bool(progress.layer)
        if progress.transferred_bytes or progress.bytes_downloaded > self.furthest or progress.phase in _ALL_THERE:
            self._retry = None
        self.furthest = max(self.furthest, progress.bytes_downloaded)
        if progress.layer and progress.layers is not self._layers:
            self._layers = progress.layers
            self.left = sum(one.size - one.downloaded for one in progress.layers if one.digest in self.missing)
        there = progress.bytes_downloaded - progress.rolled_back_bytes
        self._tell(
            InstallationReport(
                phase=_PHASES[progress.phase],
                bytes_done=self.furthest,
                total_bytes=progress.total_bytes,
                bytes_present=progress.bytes_present,
                rolled_back_bytes=self.furthest - there,
                fraction=progress.fraction,
                layers=progress.layers,
                transferred_bytes=self.transferred + progress.transferred_bytes,
                refetched_bytes=self.refetched + progress.refetched_bytes,
                retry=self._retry,
            )
        )

    def try_again(self, retry: DownloadRetry) -> None:
        """A pull has failed, and the next one will follow."""
        self._retry = retry
        self._tell(msgspec.structs.replace(self._told, phase=InstallationPhase.DOWNLOADING, retry=retry))

    def end_pull(self) -> None:
        """A pull has ended; another one may follow."""
        last, self._last = self._last, PullProgress()
        if not last.layer:
            return
        self.transferred += last.transferred_bytes
        self.refetched += last.refetched_bytes
        self.fetched |= {layer.digest: layer.downloaded for layer in last.layers}

    def _tell(self, report: InstallationReport) -> None:
        self._told = report
        self.report(report)
