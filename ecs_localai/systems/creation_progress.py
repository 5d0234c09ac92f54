"""How far the making of a model is, as reports that never go back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ecs_localai.components.installation import InstallationPhase
from ecs_localai.systems.installation_report import InstallationReport

_SHARES: Final = {
    InstallationPhase.VERIFYING: (0.0, 0.4),
    InstallationPhase.EXTRACTING: (0.4, 0.98),
    InstallationPhase.INSTALLING: (0.98, 1.0),
}
"""Which part of the whole each phase is taken for. Counting a file and sending it read the same bytes."""
_SHARES_QUANTISED: Final = {
    InstallationPhase.VERIFYING: (0.0, 0.1),
    InstallationPhase.EXTRACTING: (0.1, 0.3),
    InstallationPhase.INSTALLING: (0.3, 1.0),
}
"""To quantise a model takes longer than all else."""


class CreationProgress:
    """Counts one phase after the other. Only what is sent are bytes in the reports; the rest is their fraction.

    Used in the background only.
    """

    def __init__(self, report: Callable[[InstallationReport], None], *, quantises: bool = False) -> None:
        self._report = report
        self._shares = _SHARES_QUANTISED if quantises else _SHARES
        self._phase = InstallationPhase.VERIFYING
        self._done = 0
        self._work = 0
        self._size = 0
        self._present = 0
        self._sent = 0
        self._fraction: float | None = None

    @property
    def sent(self) -> int:
        """The bytes that the host has by now."""
        return self._sent

    def count(self, size: int) -> None:
        """So many bytes are to be counted now, and to be sent later."""
        self._size = size
        self._begin(InstallationPhase.VERIFYING, size)

    def counted(self, more: int) -> None:
        """So many more bytes were counted."""
        self._reach(self._done + more)

    def send(self, present: int) -> None:
        """The files are being sent; so many bytes of them are there already."""
        self._present = self._sent = present
        self._begin(InstallationPhase.EXTRACTING, self._size, present)

    def has_sent(self, sent: int) -> None:
        """So many bytes are there by now. A file that has grown meanwhile does not count for more than it was."""
        self._sent = max(self._sent, min(sent, self._size))
        self._reach(self._sent)

    def install(self) -> None:
        """The model is being made."""
        self._begin(InstallationPhase.INSTALLING, 0)

    def made(self, done: int, work: int) -> None:
        """So much of so much is made."""
        self._work = work
        self._reach(done)

    def _begin(self, phase: InstallationPhase, work: int, done: int = 0) -> None:
        self._phase, self._work, self._done = phase, work, 0
        self._reach(done)

    def _reach(self, done: int) -> None:
        self._done = max(self._done, min(done, self._work))
        low, high = self._shares[self._phase]
        if self._work > 0:
            self._fraction = max(self._fraction or 0.0, low + (high - low) * self._done / self._work)
        elif self._size > 0:
            self._fraction = max(self._fraction or 0.0, low)
        self._report(
            InstallationReport(
                phase=self._phase,
                bytes_done=self._sent,
                total_bytes=self._size,
                bytes_present=self._present,
                fraction=self._fraction,
            )
        )
