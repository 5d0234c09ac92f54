"""What the figures were measured on, in one line."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

VERSIONS_OF = ("esper", "tcod-ecs", "snecs", "aiohttp", "msgspec", "pygame-ce", "ollama")


def processor_name() -> str:
    """The processor's name as the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """The installed versions of what takes part."""
    found = {}
    for name in VERSIONS_OF:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def machine_line() -> str:
    """Processor, cores, how busy they are, system, Python, versions."""
    load = f"load {os.getloadavg()[0]:.1f}, " if hasattr(os, "getloadavg") else ""
    parts = ", ".join(f"{name} {version}" for name, version in versions().items())
    return (
        f"{processor_name()}, {os.cpu_count()} cores, {load}{platform.system()} {platform.release()}, "
        f"{platform.python_implementation()} {platform.python_version()}, {parts}"
    )
