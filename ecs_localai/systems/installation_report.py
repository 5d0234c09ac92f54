"""What the background tells of an installation, whatever way the model comes to its host."""

from __future__ import annotations

import msgspec

from ecs_localai.components.installation import DownloadRetry, InstallationPhase, LayerProgress


class InstallationReport(msgspec.Struct, frozen=True):
    """How far an installation is. Sizes in bytes. A value: the newest one says all."""

    phase: InstallationPhase
    """One that `InstallationStatus.is_running` is true of."""
    bytes_done: int = 0
    """Never goes back within one phase of an import, and within the whole of a download."""
    total_bytes: int = 0
    """Zero while it is unknown."""
    bytes_present: int = 0
    """Of `bytes_done`, what was there before: it is left out of the speed."""
    rolled_back_bytes: int = 0
    """Of `bytes_done`, what the host has thrown away and is fetching again."""
    fraction: float | None = None
    """Of the whole, 0.0 to 1.0, never going back; None while it cannot be told."""
    layers: tuple[LayerProgress, ...] | None = None
    """None where nothing of them is known. The same object as before means that nothing of them has changed."""
    transferred_bytes: int | None = None
    """What has come over the line by now; None: `bytes_done` without `bytes_present`."""
    refetched_bytes: int = 0
    """What of all that was fetched for this installation had to be fetched again, by now."""
    retry: DownloadRetry | None = None
    """Why it is tried again, until that brings bytes."""
