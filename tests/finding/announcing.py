"""Real announcements (mDNS) on this machine's loopback interface, which no other machine hears."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

LOOPBACK = ["127.0.0.1"]
_VISIBLE_MS = 5000.0


@asynccontextmanager
async def announced(
    name: str,
    port: int,
    kind: str = "_ollama._tcp.local.",
    *,
    server: str = "",
    properties: Mapping[str, str] | None = None,
) -> AsyncIterator[None]:
    """Announce a service of 127.0.0.1. Skips the test where the loopback interface carries no multicast."""
    info = AsyncServiceInfo(
        kind,
        f"{name}.{kind}",
        addresses=[socket.inet_aton("127.0.0.1")],
        port=port,
        properties=dict(properties or {}),
        server=server or f"{name.lower().replace(' ', '-')}.local.",
    )
    try:
        radio = AsyncZeroconf(interfaces=LOOPBACK)
    except OSError as error:
        pytest.skip(f"mDNS can't be used here: {error}")
    try:
        # The other announcers of this name are ours, so nobody is asked for a second whether it is free.
        told = await radio.async_register_service(info, cooperating_responders=True)
        if not await _is_heard(info):
            pytest.skip("the loopback interface carries no multicast here, so nothing can be announced on it")
        await told
        yield
        await (await radio.async_unregister_service(info))
    finally:
        await radio.async_close()


async def _is_heard(info: AsyncServiceInfo) -> bool:
    """Whether a second radio of this machine hears the announcement."""
    listener = AsyncZeroconf(interfaces=LOOPBACK)
    try:
        return bool(await AsyncServiceInfo(info.type, info.name).async_request(listener.zeroconf, _VISIBLE_MS))
    finally:
        await listener.async_close()
        await asyncio.sleep(0)
