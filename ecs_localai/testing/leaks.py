"""What this process holds, to see that a test left nothing of it behind.

Threads, sockets, esper worlds, and asyncio tasks of apps' task pools. Tasks of other event loops show as the thread
or the sockets of their loop.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from dataclasses import dataclass
from typing import Final

import esper

from ecs_localai.runtime.tasks import live_pools

POLL_SECONDS: Final = 0.01
_DESCRIPTORS: Final = "/proc/self/fd"


@dataclass(frozen=True)
class Holdings:
    """Each thing by what identifies it, with a text for people."""

    things: dict[object, str]

    @classmethod
    def now(cls) -> Holdings:
        """What the process holds now."""
        things: dict[object, str] = {thread: f"thread {thread.name}" for thread in threading.enumerate()}
        things |= {("world", name): f"esper world '{name}'" for name in esper.list_worlds()}
        for pool in list(live_pools):
            things |= {(id(pool), name): f"background task {name}" for name in pool.task_names}
        return cls(things | _sockets())

    def new_since(self, before: Holdings) -> list[str]:
        """What is held here and was not held then, one text each, sorted."""
        return sorted(text for thing, text in self.things.items() if thing not in before.things)


def left_behind(before: Holdings, within: float = 2.0) -> list[str]:
    """What is held now and was not held before, one text each; empty when there is nothing.

    Things may take up to `within` seconds to go: a closed socket leaves when its loop has turned once more.
    """
    deadline = time.monotonic() + within
    while (new := Holdings.now().new_since(before)) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return new


def _sockets() -> dict[object, str]:
    """The open sockets: on Linux by the kernel's number for each, elsewhere by what psutil tells of them."""
    if not os.path.isdir(_DESCRIPTORS):
        return _sockets_by_psutil()
    found: dict[object, str] = {}
    for descriptor in os.listdir(_DESCRIPTORS):
        with contextlib.suppress(OSError):  # the folder's own descriptor is gone by now
            target = os.readlink(f"{_DESCRIPTORS}/{descriptor}")
            if target.startswith("socket:"):
                found[target] = f"socket on file descriptor {descriptor}"
    return found


def _sockets_by_psutil() -> dict[object, str]:
    try:
        import psutil
    except ImportError:
        return {}
    return {
        ("socket", one.fd, one.laddr, one.raddr): f"socket {_address(one.laddr)} {_address(one.raddr)} {one.status}"
        for one in psutil.Process().net_connections("all")
    }


def _address(address: object) -> str:
    return ":".join(str(part) for part in address) if isinstance(address, tuple) else str(address)
