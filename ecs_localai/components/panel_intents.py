"""What a person did in the panel, as events: written by the panel, read by the systems.

They are events of the world like any others, so a script, a test or a host program can write them too.
"""

from __future__ import annotations

import msgspec


class HostEdited(msgspec.Struct, frozen=True):
    """The host field was confirmed with this text."""

    text: str


class InstallRequested(msgspec.Struct, frozen=True):
    """The install field was confirmed with this text: a model name."""

    text: str


class CancelRequested(msgspec.Struct, frozen=True):
    """A running or queued installation is to stop."""

    installation_id: str


class RetryRequested(msgspec.Struct, frozen=True):
    """A failed or cancelled installation is to start again."""

    installation_id: str


class DismissRequested(msgspec.Struct, frozen=True):
    """An ended installation's row is to go away."""

    installation_id: str


class DeleteModelRequested(msgspec.Struct, frozen=True):
    """A model is to be removed from the host. The panel has asked for confirmation already."""

    model_name: str


class ToggleRequested(msgspec.Struct, frozen=True):
    """A feature's toggle was switched."""

    feature_id: str
    on: bool


class NoticeDismissed(msgspec.Struct, frozen=True):
    """A notice was closed."""

    notice_id: int


class RefreshRequested(msgspec.Struct, frozen=True):
    """Look again now: the host, its models, everything."""
