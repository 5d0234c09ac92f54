"""Whether a server runs on this machine."""

from __future__ import annotations

from .address import HostAddress

__all__ = ["runs_here"]


async def runs_here(address: HostAddress) -> bool:
    """Whether the address is one of this machine's own.

    What answers there may still be elsewhere: behind a tunnel that begins on this machine. Of a name only the
    machine's own ones count, without a look at what it resolves to.
    """
    if address.is_loopback:
        return True
    from .finding.places import ThisMachine  # with psutil

    machine = await ThisMachine.look()
    return machine.is_here(machine.places_of_url(address.base_url))
