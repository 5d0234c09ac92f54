"""Where the endpoint listens."""

from __future__ import annotations

from typing import Final

LOOPBACK: Final = "127.0.0.1"
"""Only programs on this machine can connect."""
DEFAULT_PORT: Final = 15702
"""Bevy's (``bevy_remote/src/http.rs``), so that its clients find ours without being told."""


def url_of(port: int) -> str:
    """Where to send requests."""
    return f"http://{LOOPBACK}:{port}/"
