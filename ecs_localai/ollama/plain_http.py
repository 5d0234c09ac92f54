"""Which registries are spoken to by plain http without being asked: those on the computer's own loopback interface.

Ollama asks every registry by https unless a pull says ``insecure`` (0.9.3, ``server/images.go``), also one on
``localhost``. What stays on this computer nobody else can read or change on its way, which is why container tools speak
plain http there, too (Docker's ``insecure-registries`` has ``127.0.0.0/8`` from the start). A registry anywhere else
is asked by plain http only where a person says so.
"""

from __future__ import annotations

import ipaddress

from .names import ModelName

__all__ = ["is_by_plain_http", "is_local_registry"]


def is_by_plain_http(name: ModelName) -> bool:
    """Whether a model's registry is asked, and its files are fetched, by plain http without anybody saying so."""
    return is_local_registry(name.host)


def is_local_registry(registry: str) -> bool:
    """Whether a model name's registry is on the loopback interface: ``localhost`` or ``127.0.0.0/8``, with any port.

    Ollama takes no IPv6 address in a model's name (0.9.3, ``types/model/name.go``).
    """
    host = registry.partition(":")[0]
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return False
