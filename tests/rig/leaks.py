"""What this process holds (threads, sockets, child processes), to see that nothing of it is left behind."""

from __future__ import annotations

import contextlib
import os
import threading
from dataclasses import dataclass

import psutil

from tests.rig import orphan_guard
from tests.rig.waiting import DeadlinePassed, wait_until


@dataclass(frozen=True)
class Holdings:
    """Threads by identity, sockets by number, child processes by process id; each with a text for people."""

    threads: dict[int, str]
    sockets: dict[str, str]
    children: dict[tuple[int, float], str]


def holdings() -> Holdings:
    """What this process holds now. The rig's own guard process is not counted."""
    threads = {id(thread): f"thread {thread.name}" for thread in threading.enumerate()}
    return Holdings(threads, _sockets(), _children())


def new_since(before: Holdings) -> list[str]:
    """What this process holds now and did not hold ``before``, one text each, sorted."""
    now = holdings()
    new = [text for key, text in now.threads.items() if key not in before.threads]
    new += [text for key, text in now.sockets.items() if key not in before.sockets]
    new += [text for child, text in now.children.items() if child not in before.children]
    return sorted(new)


def assert_nothing_new(before: Holdings, timeout: float = 5.0) -> None:
    """Fails, naming them, when threads, sockets or children that came after ``before`` are still there.

    Things may take up to ``timeout`` seconds to go: a closed socket leaves when its loop has turned once more.
    """
    try:
        wait_until(lambda: not new_since(before), timeout)
    except DeadlinePassed:
        left = new_since(before)
        if left:
            raise AssertionError(f"left behind after {timeout:g} s: {'; '.join(left)}") from None


def _sockets() -> dict[str, str]:
    """The open sockets, by the kernel's number for them where it gives one."""
    found: dict[str, str] = {}
    if os.path.isdir("/proc/self/fd"):
        for descriptor in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):  # the folder's own descriptor is gone by now
                target = os.readlink(f"/proc/self/fd/{descriptor}")
                if target.startswith("socket:"):
                    found[target] = f"{target} (file descriptor {descriptor})"
        for connection in psutil.Process().net_connections("all"):
            with contextlib.suppress(OSError):
                target = os.readlink(f"/proc/self/fd/{connection.fd}")
                if target in found and connection.laddr:
                    peer = f" to {_address(connection.raddr)}" if connection.raddr else ""
                    found[target] = f"{target} from {_address(connection.laddr)}{peer} {connection.status}"
        return found
    for connection in psutil.Process().net_connections("all"):
        text = f"socket {connection.laddr} {connection.raddr} {connection.status}"
        found[f"{connection.fd}:{connection.laddr}:{connection.raddr}"] = text
    return found


def _address(address: object) -> str:
    return ":".join(str(part) for part in address) if isinstance(address, tuple) else str(address)


def _children() -> dict[tuple[int, float], str]:
    found: dict[tuple[int, float], str] = {}
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if child.pid != orphan_guard.guard_pid():
                found[child.pid, child.create_time()] = f"process {child.pid} {child.name()}"
    return found
