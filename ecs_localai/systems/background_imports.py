"""Importing what takes long, in the background and one after the other."""

from __future__ import annotations

import threading
from importlib import import_module

_one_at_a_time = threading.Lock()


def import_in_background(*modules: str) -> None:
    """Import these modules; for background threads alone.

    A frame has to wait, for up to 5 ms, for every thread that is at work when it begins (Python's switch interval). So
    only one of them imports at a time.
    """
    with _one_at_a_time:
        for module in modules:
            import_module(module)
