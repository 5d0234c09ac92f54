"""After each test of a provider no socket, thread or task of it may be left."""

from __future__ import annotations

from tests.ollama.conftest import nothing_left_behind

__all__ = ["nothing_left_behind"]
