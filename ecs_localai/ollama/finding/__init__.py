"""Finds Ollama servers: on this machine, in its containers, and, where one asks for it, in the local network.

No ECS: coroutines on the running loop. psutil, aiohttp and zeroconf are imported when they are needed, not before.
"""

from __future__ import annotations

from .containers import find_container_hosts
from .lan import find_lan_hosts
from .local_ports import find_local_hosts
from .places import Place, ThisMachine
from .probe import Prober, Sighting
from .search import find_hosts

__all__ = [
    "Place",
    "Prober",
    "Sighting",
    "ThisMachine",
    "find_container_hosts",
    "find_hosts",
    "find_lan_hosts",
    "find_local_hosts",
]
